package bytemix

import "unsafe"

// symbolic is the engine for small alphabets: DNA and protein. A symbol is predicted
// bit by bit, two bits to a slot. Lanes below laneExpect are direct probabilities in
// the contexts of the last symbols, the others expected symbols after earlier
// occurrences. In DNA every symbol is also learnt as on the reverse strand, and
// occurrences are searched on both strands (inverted repeats, as in the GeCo
// compressors of Pratas et al.).
type symbolic struct {
	symbolSmall
	k      *constants
	rate   rates
	dna    bool
	width  uint // bits per symbol
	size   uint32
	lowMax int // contexts of up to lowMax symbols have a slot each (DNA)

	low   []cell // contexts of few symbols, in the order of their length
	high  []cell // hashed contexts
	bits  uint
	seen  [2][]uint32
	text  []byte
	win   []byte
	mix   mixRows
	marks [2]symbolicMark

	keeping bool
	cells   []cellRecord
	words   []wordRecord

	training bool
	lanes    lanes
	x        inputs
	rows     [nSets]int32
	dot, st  [nSets]int32
	err      [nSets]int32
	at       [symContexts]place
	next     [symContexts]place
	expect   [symExpect]uint32
	trustI   [symExpect]uint32
	active   [symExpect]bool
	hits     uint32
}

const (
	symContexts = laneExpect
	symExpect   = 4
	symBias     = laneExpect + symExpect
)

// Lengths of the contexts for DNA. The longest are in the lanes with the fast limit
// (rates.direct).
var dnaOrders = [symContexts]int{1, 2, 3, 4, 6, 8, 9, 10, 11, 12, 14, 16, 18, 22}

// Which of the last symbols (bit i: the i-th last) make the contexts for
// Which of the last symbols (bit i: the i-th last) form the contexts for protein.
var proteinMasks = [symContexts]uint32{0b1, 0b11, 0b111, 0b1111, 0b10, 0b100, 0b110, 0b101, 0b1000, 0b11111, 0b111111, 0b1011, 0b1101, 0b11111111}

// cell is a slot of three probabilities (22 bits above a count of 10) after a check.
type cell [4]uint32

// place is the position of a context's cell: in low, or hashed in high.
type place struct{ at, tag uint32 }

const inLow = 0 // tag of places in low

type follower struct {
	ptr    uint32 // text position expected next, 0 for none
	length uint32
	miss   uint32
}

type symbolSmall struct {
	pos     uint32
	last    uint64 // the last symbols, the newest in the low bits
	reverse uint64 // DNA: the reverse strand, its newest symbol at the bottom of each length
	count   uint32 // symbols since the context was forgotten, at most 64
	follow  [symExpect]follower
	trust   [symExpect][trustCtx]uint32
	final   [64][nSets]int32
}

const (
	symRowsMatch = 0
	symRowsOrder = symRowsMatch + 4*2*trustCtx
	symRows1     = symRowsOrder + 64*16
	symRows2     = symRows1 + 64*32
	symRows3     = symRows2 + 1024*2
	symRowsEnd   = symRows3 + 4096
)

func newSymbolic(a Alphabet, bits uint) *symbolic {
	s := &symbolic{
		k: fixed(), dna: a == DNA, width: 5, size: uint32(a.Size()), bits: bits,
		high: table[cell](1 << bits),
		mix:  newMixRows(symRowsEnd),
		text: []byte{0},
	}
	s.pos = 1
	if s.dna {
		s.width = 2
		n := 0
		for _, o := range dnaOrders {
			if 1<<(2*o) <= 1<<(bits-1) && o <= 12 {
				s.lowMax = o
				n += 1 << (2 * o)
			}
		}
		s.low = table[cell](n)
		for i := range s.low {
			s.low[i] = cell{0, 1 << 31, 1 << 31, 1 << 31}
		}
	}
	for i := range s.seen {
		s.seen[i] = table[uint32](1 << min(22, bits))
	}
	for k := range s.trust {
		for i := range s.trust[k] {
			s.trust[k][i] = (1<<22 - 1<<21/uint32(i>>2+2)) << 10
		}
	}
	for r := range symRowsEnd {
		row := s.mix.w[r*rowLen:][:nIn]
		for i := 0; i < 2*symBias; i += 2 {
			row[i] = weightOne / 8
		}
	}
	for i := range s.final {
		for j := range s.final[i] {
			s.final[i][j] = 65536 / nSets
		}
	}
	return s
}

// locate finds the cells of the contexts of the last symbols. last has the newest
// symbol in its low bits; prefix is the known part of the symbol.
func (s *symbolic) locate(out *[symContexts]place, last uint64, prefix uint32) {
	if !s.dna {
		for i, mask := range proteinMasks {
			h := hash2(uint32(i), prefix)
			for j := uint(0); mask>>j != 0; j++ {
				if mask>>j&1 != 0 {
					h = hash2(h*wordMul, uint32(last>>(5*j))&31)
				}
			}
			h = scramble(h, 0)
			out[i] = place{h * 0x9E3779B1 >> (32 - s.bits), h | 1}
		}
		return
	}
	base := uint32(0)
	for i, o := range dnaOrders {
		v := last & (1<<(2*o) - 1)
		if o <= s.lowMax {
			out[i] = place{base + uint32(v), inLow}
			base += 1 << (2 * o)
			continue
		}
		h := (v + uint64(o)<<56) * 0x9E3779B97F4A7C15
		h ^= h >> 29
		h *= 0xBF58476D1CE4E5B9
		out[i] = place{uint32(h >> (64 - s.bits)), uint32(h) | 1}
	}
}

// ask prefetches cells.
func (s *symbolic) ask(places *[symContexts]place) {
	for i := range places {
		p := &places[i]
		q := unsafe.Pointer(&s.high[p.at&(1<<s.bits-1)])
		if p.tag == inLow {
			q = unsafe.Pointer(&s.low[p.at])
		}
		prefetch1(q)
	}
}

// cell returns the cell of a place, cleared if the context is new.
func (s *symbolic) cell(p place) *cell {
	if p.tag == inLow {
		c := &s.low[p.at]
		if s.keeping {
			s.cells = append(s.cells, cellRecord{p.at | lowCell, *c})
		}
		return c
	}
	c := &s.high[p.at]
	found := c[0] == p.tag
	if !found {
		d := &s.high[p.at^1]
		if found = d[0] == p.tag; found || d[1]&1023 < c[1]&1023 {
			c, p.at = d, p.at^1
		}
	}
	if s.keeping {
		s.cells = append(s.cells, cellRecord{p.at, *c})
	}
	if !found {
		*c = cell{p.tag, 1 << 31, 1 << 31, 1 << 31}
	}
	return c
}

const lowCell = 1 << 31 // marks records of low

// code predicts a symbol, learns it, and returns -ln P in fixed point.
func (s *symbolic) code(sym uint32) uint64 {
	var cost uint64
	s.expectations()
	if s.dna {
		// The cells for the next symbol are known already.
		s.locate(&s.next, s.last<<2|uint64(sym), 0)
		s.ask(&s.next)
	} else {
		s.locate(&s.at, s.last, 0)
	}
	var cur [symContexts]*cell
	c0 := uint32(1)
	for i := uint(0); i < s.width; i++ {
		if i%2 == 0 {
			if i > 0 {
				s.locate(&s.at, s.last, c0)
			}
			for j := range cur {
				cur[j] = s.cell(s.at[j])
			}
			s.hits = 0
			for j := laneDirect; j < symContexts; j++ {
				if cur[j][1]&1023 != 0 {
					s.hits++
				}
			}
		}
		rest := s.width - 1 - i
		if (c0<<1|1)<<rest-1<<s.width >= s.size {
			c0 <<= 1 // no symbol of the alphabet begins with a 1 here
			continue
		}
		y := sym >> rest & 1
		node := uint32(1)
		if i%2 == 1 {
			node = 2 | c0&1
		}
		p := s.predict(&cur, node, c0, rest)
		q := uint64(p)
		if y == 0 {
			q = probOne - q
		}
		cost += s.k.cost(q << 48)
		s.update(&cur, node, c0, y, p)
		c0 = c0<<1 | y
	}
	if s.dna {
		s.learnReverse(sym)
		s.at = s.next
	}
	s.advance(sym)
	return cost
}

func (s *symbolic) predict(cur *[symContexts]*cell, node, c0 uint32, rest uint) int32 {
	k := s.k
	for i, c := range cur {
		e := c[node]
		s.lanes.v[i] = e
		s.x[i] = k.pair[e>>20]
	}
	for i, want := range s.expect {
		j := laneExpect + i
		s.active[i] = want>>(rest+1) == c0
		if !s.active[i] {
			s.x[j] = 0
			continue
		}
		flip := (want>>rest&1 - 1) >> 10
		s.lanes.flip[j] = flip
		e := s.trust[i][s.trustI[i]]
		s.lanes.v[j] = e
		s.x[j] = k.pair[(e>>10^flip)>>10]
	}
	s.x[symBias] = 256
	// The contexts that choose the weights.
	agree := func(i int) uint32 {
		if !s.active[i] {
			return 0
		}
		return 2*s.trustI[i] + s.lanes.flip[laneExpect+i]&1 + 1
	}
	m0, m2 := agree(0), agree(2)
	tree := c0 & 63
	l := uint32(s.last)
	if s.dna {
		tree &= 3
		s.rows = [nSets]int32{
			int32(symRowsMatch + min(m0, 2*trustCtx-1)),
			int32(symRowsMatch + 4*trustCtx + min(m2, 2*trustCtx-1)),
			int32(symRowsOrder + s.hits*64 + tree),
			int32(symRows1 + l&255*4 + tree),
			int32(symRows3 + l>>4&255*4 + tree),
		}
	} else {
		s.rows = [nSets]int32{
			int32(symRowsMatch + min(m0, 2*trustCtx-1)),
			int32(symRowsOrder + s.hits*64 + tree),
			int32(symRows1 + l&31<<6 + tree),
			int32(symRows2 + l>>5&31<<6 + tree),
			int32(symRows3 + l>>10&31<<6 + tree),
		}
	}
	dotRows(&s.x, s.mix.w, &s.rows, &s.dot)
	f := &s.final[tree]
	var sum int64
	for i, d := range s.dot {
		v := min(max(d>>6, -stretchMax), stretchMax)
		s.st[i] = v
		sum += int64(v) * int64(f[i])
	}
	v := min(max(sum>>16, -stretchMax), stretchMax)
	return min(max(int32(k.squash[v+squashRange]), 1), probOne-1)
}

func (s *symbolic) update(cur *[symContexts]*cell, node, c0, y uint32, p int32) {
	k := s.k
	s.lanes.adapt(y, k, s.rate.limit, s.rate.direct)
	for i, c := range cur {
		c[node] = s.lanes.v[i]
	}
	for i, on := range s.active {
		if on {
			s.trust[i][s.trustI[i]] = s.lanes.v[laneExpect+i]
		}
	}
	want := int32(y) << 16
	for i, v := range s.st {
		e := want - int32(k.squash[v+squashRange])
		s.err[i] = mixStep(e, s.rate.mix)
	}
	if s.keeping {
		s.mix.keep(&s.rows)
	}
	trainRows(&s.x, s.mix.w, &s.rows, &s.err)
	tree := c0 & 63
	if s.dna {
		tree &= 3
	}
	e := (want - p) * s.rate.final >> 10
	for i, v := range s.st {
		s.final[tree][i] += (v*e + 1<<13) >> 14
	}
}

// learnReverse learns the reverse strand: the complements of sym and the symbols before
// it are followed by the complement of the symbol before those.
func (s *symbolic) learnReverse(sym uint32) {
	reverse := s.reverse>>2 | uint64(3-sym)<<62
	var cur [symContexts]*cell
	var places [symContexts]place
	base := uint32(0)
	for i, o := range dnaOrders {
		v := reverse >> (64 - 2*o)
		if o <= s.lowMax {
			places[i] = place{base + uint32(v), inLow}
			base += 1 << (2 * o)
			continue
		}
		h := (v + uint64(o)<<56) * 0x9E3779B97F4A7C15
		h ^= h >> 29
		h *= 0xBF58476D1CE4E5B9
		places[i] = place{uint32(h >> (64 - s.bits)), uint32(h) | 1}
	}
	s.ask(&places)
	n := 0
	var first, second lanes
	var node [symContexts]uint32
	for i, o := range dnaOrders {
		if s.count < uint32(o) {
			break
		}
		n++
		c := s.cell(places[i])
		cur[i] = c
		follows := 3 - uint32(s.last>>(2*(o-1)))&3 // complement of the o-th last symbol
		hi, lo := follows>>1, follows&1
		first.flip[i], second.flip[i] = (hi-1)>>10, (lo-1)>>10
		node[i] = 2 | hi
		first.v[i], second.v[i] = c[1], c[node[i]]
	}
	if n == 0 {
		return
	}
	first.adapt(1, s.k, s.rate.limit, s.rate.direct)
	second.adapt(1, s.k, s.rate.limit, s.rate.direct)
	for i := range n {
		cur[i][1] = first.v[i]
		cur[i][node[i]&3] = second.v[i]
	}
}
