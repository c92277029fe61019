package law

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"github.com/l2m-lab/l2m/stats"
)

// problem is a weighted least-squares problem: points y at lengths x·scale.
// Lengths are divided by their geometric mean so that A and β are nearly
// uncorrelated and powers stay in range.
type problem struct {
	x, logX []float64
	y       []float64
	scale   float64
	w       stats.Sym // weights: inverse of the weighing covariance
}

func newProblem(lengths, y []float64, w stats.Sym) problem {
	p := problem{y: y, w: w}
	mean := 0.0
	for _, l := range lengths {
		mean += math.Log(l) / float64(len(lengths))
	}
	p.scale = math.Exp(mean)
	for _, l := range lengths {
		p.x = append(p.x, l/p.scale)
		p.logX = append(p.logX, math.Log(l)-mean)
	}
	return p
}

// betaRange bounds the search for exponents.
var betaRange = [2]float64{-2, 4}

// powerFit is the minimum of (y − a·x^β)ᵀ W (y − a·x^β) with a > 0.
type powerFit struct {
	a, beta  float64 // a at the geometric mean of the lengths
	chi2     float64
	u        [2][]float64 // ln a and β respond to y by u (Gauss–Newton)
	interior bool         // β lies inside betaRange and the gradient vanishes
}

// profile is chi² at the best a > 0 for a given β; +Inf if that a would not be
// positive.
func (p problem) profile(beta float64, g []float64) (a, gain float64) {
	for i, x := range p.logX {
		g[i] = math.Exp(beta * x)
	}
	gy, gg := p.w.Quadratic(g, p.y), p.w.Quadratic(g, g)
	if !(gy > 0) || !(gg > 0) {
		return 0, math.Inf(-1)
	}
	return gy / gg, gy * gy / gg
}

// power fits by variable projection: the best a has a closed form for each β, so only β
// is searched for, over a grid and then by golden section.
func (p problem) power() (powerFit, bool) {
	g := make([]float64, len(p.y))
	const step = 0.05
	best, top := math.NaN(), math.Inf(-1)
	steps := int(math.Round((betaRange[1] - betaRange[0]) / step))
	for i := range steps + 1 {
		beta := betaRange[0] + float64(i)*step
		if _, gain := p.profile(beta, g); gain > top {
			best, top = beta, gain
		}
	}
	if math.IsNaN(best) {
		return powerFit{}, false
	}
	return p.polish(p.golden(best-step, best+step, g))
}

// golden narrows [lo, hi] to the maximum of the gain.
func (p problem) golden(lo, hi float64, g []float64) float64 {
	lo, hi = max(lo, betaRange[0]), min(hi, betaRange[1])
	const ratio = 0.6180339887498949
	gain := func(beta float64) float64 { _, v := p.profile(beta, g); return v }
	m, n := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
	fm, fn := gain(m), gain(n)
	for hi-lo > 1e-5 {
		if fm >= fn {
			hi, n, fn = n, m, fm
			m = hi - ratio*(hi-lo)
			fm = gain(m)
		} else {
			lo, m, fm = m, n, fn
			n = lo + ratio*(hi-lo)
			fn = gain(n)
		}
	}
	return (lo + hi) / 2
}

// polish takes Gauss–Newton steps in (ln a, β) from the best a at beta, and checks that
// the gradient vanishes.
func (p problem) polish(beta float64) (powerFit, bool) {
	n := len(p.y)
	g := make([]float64, n)
	a, gain := p.profile(beta, g)
	if math.IsInf(gain, -1) {
		return powerFit{}, false
	}
	fit := powerFit{}
	residual := make([]float64, n)
	slope := [2][]float64{make([]float64, n), make([]float64, n)}
	weighted := [2][]float64{make([]float64, n), make([]float64, n)}
	logA := math.Log(a)
	for range 50 {
		for i := range n {
			f := math.Exp(logA + beta*p.logX[i])
			residual[i] = p.y[i] - f
			slope[0][i], slope[1][i] = f, f*p.logX[i]
		}
		for k := range 2 {
			for i := range n {
				x := 0.0
				for j := range n {
					x += p.w.V[i*n+j] * slope[k][j]
				}
				weighted[k][i] = x
			}
		}
		haa, hab, hbb := dot(slope[0], weighted[0]), dot(slope[0], weighted[1]), dot(slope[1], weighted[1])
		ga, gb := dot(weighted[0], residual), dot(weighted[1], residual)
		det := haa*hbb - hab*hab
		if !(det > 1e-12*haa*hbb) {
			return powerFit{}, false
		}
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		// The decrement is the chi² that a full step would gain.
		done := ga*da+gb*db < 1e-16*(1+gain) || math.Abs(da)+math.Abs(db) < 1e-12
		if done {
			fit.a, fit.beta = math.Exp(logA), beta
			fit.chi2 = p.w.Quadratic(residual, residual)
			fit.interior = beta > betaRange[0] && beta < betaRange[1]
			for k := range 2 {
				fit.u[k] = make([]float64, n)
			}
			for i := range n {
				fit.u[0][i] = (hbb*weighted[0][i] - hab*weighted[1][i]) / det
				fit.u[1][i] = (haa*weighted[1][i] - hab*weighted[0][i]) / det
			}
			return fit, true
		}
		logA += min(1, max(-1, da))
		beta = min(betaRange[1], max(betaRange[0], beta+min(0.3, max(-0.3, db))))
	}
	return powerFit{}, false
}

func dot(a, b []float64) float64 {
	total := 0.0
	for i := range a {
		total += a[i] * b[i]
	}
	return total
}

// shape is a family whose curve is a sum of coefficients times basis functions
// that depend on shape parameters; in scaled lengths x.
type shape struct {
	family  Family
	starts  [][]float64 // of the shape parameters
	lo, hi  []float64   // bounds of the shape parameters
	columns int
	basis   func(shape []float64, x float64, column int) float64
	// params names the parameters in unscaled lengths.
	params func(shape, coefficients []float64, scale float64) []Param
}

// curveFit is a family at its minimum.
type curveFit struct {
	shape, coefficients []float64
	chi2                float64
}

// coefficients solves for the coefficients at given shape parameters (at most two, by
// the normal equations) and returns chi².
func (p problem) coefficients(s shape, at []float64) ([]float64, float64) {
	n := len(p.y)
	columns := make([][]float64, s.columns)
	for c := range columns {
		columns[c] = make([]float64, n)
		for i, x := range p.x {
			columns[c][i] = s.basis(at, x, c)
		}
	}
	b, chi2, ok := p.w.LeastSquares(columns, p.y)
	if !ok {
		return nil, math.Inf(1)
	}
	return b, chi2
}

// curve fits a family by variable projection: the shape parameters by Nelder–Mead from
// the best of its starts, the coefficients in closed form.
func (p problem) curve(s shape) (curveFit, bool) {
	value := func(at []float64) float64 {
		for i, x := range at {
			if x < s.lo[i] || x > s.hi[i] {
				return math.MaxFloat64
			}
		}
		if _, v := p.coefficients(s, at); !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v
		}
		return math.MaxFloat64
	}
	best := curveFit{chi2: math.MaxFloat64}
	if len(s.lo) == 0 {
		b, v := p.coefficients(s, nil)
		return curveFit{coefficients: b, chi2: v}, !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	for _, start := range s.starts {
		if v := value(start); v < best.chi2 {
			best.chi2, best.shape = v, start
		}
	}
	if best.shape == nil {
		return best, false
	}
	for range 2 { // a restart lets Nelder–Mead leave a collapsed simplex
		r, err := optimize.Minimize(optimize.Problem{Func: value}, best.shape,
			&optimize.Settings{FuncEvaluations: 600, Concurrent: 1}, &optimize.NelderMead{SimplexSize: 0.1})
		if r != nil && (err == nil || r.X != nil) && r.F <= best.chi2 {
			best.chi2, best.shape = r.F, slices.Clone(r.X)
		}
	}
	best.coefficients, best.chi2 = p.coefficients(s, best.shape)
	return best, best.coefficients != nil
}
