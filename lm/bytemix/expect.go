package bytemix

import (
	"encoding/binary"
	mathbits "math/bits"
	"unsafe"
)

// Some parts of the model expect a single byte: the one that followed an earlier
// occurrence of the current context. Their confidence is learnt from how often they
// were right recently.

// matchers follow an earlier occurrence through the text.
const (
	matchLong  = iota // the longest occurrence, found by eight bytes
	matchShort        // found by six bytes
	matchWords        // the last place with the same words, whatever is between them
	nMatch
)

// Run contexts are long and rarely repeat, so they have four bytes instead of slots:
// the byte that followed last time and how often it did in a row.
const (
	runO8       = iota // the last eight bytes
	runWord3           // the current word and the two before it
	runSkipWord        // the current word and the word before the last
	runFarWord         // the current word and the third word back
	nRun
)

const (
	nExpect  = nMatch + nRun
	trustCtx = 128
)

// matcher is a pointer into the text.
type matcher struct {
	ptr    uint32 // position of the expected byte, 0 if there is none
	length uint32 // bytes predicted or verified in a row
	miss   uint32 // wrong predictions among the last eight, one bit each
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

// locateExpectations hashes the contexts of matchers and runs, and prefetches their
// entries.
func (p *predictor) locateExpectations() {
	lo, hi := uint32(p.n8), uint32(p.n8>>32)
	w0, w1, w2, w3 := p.word[0], p.word[1], p.word[2], p.word[3]
	shift := 32 - min(20, p.bits)
	p.keys = [nMatch]uint32{
		matchLong:  hash3(lo, hi, 12) >> shift,
		matchShort: hash3(lo, hi&0xffff, 6) >> shift,
		matchWords: hash3(w0, w1, w2) >> shift,
	}
	tail := uint32(0)
	if w0 == 0 {
		tail = lo & 0xff
	}
	for i, h := range [nRun]uint32{
		runO8:       hash3(7, lo, hi),
		runWord3:    hash3(10, w0, hash3(tail, w1, w2)),
		runSkipWord: hash3(11, w0, hash2(tail, w2)),
		runFarWord:  hash3(18, w0, hash2(tail, w3)),
	} {
		h = scramble(h, 0)
		p.runTag[i] = h << 16
		p.runAt[i] = h * 0x9E3779B1 >> (32 - p.runBits)
	}
	last := unsafe.Pointer(&p.run[p.runAt[3]])
	prefetch3(last, last, last)
	prefetch3(unsafe.Pointer(&p.seen[0][p.keys[0]]), unsafe.Pointer(&p.seen[1][p.keys[1]]), unsafe.Pointer(&p.seen[2][p.keys[2]]))
	prefetch3(unsafe.Pointer(&p.run[p.runAt[0]]), unsafe.Pointer(&p.run[p.runAt[1]]), unsafe.Pointer(&p.run[p.runAt[2]]))
}

// verifyMax bounds the backward comparison of a candidate match.
const verifyMax = 48

// findMatches moves the matchers on by c and looks for better matches.
func (p *predictor) findMatches(c byte) {
	for k := range p.match {
		m := &p.match[k]
		if m.ptr != 0 {
			m.miss = m.miss << 1 & 0xff
			if p.byteAt(m.ptr) == c {
				m.length++
			} else {
				m.length = 0
				m.miss |= 1
			}
			m.ptr++
		}
		key := p.keys[k]
		t := p.seen[k]
		cand := t[key]
		if m.length < 20 && cand != 0 && cand != m.ptr {
			if k == matchWords {
				if m.length == 0 && p.letter == 1 || m.ptr == 0 {
					m.ptr, m.length, m.miss = cand, 1, 0
				}
			} else if n := p.common(cand); n > m.length && n >= 4 {
				m.ptr, m.length, m.miss = cand, n, 0
			}
		}
		if p.log != nil {
			p.log.seenAt[k], p.log.seenOld[k] = key, cand
		}
		t[key] = p.pos
	}
}

// common returns the number of bytes before position i that equal the last ones.
func (p *predictor) common(i uint32) uint32 {
	n := uint32(0)
	for n < verifyMax {
		x, ok := p.eight(i - n)
		y, too := p.eight(p.pos - n)
		if !ok || !too {
			break
		}
		if d := x ^ y; d != 0 {
			return n + uint32(mathbits.LeadingZeros64(d))/8
		}
		n += 8
	}
	for n < verifyMax && n < i-1 && p.byteAt(i-1-n) == p.byteAt(p.pos-1-n) {
		n++
	}
	return n
}

// eight returns the eight bytes before position i, the last in the top byte, if they
// are contiguous.
func (p *predictor) eight(i uint32) (uint64, bool) {
	b := p.text
	if n := uint32(len(b)); i > n {
		b, i = p.win, i-n
	}
	if i < 9 { // position 0 means none
		return 0, false
	}
	return binary.LittleEndian.Uint64(b[i-8 : i]), true
}

// An entry of the run table: 16 bits of check, 2 bits of recent misses, 5 bits of run
// length and the byte with its guard bit (so it is never zero).
const (
	runByte  = 0x1ff
	runCount = 9
	runMiss  = 14
	runCheck = 16
)

// readExpectations finds the expected bytes.
func (p *predictor) readExpectations() {
	for k := range p.match {
		m := &p.match[k]
		p.expect[k] = 0
		if m.ptr != 0 && m.ptr < p.pos {
			p.expect[k] = 0x100 | uint32(p.byteAt(m.ptr))
		}
		p.trustI[k] = lengthBucket(m.length)*4 + missBucket(m.miss)
	}
	for i, at := range p.runAt {
		e := p.run[at]
		if (e^p.runTag[i])>>runCheck != 0 {
			weak := e >> runCount & 31
			at ^= 1
			e = p.run[at]
			if (e^p.runTag[i])>>runCheck != 0 {
				// Not found: use the weaker of the two entries.
				if weak < e>>runCount&31 {
					at ^= 1
				}
				e = 0
			}
			p.runAt[i] = at
		}
		p.expect[nMatch+i] = e & runByte
		p.trustI[nMatch+i] = e>>runCount&31<<2 | e>>runMiss&3
	}
}

// learnRuns updates the entries with the actual byte.
func (p *predictor) learnRuns(c byte) {
	b := uint32(c) | 0x100
	for i, at := range p.runAt {
		old := p.run[at]
		e := p.runTag[i] | b
		switch p.expect[nMatch+i] {
		case 0:
			e |= 1 << runCount
		case b:
			n := min(old>>runCount&31+1, 31)
			m := old >> runMiss & 3
			if n&3 == 0 && m > 0 {
				m--
			}
			e |= m<<runMiss | n<<runCount
		default:
			e |= min(old>>runMiss&3+1, 3) << runMiss
		}
		if p.log != nil {
			p.log.runAt[i], p.log.runOld[i] = at, old
		}
		p.run[at] = e
	}
}
