package law

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// Options says how to analyse. Zero values ask for defaults.
type Options struct {
	Draws int        // bootstrap replicates; 0 means 4,000, negative none
	Level float64    // of the intervals; 0 means 0.95
	Seed  uint64     // of the bootstrap
	Range [2]float64 // lengths to fit, inclusive; a zero bound is open
}

// Below manyClusters documents the correlations of the estimates, and the
// tails of the bootstrap, are too uncertain to be used: points are weighed by
// their variances alone and intervals come from Student's t (docs/law.md).
const manyClusters = 20

// Analyze fits the power law and its rivals and says what the data support.
// It fails only on data that make no sense (lengths that do not increase,
// matrices of the wrong shape, values that are not finite); too few points or
// documents, or no information at all, is a Verdict.
func Analyze(data Data, opts Options) (*Analysis, error) {
	if opts.Draws == 0 {
		opts.Draws = 4000
	}
	if opts.Level == 0 {
		opts.Level = info.DefaultLevel
	}
	if !(opts.Level > 0 && opts.Level < 1) {
		return nil, fmt.Errorf("analysing the law: level %g is not between 0 and 1", opts.Level)
	}
	if err := data.check(); err != nil {
		return nil, fmt.Errorf("analysing the law: %w", err)
	}
	out := &Analysis{Used: make([]bool, len(data.L)), Clusters: len(data.Sums)}
	d, cov := data.choose(out, opts.Range)
	p := len(d.L)
	switch {
	case out.Clusters == 1:
		return out.undecided("one-cluster", "all estimates come from one document, so their errors are unknown",
			"add documents, or treat blocks of the document as clusters"), nil
	case cov.V == nil:
		return out.undecided("no-errors", "the estimates come from too few documents to have known errors", "add documents"), nil
	case p < 3:
		return out.undecided("too-few-lengths", fmt.Sprintf("%d usable lengths are too few to fit a law", p),
			"use longer windows (--length) or a wider range (--range)"), nil
	}
	// Estimates that do not differ between documents beyond rounding say
	// nothing about chance.
	for i := range p {
		if se := math.Sqrt(cov.At(i, i)); se <= 1e-9*math.Abs(d.I[i]) || se < 1e-12 {
			return out.undecided("no-spread", "every document gives the same estimates, so chance cannot be told from law",
				"measure documents that differ"), nil
		}
	}

	var weighing stats.Sym
	var ok bool
	few := out.Clusters > 0 && out.Clusters < manyClusters
	if few {
		weighing, ok = cov.Diagonal()
	} else {
		lambda := 0.0
		if d.Sums != nil {
			theta := make([]float64, p)
			c := stats.NewSym(p)
			stats.Covariance(d.Sums, d.Counts, nil, theta, c)
			lambda = stats.Shrinkage(d.Sums, d.Counts, theta, c)
		}
		weighing, ok = cov.Shrunk(lambda)
	}
	w, positive := weighing.Inverse()
	if !ok || !positive {
		return out.undecided("singular", "the covariance of the estimates is not positive definite", "measure more documents"), nil
	}
	q := newProblem(d.L, d.I, w)
	out.Local, out.Warnings = localExponents(d, cov, opts.Level, out.Clusters, out.Warnings)
	out.Rivals = fitRivals(q, cov, out.Clusters)

	if fit, ok := q.power(); ok && fit.interior {
		if out.setPower(q, fit, d, cov, opts, few) {
			akaike(out.Power, out.Rivals)
		} else {
			out.Rivals = nil
			out.Warnings = append(out.Warnings, info.Warning{
				Code: "no-rivals",
				Text: fmt.Sprintf("%d lengths are too few to compare the power law with other families", p),
				Fix:  "use longer windows (--length) or a wider range (--range)",
			})
		}
	} else {
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "no-power-law",
			Text: fmt.Sprintf("no A·L^β with A > 0 and β between %g and %g has a best fit to these estimates", betaRange[0], betaRange[1]),
		})
		weighRivals(out.Rivals)
	}
	if few {
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "few-clusters",
			Text: fmt.Sprintf("only %d documents: the fit ignores the correlation between lengths, and misfits are hard to see", out.Clusters),
			Fix:  fmt.Sprintf("add documents; from %d on the full covariance is used", manyClusters),
		})
	}
	out.decide(q, cov)
	return out, nil
}

// check reports data that make no sense.
func (d Data) check() error {
	p := len(d.L)
	if len(d.I) != p {
		return fmt.Errorf("%d lengths but %d estimates", p, len(d.I))
	}
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	for i, l := range d.L {
		if bad(l) || l <= 0 || i > 0 && l <= d.L[i-1] {
			return fmt.Errorf("lengths %v do not increase from above zero", d.L)
		}
		if bad(d.I[i]) {
			return fmt.Errorf("the estimate at length %g is %g", l, d.I[i])
		}
	}
	matrix := func(name string, rows [][]float64, n int) error {
		if rows != nil && n >= 0 && len(rows) != n {
			return fmt.Errorf("%s has %d rows, not %d", name, len(rows), n)
		}
		for i, row := range rows {
			if len(row) != p {
				return fmt.Errorf("row %d of %s has %d values for %d lengths", i, name, len(row), p)
			}
			if slices.ContainsFunc(row, bad) {
				return fmt.Errorf("row %d of %s holds a value that is not finite", i, name)
			}
		}
		return nil
	}
	if (d.Sums == nil) != (d.Counts == nil) {
		return errors.New("sums and counts come together")
	}
	return errors.Join(matrix("the covariance", d.Cov, p), matrix("the sums", d.Sums, -1), matrix("the counts", d.Counts, len(d.Sums)))
}

// choose marks the points in the range and returns data and covariance of
// those; the covariance is empty when errors are unknown.
func (d Data) choose(out *Analysis, limits [2]float64) (Data, stats.Sym) {
	var keep []int
	for i, l := range d.L {
		if (limits[0] == 0 || l >= limits[0]) && (limits[1] == 0 || l <= limits[1]) {
			keep = append(keep, i)
			out.Used[i] = true
		}
	}
	pick := func(row []float64) []float64 {
		r := make([]float64, len(keep))
		for i, k := range keep {
			r[i] = row[k]
		}
		return r
	}
	rows := func(from [][]float64) [][]float64 {
		if from == nil {
			return nil
		}
		to := make([][]float64, len(from))
		for c := range from {
			to[c] = pick(from[c])
		}
		return to
	}
	e := Data{L: pick(d.L), I: pick(d.I), Sums: rows(d.Sums), Counts: rows(d.Counts), Unit: d.Unit, Source: d.Source}
	cov := stats.NewSym(len(keep))
	switch {
	case d.Cov != nil:
		for i, a := range keep {
			for j, b := range keep[:i+1] {
				cov.Set(i, j, (d.Cov[a][b]+d.Cov[b][a])/2)
			}
		}
	case len(d.Sums) > 1:
		stats.Covariance(e.Sums, e.Counts, nil, make([]float64, len(keep)), cov)
	default:
		return e, stats.Sym{}
	}
	return e, cov
}

func (a *Analysis) undecided(code, text, fix string) *Analysis {
	a.Verdict = Undecided
	a.Reason = strings.ToUpper(text[:1]) + text[1:] + "."
	a.Warnings = append(a.Warnings, info.Warning{Code: code, Text: text, Fix: fix})
	return a
}

// setPower states the fit in unscaled lengths, with its intervals. It reports
// whether AICc exists for it.
func (a *Analysis) setPower(q problem, fit powerFit, d Data, cov stats.Sym, opts Options, few bool) (comparable bool) {
	logScale := math.Log(q.scale)
	logA := math.Log(fit.a) - fit.beta*logScale
	response := make([]float64, len(q.y))
	for i := range response {
		response[i] = fit.u[0][i] - logScale*fit.u[1][i]
	}
	joint := [2][2]float64{
		{cov.Quadratic(response, response), cov.Quadratic(response, fit.u[1])},
		{cov.Quadratic(fit.u[1], response), cov.Quadratic(fit.u[1], fit.u[1])},
	}
	joint[1][0] = joint[0][1]
	for i := range joint {
		joint[i][i] = max(0, joint[i][i]) // of a variance of nothing, rounding may leave less
	}
	se := [2]float64{math.Sqrt(joint[0][0]), math.Sqrt(joint[1][1])}
	t := stats.HalfWidth(opts.Level, float64(a.Clusters-1))
	method := "Student's t"
	if a.Clusters == 0 {
		method = "normal"
	}
	around := func(x, se float64) *info.Interval {
		return &info.Interval{Lo: x - t*se, Hi: x + t*se, Level: opts.Level, Method: method}
	}
	ia, ib := around(logA, se[0]), around(fit.beta, se[1])

	if d.Sums != nil && !few && opts.Draws > 0 {
		draws, departures := bootstrap(q, fit, d.Sums, d.Counts, opts.Draws, opts.Seed)
		a.Draws = draws
		if lost := opts.Draws - len(draws); lost*10 > opts.Draws {
			a.Warnings = append(a.Warnings, info.Warning{
				Code: "bootstrap-fails",
				Text: fmt.Sprintf("%d of %d bootstrap draws have no power law, so intervals are from Student's t instead", lost, opts.Draws),
				Fix:  "measure more documents",
			})
		} else {
			tail := (1 - opts.Level) / 2
			for k, i := range []*info.Interval{ia, ib} {
				at := []float64{logA, fit.beta}[k]
				slices.Sort(departures[k])
				i.Lo = at - se[k]*stats.Quantile(departures[k], 1-tail)
				i.Hi = at - se[k]*stats.Quantile(departures[k], tail)
				i.Method, i.Draws = "document bootstrap, studentised", len(draws)
			}
		}
	}
	A := math.Exp(logA)
	ia.Lo, ia.Hi = math.Exp(ia.Lo), math.Exp(ia.Hi)
	if math.IsInf(ia.Hi, 1) {
		ia.Hi = math.MaxFloat64
	}
	a.Power = &Fit{Family: Power, Chi2: fit.chi2, Params: []Param{
		{"A", info.Estimate{Value: A, SE: A * se[0], Interval: ia}},
		{"beta", info.Estimate{Value: fit.beta, SE: se[1], Interval: ib}},
	}}
	comparable = quality(a.Power, len(q.y), powerParameters, a.Clusters)
	a.Law = &PowerLaw{A: A, Beta: fit.beta, CovLogABeta: joint, DoF: max(0, a.Clusters-1), Unit: d.Unit, Source: d.Source}
	for i, l := range d.L {
		f := float64(a.Law.At(l))
		if r := math.Abs(d.I[i] - f); r > 2*math.Sqrt(cov.At(i, i)) {
			a.Misfit = max(a.Misfit, r/f)
		}
	}
	return comparable
}

// localExponents are the slopes between neighbouring points, where both stand
// two standard errors above zero.
func localExponents(d Data, cov stats.Sym, level float64, clusters int, warnings []info.Warning) ([]Local, []info.Warning) {
	var list []Local
	t := stats.HalfWidth(level, float64(clusters-1))
	unclear := 0
	for i := 1; i < len(d.L); i++ {
		y, z := d.I[i-1], d.I[i]
		if y <= 2*math.Sqrt(cov.At(i-1, i-1)) || z <= 2*math.Sqrt(cov.At(i, i)) {
			unclear++
			continue
		}
		step := math.Log(d.L[i] / d.L[i-1])
		v := cov.At(i, i)/(z*z) + cov.At(i-1, i-1)/(y*y) - 2*cov.At(i, i-1)/(y*z)
		l := Local{From: d.L[i-1], To: d.L[i], Exponent: math.Log(z/y) / step, SE: math.Sqrt(max(0, v)) / step}
		l.Interval = &info.Interval{Lo: l.Exponent - t*l.SE, Hi: l.Exponent + t*l.SE, Level: level, Method: "delta method, Student's t"}
		list = append(list, l)
	}
	if unclear > 0 {
		warnings = append(warnings, info.Warning{
			Code: "no-local-exponent",
			Text: fmt.Sprintf("%d of %d local exponents are left out, since an estimate is not two standard errors above zero (the fit uses every point)", unclear, len(d.L)-1),
		})
	}
	return list, warnings
}
