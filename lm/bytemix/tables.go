package bytemix

import (
	"math/bits"
	"sync"
)

// Fixed-point scales. Output probabilities have 16 bits (0 < p < 65536), the logistic
// domain ("stretch", ln(p/(1-p))) has 256 steps per nat, and costs are natural
// logarithms with costBits fractional bits.
const (
	probBits = 16
	probOne  = 1 << probBits
	costBits = 30

	logSteps = 1 << 12
	logBits  = 32

	stretchMax  = 3071 // 12 nats: beyond what 16-bit probabilities can express
	squashRange = 4096
)

// constants are the lookup tables that never change. All are computed with
// integers only, so that they are the same on every machine.
type constants struct {
	log     [logSteps]uint32 // log[i] = ln(1+i/logSteps) with logBits fractional bits
	ln2     uint64
	squash  [2 * squashRange]uint16 // squash[x+4096] = 65536/(1+exp(-x/256)), within 1…65535
	stretch [4096]int16             // stretch[i] of the 12-bit probability (i+1/2)/4096
	pair    [4096]uint32            // two mixer inputs made of one 12-bit probability
	recip   [1024]int32             // 8192/(n+1.5), the adaptive rate after n observations
	next    [2][256]uint8           // bit-history state after a bit
	prior   [256]uint32             // first guess of P(1) in a state, 22 bits, shifted by 10
	weight  [256]uint8              // how much evidence a state holds, for replacement
}

// fixed returns the constant tables, built once.
var fixed = sync.OnceValue(buildConstants)

func buildConstants() *constants {
	c := new(constants)
	ln := lnTable()
	for i := range logSteps {
		c.log[i] = uint32((ln[logSteps+i] - ln[logSteps] + 1<<(lnBits-logBits-1)) >> (lnBits - logBits))
	}
	c.ln2 = (ln[2] + 1<<(lnBits-logBits-1)) >> (lnBits - logBits)
	logit := func(k int) int { // 256·ln(k/(65536-k))
		d := int64(ln[k]) - int64(ln[probOne-k])
		return int((d + 1<<(lnBits-9)) >> (lnBits - 8))
	}
	k := 1
	for x := -squashRange; x < squashRange; x++ {
		for k < probOne-1 && logit(k) < x {
			k++
		}
		c.squash[x+squashRange] = uint16(k)
	}
	for i := range c.stretch {
		c.stretch[i] = int16(logit(16*i + 8))
		half := int16((i - 2048) / 4)
		c.pair[i] = uint32(uint16(c.stretch[i])) | uint32(uint16(half))<<16
	}
	for n := range c.recip {
		c.recip[n] = int32(16384 / (2*n + 3))
	}
	c.buildStates()
	return c
}

// cost returns -ln(q/2^64) with costBits fractional bits, for q > 0: the table
// gives the logarithm of the leading 13 bits, the series of ln(1+d) the rest
// (d < 2^-12; d³/3 is below the last place).
func (c *constants) cost(q uint64) uint64 {
	if q == 0 { // impossible: q is a product of four numbers from 1 to 65535
		q = 1
	}
	zeros := uint64(bits.LeadingZeros64(q))
	q <<= zeros + 1 // drop the leading one, keep the fraction
	i := q >> 52
	rest := q << 12 >> 12             // 52 bits, in units of 2^-64
	d := (rest >> 8) / (logSteps + i) // 2^-44
	ln := uint64(c.log[i]) + (d-d*(d>>22)>>23)>>12
	return ((zeros+1)*c.ln2 - ln) >> (logBits - costBits)
}

const lnBits = 58

// lnTable returns ln k for k = 1 … 65536 with lnBits fractional bits from
// ln k = ln(k-1) + 2·artanh(1/(2k-1)), in integers.
func lnTable() []uint64 {
	t := make([]uint64, probOne+1)
	for k := 2; k <= probOne; k++ {
		m := uint64(2*k - 1)
		term := (uint64(1) << lnBits) / m
		sum := term
		for n := uint64(3); term > 0; n += 2 {
			term /= m * m
			sum += term / n
		}
		t[k] = t[k-1] + 2*sum
	}
	return t
}

// A bit history is summarized in one byte: histories of up to four bits exactly, longer
// ones as the pair of counts with the last bit. When a bit contradicts a long run, part
// of the run is forgotten, because text is not stationary and the recent past predicts
// better.

// exactBits is the longest history kept bit by bit.
const exactBits = 4

// largest[m] is the largest count kept beside an opposite count of m.
var largest = [...]int{45, 18, 10, 8, 7, 6}

type history struct {
	n0, n1 int
	last   int  // last bit
	exact  int8 // number of bits kept exactly (0 for count states longer than exactBits)
	bits   uint8
}

func keptAfterContradiction(n int) int {
	switch {
	case n <= 5:
		return n
	case n <= 7:
		return n - 1
	case n <= 12:
		return 6
	}
	return 7
}

func representable(a, b int) bool {
	m, M := min(a, b), max(a, b)
	return m < len(largest) && M <= largest[m]
}

func (h history) after(y int) history {
	n := [2]int{h.n0, h.n1}
	n[y]++
	short := h.n0+h.n1 < exactBits && int(h.exact) == h.n0+h.n1
	if short {
		return history{n0: n[0], n1: n[1], last: y, exact: h.exact + 1, bits: h.bits<<1 | uint8(y)}
	}
	n[1-y] = keptAfterContradiction(n[1-y])
	for !representable(n[0], n[1]) {
		if n[1-y] >= len(largest) {
			n[1-y]--
		} else {
			n[y]--
		}
	}
	return history{n0: n[0], n1: n[1], last: y}
}

// buildStates numbers the histories reachable from the empty one (state 0).
func (c *constants) buildStates() {
	ids := map[history]int{{}: 0}
	order := []history{{}}
	for i := 0; i < len(order); i++ {
		h := order[i]
		for y := range 2 {
			g := h.after(y)
			id, ok := ids[g]
			if !ok {
				id = len(order)
				ids[g] = id
				order = append(order, g)
			}
			c.next[y][i] = uint8(id)
		}
		n := h.n0 + h.n1
		c.weight[i] = uint8(n)
		// (n1 + 0.4)/(n + 0.8), in units of 2^-22, beside a count of n.
		p := (uint64(5*h.n1+2) << 22) / uint64(5*n+4)
		c.prior[i] = uint32(min(p, 1<<22-1)) << 10
	}
	if len(order) > 256 {
		panic("bytemix: more bit histories than states") // a constant of the program, covered by a test
	}
}
