package bytemix

// Contexts whose bit histories are looked up in the hashed table.
const (
	ctxO1 = iota
	ctxO2
	ctxO3
	ctxO4
	ctxO5
	ctxO6
	ctxO8
	ctxWord       // the letters of the current word
	ctxWord2      // … and the word before
	ctxWord3      // … and the two words before
	ctxSkipWord   // … and the word before the last
	ctxSparse     // the bytes two, three and four back
	ctxColumn     // how far the line has run
	ctxMatch      // what the longest match expects
	ctxIndirect1  // what followed the last occurrences of the last byte
	ctxIndirect2  // what followed the last occurrences of the last two bytes
	ctxWordStart  // the word before and the last byte
	ctxWordLength // the shape of the current word
	nCtx
)

// slot is the unit of the hashed table: a check byte and the bit histories of
// the 15 nodes of a nibble.
type slot [16]byte

const (
	nMatch    = 3
	nAPM      = 3
	apmSteps  = 33
	matchLens = 32
	matchCtx  = matchLens * 4
)

// matcher follows an earlier occurrence of the present context.
type matcher struct {
	ptr    uint32 // position of the byte it expects next, 0 when it has none
	length uint32 // bytes predicted or verified in a row
	miss   uint32 // recent wrong predictions, 8 bits of history
	expect uint32 // expected byte with a guard bit: 0x100|byte, 0 when none
}

// small is the part of the state that a checkpoint copies whole.
type small struct {
	pos    uint32 // bytes seen, including the training text
	c4     uint32 // last bytes as they came
	n8     uint64 // last bytes with white space made equal
	word   [4]uint32
	letter uint32 // letters in the current word
	column uint32
	hash   [nCtx]uint32
	match  [nMatch]matcher
	ind1   [256]uint16
	maps   [nCtx][256]uint32
	matchP [nMatch][matchCtx]uint32
	final  [256][nSets + 1]int32
	order  uint32 // how many of the orders 2 … 6 have been seen here
}

// rates are the speeds of adaptation.
type rates struct {
	limit   uint32 // largest count of an adaptive map
	mix     int32  // learning rate of the weight sets
	final   int32  // learning rate of the final mixer
	apmSpan uint   // shift of the adaptive probability maps
}

// predictor is one complete state. It is not safe for concurrent use.
type predictor struct {
	small
	k    *constants
	rate rates
	tab  []slot
	mask uint32
	bits uint   // log2 of len(tab)
	text []byte // training text, shared and not written while scoring
	win  []byte // bytes since the training text
	seen [nMatch][]uint32
	ind2 []uint16
	w    []int16
	apm  [nAPM][]uint16

	journal

	// Values that live only within a byte.
	cur    [nCtx]*slot
	state  [nCtx]uint8
	x      inputs
	rows   [nSets]int32
	dot    [nSets]int32
	err    [nSets]int32
	st     [nSets]int32
	mIdx   [nMatch]uint32
	mBit   [nMatch]int32
	apmAt  [nAPM]uint32
	frow   *[nSets + 1]int32
	c0     uint32
	pMix   int32 // after the final mixer
	p      int32 // after the probability maps
	hits   uint32
	selLen uint32
}

// Sizes of the weight sets, each chosen by one context.
const (
	setMatch  = 0
	setOrder0 = setMatch + matchLens*4*8
	setOrder1 = setOrder0 + 256
	setOrder2 = setOrder1 + 256*2
	setHits   = setOrder2 + 256
	setLine   = setHits + 8*32
	setWord   = setLine + 128*4
	rowsTotal = setWord + 2048
)

const apmContexts = 1 << 16

func newPredictor(bits uint) *predictor {
	p := &predictor{
		k:    fixed(),
		tab:  make([]slot, 1<<bits),
		mask: 1<<bits - 1,
		bits: bits,
		ind2: make([]uint16, 1<<16),
		w:    make([]int16, rowsTotal*rowLen),
	}
	p.rowEpoch = make([]uint32, rowsTotal)
	for k := range p.seen {
		p.seen[k] = make([]uint32, 1<<min(20, bits))
	}
	for i := range p.maps {
		p.maps[i] = p.k.prior
	}
	for k := range p.matchP {
		for i := range p.matchP[k] {
			n := uint32(i / 4)
			p.matchP[k][i] = (1<<22 - 1<<21/(n+2)) << 10
		}
	}
	for r := range rowsTotal {
		row := p.w[r*rowLen:][:nIn]
		for i := 0; i < 2*nCtx; i += 2 {
			row[i] = weightOne * 3 / 16
		}
		for i := 2 * nCtx; i < 2*nCtx+2*nMatch; i += 2 {
			row[i] = weightOne / 4
		}
	}
	for i := range p.final {
		for j := range p.final[i] {
			p.final[i][j] = 65536 / nSets
		}
	}
	for k := range p.apm {
		p.apm[k] = make([]uint16, apmContexts*apmSteps)
		for i := range p.apm[k] {
			p.apm[k][i] = p.k.squash[(i%apmSteps-16)*128+squashRange]
		}
	}
	p.pos = 1 // position 0 means "no match"
	p.text = []byte{0}
	return p
}

// byteAt returns the byte at position i of the training text continued by the
// window.
func (p *predictor) byteAt(i uint32) byte {
	if n := uint32(len(p.text)); i >= n {
		return p.win[i-n]
	}
	return p.text[i]
}

// code predicts c bit by bit, learns it, and returns -ln P(c) with costBits
// fractional bits.
func (p *predictor) code(c byte) uint64 {
	var cost uint64
	p.c0 = 1
	p.beginByte()
	p.selectSlots(0)
	for i := 7; i >= 0; i-- {
		if i == 3 {
			p.selectSlots(p.c0)
		}
		p.predict(uint32(7 - i))
		if c>>i&1 != 0 {
			cost += uint64(p.k.cost[p.p])
			p.learn(1, uint32(7-i))
		} else {
			cost += uint64(p.k.cost[probOne-p.p])
			p.learn(0, uint32(7-i))
		}
	}
	p.endByte(c)
	return cost
}

// selectSlots finds the slot of every context for the next nibble.
func (p *predictor) selectSlots(nibble uint32) {
	var at [nCtx]uint32
	var check [nCtx]byte
	shift := 32 - p.bits
	var touch byte
	for i := range at {
		h := (p.hash[i] + nibble*0x9E3779B1) * 0x2C1B3C6D
		h ^= h >> 15
		h *= 0x297A2D39
		check[i] = byte(h)
		b := (h >> shift) &^ 3
		at[i] = b
		touch |= p.tab[b][0]
	}
	_ = touch
	for i, b := range at {
		bucket := (*[4]slot)(p.tab[b:])
		c := check[i]
		var k uint32
		switch c {
		case bucket[0][0]:
			k = 0
		case bucket[1][0]:
			k = 1
		case bucket[2][0]:
			k = 2
		case bucket[3][0]:
			k = 3
		default:
			low := p.k.weight[bucket[0][1]]
			for j := uint32(1); j < 4; j++ {
				if v := p.k.weight[bucket[j][1]]; v < low {
					low, k = v, j
				}
			}
			s := &bucket[k]
			if p.keeping {
				p.keepSlot(b+k, s)
			}
			*s = slot{c}
			p.cur[i] = s
			continue
		}
		s := &bucket[k]
		if p.keeping {
			p.keepSlot(b+k, s)
		}
		p.cur[i] = s
	}
	if nibble == 0 {
		n := uint32(0)
		for i := ctxO2; i <= ctxO8; i++ {
			if p.cur[i][1] != 0 {
				n++
			}
		}
		p.hits = n
		if p.cur[ctxWord2][1] != 0 {
			p.hits += 8
		}
		if p.cur[ctxWord3][1] != 0 {
			p.hits += 8
		}
	}
}

func lengthBucket(n uint32) uint32 {
	switch {
	case n < 16:
		return n
	case n < 32:
		return 16 + (n-16)/4
	case n < 64:
		return 20 + (n-32)/8
	case n < 512:
		return 24 + (n-64)/64
	}
	return 31
}

func missBucket(m uint32) uint32 {
	switch {
	case m == 0:
		return 0
	case m&0xf == 0:
		return 1
	case m&3 == 0:
		return 2
	}
	return 3
}

// predict sets p.p = P(next bit is 1).
func (p *predictor) predict(bit uint32) {
	k := p.k
	node := p.c0
	if bit >= 4 {
		node = p.c0&(1<<(bit-4)-1) | 1<<(bit-4)
	}
	node &= 15
	for i := range p.cur {
		s := p.cur[i][node]
		p.state[i] = s
		p.x[i] = k.pair[p.maps[i][s]>>20]
	}
	for i := range p.match {
		m := &p.match[i]
		x := uint32(0)
		p.mBit[i] = -1
		if e := m.expect; e != 0 && e>>(8-bit) == p.c0 {
			y := int32(e>>(7-bit)) & 1
			p.mBit[i] = y
			idx := p.mIdx[i]
			pr := p.matchP[i][idx] >> 20
			if y == 0 {
				pr = 4095 - pr
			}
			x = k.pair[pr]
		}
		p.x[nCtx+i] = x
	}
	p.x[nCtx+nMatch] = 256 // bias

	e := uint32(0)
	if p.mBit[0] >= 0 {
		e = p.mIdx[0]*2 + uint32(p.mBit[0]) + 8
		e = min(e, matchCtx*2-1)
	}
	c1 := p.c4 & 255
	p.rows = [nSets]int32{
		int32(setMatch + e*4 + p.order),
		int32(setOrder0 + p.c0),
		int32(setOrder1 + c1*2 + bit>>2),
		int32(setOrder2 + p.c4>>8&255),
		int32(setHits + p.hits*8 + bit),
		int32(setLine + min(p.column, 127)*4 + min(bit, 3)),
		int32(setWord + min(p.letter, 15)*128 + p.selLen*8 + bit),
	}
	dotRows(&p.x, p.w, &p.rows, &p.dot)
	f := &p.final[p.c0]
	p.frow = f
	var sum int64
	for i, d := range p.dot {
		s := min(max(d>>6, -stretchMax), stretchMax)
		p.st[i] = s
		sum += int64(s) * int64(f[i])
	}
	s := min(max(int32(sum>>16), -stretchMax), stretchMax)
	p.pMix = int32(k.squash[s+squashRange])

	// Three maps refine the mixture, by orders 0, 1 and 2.
	v := min(max(s, -2047), 2047) + 2048
	j, frac := uint32(v>>7), v&127
	c2 := p.c4 & 0xffff
	ctx := [nAPM]uint32{
		p.c0 | p.match[0].expect<<8,
		p.c0 | c1<<8,
		(p.c0*0x2F0B4C47 + c2*0x9E3779B1) >> 16,
	}
	total := p.pMix * 2
	for i := range p.apm {
		at := (ctx[i]&(apmContexts-1))*apmSteps + j
		t := p.apm[i]
		lo, hi := int32(t[at]), int32(t[at+1])
		if frac >= 64 {
			p.apmAt[i] = at + 1
		} else {
			p.apmAt[i] = at
		}
		q := (lo*(128-frac) + hi*frac) >> 7
		if i == 0 {
			total += q
			continue
		}
		total += q * 5 / 2
	}
	p.p = min(max(total>>3, 1), probOne-1)
}

// learn adapts everything to the bit y.
func (p *predictor) learn(y uint32, bit uint32) {
	k := p.k
	node := p.c0
	if bit >= 4 {
		node = p.c0&(1<<(bit-4)-1) | 1<<(bit-4)
	}
	node &= 15
	next := &k.next[y]
	limit := p.rate.limit
	target := int32(y<<22 - y)
	for i := range p.cur {
		s := p.state[i]
		p.cur[i][node] = next[s]
		e := &p.maps[i][s]
		v := *e
		n := v & 1023
		d := (target - int32(v>>10)) >> 3 * k.recip[n]
		v += uint32(d) &^ 1023
		if n < limit {
			v++
		}
		*e = v
	}
	for i, b := range p.mBit {
		if b < 0 {
			continue
		}
		e := &p.matchP[i][p.mIdx[i]]
		v := *e
		n := v & 1023
		t := int32(0)
		if uint32(b) == y {
			t = 1<<22 - 1
		}
		v += uint32((t-int32(v>>10))>>3*k.recip[n]) &^ 1023
		if n < limit {
			v++
		}
		*e = v
	}

	want := int32(y) << 16
	for i, s := range p.st {
		e := want - int32(k.squash[s+squashRange])
		p.err[i] = min(max(e*p.rate.mix>>10, -32768), 32767)
	}
	if p.keeping {
		for _, r := range p.rows {
			if p.rowEpoch[r] != p.epoch {
				p.keepRow(uint32(r))
			}
		}
	}
	trainRows(&p.x, p.w, &p.rows, &p.err)
	e := want - p.pMix
	for i, s := range p.st {
		p.frow[i] += (s*(e*p.rate.final>>10) + 1<<13) >> 14
	}

	for i := range p.apm {
		at := p.apmAt[i]
		a := &p.apm[i][at]
		if p.keeping {
			p.keepWord(kindAPM+uint64(i), at, uint32(*a))
		}
		*a = uint16(int32(*a) + (want-int32(y)-int32(*a))>>p.rate.apmSpan)
	}
	p.c0 = p.c0<<1 | y
}
