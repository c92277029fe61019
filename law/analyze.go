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

// Options says how to analyse; zero values mean defaults.
type Options struct {
	Draws int        // bootstrap replicates; 0 means 4,000, negative none
	Level float64    // of intervals; 0 means 0.95
	Seed  uint64     // of the bootstrap
	Range [2]float64 // lengths to fit, inclusive; a bound of zero is open
}

// With fewer than manyClusters documents the correlations of the estimates are too
// uncertain to use: points are weighted by their variances alone (docs/law.md), and no
// power law is confirmed.
const manyClusters = 20

// Analyze fits the power law and its rivals and gives a verdict. If no single power law
// holds over all lengths, it looks for the longest range up to the longest length in
// which one does, unless Options.Range is set.
//
// It fails only on invalid data (lengths that do not increase, matrices of the wrong
// shape, values that are not finite); too few points or documents, or no information at
// all, give a Verdict.
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
	if out.Verdict != "" {
		return out, nil
	}
	s, ok := newStudy(d, cov, out.Clusters)
	if !ok {
		return out.undecided("singular", "the covariance of the estimates is not positive definite", "measure more documents"), nil
	}
	if p := positive(s.q, cov, out.Clusters); p > significance {
		out.fill(s, opts, nil)
		out.nothing(s, p)
		return out, nil
	}
	if from := s.scalingFrom(); from > 0 && opts.Range == [2]float64{} {
		out.From = d.L[from]
		for i, l := range data.L {
			out.Used[i] = out.Used[i] && l >= out.From
		}
		tail, _ := s.tail(from)
		out.fill(tail, opts, &s)
		out.Local, out.Warnings = localExponents(d, cov, opts.Level, out.Clusters, out.Warnings)
		out.decide(tail)
		out.Reason = fmt.Sprintf("From L = %g on: %s Over all lengths, from %g, no single power law fits (%s).",
			out.From, lower(out.Reason), d.L[0], probability(s.power.P))
		return out, nil
	}
	out.fill(s, opts, nil)
	out.decide(s)
	return out, nil
}

// fill records the results of a study. whole is the study over all lengths from which
// the range of s was chosen, nil if it was not chosen.
func (a *Analysis) fill(s study, opts Options, whole *study) {
	if whole == nil {
		a.Local, a.Warnings = localExponents(s.d, s.cov, opts.Level, a.Clusters, a.Warnings)
	}
	a.Rivals = s.rivals
	switch {
	case s.power == nil:
		a.Warnings = append(a.Warnings, info.Warning{
			Code: "no-power-law",
			Text: fmt.Sprintf("no A·L^β with A > 0 and β between %g and %g has a best fit to these estimates", betaRange[0], betaRange[1]),
		})
		weighRivals(a.Rivals)
	case a.setPower(s, opts, whole):
		akaike(a.Power, a.Rivals)
	default:
		a.Rivals = nil
		a.Warnings = append(a.Warnings, info.Warning{
			Code: "no-rivals",
			Text: fmt.Sprintf("%d lengths are too few to compare the power law with other families", len(s.d.L)),
			Fix:  "use longer windows (--length) or a wider range (--range)",
		})
	}
	if s.few() {
		a.Warnings = append(a.Warnings, info.Warning{
			Code: "few-clusters",
			Text: fmt.Sprintf("only %d documents: the fit ignores the correlation between lengths, and misfits are hard to see", a.Clusters),
			Fix:  fmt.Sprintf("add documents; from %d on the full covariance is used, and a power law can be told from its rivals", manyClusters),
		})
	}
}

// check returns an error for invalid data.
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
		return errors.New("sums and counts must be given together")
	}
	return errors.Join(matrix("the covariance", d.Cov, p), matrix("the sums", d.Sums, -1), matrix("the counts", d.Counts, len(d.Sums)))
}

// choose selects the points in the range whose estimates differ between documents, and
// returns their data and covariance. If nothing can be fitted it sets the verdict.
func (d Data) choose(out *Analysis, limits [2]float64) (Data, stats.Sym) {
	var keep []int
	for i, l := range d.L {
		if (limits[0] == 0 || l >= limits[0]) && (limits[1] == 0 || l <= limits[1]) {
			keep = append(keep, i)
		}
	}
	e, cov := d.pick(keep)
	switch {
	case out.Clusters == 1:
		out.undecided("one-cluster", "all estimates come from one document, so their errors are unknown",
			"add documents, or treat blocks of the document as clusters")
		return e, cov
	case cov.V == nil:
		out.undecided("no-errors", "the estimates come from too few documents to have known errors", "add documents")
		return e, cov
	}
	var still []int
	largest := 0.0
	for i, k := range keep {
		// Estimates that are equal in all documents up to rounding carry no information
		// about chance.
		if se := math.Sqrt(cov.At(i, i)); se <= 1e-9*math.Abs(e.I[i]) || se < 1e-12 {
			still, largest = append(still, k), max(largest, math.Abs(e.I[i]))
		}
	}
	if len(still) > 0 && len(still) == len(keep) {
		if largest < 1e-9 {
			out.Verdict, out.Reason = NoInformation, "Nothing measurable: the estimates are zero in every document."
		} else {
			out.undecided("no-spread", "every document gives the same estimates, as constant or periodic text does, so the errors are unknown",
				"measure documents that differ")
		}
		return e, cov
	}
	if len(still) > 0 {
		keep = slices.DeleteFunc(keep, func(k int) bool { return slices.Contains(still, k) })
		out.Warnings = append(out.Warnings, info.Warning{
			Code: "no-spread",
			Text: fmt.Sprintf("at %d of %d lengths every document gives the same estimate; they are not fitted", len(still), len(still)+len(keep)),
		})
		e, cov = d.pick(keep)
	}
	for _, k := range keep {
		out.Used[k] = true
	}
	if p := len(keep); p < 3 {
		out.undecided("too-few-lengths", fmt.Sprintf("%d usable lengths are too few to fit a law", p),
			"use longer windows (--length) or a wider range (--range)")
	}
	return e, cov
}

// pick returns the points with the given indices and their covariance, which is empty
// if errors are unknown.
func (d Data) pick(keep []int) (Data, stats.Sym) {
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

// localExponents are the slopes between neighbouring points that are both two standard
// errors above zero.
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
