package process

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/mathext"

	"github.com/l2m-lab/l2m/info"
)

// NewGaussianPACF makes the stationary Gaussian process with the given partial
// autocorrelations α_1, α_2, …; those beyond the list are 0, which makes it
// autoregressive of order len(alpha). Its information is bounded.
func NewGaussianPACF(alpha []float64, variance float64) (*Gaussian, error) {
	if err := checkVariance("pacf", variance); err != nil {
		return nil, err
	}
	list := append([]float64{0}, alpha...)
	for k, a := range alpha {
		if !(math.Abs(a) < 1) {
			return nil, fmt.Errorf("pacf: partial autocorrelation %d is %g, not between -1 and 1", k+1, a)
		}
	}
	v := newLattice(variance, list).v[len(alpha)]
	return &Gaussian{
		desc: Description{
			Kind: "pacf", Title: "stationary Gaussian of given partial autocorrelations (autoregressive)",
			Spec:  "pacf:alpha=" + list64(alpha) + ",variance=" + number(variance),
			Token: Number, Shift: Stationary, Beta: new(float64), MaxLength: maxQuadratic,
			Params: []Param{
				{"alpha", list64(alpha), "partial autocorrelations at lags 1, 2, …, separated by /"},
				{"variance", number(variance), "variance of a token"},
			},
		},
		variance: variance, entropy: gaussianEntropy(v),
		partial: func(n int) ([]float64, error) {
			out := make([]float64, max(n+1, len(list)))
			copy(out, list)
			return out, nil
		},
	}, nil
}

// NewGaussianACF makes a stationary Gaussian process from its autocovariances
// γ_0, γ_1, … γ_p. Beyond lag p it goes on with the largest entropy that they
// allow: it is autoregressive of order p.
func NewGaussianACF(gamma []float64) (*Gaussian, error) {
	if len(gamma) == 0 {
		return nil, errors.New("acf: no autocovariances given")
	}
	if err := checkVariance("acf", gamma[0]); err != nil {
		return nil, err
	}
	alpha, bad := partialAutocorrelations(gamma)
	if bad > 0 {
		return nil, fmt.Errorf("acf: no stationary process has these autocovariances: they are not positive definite from lag %d on", bad)
	}
	g, err := NewGaussianPACF(alpha[1:], gamma[0])
	if err != nil {
		return nil, err
	}
	g.desc.Kind, g.desc.Title = "acf", "stationary Gaussian of given autocovariances (continued autoregressively)"
	g.desc.Spec = "acf:gamma=" + list64(gamma)
	g.desc.Params = []Param{{"gamma", list64(gamma), "autocovariances at lags 0, 1, 2, …, separated by /"}}
	return g, nil
}

// NewFractionalNoise makes fractional Gaussian noise of Hurst exponent hurst
// (0.01 to 0.99) and the given variance: the increments of fractional Brownian
// motion, γ_d = ½·variance·(|d+1|^2H − 2|d|^2H + |d−1|^2H). Its bipartite
// information grows like ln L.
func NewFractionalNoise(hurst, variance float64) (*Gaussian, error) {
	if !(hurst >= 0.01 && hurst <= 0.99) {
		return nil, fmt.Errorf("fgn: hurst = %g is not between 0.01 and 0.99", hurst)
	}
	if err := checkVariance("fgn", variance); err != nil {
		return nil, err
	}
	gamma := func(d int) float64 {
		if d == 0 {
			return variance
		}
		return -0.5 * variance * secondDifference(d, 2*hurst)
	}
	g := &Gaussian{
		desc: Description{
			Kind: "fgn", Title: "fractional Gaussian noise",
			Spec:  "fgn:hurst=" + number(hurst) + ",variance=" + number(variance),
			Token: Number, Shift: Stationary, Beta: new(float64), MaxLength: maxDerived,
			Params: []Param{
				{"hurst", number(hurst), "Hurst exponent, between 0 and 1; 0.5 is white noise"},
				{"variance", number(variance), "variance of a token"},
			},
		},
		variance: variance, covariance: gamma, derived: true,
		entropy: gaussianEntropy(variance * fractionalNoiseInnovation(hurst)),
		partial: fromCovariance("fgn", gamma),
	}
	return g.checked()
}

// fractionalNoiseInnovation is the variance of fractional Gaussian noise of
// unit variance given all its past, by Kolmogorov's formula
// exp((1/2π)·∫ ln(2π·f)) with the spectral density
//
//	f(λ) = 2·c·(1 − cos λ)·Σ_j |λ + 2πj|^(−2H−1),  c = Γ(2H+1)·sin(πH)/(2π)
func fractionalNoiseInnovation(h float64) float64 {
	c := math.Gamma(2*h+1) * math.Sin(math.Pi*h) / (2 * math.Pi)
	s := 2*h + 1
	// ln f less its singular part (1 − 2H)·ln λ, whose mean over (0, π) is
	// (1 − 2H)·(ln π − 1).
	smooth := func(x float64) float64 {
		u := x / (2 * math.Pi)
		sum := math.Pow(2*math.Pi, -s) * (mathext.Zeta(s, u) + mathext.Zeta(s, 1-u))
		half := math.Sin(x / 2)
		return math.Log(4*c*half*half*sum) - (1-2*h)*math.Log(x)
	}
	// Gauss–Legendre would not gain over Simpson on so smooth a function.
	const n = 2000
	total := 0.0
	for i := 0; i <= n; i++ {
		x := math.Max(1e-9, math.Pi*float64(i)/n)
		w := 2.0 + 2*float64(i%2)
		if i == 0 || i == n {
			w = 1
		}
		total += w * smooth(x)
	}
	mean := total / (3 * n)
	return 2 * math.Pi * math.Exp(mean+(1-2*h)*(math.Log(math.Pi)-1))
}

// ARFIMAOptions are the parameters of NewARFIMA:
// (1 − Phi·S)(1 − S)^D w = (1 + Theta·S) e, S the shift back by one token.
type ARFIMAOptions struct {
	D        float64 // order of fractional integration, −½ < D < ½
	Phi      float64 // autoregressive coefficient, |Phi| < 1
	Theta    float64 // moving-average coefficient, |Theta| < 1
	Variance float64 // of the innovations e; 0 means 1
}

// NewARFIMA makes the process ARFIMA(1, D, 1) [granger-joyeux, hosking]. With
// Phi = Theta = 0 its partial autocorrelations are D/(k − D). Its bipartite
// information grows like D²·ln L for D ≠ 0. The entropy rate is
// ½ ln(2πe·Variance).
func NewARFIMA(o ARFIMAOptions) (*Gaussian, error) {
	if o.Variance == 0 {
		o.Variance = 1
	}
	switch {
	case !(math.Abs(o.D) < 0.5):
		return nil, fmt.Errorf("arfima: d = %g is not between -0.5 and 0.5 (exclusive)", o.D)
	case !(math.Abs(o.Phi) <= 0.99):
		return nil, fmt.Errorf("arfima: phi = %g is not between -0.99 and 0.99", o.Phi)
	case !(math.Abs(o.Theta) < 1):
		return nil, fmt.Errorf("arfima: theta = %g is not between -1 and 1 (exclusive)", o.Theta)
	}
	if err := checkVariance("arfima", o.Variance); err != nil {
		return nil, err
	}
	g := &Gaussian{
		desc: Description{
			Kind: "arfima", Title: "fractionally integrated ARMA(1,1)",
			Spec:  "arfima:d=" + number(o.D) + ",phi=" + number(o.Phi) + ",theta=" + number(o.Theta) + ",variance=" + number(o.Variance),
			Token: Number, Shift: Stationary, Beta: new(float64), MaxLength: maxQuadratic,
			Params: []Param{
				{"d", number(o.D), "order of fractional integration, between -0.5 and 0.5"},
				{"phi", number(o.Phi), "autoregressive coefficient"},
				{"theta", number(o.Theta), "moving-average coefficient"},
				{"variance", number(o.Variance), "variance of the innovations"},
			},
		},
		entropy: gaussianEntropy(o.Variance),
	}
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	pure := o.Variance * math.Exp(lg(1-2*o.D)-2*lg(1-o.D))
	if o.Phi == 0 && o.Theta == 0 {
		g.variance = pure
		g.partial = func(n int) ([]float64, error) {
			alpha := make([]float64, n+1)
			for k := 1; k <= n; k++ {
				alpha[k] = o.D / (float64(k) - o.D)
			}
			return alpha, nil
		}
		return g, nil
	}
	g.derived, g.desc.MaxLength = true, maxDerived
	g.variance = arfimaCovariance(o, pure, 0)[0]
	g.partial = func(n int) ([]float64, error) {
		return partialOf("arfima", arfimaCovariance(o, pure, n))
	}
	return g.checked()
}

// arfimaCovariance returns γ_0 … γ_n: the autocovariance of fractionally
// integrated noise, γ_h = γ_{h−1}·(h−1+d)/(h−d), convolved with that of the
// ARMA(1,1) filter, c_0 = (1+2φθ+θ²)/(1−φ²), c_k = φ^(k−1)·(φ+θ)(1+φθ)/(1−φ²),
// cut where it is below rounding.
func arfimaCovariance(o ARFIMAOptions, pure float64, n int) []float64 {
	q := 1 - o.Phi*o.Phi
	weights := []float64{(1 + 2*o.Phi*o.Theta + o.Theta*o.Theta) / q}
	w := (o.Phi + o.Theta) * (1 + o.Phi*o.Theta) / q
	for math.Abs(w) > 1e-18 && len(weights) < 1<<13 {
		weights = append(weights, w)
		w *= o.Phi
	}
	noise := make([]float64, n+len(weights))
	noise[0] = pure
	for h := 1; h < len(noise); h++ {
		noise[h] = noise[h-1] * (float64(h) - 1 + o.D) / (float64(h) - o.D)
	}
	gamma := make([]float64, n+1)
	for d := range gamma {
		s := weights[0] * noise[d]
		for k := 1; k < len(weights); k++ {
			s += weights[k] * (noise[d+k] + noise[max(d-k, k-d)])
		}
		gamma[d] = s
	}
	return gamma
}

// fromCovariance derives partial autocorrelations from a closed form of the
// autocovariance.
func fromCovariance(kind string, gamma func(d int) float64) func(n int) ([]float64, error) {
	return func(n int) ([]float64, error) {
		g := make([]float64, n+1)
		for d := range g {
			g[d] = gamma(d)
		}
		return partialOf(kind, g)
	}
}

func partialOf(kind string, gamma []float64) ([]float64, error) {
	alpha, bad := partialAutocorrelations(gamma)
	if bad > 0 {
		return nil, fmt.Errorf("%s: the autocovariance is lost to rounding at lag %d (choose parameters farther from the edge)", kind, bad)
	}
	return alpha, nil
}

// checked proves that partial autocorrelations exist. They shrink with the
// lag, so that the first ones are the test.
func (g *Gaussian) checked() (*Gaussian, error) {
	if _, err := g.lattice(512); err != nil {
		return nil, err
	}
	return g, nil
}

func checkVariance(kind string, v float64) error {
	if !(v > 0) || math.IsInf(v, 1) {
		return fmt.Errorf("%s: variance %g is not positive", kind, v)
	}
	return nil
}

// gaussianEntropy is ½ ln(2πe·v).
func gaussianEntropy(v float64) info.Nats {
	return info.Nats(0.5 * math.Log(2*math.Pi*math.E*v))
}

func list64(x []float64) string {
	words := make([]string, len(x))
	for i, v := range x {
		words[i] = number(v)
	}
	return strings.Join(words, "/")
}
