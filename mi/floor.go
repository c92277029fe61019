package mi

import (
	"math"
	"sync"

	"github.com/l2m-lab/l2m/info"
)

// IndependentFloor is the mean estimate of TwoPoint with Grassberger's estimator on
// independent pairs with the given marginals: its bias, which shuffled pairs measure.
//
// ★ If the ends are independent, the count n of a pair (a, b) has the mean
// λ = n_a·n_b/N. For a Poisson count Grassberger's G has
// E[n·G(n)] = λ·ln λ + λ·E₁(2λ) exactly [Grassberger 2003, eq. 28–30]. With the
// marginals fixed the variance is smaller than Poisson's, by λ·p, with
// p = p_a + p_b − p_a·p_b and p_a = n_a/N, which takes half of that times the
// second derivative, 1/λ + (2 − 1/λ)·e^{−2λ}, from the mean. The logarithms
// sum to plug-in entropies Ĥ₀ of the marginals, and Σ p over the V·W pairs is
// V + W − 1, so
//
//	floor = (Ĥ−Ĥ₀)(left) + (Ĥ−Ĥ₀)(right) − (V+W−1)/2N
//	        + (1/N) Σ_ab [λ·E₁(2λ) + ½·p·(1 − 2λ)·e^{−2λ}].
//
// Counts within 2 % are pooled, which changes the sum by less than 10⁻⁴ of it.
func IndependentFloor(left, right info.Histogram) (info.Nats, error) {
	return independentFloor(left, right, grassbergerG)
}

// independentFloor is IndependentFloor with another G for the marginals.
func independentFloor(left, right info.Histogram, g func(n int64) float64) (info.Nats, error) {
	floor := 0.0
	for _, h := range []info.Histogram{left, right} {
		corrected, err := entropy(h, Grassberger, g)
		if err != nil {
			return 0, err
		}
		plain, err := Entropy(h, PlugIn)
		if err != nil {
			return 0, err
		}
		floor += float64(corrected.Value - plain.Value)
	}
	floor -= float64(left.Types()+right.Types()-1) / float64(2*left.Total())
	floor += overPairs(left, right, func(a, b pool, at int, f float64) float64 {
		t := tables()
		return between(t.bias, at, f) + (a.share+b.share-a.share*b.share)/2*between(t.damping, at, f)
	})
	return info.Nats(floor), nil
}

// Attenuation is the share of a weak dependence that TwoPoint with Grassberger's
// estimator loses when the floor is subtracted: at most 1. It is negative, at least
// −0.14, if most pairs are expected about once: there TwoPoint gains.
//
// ★ Let λ(1+δ) be the means of dependent pairs, with 1+δ the ratio to independent
// ones and I ≈ (1/2N) Σ λδ². To second order in δ the bias (1/N) Σ g(λ),
// g(λ) = λ·E₁(2λ), changes by (1/2N) Σ λ²g″(λ)·δ² = −(1/2N) Σ λδ²·e^{−2λ}(1−2λ);
// the first order, (1/N) Σ λg′(λ)·δ, vanishes where δ is 0 on average over pairs as
// frequent as one another. With δ² the same for rare and for frequent pairs, the
// mean over pairs
//
//	(1/N) Σ_ab λ_ab·e^{−2λ_ab}·(1 − 2λ_ab)
//
// of I is lost: less if the dependence is strong (chains that emit one of 600 symbols
// lost 0.04 instead of 0.09), more if rare pairs depend more strongly than frequent
// ones.
func Attenuation(left, right info.Histogram) float64 {
	n := float64(left.Total())
	return overPairs(left, right, func(a, b pool, at int, f float64) float64 {
		return n * a.share * b.share * between(tables().damping, at, f)
	})
}

// IndependentSE is the standard deviation of the estimate of TwoPoint with
// Grassberger's estimator on independent pairs with the given marginals, whose mean is
// IndependentFloor. That of other estimators is of the same order.
//
// ★ The estimate is −(1/N) Σ_ab h(n_ab) up to a constant, with h(n) = n·G(n). Let s(λ)
// = Cov(h, n)/λ and v(λ) = Var h − λ·s² for a Poisson count: the regression of h on n,
// and its residual variance. Fixed marginals remove from Σ s(λ_ab)·n_ab every sum of a
// function of a and one of b. Since the weights λ_ab are products, what remains of s is
// r_ab: s minus its means over rows and over columns, plus its overall mean, and
//
//	variance = (1/N²) Σ_ab [v(λ_ab) + λ_ab·r_ab²].
//
// For frequent pairs, λ → ∞, s is ln λ + 1, which is such a sum, and v is ¾: ½ from χ²,
// and ¼ because G differs for even and odd counts.
func IndependentSE(left, right info.Histogram) info.Nats {
	l, r := pooled(left), pooled(right)
	n := float64(left.Total())
	slope := make([][]float64, len(l))
	rows, columns, mean := make([]float64, len(l)), make([]float64, len(r)), 0.0
	variance := 0.0
	for i, a := range l {
		slope[i] = make([]float64, len(r))
		for j, b := range r {
			s, v := regression(a.log + b.log)
			slope[i][j] = s
			rows[i] += b.times * b.share * s
			columns[j] += a.times * a.share * s
			mean += a.times * a.share * b.times * b.share * s
			variance += a.times * b.times * v
		}
	}
	for i, a := range l {
		for j, b := range r {
			rest := slope[i][j] - rows[i] - columns[j] + mean
			variance += n * a.times * a.share * b.times * b.share * rest * rest
		}
	}
	return info.Nats(math.Sqrt(variance) / n)
}

// regression is s(λ) and v(λ) of IndependentSE at x = ln λ.
func regression(x float64) (s, v float64) {
	if x > lastLog {
		// v = ¾ + 5/12λ + …; with 0.45 for 5/12 it is within 0.0006 of regressPoisson
		// from λ = 20 on.
		return x + 1, 0.75 + 0.45*math.Exp(-x)
	}
	t := tables()
	at, f := placeOf(x)
	return between(t.slope, at, f), between(t.rest, at, f)
}

// pool is times symbols with about the same share.
type pool struct{ share, log, times float64 } // log is ln(share·√N)

func pooled(h info.Histogram) []pool {
	var out []pool
	n := float64(h.Total())
	for i := 0; i < len(h); {
		first, count, times := h[i].Count, 0.0, 0.0
		for ; i < len(h) && float64(h[i].Count) <= 1.02*float64(first); i++ {
			count += float64(h[i].Count) * float64(h[i].Types)
			times += float64(h[i].Types)
		}
		share := count / times / n
		out = append(out, pool{share, math.Log(share * math.Sqrt(n)), times})
	}
	return out
}

// overPairs is (1/N) Σ_ab term over the pairs of symbols whose λ is small enough for
// the tables; at and fraction are the position of ln λ in them.
func overPairs(left, right info.Histogram, term func(a, b pool, at int, fraction float64) float64) float64 {
	l, r := pooled(left), pooled(right)
	sum := 0.0
	for _, a := range l {
		for _, b := range r {
			x := a.log + b.log
			if x > lastLog {
				break // by ascending count
			}
			at, f := placeOf(x)
			sum += a.times * b.times * term(a, b, at, f)
		}
	}
	return sum / float64(left.Total())
}

// The range of ln λ that is tabulated, and its step.
const (
	firstLog  = -40.0
	lastLog   = 3.0 // λ = 20: both are below 10⁻¹⁵
	stepLog   = 0.01
	tableSize = 4302 // up to and beyond lastLog
)

// functions are tabulated functions of ln λ.
type functions struct {
	bias    []float64 // λ·E₁(2λ)
	damping []float64 // e^{−2λ}·(1 − 2λ)
	slope   []float64 // s(λ) of IndependentSE
	rest    []float64 // v(λ) of IndependentSE
}

var tables = sync.OnceValue(func() functions {
	t := functions{make([]float64, tableSize), make([]float64, tableSize), make([]float64, tableSize), make([]float64, tableSize)}
	for i := range tableSize {
		lambda := math.Exp(firstLog + float64(i)*stepLog)
		t.bias[i] = lambda * expInt(2*lambda)
		t.damping[i] = math.Exp(-2*lambda) * (1 - 2*lambda)
		t.slope[i], t.rest[i] = regressPoisson(lambda)
	}
	return t
})

// placeOf is the position of x = ln λ in the tables, and the fraction of the step to
// the next.
func placeOf(x float64) (at int, fraction float64) {
	step := (max(x, firstLog) - firstLog) / stepLog
	at = min(int(step), tableSize-2)
	return at, step - float64(at)
}

// regressPoisson is s(λ) and v(λ) of IndependentSE. It computes those of n·(G(n) −
// G(1)), whose s differs by G(1), to avoid cancellation for small λ.
func regressPoisson(lambda float64) (s, v float64) {
	one := grassbergerG(1)
	var mean, covariance, square float64
	p := math.Exp(-lambda) * lambda
	for n := 1; float64(n) < lambda+40+12*math.Sqrt(lambda); n++ {
		x := float64(n)
		h := x * (grassbergerG(int64(n)) - one)
		mean += p * h
		covariance += p * h * (x - lambda)
		square += p * h * h
		p *= lambda / (x + 1)
	}
	return covariance/lambda + one, square - mean*mean - covariance*covariance/lambda
}

// between interpolates in a table.
func between(table []float64, at int, fraction float64) float64 {
	return table[at] + fraction*(table[at+1]-table[at])
}

// expInt is the exponential integral E₁(x) = ∫_x^∞ e^{−t}/t dt for x > 0: by its
// series for x ≤ 1 [DLMF 6.6.2], else by its continued fraction [DLMF 6.9.1]
// evaluated from a fixed depth.
func expInt(x float64) float64 {
	if x <= 1 {
		const euler = 0.57721566490153286060651209008240243
		sum, term := -euler-math.Log(x), 1.0
		for k := 1.0; k < 30; k++ {
			term *= -x / k
			sum -= term / k
		}
		return sum
	}
	f := x
	for k := 200.0; k >= 1; k-- {
		f = x + k/(1+k/f)
	}
	return math.Exp(-x) / f
}
