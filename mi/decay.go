package mi

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat/distuv"
)

// DecayPoint is two-point information at one distance.
type DecayPoint struct {
	Distance int
	Value    info.Nats
	SE       info.Nats
	Below    bool // under the noise floor: shown, not fitted
}

// DecayFit is a fit of A·d^−α + c to two-point mutual information.
type DecayFit struct {
	A             float64        `json:"a"`     // nats at d = 1
	Alpha         float64        `json:"alpha"` // decay exponent
	Floor         float64        `json:"floor"` // c of A·d^−α + c, nats; 0 ≤ c < min
	AInterval     *info.Interval `json:"a_interval,omitempty"`
	AlphaInterval *info.Interval `json:"alpha_interval,omitempty"`
	Chi2          float64        `json:"chi2"`    // squared misfits over squared sampling errors, Scatter not counted
	DoF           int            `json:"dof"`     // points less A, α, c
	Scatter       float64        `json:"scatter"` // τ: how far points lie off the law beyond sampling error, as a fraction of the law
	Used          []bool         `json:"used"`    // which distances were fitted
	Weight        float64        `json:"weight"`  // Akaike weight of A·d^−α + c among the families
	Rivals        []DecayRival   `json:"rivals,omitempty"`
	Warnings      []info.Warning `json:"warnings,omitempty"`
}

// At is the fitted law at distance d, without its floor, in nats.
func (f *DecayFit) At(d float64) info.Nats { return info.Nats(f.A * math.Pow(d, -f.Alpha)) }

// DecayRival is another family of decay fitted to the same points.
type DecayRival struct {
	Family string             `json:"family"` // "power" (no floor), "broken-power", "exponential"
	Params map[string]float64 `json:"params"`
	AICc   float64            `json:"aicc"`
	Weight float64            `json:"weight"`
}

// At is the rival at distance d, in nats.
func (r DecayRival) At(d float64) info.Nats {
	a := r.Params["a"]
	switch r.Family {
	case "power":
		return info.Nats(a * math.Pow(d, -r.Params["alpha"]))
	case "broken-power":
		b := r.Params["break"]
		return info.Nats(a * math.Pow(min(d, b), -r.Params["alpha"]) * math.Pow(max(1, d/b), -r.Params["alpha_beyond"]))
	case "exponential":
		return info.Nats(a * math.Exp(-d/r.Params["length"]))
	}
	return info.Nats(math.NaN())
}

// Name says what the rival is, with its parameters: "a broken power law, d^−1.9
// up to d ≈ 17 and d^−0.27 beyond".
func (r DecayRival) Name() string {
	power := func(name string) string {
		return strings.ReplaceAll(fmt.Sprintf("d^%+.2f", -r.Params[name]), "-", "−")
	}
	switch r.Family {
	case "power":
		return "a power law without a floor, " + power("alpha")
	case "broken-power":
		return fmt.Sprintf("a broken power law, %s up to d ≈ %s and %s beyond", power("alpha"), twoDigits(r.Params["break"]), power("alpha_beyond"))
	case "exponential":
		return "an exponential of length " + twoDigits(r.Params["length"])
	}
	return r.Family
}

// twoDigits writes a length with two significant digits.
func twoDigits(x float64) string {
	scale := math.Pow(10, math.Floor(math.Log10(x))-1)
	return strconv.FormatFloat(math.Round(x/scale)*scale, 'f', max(0, -int(math.Round(math.Log10(scale)))), 64)
}

// Better returns the rival to which the points give at least 19 times the weight
// of a power law, with a floor or without; nil if there is none.
func (f *DecayFit) Better() *DecayRival {
	power := f.Weight
	for _, r := range f.Rivals {
		if r.Family == "power" {
			power += r.Weight
		}
	}
	for i, r := range f.Rivals {
		if r.Family != "power" && r.Weight >= 19*power {
			return &f.Rivals[i]
		}
	}
	return nil
}

// decayFamily is a family of decay. Parameters are free real numbers; the last
// one of a fit, ln τ, is the scatter and not the family's own.
type decayFamily struct {
	name   string
	starts func(d, y []float64) [][]float64
	at     func(theta []float64, d float64) float64
	params func(theta []float64) map[string]float64
}

// decayFamilies are the floored power law and its rivals. lowest is the
// smallest fitted value, which bounds the floor.
func decayFamilies(lowest float64) []decayFamily {
	sigmoid := func(u float64) float64 { return 1 / (1 + math.Exp(-u)) }
	power := func(d, y []float64) []float64 {
		a, b := logLine(d, y)
		return []float64{a, -b}
	}
	return []decayFamily{{
		name: "floored-power", // ln A, α, logit(c/lowest)
		starts: func(d, y []float64) [][]float64 {
			p := power(d, y)
			return [][]float64{{p[0], p[1], -6}, {p[0], 1.3 * p[1], 0}, {p[0], 1.5 * p[1], 3}}
		},
		at: func(t []float64, d float64) float64 {
			return math.Exp(t[0]-t[1]*math.Log(d)) + lowest*sigmoid(t[2])
		},
		params: func(t []float64) map[string]float64 {
			return map[string]float64{"a": math.Exp(t[0]), "alpha": t[1], "floor": lowest * sigmoid(t[2])}
		},
	}, {
		name:   "power", // ln A, α
		starts: func(d, y []float64) [][]float64 { return [][]float64{power(d, y)} },
		at:     func(t []float64, d float64) float64 { return math.Exp(t[0] - t[1]*math.Log(d)) },
		params: func(t []float64) map[string]float64 {
			return map[string]float64{"a": math.Exp(t[0]), "alpha": t[1]}
		},
	}, {
		name: "broken-power", // ln A, α before, α after, ln of the break
		starts: func(d, y []float64) [][]float64 {
			p := power(d, y)
			var list [][]float64
			for i := 1; i+1 < len(d); i += max(1, len(d)/4) {
				list = append(list, []float64{p[0], p[1], p[1], math.Log(d[i])})
			}
			return list
		},
		at: func(t []float64, d float64) float64 {
			x := math.Log(d)
			return math.Exp(t[0] - t[1]*min(x, t[3]) - t[2]*max(0, x-t[3]))
		},
		params: func(t []float64) map[string]float64 {
			return map[string]float64{"a": math.Exp(t[0]), "alpha": t[1], "alpha_beyond": t[2], "break": math.Exp(t[3])}
		},
	}, {
		name: "exponential", // ln A, ln ξ
		starts: func(d, y []float64) [][]float64 {
			var list [][]float64
			for _, xi := range []float64{d[0], d[len(d)/2], d[len(d)-1]} {
				list = append(list, []float64{math.Log(y[0]), math.Log(xi)})
			}
			return list
		},
		at: func(t []float64, d float64) float64 { return math.Exp(t[0] - d/math.Exp(t[1])) },
		params: func(t []float64) map[string]float64 {
			return map[string]float64{"a": math.Exp(t[0]), "length": math.Exp(t[1])}
		},
	}}
}

// FitDecay fits A·d^−α + c, 0 ≤ c < the smallest value, to the points above
// the noise floor, and its rivals. Points are by increasing distance.
//
// The likelihood is normal with variance SE_i² + (τ·f_i)², f the fitted decay:
// large corpora have sampling errors far smaller than the departure of any
// text from a power law, and then the scatter τ, fitted along, weighs points
// equally on the log scale. Intervals are from the curvature (Gauss–Newton,
// Student's t). The result is nil when fewer than four points are left;
// warnings then say why.
func FitDecay(points []DecayPoint, level float64) (*DecayFit, []info.Warning) {
	out := &DecayFit{Used: make([]bool, len(points))}
	var d, y, se []float64
	for i, p := range points {
		if p.Below || !(p.Value > 0) || p.Distance < 1 {
			continue
		}
		out.Used[i] = true
		d, y, se = append(d, float64(p.Distance)), append(y, float64(p.Value)), append(se, float64(p.SE))
	}
	if n := len(points) - len(d); n > 0 {
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "below-floor",
			Text: fmt.Sprintf("%d of %d distances are not above the noise floor and were not fitted", n, len(points)),
			Fix:  "count more text to lower the floor",
		})
	}
	if len(d) < 4 {
		return nil, append(out.Warnings, info.Warning{
			Code: "too-few-distances",
			Text: fmt.Sprintf("only %d distances stand above the noise floor; a decay needs four", len(d)),
			Fix:  "count more text",
		})
	}
	families := decayFamilies(slices.Min(y))
	main := families[0].fit(d, y, se)
	if main == nil || !finiteParams(families[0].params(main.theta)) {
		return nil, append(out.Warnings, info.Warning{Code: "no-convergence", Text: "the decay A·d^−α + c could not be fitted"})
	}
	p := families[0].params(main.theta)
	out.A, out.Alpha, out.Floor = p["a"], p["alpha"], p["floor"]
	if out.Floor < 1e-6*slices.Min(y) {
		out.Floor = 0 // its lower bound, which the fit only comes near to
	}
	out.Scatter = main.scatter
	out.DoF = len(d) - 3
	for i := range d {
		if se[i] > 0 {
			r := (y[i] - families[0].at(main.theta, d[i])) / se[i]
			out.Chi2 += r * r
		}
	}
	main.intervals(out, families[0], d, se, slices.Min(y), level)
	aicc := []float64{main.aicc}
	for _, f := range families[1:] {
		if fit := f.fit(d, y, se); fit != nil && !math.IsInf(fit.aicc, 0) && finiteParams(f.params(fit.theta)) {
			out.Rivals = append(out.Rivals, DecayRival{Family: f.name, Params: f.params(fit.theta), AICc: fit.aicc})
			aicc = append(aicc, fit.aicc)
		}
	}
	// With too few points for AICc the weight of the main fit is 0 beside rivals
	// and 1 alone.
	w := akaikeWeights(aicc)
	out.Weight = w[0]
	for i := range out.Rivals {
		out.Rivals[i].Weight = w[i+1]
	}
	slices.SortStableFunc(out.Rivals, func(a, b DecayRival) int {
		switch {
		case a.AICc < b.AICc:
			return -1
		case a.AICc > b.AICc:
			return 1
		}
		return 0
	})
	if r := out.Better(); r != nil {
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "rival",
			Text: fmt.Sprintf("another decay describes the points better than A·d^−α + c, from which they depart by %.0f %%: %s", 100*out.Scatter, r.Name()),
			Fix:  "quote that one, or give the range of distances with the exponent",
		})
	}
	return out, nil
}

// decayResult is a maximum of the likelihood.
type decayResult struct {
	theta   []float64 // the family's parameters
	scatter float64   // τ
	aicc    float64
}

// leastScatter keeps the likelihood finite for points that lie exactly on the
// law.
const leastScatter = 1e-6

// fit maximises the likelihood from several starts; nil when no start leads to
// a maximum. AICc is +Inf when there are too few points for it.
func (f decayFamily) fit(d, y, se []float64) *decayResult {
	n := len(d)
	deviance := func(u []float64) float64 {
		k := len(u) - 1
		tau := math.Hypot(math.Exp(min(u[k], 5)), leastScatter)
		total := 0.0
		for i := range d {
			at := f.at(u[:k], d[i])
			v := se[i]*se[i] + tau*tau*at*at
			r := y[i] - at
			total += math.Log(v) + r*r/v
		}
		if math.IsNaN(total) || math.IsInf(total, 0) {
			return math.MaxFloat64
		}
		return total
	}
	var best []float64
	lowest := math.Inf(1)
	for _, start := range f.starts(d, y) {
		u := append(slices.Clone(start), math.Log(0.1))
		// A restart lets Nelder–Mead leave a collapsed simplex.
		for range 3 {
			r, err := optimize.Minimize(optimize.Problem{Func: deviance}, u,
				&optimize.Settings{FuncEvaluations: 1500, Concurrent: 1}, &optimize.NelderMead{SimplexSize: 0.3})
			if r == nil || err != nil && r.X == nil {
				break
			}
			u = r.X
		}
		if v := deviance(u); v < lowest {
			lowest, best = v, u
		}
	}
	k := len(f.starts(d, y)[0]) + 1
	if best == nil {
		return nil
	}
	r := &decayResult{theta: best[:k-1], scatter: math.Exp(min(best[k-1], 5))}
	r.aicc = lowest + 2*float64(k)
	if n-k-1 <= 0 {
		r.aicc = math.Inf(1)
		return r
	}
	r.aicc += 2 * float64(k*(k+1)) / float64(n-k-1)
	return r
}

var flatWarning = info.Warning{
	Code: "flat",
	Text: "the points do not determine A and α separately from the floor; no intervals are given",
	Fix:  "measure more distances",
}

// A floor at its upper bound stands for a decay that A·d^−α + c does not have.
var highFloorWarning = info.Warning{
	Code: "high-floor",
	Text: "the fitted floor is the smallest value itself: far distances decay more slowly than the law does; no intervals are given",
}

// intervals fills the intervals of A and α from the curvature.
func (r *decayResult) intervals(out *DecayFit, f decayFamily, d, se []float64, lowest, level float64) {
	n, k := len(d), len(r.theta)
	if out.Floor > 0.999*lowest {
		out.Warnings = append(out.Warnings, highFloorWarning)
		return
	}
	// At its bound the floor is no free parameter.
	if out.Floor < 1e-3*f.at(r.theta, d[n-1]) {
		k--
	}
	dof := n - k
	if dof < 1 {
		return
	}
	information := mat.NewSymDense(k, nil)
	slope := make([]float64, k)
	for i := range d {
		at := f.at(r.theta, d[i])
		for j := range k {
			h := 1e-5
			up, down := slices.Clone(r.theta), slices.Clone(r.theta)
			up[j] += h
			down[j] -= h
			slope[j] = (f.at(up, d[i]) - f.at(down, d[i])) / (2 * h)
		}
		v := se[i]*se[i] + (r.scatter*r.scatter+leastScatter*leastScatter)*at*at
		for a := range k {
			for b := range a + 1 {
				information.SetSym(a, b, information.At(a, b)+slope[a]*slope[b]/v)
			}
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(information) || chol.Cond() > 1e14 {
		out.Warnings = append(out.Warnings, flatWarning)
		return
	}
	var cov mat.SymDense
	if err := chol.InverseTo(&cov); err != nil {
		return
	}
	// Maximum likelihood underestimates the scatter by n/dof.
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(dof)}.Quantile(0.5 + level/2)
	half := func(j int) float64 { return t * math.Sqrt(cov.At(j, j)*float64(n)/float64(dof)) }
	if out.A*math.Exp(half(0)) > math.MaxFloat64/2 || math.IsNaN(half(0)+half(1)) {
		out.Warnings = append(out.Warnings, flatWarning)
		return
	}
	method := "likelihood curvature, Student's t"
	out.AInterval = &info.Interval{Lo: out.A * math.Exp(-half(0)), Hi: out.A * math.Exp(half(0)), Level: level, Method: method}
	out.AlphaInterval = &info.Interval{Lo: out.Alpha - half(1), Hi: out.Alpha + half(1), Level: level, Method: method}
}

// finiteParams reports whether a fit stayed in range: a family may run off to
// infinity where it is not needed (a decay length of points that do not decay).
func finiteParams(params map[string]float64) bool {
	for _, v := range params {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// logLine is the least-squares line ln y = a + b·ln d.
func logLine(d, y []float64) (a, b float64) {
	var sx, sy, sxx, sxy float64
	for i := range d {
		u, v := math.Log(d[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+u, sy+v, sxx+u*u, sxy+u*v
	}
	n := float64(len(d))
	if den := n*sxx - sx*sx; den > 0 {
		b = (n*sxy - sx*sy) / den
	}
	return (sy - b*sx) / n, b
}

// akaikeWeights are exp(−Δ/2) normalised.
func akaikeWeights(aicc []float64) []float64 {
	w := make([]float64, len(aicc))
	if len(aicc) == 1 {
		w[0] = 1
		return w
	}
	least, total := slices.Min(aicc), 0.0
	for i, a := range aicc {
		w[i] = math.Exp((least - a) / 2)
		total += w[i]
	}
	for i := range w {
		w[i] /= total
	}
	return w
}
