package check

import (
	"math"

	"github.com/l2m-lab/l2m/token"
)

const (
	// countedOrder is how many tokens before the next one counts predictors look at.
	countedOrder = 4
	// maxCountedSymbols is the largest alphabet whose contexts of countedOrder symbols
	// are counted: bytes.
	maxCountedSymbols = 256
)

// counts predicts a symbol from counts of what followed the last few: the prediction
// of each order is prior to the next, with the weight of one observation (a hierarchy
// of Dirichlet priors [MacKay & Peto 1995]).
type counts struct {
	index map[token.ID]uint64
	// By the symbols of a context, packed: how often it was followed by anything, and
	// by the last of its symbols.
	total, next [countedOrder + 1]map[uint64]float64
}

func newCounts(alphabet []token.ID) *counts {
	c := &counts{index: map[token.ID]uint64{}}
	for i, id := range alphabet {
		c.index[id] = uint64(i)
	}
	for k := range c.total {
		c.total[k], c.next[k] = map[uint64]float64{}, map[uint64]float64{}
	}
	return c
}

// pack writes symbols as the digits of a number.
func (c *counts) pack(symbols []token.ID) (key uint64) {
	for _, id := range symbols {
		key = key*maxCountedSymbols + c.index[id]
	}
	return key
}

func (c *counts) learn(window []token.ID, sign float64) {
	for t := range window {
		for k := 0; k <= min(countedOrder, t); k++ {
			c.total[k][c.pack(window[t-k:t])] += sign
			c.next[k][c.pack(window[t-k:t+1])] += sign
		}
	}
}

func (c *counts) ready() {}

func (c *counts) fitted() (numbers, tokens float64) {
	return float64(len(c.next[countedOrder]) - len(c.total[countedOrder])), c.total[0][0]
}

func (c *counts) loss(tokens []token.ID, t int) float64 {
	p := 1 / float64(len(c.index))
	for k := 0; k <= min(countedOrder, t); k++ {
		p = (c.next[k][c.pack(tokens[t-k:t+1])] + p) / (c.total[k][c.pack(tokens[t-k:t])] + 1)
	}
	return -math.Log(p)
}

// linear predicts a number from those before it by the Gaussian law with their mean
// and autocovariances [Levinson 1947].
type linear struct {
	reach  int     // how many numbers it sees, and the one it predicts
	centre float64 // near the mean, so that products lose no digits
	count  float64
	sum    float64
	// By lag: sums of products of numbers so far apart, and of both factors, and how
	// many there are.
	product, factors, pairs []float64

	mean     float64
	weights  [][]float64 // [k]: of the last k numbers, the newest first
	variance []float64   // [k]: of the error
}

func newLinear(windows [][]float64, reach int) *linear {
	r := &linear{reach: reach, product: make([]float64, reach), factors: make([]float64, reach), pairs: make([]float64, reach)}
	for _, w := range windows {
		r.centre += w[0] / float64(len(windows))
	}
	return r
}

func (r *linear) learn(window []float64, sign float64) {
	for t, x := range window {
		x -= r.centre
		r.count, r.sum = r.count+sign, r.sum+sign*x
		for k := 0; k < min(r.reach, t+1); k++ {
			y := window[t-k] - r.centre
			r.product[k] += sign * x * y
			r.factors[k] += sign * (x + y)
			r.pairs[k] += sign
		}
	}
}

func (r *linear) fitted() (numbers, tokens float64) { return float64(r.reach + 1), r.count }

// ready is the Durbin–Levinson recursion, as far as the autocovariances allow.
func (r *linear) ready() {
	m := r.sum / r.count
	r.mean = r.centre + m
	cov := func(k int) float64 { return (r.product[k]-m*r.factors[k])/r.pairs[k] + m*m }
	r.weights, r.variance = [][]float64{nil}, []float64{cov(0)}
	for k := 1; k < r.reach && r.pairs[k] > 0; k++ {
		before := r.weights[k-1]
		a := cov(k)
		for j, w := range before {
			a -= w * cov(k-1-j)
		}
		a /= r.variance[k-1]
		if !(math.Abs(a) < 1) {
			return
		}
		now := make([]float64, k)
		for j, w := range before {
			now[j] = w - a*before[k-2-j]
		}
		now[k-1] = a
		r.weights, r.variance = append(r.weights, now), append(r.variance, r.variance[k-1]*(1-a*a))
	}
}

func (r *linear) loss(tokens []float64, t int) float64 {
	k := min(t, len(r.weights)-1)
	e, v := tokens[t]-r.mean, r.variance[k]
	for j, w := range r.weights[k] {
		e -= w * (tokens[t-1-j] - r.mean)
	}
	return (math.Log(2*math.Pi*v) + e*e/v) / 2
}
