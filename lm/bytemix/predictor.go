package bytemix

import (
	mathbits "math/bits"
	"unsafe"
)

// Contexts with bit histories in the hash table.
const (
	ctxO4 = iota // from here on line ends are treated as spaces
	ctxO5
	ctxO6
	ctxO8
	ctxWord   // the letters of the current word
	ctxWord2  // … and the word before
	ctxWord3  // … and the two words before
	ctxColumn // the position in the line
	nCtx
)

// The mixer's inputs come in pairs, one pair for every adaptive probability
// (a lane): bit histories, direct probabilities, expected bytes.
const (
	laneDirect = nCtx
	laneExpect = laneDirect + nDir
	laneBias   = laneExpect + nExpect
	nLanes     = 24 // a multiple of 8, and nIn/2
)

const (
	nAPM     = 2
	apmSteps = 32 // a row is one cache line
	apmBits  = 16
	apmRows  = 1 << apmBits
)

// small is the part of the state that a checkpoint copies.
type small struct {
	pos    uint32 // bytes seen, including the training text
	c4     uint32 // last bytes, unchanged
	n8     uint64 // last bytes, with all white space made equal
	word   [4]uint32
	letter uint32 // letters in the current word
	column uint32
	age    uint32 // bytes since the context was forgotten, at most maxAge

	hash          [nCtx]uint32 // contexts of the next byte …
	first         slotPlaces   // … and their slots
	dirHash       [nDir]uint32
	dirFirst      linePlaces
	runAt, runTag [nRun]uint32
	match         [nMatch]matcher

	maps  [nCtx][256]uint32 // adaptive probability of every bit history
	trust [nExpect][trustCtx]uint32
	final [256 + youngAges][nSets]int32 // by the bits of the byte; by age while that is below youngAges
}

// predictor is one complete state. It is not safe for concurrent use.
type predictor struct {
	small
	k       *constants
	rate    rates
	bits    uint   // log2 of len(tab)
	tab     []slot // bit histories
	dirBits uint
	dir     []line // direct probabilities
	runBits uint
	run     []uint32 // what followed long contexts
	seen    [nMatch][]uint32
	text    []byte // training text, shared, not written while scoring
	win     []byte // bytes since the training text
	mix     mixRows
	apm     [nAPM][]uint16

	journal
	marks    [2]checkpoint
	training bool // bytes are appended to the training text

	// Values within a byte.
	cur       [nCtx]*slot
	dirCur    [nDir]*line
	state     [nCtx]uint8
	lanes     lanes
	x         [2]inputs // of even and odd bits: training runs one bit late
	rows      [2][nSets]int32
	dot       [nSets]int32
	err       [nSets]int32
	st        [nSets]int32
	expect    [nExpect]uint32 // expected byte with a guard bit: 0x100|byte, 0 for none
	trustI    [nExpect]uint32
	active    [nExpect]bool
	keys      [nMatch]uint32
	apmAt     [nAPM]uint32
	frow      *[nSets]int32
	c0        uint32 // bits of the byte so far after a leading 1
	node      uint32 // the same within the nibble
	pMix      int32  // after the final mixer
	p         int32  // after the probability maps
	hits      uint32
	agree     uint32
	young     uint32 // age at the start of the byte
	off       uint32 // lanes that are left out: see Part
	noMaps    bool
	muted     uint32 // lanes in off, and those that look back beyond the known bytes
	kind      uint32
	line      uint32
	mapKey    [nAPM]uint32 // contexts of the final maps
	second    slotPlaces
	dirSecond linePlaces
	apmNext   [nAPM]uint32
}

// Sizes of the weight sets, each chosen by one context.
const (
	setMatch  = 0
	setOrder0 = setMatch + trustCtx*2*4 + 4
	setHits   = setOrder0 + 256
	setLine   = setHits + 32*8
	setWord   = setLine + 128*4
	rowsTotal = setWord + 2048
)

// table allocates n zero elements for random access.
func table[T any](n int) []T {
	s := make([]T, n)
	adviseHuge(s)
	return s
}

func newPredictor(bits uint) *predictor {
	p := &predictor{
		k:       fixed(),
		bits:    bits,
		tab:     table[slot](1 << bits),
		dirBits: bits - 4,
		dir:     table[line](1 << (bits - 4)),
		runBits: bits,
		run:     table[uint32](1 << bits),
		mix:     newMixRows(rowsTotal),
		text:    []byte{0}, // position 0 means "none"
	}
	p.pos = 1
	for k := range p.seen {
		p.seen[k] = table[uint32](1 << min(20, bits))
	}
	for i := range p.maps {
		p.maps[i] = p.k.prior
	}
	for k := range p.trust {
		for i := range p.trust[k] {
			p.trust[k][i] = (1<<22 - 1<<21/uint32(i>>2+2)) << 10
		}
	}
	for r := range rowsTotal {
		row := p.mix.w[r*rowLen:][:nIn]
		for i := 0; i < 2*laneBias; i += 2 {
			row[i] = weightOne * 3 / 16
		}
	}
	for i := range p.final {
		for j := range p.final[i] {
			p.final[i][j] = 65536 / nSets
		}
	}
	for k := range p.apm {
		p.apm[k] = table[uint16](apmRows * apmSteps)
		for i := range p.apm[k] {
			p.apm[k][i] = p.k.squash[(i%apmSteps)*4096/(apmSteps-1)-2048+squashRange]
		}
	}
	p.prepare()
	return p
}

// byteAt returns the byte at position i of the training text followed by the window.
func (p *predictor) byteAt(i uint32) byte {
	if n := uint32(len(p.text)); i >= n {
		return p.win[i-n]
	}
	return p.text[i]
}

// code predicts c bit by bit, learns it, and returns -ln P(c) with costBits
// fractional bits.
//
// Because the byte is known in advance, everything is prefetched long before it is
// used: the second nibble's slots before the first nibble, the next byte's before the
// second. Time is then spent on arithmetic instead of waiting for memory.
func (p *predictor) code(c byte) uint64 {
	k := p.k
	var first, likelihood uint64 = 1, 1 // of the bits of a nibble, 16 bits each
	p.c0, p.node = 1, 1
	p.openLog()
	p.beginByte(c)
	selectSlots(p, &p.first, 0)
	selectLines(p, &p.dirFirst, 0)
	p.countHits()
	high := 16 | uint32(c)>>4
	p.locateSlots(&p.second, high)
	p.locateLines(&p.dirSecond, high)
	p.prefetchMaps(1)
	for bit := range uint32(8) {
		if bit == 4 {
			p.node = 1
			first, likelihood = likelihood, 1
			p.advance(c)
			selectSlots(p, &p.second, 1)
			selectLines(p, &p.dirSecond, 1)
		}
		y := uint32(c>>(7-bit)) & 1
		p.predict(bit, 2*p.c0|y)
		q := uint64(p.p)
		if y == 0 {
			q = probOne - q
		}
		likelihood *= q
		p.update(bit, y)
	}
	p.findMatches(c)
	return k.cost(first) + k.cost(likelihood)
}

// prefetchMaps finds the rows of the final maps at a node of the byte and prefetches
// them.
func (p *predictor) prefetchMaps(c0 uint32) {
	c0 = c0 & 255 * 0x2F0B4C47
	a := (c0 + p.mapKey[0]) >> (32 - apmBits) * apmSteps
	b := (c0 + p.mapKey[1]) >> (32 - apmBits) * apmSteps
	p.apmNext = [nAPM]uint32{a, b}
	prefetch2(unsafe.Pointer(&p.apm[0][a]), unsafe.Pointer(&p.apm[1][b]))
}

// predict sets p.p = P(the bit is 1); next is the node after the bit.
func (p *predictor) predict(bit, next uint32) {
	k := p.k
	c0, node := p.c0&255, p.node&15
	apmAt := p.apmNext
	p.prefetchMaps(next)

	v, x := &p.lanes.v, &p.x[bit&1]
	for i := range p.cur {
		s := p.cur[i][node]
		p.state[i] = s
		e := p.maps[i][s]
		v[i] = e
		x[i] = k.pair[e>>20]
	}
	for i := range p.dirCur {
		e := p.dirCur[i][node]
		v[laneDirect+i] = e
		x[laneDirect+i] = k.pair[e>>20]
	}
	for i := range p.expect {
		want := p.expect[i]
		if want>>(8-bit) != p.c0 {
			p.active[i] = false
			x[laneExpect+i] = 0
			continue
		}
		p.active[i] = true
		flip := (want>>(7-bit)&1 - 1) >> 10 // all ones when the expected bit is 0
		p.lanes.flip[laneExpect+i] = flip
		e := p.trust[i][p.trustI[i]]
		v[laneExpect+i] = e
		x[laneExpect+i] = k.pair[(e>>10^flip)>>10]
	}
	for m := p.muted; m != 0; m &= m - 1 {
		x[mathbits.TrailingZeros32(m)] = 0
	}
	x[laneBias] = 256

	m := uint32(0)
	if p.active[0] {
		m = 2*p.trustI[0] + p.lanes.flip[laneExpect]&1 + 1
	}
	rows := &p.rows[bit&1]
	rows[0] = int32(setMatch + m*4 + p.agree)
	rows[1] = int32(setOrder0 + c0)
	rows[2] = int32(setHits + p.hits*8 + bit)
	rows[3] = int32(setLine + p.line*4 + min(bit, 3))
	rows[4] = int32(setWord + p.kind*8 + bit)
	if bit == 0 {
		dotRows(x, p.mix.w, rows, &p.dot)
	} else {
		trainAndDot(&p.x[1-bit&1], p.mix.w, &p.rows[1-bit&1], &p.err, x, rows, &p.dot)
	}
	f := &p.final[c0]
	if p.young < youngAges {
		f = &p.final[256+p.young]
	}
	p.frow = f
	var sum int64
	for i := range p.dot {
		d := p.dot[i]
		s := min(max(d>>6, -stretchMax), stretchMax)
		p.st[i] = s
		sum += int64(s) * int64(f[i])
	}
	s := min(max(int32(sum>>16), -stretchMax), stretchMax)
	p.pMix = int32(k.squash[s+squashRange])

	p.refine(s, &apmAt)
}

// refine sets p.p to the mixture s corrected by two maps, of the last two bytes and
// the last four.
func (p *predictor) refine(s int32, apmAt *[nAPM]uint32) {
	at := (min(max(s, -2047), 2047) + 2048) * (apmSteps - 1)
	j, frac := uint32(at>>12), at>>5&127
	q := p.pMix * 256
	for i := range p.apm {
		a := apmAt[i] + j
		t := p.apm[i][a : a+2 : a+2]
		p.apmAt[i] = a + uint32(frac>>6)
		q += (int32(t[0])*(128-frac) + int32(t[1])*frac) * 3
	}
	p.p = min(max(q>>10, 1), probOne-1)
	if p.noMaps {
		p.p = min(max(p.pMix, 1), probOne-1)
	}
}

// update adapts everything to the bit y. The mixing rows are trained just before the
// next bit's dot products, when the processor has long finished storing the inputs.
func (p *predictor) update(bit, y uint32) {
	k := p.k
	node := p.node & 15
	if l := p.log; l != nil {
		l.states[bit&7] = p.state
		l.direct[bit&7] = [nDir]uint32(p.lanes.v[laneDirect:])
	}
	p.lanes.adapt(y, k, p.rate.limit, p.rate.direct)
	v := &p.lanes.v
	next := &k.next[y]
	for i := range p.cur {
		s := p.state[i]
		p.cur[i][node] = next[s]
		p.maps[i][s] = v[i]
	}
	for i := range p.dirCur {
		p.dirCur[i][node] = v[laneDirect+i]
	}
	for i := range p.active {
		if p.active[i] {
			p.trust[i][p.trustI[i]] = v[laneExpect+i]
		}
	}

	want := int32(y) << 16
	for i := range p.st {
		s := p.st[i]
		e := want - int32(k.squash[s+squashRange])
		p.err[i] = mixStep(e, p.rate.mix)
	}
	if p.keeping {
		p.mix.keep(&p.rows[bit&1])
	}
	if bit == 7 {
		trainRows(&p.x[1], p.mix.w, &p.rows[1], &p.err)
	}
	e := (want - p.pMix) * p.rate.final >> 10
	for i := range p.st {
		s := p.st[i]
		p.frow[i] += (s*e + 1<<13) >> 14
	}

	want -= int32(y)
	if l := p.log; l != nil {
		l.maps[bit&7] = p.apmAt
		for i, at := range &p.apmAt {
			l.mapsOld[bit&7][i] = p.apm[i][at]
		}
	}
	for i := range p.apm {
		a := &p.apm[i][p.apmAt[i]]
		*a += uint16((want - int32(*a)) >> p.rate.apmRate)
	}
	p.c0 = p.c0<<1 | y
	p.node = p.node<<1 | y
}
