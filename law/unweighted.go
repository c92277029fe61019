package law

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// Unweighted fits ln I = ln A + β·ln L by least squares, with equal weights, as the L²M
// paper does (arXiv 2503.04725). It is for estimates without errors. Its interval takes
// the scatter of the points about the line for their error, and the points for
// independent, which estimates from the same text are not; so the verdict is always
// Undecided.
//
// It fails on invalid data, and on estimates that are not positive, which have no
// logarithm.
func Unweighted(data Data, opts Options) (*Analysis, error) {
	if opts.Level == 0 {
		opts.Level = info.DefaultLevel
	}
	if !(opts.Level > 0 && opts.Level < 1) {
		return nil, fmt.Errorf("analysing the law: level %g is not between 0 and 1", opts.Level)
	}
	if err := data.check(); err != nil {
		return nil, fmt.Errorf("analysing the law: %w", err)
	}
	a := &Analysis{Used: make([]bool, len(data.L))}
	var x, y []float64
	for i, l := range data.L {
		if opts.Range[0] > 0 && l < opts.Range[0] || opts.Range[1] > 0 && l > opts.Range[1] {
			continue
		}
		if data.I[i] <= 0 {
			return nil, fmt.Errorf("analysing the law: the estimate at length %g is %g, which has no logarithm, and there are no errors to weigh it by", l, data.I[i])
		}
		a.Used[i] = true
		x, y = append(x, math.Log(l)), append(y, math.Log(data.I[i]))
	}
	if len(x) < 3 {
		return a.undecided("too-few-lengths", fmt.Sprintf("%d usable lengths are too few to fit a law", len(x)), "give more lengths, or a wider range (--range)"), nil
	}
	a.line(data, opts, x, y)
	a.Verdict = Undecided
	a.Reason = "The estimates come without errors, so nothing can be said for or against a power law; this is the least-squares line through their logarithms."
	a.Warnings = append(a.Warnings, info.Warning{
		Code: "no-errors",
		Text: "the interval is from the scatter of the points about the line, as if they were independent; estimates from the same text are not",
		Fix:  "give a standard error for each estimate, and their covariance (--covariance) if you have it",
	})
	return a, nil
}

// line fits the line through the logarithms.
func (a *Analysis) line(data Data, opts Options, x, y []float64) {
	logA, beta := stat.LinearRegression(x, y, nil, false)
	n := float64(len(x))
	mean, variance := stat.MeanVariance(x, nil)
	sum := variance * (n - 1)
	var residual float64
	for i := range x {
		r := y[i] - logA - beta*x[i]
		residual += r * r
	}
	s2 := residual / (n - 2)
	cov := [2][2]float64{{s2 * (1/n + mean*mean/sum), -s2 * mean / sum}, {-s2 * mean / sum, s2 / sum}}
	half := stats.HalfWidth(opts.Level, n-2)
	seA, seB := math.Sqrt(cov[0][0]), math.Sqrt(cov[1][1])
	interval := func(at, se float64) *info.Interval {
		return &info.Interval{Lo: at - half*se, Hi: at + half*se, Level: opts.Level, Method: "Student's t, scatter of the points"}
	}
	ia, ib := interval(logA, seA), interval(beta, seB)
	ia.Lo, ia.Hi = math.Exp(ia.Lo), min(math.Exp(ia.Hi), math.MaxFloat64)
	A := math.Exp(logA)
	a.Power = &Fit{Family: Power, P: 1, Weight: 1, Params: []Param{
		{"A", info.Estimate{Value: A, SE: A * seA, Interval: ia}}, {"beta", info.Estimate{Value: beta, SE: seB, Interval: ib}},
	}}
	a.Law = &PowerLaw{A: A, Beta: beta, CovLogABeta: cov, DoF: len(x) - 2, Unit: data.Unit, Source: data.Source}
	for i := 1; i < len(data.L); i++ {
		if a.Used[i-1] && a.Used[i] {
			a.Local = append(a.Local, Local{From: data.L[i-1], To: data.L[i], Exponent: math.Log(data.I[i]/data.I[i-1]) / math.Log(data.L[i]/data.L[i-1])})
		}
	}
}
