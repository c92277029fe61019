package decay

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// data are the points of a fit.
type data struct {
	d, y, se []float64
	without  [][]float64 // by point: y without each block
}

func (p *data) add(x Point) {
	var without []float64
	for _, v := range x.Without {
		without = append(without, float64(v))
	}
	p.d, p.y, p.se = append(p.d, float64(x.Distance)), append(p.y, float64(x.Value)), append(p.se, float64(x.SE))
	p.without = append(p.without, without)
}

// lowest is the smallest value, which bounds the constant.
func (p data) lowest() float64 { return slices.Min(p.y) }

// blocks is the number of blocks that can be left out of all points; 0 if it is not the
// same for all.
func (p data) blocks() int {
	n := len(p.without[0])
	for _, w := range p.without {
		if len(w) != n {
			return 0
		}
	}
	return n
}

// leaveOut returns the points without block b.
func (p data) leaveOut(b int) data {
	y := make([]float64, len(p.y))
	for i := range y {
		y[i] = p.without[i][b]
	}
	return data{d: p.d, y: y, se: p.se}
}

// result is a maximum of the likelihood.
type result struct {
	theta   []float64 // the family's parameters
	scatter float64   // τ
	aicc    float64
}

// leastScatter keeps the likelihood finite for points exactly on the law.
const leastScatter = 1e-6

// deviance returns −2·ln likelihood up to a constant, as a function of the family's
// parameters and ln τ.
func (f family) deviance(p data) func(u []float64) float64 {
	return func(u []float64) float64 {
		k := len(u) - 1
		tau := math.Hypot(math.Exp(min(u[k], 5)), leastScatter)
		total := 0.0
		for i := range p.d {
			at := f.at(u[:k], p.d[i])
			v := p.se[i]*p.se[i] + tau*tau*at*at
			r := p.y[i] - at
			total += math.Log(v) + r*r/v
		}
		if math.IsNaN(total) || math.IsInf(total, 0) {
			return math.MaxFloat64
		}
		return total
	}
}

// descend looks for a minimum near u.
func descend(deviance func([]float64) float64, u []float64) []float64 {
	// A restart lets Nelder–Mead leave a collapsed simplex.
	for range 3 {
		r, err := optimize.Minimize(optimize.Problem{Func: deviance}, u,
			&optimize.Settings{FuncEvaluations: 1500, Concurrent: 1}, &optimize.NelderMead{SimplexSize: 0.3})
		if r == nil || err != nil && r.X == nil {
			break
		}
		u = r.X
	}
	return u
}

// fit maximises the likelihood from several starts; nil if none leads to a maximum.
// AICc is +Inf if there are too few points for it.
func (f family) fit(p data) *result {
	deviance := f.deviance(p)
	var best []float64
	lowest := math.Inf(1)
	starts := f.starts(p.d, p.y)
	for _, start := range starts {
		u := descend(deviance, append(slices.Clone(start), math.Log(0.1)))
		if v := deviance(u); v < lowest {
			lowest, best = v, u
		}
	}
	if best == nil {
		return nil
	}
	k := len(starts[0]) + 1
	r := &result{theta: best[:k-1], scatter: math.Exp(min(best[k-1], 5))}
	r.aicc, _ = stats.AICc(lowest, k, len(p.d))
	return r
}

var flatWarning = info.Warning{
	Code: "flat",
	Text: "the points do not determine A and α separately from the constant c; no intervals are given",
	Fix:  "measure more distances",
}

// A constant at its upper bound indicates a decay that A·d^−α + c does not have.
var highFloorWarning = info.Warning{
	Code: "high-floor",
	Text: "the fitted constant c is the smallest value itself: far distances decay more slowly than the law does; no intervals are given",
}

// spread is half the width of the intervals of ln A and α, and its source.
type spread struct {
	lnA, alpha float64
	method     string
}

// intervals fills the intervals of A and α.
func (r *result) intervals(out *Law, f family, p data, level float64) {
	if out.Floor > 0.999*p.lowest() {
		out.Warnings = append(out.Warnings, highFloorWarning)
		return
	}
	half := r.curvature(out.Floor, f, p, level)
	if half == nil || !(out.A*math.Exp(half.lnA) <= math.MaxFloat64/2) || math.IsNaN(half.alpha) {
		out.Warnings = append(out.Warnings, flatWarning)
		return
	}
	a, alpha := *half, *half
	if jack := r.jackknife(f, p, level); jack != nil {
		if jack.lnA > a.lnA && out.A*math.Exp(jack.lnA) <= math.MaxFloat64/2 {
			a = *jack
		}
		if jack.alpha > alpha.alpha {
			alpha = *jack
		}
	}
	out.AInterval = &info.Interval{Lo: out.A * math.Exp(-a.lnA), Hi: out.A * math.Exp(a.lnA), Level: level, Method: a.method}
	out.AlphaInterval = &info.Interval{Lo: out.Alpha - alpha.alpha, Hi: out.Alpha + alpha.alpha, Level: level, Method: alpha.method}
}

// curvature is the spread from the likelihood's curvature; nil if it does not determine
// the parameters.
func (r *result) curvature(floor float64, f family, p data, level float64) *spread {
	n, k := len(p.d), len(r.theta)
	// At its bound the constant is not a free parameter.
	if floor < 1e-3*f.at(r.theta, p.d[n-1]) {
		k--
	}
	information := mat.NewSymDense(k, nil)
	slope := make([]float64, k)
	for i := range p.d {
		at := f.at(r.theta, p.d[i])
		for j := range k {
			h := 1e-5
			up, down := slices.Clone(r.theta), slices.Clone(r.theta)
			up[j] += h
			down[j] -= h
			slope[j] = (f.at(up, p.d[i]) - f.at(down, p.d[i])) / (2 * h)
		}
		v := p.se[i]*p.se[i] + (r.scatter*r.scatter+leastScatter*leastScatter)*at*at
		for a := range k {
			for b := range a + 1 {
				information.SetSym(a, b, information.At(a, b)+slope[a]*slope[b]/v)
			}
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(information) || chol.Cond() > 1e14 {
		return nil
	}
	var cov mat.SymDense
	if err := chol.InverseTo(&cov); err != nil {
		return nil
	}
	// Maximum likelihood underestimates the scatter by n/dof.
	dof := float64(n - k)
	half := func(j int) float64 { return stats.HalfWidth(level, dof) * math.Sqrt(cov.At(j, j)*float64(n)/dof) }
	return &spread{half(0), half(1), "likelihood curvature, Student's t"}
}

// jackknife is the spread of the fits without each block of documents; nil without
// blocks.
func (r *result) jackknife(f family, p data, level float64) *spread {
	blocks := p.blocks()
	if blocks < 2 {
		return nil
	}
	start := append(slices.Clone(r.theta), math.Log(max(r.scatter, 1e-3)))
	lnA, alpha := make([]float64, blocks), make([]float64, blocks)
	for b := range blocks {
		u := descend(f.deviance(p.leaveOut(b)), start)
		lnA[b], alpha[b] = u[0], u[1]
	}
	t := stats.HalfWidth(level, float64(blocks-1))
	return &spread{t * stats.Jackknife(lnA), t * stats.Jackknife(alpha), "jackknife over blocks of documents, Student's t"}
}
