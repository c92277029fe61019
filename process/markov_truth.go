package process

import (
	"math"
	"sync"

	"github.com/l2m-lab/l2m/info"
)

// enumerationBudget bounds the blocks whose probabilities are added up one by
// one.
const enumerationBudget = 1 << 21

// blockEntropies are the entropies of blocks of a hidden Markov chain. No
// closed form is known. With two states the distribution of beliefs is carried
// along; otherwise short blocks are enumerated, and the entropy of the next
// symbol, which falls to the entropy rate geometrically, is continued.
type blockEntropies struct {
	h    *HiddenMarkov
	once sync.Once
	gain []float64 // [n−1] = H(w_n | w_1..w_{n−1}), n = 1, 2, …
	rate float64   // limit of gain
	fade float64   // ratio of successive gaps to the limit
	err  float64   // bound on what is not known of Σ (gain − rate), nats
}

// EntropyRate implements Truth. It is exact for Markov chains; for hidden ones
// it is the geometric limit of enumerated block entropies, see BipartiteMI.
func (h *HiddenMarkov) EntropyRate() info.Nats {
	if h.visible {
		rate := 0.0
		for s, p := range h.stationary {
			rate += p * entropy(h.transition[s])
		}
		return info.Nats(rate)
	}
	h.blocks.compute()
	return info.Nats(h.blocks.rate)
}

func entropy(p []float64) float64 {
	h := 0.0
	for _, x := range p {
		if x > 0 {
			h -= x * math.Log(x)
		}
	}
	return h
}

// BipartiteMI implements Truth. For a Markov chain it is the information of
// neighbours. For a hidden chain it is Σ_k (h_k − h_{ell+k}), h_k the entropy of
// the k-th symbol given those before it: with two states to some 10⁻⁸ nats at
// any length; with more, enumerated over all blocks of up to 2²¹ and continued
// geometrically. Where the continuation is not certain to 10⁻⁴ nats it fails:
// the chain forgets too slowly for its alphabet.
func (h *HiddenMarkov) BipartiteMI(ell, L int) (info.Nats, error) {
	if err := checkSplit(ell, L); err != nil {
		return 0, err
	}
	if len(h.transition) == 1 {
		return 0, nil
	}
	if h.visible {
		return info.Nats(math.Max(0, entropy(h.stationary)-float64(h.EntropyRate()))), nil
	}
	b := h.blocks
	b.compute()
	if L > len(b.gain) && b.err > 1e-4 {
		return 0, notExact("the hidden Markov chain forgets too slowly: its block entropies are known only to %.2g nats", b.err)
	}
	return info.Nats(math.Max(0, b.sum(ell)+b.sum(L-ell)-b.sum(L))), nil
}

// sum is Σ_{k≤n} (h_k − rate), so that differences lose nothing to rounding.
func (b *blockEntropies) sum(n int) float64 {
	s := 0.0
	known := min(n, len(b.gain))
	for _, g := range b.gain[:known] {
		s += g - b.rate
	}
	if n > known && known > 0 {
		gap := b.gain[known-1] - b.rate
		// gap·(fade + fade² + … ), n − known terms
		s += gap * b.fade * -math.Expm1(float64(n-known)*math.Log(b.fade)) / (1 - b.fade)
	}
	return s
}

func (b *blockEntropies) compute() {
	b.once.Do(func() {
		if len(b.h.transition) == 2 {
			b.transport()
		} else {
			b.enumerate()
		}
	})
}

// beliefGrid is the number of intervals into which beliefs about two states are
// divided.
const beliefGrid = 1 << 15

// transport computes the entropies of a chain of two states by moving the
// distribution of the belief P(state 0 | past) from token to token, on a grid
// with the mass of each point shared between its neighbours, which keeps means
// and errs by the square of the grid's step. The error is what halving the grid
// changes.
func (b *blockEntropies) transport() {
	fine := b.transported(beliefGrid)
	coarse := b.transported(beliefGrid / 2)
	b.gain = fine
	b.rate = fine[len(fine)-1]
	b.fade = 0.5 // nothing is left to fade
	for i := range min(len(fine), len(coarse)) {
		b.err += math.Abs((fine[i] - b.rate) - (coarse[i] - coarse[len(coarse)-1]))
	}
}

func (b *blockEntropies) transported(grid int) (gain []float64) {
	h := b.h
	v := len(h.emission[0])
	mass, next := make([]float64, grid+1), make([]float64, grid+1)
	spread := func(to []float64, belief, m float64) {
		x := math.Min(math.Max(belief*float64(grid), 0), float64(grid))
		i := min(int(x), grid-1)
		to[i] += m * (float64(i+1) - x)
		to[i+1] += m * (x - float64(i))
	}
	spread(mass, h.stationary[0], 1)
	// What each belief says of the next symbol, and becomes after it.
	logs := make([]float64, grid+1)
	after, probability := make([]float64, (grid+1)*v), make([]float64, (grid+1)*v)
	for i := range mass {
		q := float64(i) / float64(grid)
		for a := range v {
			x, y := q*h.emission[0][a], (1-q)*h.emission[1][a]
			p := x + y
			probability[i*v+a] = p
			if p > 0 {
				logs[i] -= p * math.Log(p)
				after[i*v+a] = (x*h.transition[0][0] + y*h.transition[1][0]) / p
			}
		}
	}
	for len(gain) < 1<<14 {
		e := 0.0
		clear(next)
		for i, m := range mass {
			if m == 0 {
				continue
			}
			e += m * logs[i]
			for a := range v {
				if p := probability[i*v+a]; p > 0 {
					spread(next, after[i*v+a], m*p)
				}
			}
		}
		gain = append(gain, e)
		mass, next = next, mass
		if n := len(gain); n > 8 && math.Abs(gain[n-1]-gain[n-8]) < 1e-14 {
			break
		}
	}
	return gain
}

func (b *blockEntropies) enumerate() {
	h := b.h
	states, v := len(h.transition), len(h.emission[0])
	n := max(2, int(math.Log(enumerationBudget/float64(states))/math.Log(math.Max(2, float64(v)))))
	entropies := make([]float64, n+1)
	var walk func(depth int, weight []float64)
	walk = func(depth int, weight []float64) { // weight: P(block, next state)
		p := 0.0
		for _, w := range weight {
			p += w
		}
		if p <= 0 {
			return
		}
		entropies[depth] -= p * math.Log(p)
		if depth == n {
			return
		}
		for a := range v {
			next := make([]float64, states)
			for s, w := range weight {
				if x := w * h.emission[s][a]; x > 0 {
					for to, q := range h.transition[s] {
						next[to] += x * q
					}
				}
			}
			walk(depth+1, next)
		}
	}
	walk(0, h.stationary)
	for k := 1; k <= n; k++ {
		b.gain = append(b.gain, entropies[k]-entropies[k-1])
	}
	b.extrapolate()
}

// extrapolate finds the limit of the gains from their last three (Aitken) and
// bounds its error by how much the limit moves with one gain fewer.
func (b *blockEntropies) extrapolate() {
	limit := func(n int) (rate, fade float64) {
		if n < 3 {
			return b.gain[n-1], 0
		}
		x, y, z := b.gain[n-3], b.gain[n-2], b.gain[n-1]
		d1, d2 := x-y, y-z
		if d2 < 1e-14 || d1 <= d2 {
			return z, 0
		}
		fade = d2 / d1
		return z - d2*fade/(1-fade), fade
	}
	n := len(b.gain)
	b.rate, b.fade = limit(n)
	tail := func(n int) float64 {
		rate, fade := limit(n)
		return (b.gain[n-1] - rate) * fade / math.Max(1e-3, 1-fade)
	}
	if n < 4 {
		b.err = math.Abs(b.gain[n-1] - b.rate)
		return
	}
	// Σ (gain − rate) over all k, from n and from n−1 gains.
	total := func(n int) float64 {
		rate, _ := limit(n)
		s := tail(n)
		for _, g := range b.gain[:n] {
			s += g - rate
		}
		return s
	}
	b.err = 3 * math.Abs(total(n)-total(n-1))
	if b.fade == 0 {
		b.fade = 0.5 // the gap is 0 to rounding
		b.rate = b.gain[n-1]
	}
}
