package bytemix

import mathbits "math/bits"

// slot is an entry of the hash table: a check byte and the bit histories of the 15
// nodes of a nibble. Four slots share a cache line.
type slot [16]byte

// scramble spreads a context's hash and a nibble over 32 bits.
func scramble(h, nibble uint32) uint32 {
	h = (h + nibble*0x9E3779B1) * 0x2C1B3C6D
	h ^= h >> 15
	return h * 0x297A2D39
}

// slotPlaces holds the buckets and the check bytes of the contexts of a nibble.
type slotPlaces struct {
	at    [nCtx]uint32
	check [nCtx]byte
}

// locateSlots computes where the slots of a nibble are and prefetches them.
func (p *predictor) locateSlots(w *slotPlaces, nibble uint32) {
	shift := 32 - p.bits
	for i, h := range p.hash {
		h = scramble(h, nibble)
		w.check[i] = byte(h)
		w.at[i] = h >> shift &^ 3
	}
	prefetchSlots(p.tab, &w.at)
}

// selectSlots finds the slots of a nibble. A new context replaces the one with the
// least evidence.
func selectSlots(p *predictor, w *slotPlaces, half int) {
	tab := p.tab
	log := p.log
	for i := range w.at {
		at := w.at[i]
		bucket := (*[4]slot)(tab[at:])
		c := w.check[i]
		// A bit for every slot of the bucket whose check is c.
		hit := same(bucket[0][0], c) | same(bucket[1][0], c)<<1 | same(bucket[2][0], c)<<2 | same(bucket[3][0], c)<<3
		k := uint32(mathbits.TrailingZeros32(hit)) & 3
		if hit == 0 {
			weight := &p.k.weight
			low := weight[bucket[0][1]]
			for j := uint32(1); j < 4; j++ {
				if v := weight[bucket[j][1]]; v < low {
					low, k = v, j
				}
			}
		}
		s := &bucket[k]
		if log != nil {
			log.slotAt[half][i] = at + k
			if hit == 0 {
				log.newSlots[half] |= 1 << i
				p.slots = append(p.slots, *s)
			}
		}
		if hit == 0 {
			*s = slot{c}
		}
		p.cur[i] = s
	}
}

// same is 1 if a equals b and 0 otherwise, without a branch, which would be
// mispredicted.
func same(a, b byte) uint32 { return (uint32(a^b) - 1) >> 31 }

// countHits counts the contexts that have been seen before.
func (p *predictor) countHits() {
	n := uint32(0)
	for i := ctxO4; i <= ctxO8; i++ {
		if p.cur[i][1] != 0 {
			n++
		}
	}
	if p.cur[ctxWord2][1] != 0 {
		n += 8
	}
	if p.expect[nMatch+runWord3] != 0 {
		n += 16
	}
	p.hits = n
}

// Direct contexts keep a precise probability for every node of a nibble, because a bit
// history is too coarse for low orders, which are seen often.
const (
	dirO1 = iota
	dirO2
	dirO3
	dirO4
	dirO5
	dirWord
	nDir
)

// line is one cache line of the direct table: a check and 15 probabilities
// (22 bits above a count of 10).
type line [16]uint32

var emptyLine = func() (l line) {
	for i := range l {
		l[i] = 1 << 31
	}
	return l
}()

// linePlaces is slotPlaces for direct contexts.
type linePlaces struct{ at, tag [nDir]uint32 }

func (p *predictor) locateLines(w *linePlaces, nibble uint32) {
	shift := 32 - p.dirBits
	for i, h := range p.dirHash {
		h = scramble(h, nibble)
		w.tag[i] = h | 1
		w.at[i] = h * 0x9E3779B1 >> shift
	}
	prefetchLines(p.dir, &w.at)
}

// selectLines finds the line of every direct context, at one of two positions.
func selectLines(p *predictor, w *linePlaces, half int) {
	log := p.log
	for i := range w.at {
		at := w.at[i]
		l := &p.dir[at]
		tag := w.tag[i]
		if l[0] == tag {
			if log != nil {
				log.lineAt[half][i] = at
			}
			p.dirCur[i] = l
			continue
		}
		m := &p.dir[at^1]
		found := m[0] == tag
		if found || m[1]&1023 < l[1]&1023 {
			l = m
			at ^= 1
		}
		if log != nil {
			log.lineAt[half][i] = at
			if !found {
				log.newLines[half] |= 1 << i
				p.lines = append(p.lines, *l)
			}
		}
		if !found {
			*l = emptyLine
			l[0] = tag
		}
		p.dirCur[i] = l
	}
}
