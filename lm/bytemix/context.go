package bytemix

func isLetter(c uint32) bool { return c-'a' < 26 || c-'A' < 26 || c >= 128 }

func hash2(a, b uint32) uint32 {
	h := a*0x9E3779B1 + b*0x85EBCA6B + 0x27D4EB2F
	return h ^ h>>15
}

func hash3(a, b, c uint32) uint32 { return hash2(hash2(a, b)*0xC2B2AE35, c) }

// beginByte computes what depends on the bytes so far.
func (p *predictor) beginByte() {
	c1 := p.c4 & 255
	n4 := uint32(p.n8)
	h := &p.hash
	w0, w1, w2, w3 := p.word[0], p.word[1], p.word[2], p.word[3]
	h[ctxO1] = hash2(1, c1)
	h[ctxO2] = hash2(2, p.c4&0xffff)
	h[ctxO3] = hash2(3, p.c4&0xffffff)
	h[ctxO4] = hash2(4, n4)
	h[ctxO5] = hash3(5, n4, uint32(p.n8>>32)&0xff)
	h[ctxO6] = hash3(6, n4, uint32(p.n8>>32)&0xffff)
	h[ctxO8] = hash3(7, n4, uint32(p.n8>>32))
	tail := uint32(0)
	if w0 == 0 {
		tail = n4 & 0xff
	}
	h[ctxWord] = hash3(8, w0, tail)
	h[ctxWord2] = hash3(9, w0, hash2(tail, w1))
	h[ctxWord3] = hash3(10, w0, hash3(tail, w1, w2))
	h[ctxSkipWord] = hash3(11, w0, hash2(tail, w2))
	h[ctxSparse] = hash2(12, n4&0xffffff00)
	h[ctxColumn] = hash3(13, p.column, n4&0xff)
	m := &p.match[0]
	h[ctxMatch] = hash3(14, m.expect, min(lengthBucket(m.length), 24)<<8|c1)
	h[ctxIndirect1] = hash3(15, uint32(p.ind1[c1]), c1)
	h[ctxIndirect2] = hash3(16, uint32(p.ind2[p.c4&0xffff]), c1)
	h[ctxWordStart] = hash3(17, w1, n4&0xff)
	h[ctxWordLength] = hash3(18, w0, hash2(tail, w3))
	p.order = 0
	for i := range p.match {
		m := &p.match[i]
		p.mIdx[i] = lengthBucket(m.length)*4 + missBucket(m.miss)
	}
	if p.match[1].expect != 0 {
		p.order = 1
		if p.match[1].expect == p.match[0].expect {
			p.order = 2
		}
	}
	if p.match[2].expect != 0 && p.order == 0 {
		p.order = 3
	}
	p.selLen = min(c1>>4, 15)
}

const hashMul = 0x2F0B4C47

// endByte moves the contexts on by the byte c.
func (p *predictor) endByte(c byte) {
	b := uint32(c)
	i1, i2 := p.c4&255, p.c4&0xffff
	p.ind1[i1] = p.ind1[i1]<<8 | uint16(c)
	if p.keeping {
		p.keepWord(kindInd2, i2, uint32(p.ind2[i2]))
	}
	p.ind2[i2] = p.ind2[i2]<<8 | uint16(c)
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
		p.word[0] = (p.word[0] + b + 1) * hashMul
		p.letter++
	} else if p.word[0] != 0 {
		p.word[3], p.word[2], p.word[1], p.word[0] = p.word[2], p.word[1], p.word[0], 0
		p.letter = 0
	} else {
		p.letter = 0
	}
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
	p.findMatches(c)
}

// verifyMax bounds the backward comparison of a candidate.
const verifyMax = 48

func (p *predictor) findMatches(c byte) {
	n8 := p.n8
	keys := [nMatch]uint32{
		hash3(uint32(n8), uint32(n8>>32), 12),
		hash3(uint32(n8), uint32(n8>>32)&0xffff, 6),
		hash3(p.word[0], p.word[1], p.word[2]),
	}
	for k := range p.match {
		m := &p.match[k]
		if m.ptr != 0 {
			if p.byteAt(m.ptr) == c {
				m.length++
				m.miss <<= 1
			} else {
				m.length = 0
				m.miss = m.miss<<1 | 1
			}
			m.miss &= 0xff
			m.ptr++
		}
		key := keys[k] >> (32 - min(20, p.bits))
		t := p.seen[k]
		if m.length < 20 {
			if cand := t[key]; cand != 0 && cand != m.ptr {
				if k == 2 {
					if m.length == 0 && p.letter == 1 || m.ptr == 0 {
						m.ptr, m.length, m.miss = cand, 1, 0
					}
				} else {
					n := uint32(0)
					for n < verifyMax && n < cand-1 && p.byteAt(cand-1-n) == p.byteAt(p.pos-1-n) {
						n++
					}
					if n > m.length && n >= 4 {
						m.ptr, m.length, m.miss = cand, n, 0
					}
				}
			}
		}
		if p.keeping {
			p.keepWord(kindSeen+uint64(k), key, t[key])
		}
		t[key] = p.pos
		m.expect = 0
		if m.ptr != 0 && m.ptr < p.pos {
			m.expect = 0x100 | uint32(p.byteAt(m.ptr))
		}
	}
}
