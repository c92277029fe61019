package calibrate

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/stats"
)

// coverage counts the intervals of β over all cells with undamaged models, nil
// when none was fitted.
func coverage(cells []result.CalibrationCell) *result.CalibrationCoverage {
	var sum result.CalibrationCoverage
	for _, c := range cells {
		for _, e := range c.Estimators {
			if e.Beta != nil && c.Damage == "none" {
				sum.Covered, sum.Of = sum.Covered+e.Beta.Covered, sum.Of+e.Beta.Of
			}
		}
	}
	if sum.Of == 0 {
		return nil
	}
	sum.Coverage = float64(sum.Covered) / float64(sum.Of)
	return &sum
}

func (o Options) settings() result.CalibrationSettings {
	return result.CalibrationSettings{Length: o.Length, Repetitions: o.Repetitions, Draws: o.Draws, Cross: o.Cross, Seed: o.Seed, Level: info.DefaultLevel}
}

// summarise turns repetitions into a cell of the result.
func (c *cell) summarise() (result.CalibrationCell, error) {
	d := c.truth.Describe()
	out := result.CalibrationCell{Process: d, Damage: c.damage.String(), Windows: c.windows}
	truth := make([]float64, len(c.splits))
	for i, ell := range c.splits {
		mi, err := c.truth.BipartiteMI(ell, 2*ell)
		if err != nil {
			return out, err
		}
		truth[i] = float64(mi)
	}
	for i, e := range c.estimators() {
		if reason := c.absent(i); reason != "" {
			out.Notes = append(out.Notes, fmt.Sprintf("no %s: %s", e, reason))
			continue
		}
		s := result.EstimatorCalibration{Estimator: e, Repetitions: len(c.repeats), Verdicts: map[law.Verdict]int{}, Best: map[law.Family]int{}}
		var beta, a []interval
		for _, r := range c.repeats {
			f := r.Fits[i]
			s.Verdicts[f.Verdict]++
			s.Best[f.Best]++
			if f.Bounded {
				s.Bounded++
			}
			if f.Power {
				beta, a = append(beta, f.Beta), append(a, f.A)
			}
		}
		s.Fitted = len(beta)
		for j, ell := range c.splits {
			p := result.PointCalibration{Ell: ell, Length: 2 * ell}
			values := make([]interval, len(c.repeats))
			for k, r := range c.repeats {
				values[k] = r.Fits[i].Points[j]
				p.MeanSE += r.Fits[i].SEs[j] / float64(len(c.repeats))
			}
			p.Summary = newSummary(truth[j], values)
			s.Points = append(s.Points, p)
		}
		trueA, trueBeta, exact, known, err := c.trueLaw(i, truth)
		if err != nil {
			return out, err
		}
		if known && len(beta) > 0 {
			s.Beta = &result.ParameterCalibration{Summary: newSummary(trueBeta, beta), Exact: exact}
			s.A = &result.ParameterCalibration{Summary: newSummary(trueA, a), Exact: exact}
		}
		out.Estimators = append(out.Estimators, s)
		if i == 0 {
			out.Headline = c.headline(s.Points[len(s.Points)-1])
		}
	}
	if len(c.estimators()) < len(c.o.Estimators) {
		out.Notes = append(out.Notes, "block does not apply: the process is not stationary")
	}
	if d.Shift == process.DyadicShift && slices.Contains(c.estimators(), mi.Block) {
		out.Notes = append(out.Notes, "the process is not stationary, but the halves of windows of these lengths have the same law, so block applies at L/ℓ = 2")
	}
	out.Efficiency = c.efficiency()
	return out, nil
}

// absent says why estimator i has no estimates in some repetition; "" when it always has.
func (c *cell) absent(i int) string {
	for _, r := range c.repeats {
		if reason := r.Fits[i].Absent; reason != "" {
			return reason
		}
	}
	return ""
}

// headline sums up what the first estimator and the checks say; p is its point at the
// longest length.
func (c *cell) headline(p result.PointCalibration) *result.CalibrationHeadline {
	out := &result.CalibrationHeadline{PointCalibration: p, Findings: map[check.Code]int{}, Verdicts: map[law.Verdict]int{}}
	var lower, upper []float64
	for _, r := range c.repeats {
		f := r.Fits[0]
		verdict := f.Verdict
		for _, found := range r.Findings {
			out.Findings[found.Code]++
			if found.Severity == check.Withdraws && (verdict == law.PowerLawHolds || verdict == law.PowerLawRejected) {
				verdict = law.Undecided
			}
		}
		out.Verdicts[verdict]++
		last := len(f.Points) - 1
		switch {
		case len(r.Findings) > 0:
			out.Flagged++
		case !f.Points[last].holds(p.Truth):
			out.Silent++
		}
		if b := r.Bracket; b != nil {
			lower = append(lower, float64(b.Lower.Limit))
			if b.Upper != nil {
				upper = append(upper, float64(b.Upper.Limit))
			}
			if p.Truth < float64(b.Lower.Limit) || b.Upper != nil && p.Truth > float64(b.Upper.Limit) {
				out.Outside++
			}
		}
	}
	if len(lower) > 0 {
		out.Lower = stats.Median(lower)
	}
	if len(upper) > 0 {
		out.Upper = stats.Median(upper)
	}
	return out
}

// trueLaw is the power law that estimator i would find without any error.
func (c *cell) trueLaw(i int, truth []float64) (a, beta float64, exact, known bool, err error) {
	var x, y []float64
	used := law.Data{}
	n := len(c.splits)
	mean := make([][]float64, n)
	for j := range mean {
		mean[j] = make([]float64, n)
		for _, r := range c.repeats {
			for k := range mean[j] {
				mean[j][k] += r.Fits[i].Cov[j][k] / float64(len(c.repeats))
			}
		}
	}
	positive := true
	for j, ell := range c.splits {
		used.L, used.I = append(used.L, float64(2*ell)), append(used.I, truth[j])
		if L := float64(2 * ell); truth[j] > result.NoInformation && (c.o.Range[0] == 0 || L >= c.o.Range[0]) && (c.o.Range[1] == 0 || L <= c.o.Range[1]) {
			x, y = append(x, math.Log(L)), append(y, math.Log(truth[j]))
		}
		positive = positive && truth[j] > result.NoInformation
	}
	if !positive || len(x) < 3 {
		return 0, 0, false, false, nil
	}
	_, b := stat.LinearRegression(x, y, nil, false)
	exact = true
	for j := range x {
		exact = exact && math.Abs(y[j]-y[0]-b*(x[j]-x[0])) < 1e-9
	}
	if exact {
		return math.Exp(y[0] - b*x[0]), b, true, true, nil
	}
	used.Cov = mean
	fit, err := law.Analyze(used, law.Options{Draws: -1, Range: c.o.Range})
	if err != nil || fit.Power == nil {
		return 0, 0, false, false, err
	}
	return intervalOf(fit.Power, "A").Value, intervalOf(fit.Power, "beta").Value, false, true, nil
}

// holds allows for the rounding of scores to 32 bits.
func (i interval) holds(truth float64) bool {
	off := result.NoInformation + 1e-6*math.Abs(truth)
	return i.Lo-off <= truth && truth <= i.Hi+off
}

func newSummary(truth float64, values []interval) result.Summary {
	n := float64(len(values))
	s := result.Summary{Truth: truth, Of: len(values)}
	var widths []float64
	for _, v := range values {
		s.Mean += v.Value / n
		s.RMSE += (v.Value - truth) * (v.Value - truth) / n
		if v.holds(truth) {
			s.Covered++
		}
		widths = append(widths, v.Hi-v.Lo)
	}
	s.Bias, s.RMSE = s.Mean-truth, math.Sqrt(s.RMSE)
	if n > 1 {
		for _, v := range values {
			s.Spread += (v.Value - s.Mean) * (v.Value - s.Mean) / (n - 1)
		}
		s.Spread = math.Sqrt(s.Spread)
	}
	s.BiasSE = s.Spread / math.Sqrt(n)
	s.Coverage = float64(s.Covered) / n
	s.CoverageCI = stats.ClopperPearson(s.Covered, s.Of, info.DefaultLevel)
	s.Width = stats.Median(widths)
	return s
}

// efficiency compares the schemes of a cell whose law is known.
func (c *cell) efficiency() []result.Efficiency {
	var out []result.Efficiency
	add := func(name, passes string, values []float64) {
		if len(values) < len(c.repeats) || len(values) < 2 {
			return // some repetitions could not be fitted
		}
		tokens, variance := c.passes(passes), stat.Variance(values, nil)
		out = append(out, result.Efficiency{Scheme: name, Spread: math.Sqrt(variance), Tokens: tokens, Relative: float64(tokens) * variance})
	}
	for i, e := range c.estimators() {
		if c.absent(i) != "" {
			continue
		}
		var gls, ols []float64
		for _, r := range c.repeats {
			if f := r.Fits[i]; f.Power {
				gls = append(gls, f.Beta.Value)
			}
			if f := r.Fits[i]; f.OLS != nil {
				ols = append(ols, *f.OLS)
			}
		}
		add(string(e)+", generalised least squares", string(e), gls)
		add(string(e)+", least squares on logarithms", string(e), ols)
		if e == mi.Direct {
			add("official: direct, full-length marginals, least squares on logarithms", officialScheme, ols)
		}
	}
	best := math.Inf(1)
	for _, e := range out {
		best = min(best, e.Relative)
	}
	for i := range out {
		out[i].Relative /= best
	}
	return out
}
