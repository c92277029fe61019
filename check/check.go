// Package check looks for signs that estimates of information are wrong because
// the model is not the law of the text. The checks are inequalities that hold
// whatever the text is when the model is exact, so that what breaks one is the
// model (docs/method.md). They need nothing beyond the scores of a run.
//
// Every check is a test with a Student's t statistic over documents at the
// significance of Level, divided by the number of lengths that it looks at.
package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/stats"
)

// Level is the significance of one check: all of them together find something in
// less than 1 % of runs of an exact model (docs/method.md).
const Level = 0.001

// Code names a finding in documents.
type Code string

// The codes.
const (
	LearningCurve Code = "learning-curve"     // I grows like L because the loss falls like the logarithm of the position
	AboveVCLUB    Code = "paired-above-vclub" // paired > vclub
	AboveEntropy  Code = "above-entropy"      // I > H(Y)
	BelowZero     Code = "below-zero"         // I < 0
	Falling       Code = "falling"            // I(2L) < I(L)
	NotBlock      Code = "paired-not-block"   // paired ≠ block
	DocumentStart Code = "document-start"     // paired ≠ the n-gram corrected series
	Leakage       Code = "leakage"            // evaluation text is in the training text
)

// Severity says what a finding does to the verdict.
type Severity string

// The severities.
const (
	Withdraws Severity = "withdraws" // there is no verdict on the law of the text
	Qualifies Severity = "qualifies" // the verdict stands, with what the finding says
)

// Finding is a check that failed.
type Finding struct {
	Code     Code     `json:"code"`
	Sentence string   `json:"sentence"` // for the headline, without its full stop
	Detail   string   `json:"detail"`   // the numbers
	Fix      string   `json:"fix,omitempty"`
	Severity Severity `json:"severity"`
}

// Warning is the finding as a caveat.
func (f Finding) Warning() info.Warning {
	return info.Warning{Code: string(f.Code), Text: f.Detail, Fix: f.Fix}
}

// Data are the statistics of a run.
type Data struct {
	Series []mi.Series // the first is the headline; others of its ratio are compared with it
	// LossSums and LossCounts are the losses by position and document:
	// mi.Statistics.LossSums.
	LossSums, LossCounts [][]float64
	// Entropy has the entropies of one token and of two successive ones, from
	// counts; empty for densities.
	Entropy []mi.EntropyEstimate
	Windows int     // that were scored
	Exact   bool    // the model is the exact law of what it scores, or meant to be damaged
	Copied  float64 // share of the evaluated text that stands in the training text
	Better  string  // what to measure with in place of a weak model; "" where nothing better is known
}

// Run returns what failed, most serious first.
func Run(d Data) []Finding {
	if len(d.Series) == 0 || len(d.Series[0].Points) == 0 {
		return nil
	}
	var out []Finding
	for _, f := range []*Finding{
		d.leakage(), d.learningCurve(), d.belowZero(), d.aboveEntropy(), d.documentStart(), d.aboveVCLUB(), d.notBlock(), d.falling(),
	} {
		if f != nil {
			out = append(out, *f)
		}
	}
	rank := func(f Finding) int { return slices.Index([]Severity{Withdraws, Qualifies}, f.Severity) }
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// other is the series of an estimator at the headline's ratio.
func (d Data) other(e mi.Estimator) (mi.Series, bool) {
	for _, s := range d.Series {
		if s.Estimator == e && s.Ratio == d.Series[0].Ratio {
			return s, len(s.Sums) > 1
		}
	}
	return mi.Series{}, false
}

// paired is the headline where it is the uncorrected paired estimate, else that of
// the same ratio.
func (d Data) paired() (mi.Series, bool) { return d.other(mi.Paired) }

// critical is what a one-sided t statistic exceeds with the probability Level
// divided by tests.
func critical(clusters, tests int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(clusters - 1)}.Quantile(1 - Level/float64(tests))
}

// excess is by how much one series exceeds another.
type excess struct {
	length    int
	value, se float64
	of        float64 // the first series' value
}

// excesses are the differences of two series over the same documents, by length.
// widen is a factor of their errors.
func excesses(a, b mi.Series, widen float64) []excess {
	var out []excess
	for i, p := range a.Points {
		j := slices.IndexFunc(b.Points, func(q mi.Point) bool { return q.Ell == p.Ell && q.Length == p.Length })
		if j < 0 {
			continue
		}
		value, se := combine(len(a.Sums), func(c int) (sum, count float64) {
			if b.Counts[c][j] == 0 { // a document that the other series lacks says nothing of the difference
				return 0, 0
			}
			return a.Sums[c][i] - b.Sums[c][j]*a.Counts[c][i]/b.Counts[c][j], a.Counts[c][i]
		})
		out = append(out, excess{p.Length, value, widen * se, float64(p.Value)})
	}
	return out
}

// combine is a ratio of sums over documents with its standard error.
func combine(n int, at func(c int) (sum, count float64)) (value, se float64) {
	sums, counts := make([][]float64, n), make([][]float64, n)
	for c := range n {
		s, k := at(c)
		sums[c], counts[c] = []float64{s}, []float64{k}
	}
	theta, cov := make([]float64, 1), stats.NewSym(1)
	stats.Covariance(sums, counts, nil, theta, cov)
	return theta[0], math.Sqrt(cov.At(0, 0))
}

// worst is the most significant of the excesses beyond the critical value.
func worst(list []excess, clusters int, sign float64) *excess {
	var out *excess
	top := critical(clusters, max(1, len(list)))
	for i, e := range list {
		// Rounding of stored log-probabilities is no evidence.
		if t := sign * e.value / e.se; t > top && math.Abs(e.value) > 1e-4*math.Abs(e.of) && math.Abs(e.value) > 1e-6 {
			out, top = &list[i], t
		}
	}
	return out
}

// sharedContexts is by how much the errors of vclub are widened, since documents
// are contexts of one another.
const sharedContexts = 1.5

func (d Data) aboveVCLUB() *Finding {
	p, ok := d.paired()
	v, also := d.other(mi.VCLUB)
	if !ok || !also {
		return nil
	}
	e := worst(excesses(p, v, sharedContexts), p.Clusters, 1)
	if e == nil {
		return nil
	}
	return &Finding{
		Code: AboveVCLUB, Severity: Withdraws,
		Sentence: "An upper bound only: the predictor learns within the window what a good model would know",
		Detail:   fmt.Sprintf("paired is %.3g nats at L = %d, %.2g ± %.1g above vclub: for an exact model it is never above", e.of, e.length, e.value, e.se),
		Fix:      d.better(),
	}
}

func (d Data) better() string {
	if d.Better == "" {
		return "measure with a better model"
	}
	return "measure with " + d.Better
}

func (d Data) aboveEntropy() *Finding {
	if len(d.Entropy) < 2 {
		return nil
	}
	s := d.Series[0]
	for _, p := range s.Points {
		bound, se := d.mostInformation(min(p.Ell, p.Length-p.Ell))
		if float64(p.Value)-bound > critical(max(2, s.Clusters), len(s.Points))*math.Hypot(float64(p.SE), se) && p.SE > 0 {
			return &Finding{
				Code: AboveEntropy, Severity: Withdraws,
				Sentence: "An upper bound only: the estimates exceed the entropy of one side of the window",
				Detail:   fmt.Sprintf("%.3g nats at L = %d, where the entropy of either side is at most %.3g", float64(p.Value), p.Length, bound),
				Fix:      "read the n-gram corrected series, or " + d.better(),
			}
		}
	}
	return nil
}

// mostInformation bounds the entropy of n successive tokens by those of single
// tokens and of pairs, with its standard error: windows, not tokens, count as
// independent. Pairs count only where few of them are seen but once.
func (d Data) mostInformation(n int) (bound, se float64) {
	one, two := d.Entropy[0], d.Entropy[1]
	errors := func(e mi.EntropyEstimate) float64 {
		return float64(e.SE) * math.Sqrt(float64(e.N)/float64(max(1, d.Windows)))
	}
	bound, se = float64(n)*float64(one.Value), float64(n)*errors(one)
	if n%2 == 0 && 20*two.Distinct < two.N {
		if b := float64(n) / 2 * float64(two.Value); b < bound {
			bound, se = b, float64(n)/2*errors(two)
		}
	}
	return bound, se
}

func (d Data) belowZero() *Finding {
	s := d.Series[0]
	if len(s.Sums) < 2 {
		return nil
	}
	var list []excess
	for _, p := range s.Points {
		list = append(list, excess{p.Length, float64(p.Value), float64(p.SE), float64(p.Value)})
	}
	e := worst(list, s.Clusters, -1)
	if e == nil {
		return nil
	}
	return &Finding{
		Code: BelowZero, Severity: Withdraws,
		Sentence: "The model loses by reading the past: the estimates are below zero, which information never is",
		Detail:   fmt.Sprintf("%.3g ± %.1g nats at L = %d", e.value, e.se, e.length),
		Fix:      d.better(),
	}
}

func (d Data) falling() *Finding {
	s := d.Series[0]
	if len(s.Sums) < 2 {
		return nil
	}
	var list []excess
	n := len(s.Points)
	for i := range s.Points {
		for _, j := range slices.Compact([]int{i + 1, n - 1}) {
			if j <= i || j >= n {
				continue
			}
			v, se := combine(len(s.Sums), func(c int) (float64, float64) {
				if s.Counts[c][j] == 0 {
					return 0, 0
				}
				return s.Sums[c][j]*s.Counts[c][i]/s.Counts[c][j] - s.Sums[c][i], s.Counts[c][i]
			})
			list = append(list, excess{s.Points[i].Length, v, se, float64(s.Points[i].Value)})
		}
	}
	e := worst(list, s.Clusters, -1)
	if e == nil {
		return nil
	}
	return &Finding{
		Code: Falling, Severity: Withdraws,
		Sentence: "The estimates fall with length, which information never does",
		Detail:   fmt.Sprintf("beyond L = %d they fall by %.2g ± %.1g of %.3g nats", e.length, -e.value, e.se, e.of),
		Fix:      d.better(),
	}
}

func (d Data) notBlock() *Finding {
	p, ok := d.paired()
	b, also := d.other(mi.Block)
	if !ok || !also {
		return nil
	}
	list := excesses(p, b, 1)
	// The test looks both ways, and at as many lengths.
	up, down := worst(list, p.Clusters, 1), worst(list, p.Clusters, -1)
	e := up
	if e == nil {
		e = down
	}
	if e == nil || math.Abs(e.value) < 0.1*math.Abs(e.of) {
		return nil
	}
	return &Finding{
		Code: NotBlock, Severity: Qualifies,
		Sentence: "The text is not the same at the beginning and at the end of windows, or the model starts worse than it goes on: paired and block disagree",
		Detail:   fmt.Sprintf("paired is %.3g nats at L = %d, block %.3g; their difference is known to ± %.1g", e.of, e.length, e.of-e.value, e.se),
		Fix:      "read the smaller of the two as the safer one",
	}
}

func (d Data) documentStart() *Finding {
	p, ok := d.paired()
	if !ok {
		return nil
	}
	for _, name := range []mi.Estimator{mi.Paired2Gram, mi.Paired1Gram} {
		c, also := d.other(name)
		if !also {
			continue
		}
		// The corrections are equal at all lengths: the longest says it.
		last := len(p.Points) - 1
		e := excess{p.Points[last].Length, float64(p.Points[last].Value - c.Points[len(c.Points)-1].Value), float64(p.Points[last].SE), float64(p.Points[last].Value)}
		if math.Abs(e.value) <= info.Z95*e.se {
			return nil
		}
		return &Finding{
			Code: DocumentStart, Severity: Qualifies,
			Sentence: "The model takes the second part for the start of a document, so the series corrected for that is the headline",
			Detail:   fmt.Sprintf("the correction takes %.3g of %.3g nats at L = %d, more than the standard error %.1g", e.value, e.of, e.length, e.se),
		}
	}
	return nil
}

// Shares of the evaluated text in the training text from which the predictor's
// memory is worth a word, and from which it is what is measured. Source code, where
// files are written from others, has some 7 %; one near-duplicate among six
// documents, every 400th byte changed, 11 %.
const (
	someCopied = 0.05
	mostCopied = 0.1
)

func (d Data) leakage() *Finding {
	severity := Withdraws
	switch {
	case d.Copied < someCopied:
		return nil
	case d.Copied < mostCopied:
		severity = Qualifies
	}
	return &Finding{
		Code: Leakage, Severity: severity,
		Sentence: "The model has read part of what it is tested on: documents are near-duplicates of one another",
		Detail:   fmt.Sprintf("%.0f %% of the evaluated text stands word for word in the training text", 100*d.Copied),
		Fix:      "remove near-duplicates, or keep all versions of a document on one side",
	}
}
