package law

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// rivals are the families other than the power law, for scaled lengths between lo and
// hi.
func rivals(lo, hi float64) []shape {
	var exponents, saturations [][]float64
	for beta := -1.5; beta < 3; beta += 0.1 {
		if math.Abs(beta) > 0.01 {
			exponents = append(exponents, []float64{beta})
		}
	}
	for g := -2.5; g <= 3; g += 0.5 { // ln γ
		for l := math.Log(lo) - 4; l <= math.Log(hi)+4; l += 0.7 { // ln L0
			saturations = append(saturations, []float64{l, g})
		}
	}
	return []shape{{
		family: OffsetPower, starts: exponents, lo: []float64{-2}, hi: []float64{4}, columns: 2,
		basis: func(s []float64, x float64, c int) float64 {
			if c == 1 {
				return 1
			}
			return math.Pow(x, s[0])
		},
		params: func(s, b []float64, scale float64) []Param {
			return []Param{param("A", b[0]*math.Pow(scale, -s[0])), param("beta", s[0]), param("c", b[1])}
		},
	}, {
		family: Logarithm, columns: 2,
		basis: func(_ []float64, x float64, c int) float64 {
			if c == 0 {
				return 1
			}
			return math.Log(x)
		},
		params: func(_, b []float64, scale float64) []Param {
			return []Param{param("a", b[0]-b[1]*math.Log(scale)), param("b", b[1])}
		},
	}, {
		family: Volume, columns: 1,
		basis: func(_ []float64, x float64, _ int) float64 { return x },
		params: func(_, b []float64, scale float64) []Param {
			return []Param{param("a", b[0]/scale)}
		},
	}, {
		// Bounds separate it from its limits: the volume law for L0 beyond every
		// length, the logarithm for γ → 0.
		family: Saturation, starts: saturations, columns: 1,
		lo: []float64{math.Log(lo) - 5, math.Log(0.05)}, hi: []float64{math.Log(hi) + 5, math.Log(50)},
		basis: func(s []float64, x float64, _ int) float64 {
			return -math.Expm1(-math.Exp(s[1]) * math.Log1p(x/math.Exp(s[0])))
		},
		params: func(s, b []float64, scale float64) []Param {
			return []Param{param("a", b[0]), param("L0", scale*math.Exp(s[0])), param("gamma", math.Exp(s[1]))}
		},
	}, {family: Zero, columns: 0, params: func(_, _ []float64, _ float64) []Param { return []Param{} }}}
}

// levelled is saturation that reaches the share reached of its limit by the scaled
// length hi: L0 = hi/((1 − reached)^(−1/γ) − 1) or less. Its parameter is the logarithm
// of the divisor of L0 instead of ln L0.
func levelled(lo, hi float64) shape {
	s := shape{family: Saturation, columns: 1, lo: []float64{0, math.Log(0.05)}, hi: []float64{math.Log(hi/lo) + 5, math.Log(50)}}
	for g := -2.5; g <= 3; g += 0.5 {
		for l := 0.05; l <= math.Log(hi/lo)+4; l += 0.7 {
			s.starts = append(s.starts, []float64{l, g})
		}
	}
	s.basis = func(at []float64, x float64, _ int) float64 {
		gamma := math.Exp(at[1])
		most := hi / math.Expm1(-math.Log1p(-reached)/gamma)
		return -math.Expm1(-gamma * math.Log1p(x*math.Exp(at[0])/most))
	}
	return s
}

func param(name string, value float64) Param { return Param{name, info.Estimate{Value: value}} }

// Number of parameters of the power law.
const powerParameters = 2

func (s shape) parameters() int { return len(s.lo) + s.columns }

// errors fills the sandwich standard errors of a fit's parameters, from the derivative
// of the curve with respect to each.
func (p problem) errors(s shape, fit curveFit, cov stats.Sym, params []Param) {
	k := s.parameters()
	if k == 0 {
		return
	}
	n := len(p.y)
	theta := append(slices.Clone(fit.shape), fit.coefficients...)
	at := func(t []float64) []float64 {
		y := make([]float64, n)
		for i, x := range p.x {
			for c := range s.columns {
				y[i] += t[len(s.lo)+c] * s.basis(t[:len(s.lo)], x, c)
			}
		}
		return y
	}
	step := func(j int, h float64) []float64 { t := slices.Clone(theta); t[j] += h; return t }
	size := make([]float64, k)
	response := mat.NewDense(n, k, nil)
	for j := range k {
		size[j] = 1e-5 * max(math.Abs(theta[j]), 1e-3)
		up, down := at(step(j, size[j])), at(step(j, -size[j]))
		for i := range n {
			response.Set(i, j, (up[i]-down[i])/(2*size[j]))
		}
	}
	var weighted, normal, gain mat.Dense
	weighted.Mul(response.T(), mat.NewDense(n, n, p.w.V))
	normal.Mul(&weighted, response)
	if err := gain.Solve(&normal, &weighted); err != nil {
		return // the data do not determine the parameters separately
	}
	value := func(t []float64) []float64 {
		var v []float64
		for _, q := range s.params(t[:len(s.lo)], t[len(s.lo):], p.scale) {
			v = append(v, q.Value)
		}
		return v
	}
	for q := range params {
		u := make([]float64, n)
		for j := range k {
			slope := (value(step(j, size[j]))[q] - value(step(j, -size[j]))[q]) / (2 * size[j])
			for i := range n {
				u[i] += slope * gain.At(j, i)
			}
		}
		if v := cov.Quadratic(u, u); v > 0 && !math.IsInf(v, 0) {
			params[q].SE = math.Sqrt(v)
		}
	}
}

// quality turns chi² into a probability and AICc. With a covariance estimated from
// clusters, chi²/dof approximately follows F(dof, clusters−1), whose mean is
// (clusters−1)/(clusters−3). AICc divides chi² by that factor, and its small-sample
// correction counts the clusters, which determine the covariance, not the lengths:
// those would be right for a variance estimated from the residuals. comparable is false
// if AICc does not exist.
func quality(f *Fit, points, parameters, clusters int) (comparable bool) {
	f.DoF = points - parameters
	f.P = 1
	chi2 := f.Chi2
	if f.DoF > 0 {
		if clusters > 1 {
			f.P = distuv.F{D1: float64(f.DoF), D2: float64(clusters - 1)}.Survival(chi2 / float64(f.DoF))
		} else {
			f.P = distuv.ChiSquared{K: float64(f.DoF)}.Survival(chi2)
		}
	}
	if f.DoF <= 0 {
		return false
	}
	if clusters == 0 { // the covariance is given
		f.AICc = chi2 + 2*float64(parameters)
		return true
	}
	if clusters > 4 {
		chi2 *= float64(clusters-3) / float64(clusters-1)
	}
	if aicc, ok := stats.AICc(chi2, parameters, clusters-1); ok {
		f.AICc = aicc
		return true
	}
	return false
}

// fitRivals fits every rival for which there are enough points for AICc, best first.
func fitRivals(p problem, cov stats.Sym, clusters int) []Fit {
	fits := []Fit{}
	for _, s := range rivals(p.x[0], p.x[len(p.x)-1]) {
		c, ok := p.curve(s)
		if !ok {
			continue
		}
		f := Fit{Family: s.family, Chi2: c.chi2, Params: s.params(c.shape, c.coefficients, p.scale)}
		if !quality(&f, len(p.y), s.parameters(), clusters) || !finite(f) {
			continue
		}
		p.errors(s, c, cov, f.Params)
		fits = append(fits, f)
	}
	slices.SortStableFunc(fits, func(a, b Fit) int { return cmp.Compare(a.AICc, b.AICc) })
	return fits
}

func finite(f Fit) bool {
	ok := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	for _, p := range f.Params {
		if !ok(p.Value) {
			return false
		}
	}
	return ok(f.Chi2) && ok(f.AICc)
}

// weighRivals fills the weights if there is no power law.
func weighRivals(rivals []Fit) {
	none := Fit{AICc: math.Inf(1)}
	if len(rivals) > 0 {
		akaike(&none, rivals)
	}
}

// akaike fills the Akaike weights over all fits.
func akaike(power *Fit, rivals []Fit) {
	criteria := []float64{power.AICc}
	for _, f := range rivals {
		criteria = append(criteria, f.AICc)
	}
	weights := stats.AkaikeWeights(criteria)
	power.Weight = weights[0]
	for i := range rivals {
		rivals[i].Weight = weights[i+1]
	}
}
