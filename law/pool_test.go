package law

import (
	"math"
	"math/rand/v2"
)

// pool holds windows of a process scored by its own exact law, of which
// documents are drawn: for each window ln p(y|x) − ln p(y) at L = 4, 8, ….
type pool struct {
	lengths []float64
	truth   []float64 // means over the pool, which is as exact as the pool is large
	rows    [][]float64
}

func newPool(seed uint64, windows, length int, gain func(rng *rand.Rand, length int) []float64) pool {
	var p pool
	for ell := 2; 2*ell <= length; ell *= 2 {
		p.lengths = append(p.lengths, float64(2*ell))
	}
	p.truth = make([]float64, len(p.lengths))
	rng := rand.New(rand.NewPCG(seed, 0x706f6f6c))
	for range windows {
		row := gain(rng, length)
		for i, x := range row {
			p.truth[i] += x / float64(windows)
		}
		p.rows = append(p.rows, row)
	}
	return p
}

// documents draws documents of one window each.
func (p pool) documents(rng *rand.Rand, n int) Data {
	d := Data{L: p.lengths, I: make([]float64, len(p.lengths))}
	ones := make([]float64, len(p.lengths))
	for i := range ones {
		ones[i] = 1
	}
	for range n {
		row := p.rows[rng.IntN(len(p.rows))]
		for i, x := range row {
			d.I[i] += x / float64(n)
		}
		d.Sums, d.Counts = append(d.Sums, row), append(d.Counts, ones)
	}
	return d
}

// gains turns the log-probability of a stretch of symbols, seen from a fresh
// start, into ln p(xy) − ln p(x) − ln p(y) at every dyadic length: that is
// ln p(y|x) − ln p(y).
func gains(w []int, logProb func(w []int) float64) []float64 {
	var out []float64
	for ell := 2; 2*ell <= len(w); ell *= 2 {
		out = append(out, logProb(w[:2*ell])-logProb(w[:ell])-logProb(w[ell:2*ell]))
	}
	return out
}

// urn is the exchangeable process of a Dirichlet urn with `symbols` symbols:
// each window has its own frequencies, drawn evenly. Information grows like
// (symbols − 1)/2·ln ell.
func urn(symbols int) func(rng *rand.Rand, length int) []float64 {
	return func(rng *rand.Rand, length int) []float64 {
		count := make([]int, symbols)
		w := make([]int, length)
		for t := range w {
			u := rng.IntN(t + symbols)
			for s := range count {
				if u -= count[s] + 1; u < 0 {
					w[t] = s
					break
				}
			}
			count[w[t]]++
		}
		return gains(w, func(w []int) float64 {
			n := make([]int, symbols)
			for _, s := range w {
				n[s]++
			}
			lp, _ := math.Lgamma(float64(symbols))
			for _, k := range n {
				g, _ := math.Lgamma(float64(k + 1))
				lp += g
			}
			g, _ := math.Lgamma(float64(len(w) + symbols))
			return lp - g
		})
	}
}

// renewal is a stationary renewal process: 1 where something happens, with
// P(next time > k) = (1+k)^−a. Its information is bounded, and comes near to
// its bound like a power of length.
func renewal(a float64) func(rng *rand.Rand, length int) []float64 {
	survive := func(k int) float64 { return math.Pow(float64(1+k), -a) }
	mean := 0.0 // Σ_{k≥0} survive(k), the sum to N and its integral beyond
	const terms = 100000
	for k := range terms {
		mean += survive(k)
	}
	mean += math.Pow(terms+0.5, 1-a) / (a - 1)
	rest := make([]float64, 4096) // Σ_{j≥k} survive(j): P(first event later than k) · mean
	rest[0] = mean
	for k := 1; k < len(rest); k++ {
		rest[k] = rest[k-1] - survive(k-1)
	}
	logProb := func(w []int) float64 {
		lp, last := 0.0, -1
		for t, s := range w {
			if s == 0 {
				continue
			}
			if last < 0 {
				lp += math.Log(survive(t) / mean)
			} else {
				gap := t - last
				lp += math.Log(survive(gap-1) - survive(gap))
			}
			last = t
		}
		if last < 0 {
			return math.Log(rest[len(w)] / mean)
		}
		return lp + math.Log(survive(len(w)-1-last))
	}
	return func(rng *rand.Rand, length int) []float64 {
		w := make([]int, length)
		u, t := rng.Float64()*mean, 0
		for t < len(rest)-1 && u < rest[t+1] {
			t++
		}
		for t < length {
			w[t] = 1
			v := rng.Float64()
			t += max(1, int(math.Ceil(math.Pow(v, -1/a)-1)))
		}
		return gains(w, logProb)
	}
}

// power is the exact power law of simulation_test.go under paired.
func (g gaussian) gain(rng *rand.Rand, _ int) []float64 {
	joint, marginal, _ := g.window(rng)
	for i := range joint {
		joint[i] -= marginal[i]
	}
	return joint
}
