package bytemix

func isLetter(c uint32) bool { return c-'a' < 26 || c-'A' < 26 || c >= 128 }

func hash2(a, b uint32) uint32 {
	h := a*0x9E3779B1 + b*0x85EBCA6B + 0x27D4EB2F
	return h ^ h>>15
}

func hash3(a, b, c uint32) uint32 { return hash2(hash2(a, b)*0xC2B2AE35, c) }

// prepare hashes the contexts of the next byte and prefetches their table entries.
func (p *predictor) prepare() {
	p.locateExpectations()
	n4, n8 := uint32(p.n8), uint32(p.n8>>32)
	w0, w1 := p.word[0], p.word[1]
	tail := uint32(0)
	if w0 == 0 {
		tail = n4 & 0xff
	}
	p.hash = [nCtx]uint32{
		ctxO4:     hash2(4, n4),
		ctxO5:     hash3(5, n4, n8&0xff),
		ctxO6:     hash3(6, n4, n8&0xffff),
		ctxO8:     hash3(7, n4, n8),
		ctxWord:   hash3(8, w0, tail),
		ctxWord2:  hash3(9, w0, hash2(tail, w1)),
		ctxWord3:  hash3(10, w0, hash3(tail, w1, p.word[2])),
		ctxColumn: hash3(13, min(p.column, columnUnknown), n4&0xff),
	}
	p.dirHash = [nDir]uint32{
		dirO1:   hash2(21, p.c4&0xff),
		dirO2:   hash2(22, p.c4&0xffff),
		dirO3:   hash2(23, p.c4&0xffffff),
		dirO4:   hash2(24, n4),
		dirO5:   hash3(25, n4, n8&0xff),
		dirWord: hash3(28, w0, tail),
	}
	p.locateSlots(&p.first, 0)
	p.locateLines(&p.dirFirst, 0)
}

// beginByte reads the expected bytes, updates the runs, and keeps what the byte's bits
// need of the context, which moves on before the last bit.
func (p *predictor) beginByte(c byte) {
	p.readExpectations()
	p.learnRuns(c)
	c1 := p.c4 & 255
	p.mapKey = [nAPM]uint32{p.c4 & 0xffff * 0x9E3779B1, uint32(p.n8) * 0x9E3779B1}
	p.line = min(p.column, ageRows-1)
	if p.column >= columnUnknown {
		p.line = ageRows + min(p.column-columnUnknown, 127-ageRows)
	}
	p.kind = min(p.letter, 15)<<4 | c1>>4
	p.young = p.age
	p.muted = p.off
	if p.age < maxAge {
		p.mute()
	}
	p.agree = 0
	switch {
	case p.expect[1] != 0 && p.expect[1] == p.expect[0]:
		p.agree = 2
	case p.expect[1] != 0:
		p.agree = 1
	case p.expect[2] != 0:
		p.agree = 3
	}
}

const wordMul = 0x2F0B4C47

// advance moves the contexts on by the byte c.
func (p *predictor) advance(c byte) {
	b := uint32(c)
	p.c4 = p.c4<<8 | b
	n := b
	if b == '\n' || b == '\r' || b == '\t' {
		n = ' '
	}
	p.n8 = p.n8<<8 | uint64(n)
	if isLetter(b) {
		if b-'A' < 26 {
			b += 'a' - 'A'
		}
		p.word[0] = (p.word[0] + b + 1) * wordMul
		p.letter++
	} else {
		if p.word[0] != 0 {
			p.word = [4]uint32{0, p.word[0], p.word[1], p.word[2]}
		}
		p.letter = 0
	}
	p.age = min(p.age+1, maxAge)
	p.column++
	if c == '\n' {
		p.column = 0
	}
	if p.training {
		p.text = append(p.text, c)
	} else {
		p.win = append(p.win, c)
	}
	p.pos++
	p.prepare()
}

// A new window starts somewhere in a line: until the first line end the column is
// unknown, and columnUnknown plus the number of bytes seen replaces it. Weight sets
// chosen by the column are then chosen by that number (from row ageRows on), because it
// determines which contexts can be trusted.
const (
	columnUnknown = 1 << 20
	ageRows       = 80
)

// maxAge is the number of known bytes from which every context is complete: the longest
// have three words.
const maxAge = 32

// youngAges are the ages at which few lanes are active; the final mixer has separate
// weights for each.
const youngAges = 16

// reach is the number of bytes, or of words, that a lane looks back.
var reach = [laneBias]struct{ bytes, words uint32 }{
	ctxO4: {bytes: 4}, ctxO5: {bytes: 5}, ctxO6: {bytes: 6}, ctxO8: {bytes: 8},
	ctxWord: {bytes: 1}, ctxWord2: {words: 1}, ctxWord3: {words: 2}, ctxColumn: {bytes: 1},
	laneDirect + dirO2: {bytes: 2}, laneDirect + dirO3: {bytes: 3}, laneDirect + dirO4: {bytes: 4}, laneDirect + dirO5: {bytes: 5},
	laneDirect + dirWord:        {bytes: 1},
	laneExpect + nMatch + runO8: {bytes: 8}, laneExpect + nMatch + runWord3: {words: 2},
	laneExpect + nMatch + runSkipWord: {words: 2}, laneExpect + nMatch + runFarWord: {words: 3},
}

// mute silences the lanes that look back beyond the first known byte. One direct lane,
// of order 1, stays as the order 0 of a request's first byte.
func (p *predictor) mute() {
	for lane, r := range reach {
		if p.age < r.bytes || r.words > 0 && p.word[r.words] == 0 {
			p.muted |= 1 << lane
		}
	}
}

// fresh forgets the context, but nothing that was learnt: the next byte is predicted as
// one in the middle of a text.
func (p *predictor) fresh() {
	p.c4, p.n8, p.word, p.letter, p.column, p.age = 0, 0, [4]uint32{}, 0, columnUnknown, 0
	p.match = [nMatch]matcher{}
	p.prepare()
}
