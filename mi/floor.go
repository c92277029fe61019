package mi

import (
	"math"

	"github.com/l2m-lab/l2m/info"
)

// IndependentFloor is what TwoPoint with Grassberger's estimator reads, on
// average, on independent pairs with the marginals given: its bias, which
// shuffled pairs measure.
//
// ★ If the ends are independent, the count of a pair (a, b) is Poisson with
// mean λ = n_a·n_b/N up to terms of order 1/N, and Grassberger's G has
// E[n·G(n)] = λ·ln λ + λ·E₁(2λ) exactly [Grassberger 2003, eq. 28–30]. The
// logarithms sum to plug-in entropies Ĥ₀ of the marginals, so
//
//	floor = (Ĥ−Ĥ₀)(left) + (Ĥ−Ĥ₀)(right) + (1/N) Σ_ab λ_ab·E₁(2λ_ab).
//
// Counts within 2 % are pooled, which changes the sum by less than 10⁻⁴ of it.
func IndependentFloor(left, right Histogram) (info.Nats, error) {
	floor := 0.0
	for _, h := range []Histogram{left, right} {
		g, err := Entropy(h, Grassberger)
		if err != nil {
			return 0, err
		}
		p, err := Entropy(h, PlugIn)
		if err != nil {
			return 0, err
		}
		floor += float64(g.Value - p.Value)
	}
	n := float64(left.Total())
	l, r := pooled(left), pooled(right)
	sum := 0.0
	for _, a := range l {
		for _, b := range r {
			x := a.log + b.log - math.Log(n)
			if x > lastLog {
				break // by ascending count: λ·E₁(2λ) is nothing from here on
			}
			sum += a.times * b.times * poissonBias(x)
		}
	}
	return info.Nats(floor + sum/n), nil
}

// pool is times symbols of about the same count.
type pool struct{ log, times float64 }

func pooled(h Histogram) []pool {
	var out []pool
	for i := 0; i < len(h); {
		first, count, times := h[i].Count, 0.0, 0.0
		for ; i < len(h) && float64(h[i].Count) <= 1.02*float64(first); i++ {
			count += float64(h[i].Count) * float64(h[i].Times)
			times += float64(h[i].Times)
		}
		out = append(out, pool{math.Log(count / times), times})
	}
	return out
}

// The range of ln λ that poissonBias tabulates, and its step.
const (
	firstLog = -40.0
	lastLog  = 3.0 // λ = 20: λ·E₁(2λ) is 2·10⁻¹⁹
	stepLog  = 0.01
)

// poissonBias is λ·E₁(2λ) at x = ln λ ≤ lastLog, interpolated.
func poissonBias(x float64) float64 {
	at := (max(x, firstLog) - firstLog) / stepLog
	i := min(int(at), len(biasTable)-2)
	return biasTable[i] + (at-float64(i))*(biasTable[i+1]-biasTable[i])
}

var biasTable = func() []float64 {
	t := make([]float64, int((lastLog-firstLog)/stepLog)+2)
	for i := range t {
		lambda := math.Exp(firstLog + float64(i)*stepLog)
		t[i] = lambda * expInt(2*lambda)
	}
	return t
}()

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
