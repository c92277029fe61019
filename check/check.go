// Package check looks for signs that the estimates of a run are wrong because its
// model does not predict the text well enough. The checks are inequalities that hold
// for any text if the model is exact (docs/method.md), so a violation is the model's
// fault. They cost nothing: they need only the scores of the run.
//
// Most checks are t tests over documents at significance Level, divided by the number
// of lengths tested.
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

// Level is the significance of one check: with an exact model, all of them together
// fire in less than 1 % of runs (docs/method.md).
const Level = 0.001

// Code names a finding in documents.
type Code string

// The codes.
const (
	LearningCurve Code = "learning-curve"     // I grows like L because the loss falls like the logarithm of the position
	AboveVCLUB    Code = "paired-above-vclub" // paired > vCLUB
	AboveEntropy  Code = "above-entropy"      // I > H(Y)
	AboveBracket  Code = "above-bracket"      // I > the upper end of the bracket
	BelowZero     Code = "below-zero"         // I < 0
	Falling       Code = "falling"            // I(2L) < I(L)
	NotBlock      Code = "paired-not-block"   // paired ≠ block
	DocumentStart Code = "document-start"     // paired ≠ the n-gram corrected series
	Leakage       Code = "leakage"            // evaluation text occurs in the training text
	SimplerBetter Code = "simpler-better"     // a simple predictor starts better than the model
	Improvable    Code = "improvable"         // a mixture with a simple predictor is better than the model
	ShortContext  Code = "short-context"      // the model sees less than the first part of a window
	Constant      Code = "constant"           // all tokens of the text are the same
	Periodic      Code = "periodic"           // every window repeats itself
)

// Severity is the effect of a finding on the verdict.
type Severity string

// The severities.
const (
	Withdraws Severity = "withdraws" // no verdict on the law of the text
	Qualifies Severity = "qualifies" // the verdict stands, with a caveat
)

// Finding is a check that failed.
type Finding struct {
	Code     Code     `json:"code"`
	Sentence string   `json:"sentence"` // for the headline, without a full stop
	Detail   string   `json:"detail"`   // the numbers
	Fix      string   `json:"fix,omitempty"`
	Severity Severity `json:"severity"`
}

// Warning is the finding as a warning.
func (f Finding) Warning() info.Warning {
	return info.Warning{Code: string(f.Code), Text: f.Detail, Fix: f.Fix}
}

// Data are the statistics of a run.
type Data struct {
	Series []mi.Series // the first is the headline; others of its ratio are compared with it
	// LossSums and LossCounts are the losses by document and position bin, as
	// mi.Statistics.LossSums returns them.
	LossSums, LossCounts [][]float64
	// Starts are the model's losses from a fresh start, which those of Observed are
	// compared with.
	Starts   []mi.StartLoss
	Mixtures []Mixture
	Observed
	// Context is the number of tokens of the past that the model sees; 0 if that is as
	// many as there are.
	Context int
	// Beta is the 95 % interval of the exponent of a power law that holds at all
	// lengths; nil if none does, or it is not known.
	Beta *info.Interval
	// Corrections are the corrected forms of paired, the better one first; nil means
	// that for pairs of tokens, then that for single ones.
	Corrections []mi.Estimator
	Windows     int     // scored
	Exact       bool    // the model is the exact law of what it scores
	Copied      float64 // share of the evaluated text that occurs in the training text
	Better      string  // a better model to suggest; "" if none is known
}

// Run returns the checks that failed, most serious first.
func Run(d Data) []Finding {
	if len(d.Series) == 0 || len(d.Series[0].Points) == 0 {
		return nil
	}
	if f := d.periodic(); f != nil {
		return []Finding{*f} // what else fails is its consequence
	}
	var out []Finding
	for _, f := range []*Finding{
		d.leakage(), d.learningCurve(), d.belowZero(), d.aboveEntropy(), d.documentStart(), d.aboveVCLUB(), d.shortContext(), d.simplerBetter(), d.improvable(), d.notBlock(), d.falling(),
	} {
		if f != nil {
			out = append(out, *f)
		}
	}
	rank := func(f Finding) int { return slices.Index([]Severity{Withdraws, Qualifies}, f.Severity) }
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// Bracketed adds to the findings on a headline that it exceeds the upper end of the
// bracket, which is a limit at 99 % itself, by more than its standard error; not to those
// that withdraw the verdict for another reason.
func Bracketed(found []Finding, headline mi.Series, b *mi.Bracket) []Finding {
	if b == nil || b.Upper == nil || len(found) > 0 && found[0].Severity == Withdraws {
		return found
	}
	for _, p := range headline.Points {
		if p.Ell == b.Ell && p.Length == b.Length && p.Value-p.SE > b.Upper.Limit {
			by := "the loss of the second part alone"
			if b.Upper.By == string(mi.VCLUB) {
				by = mi.VCLUB.Name()
			}
			return slices.Insert(found, 0, Finding{
				Code: AboveBracket, Severity: Withdraws,
				Sentence: "Too large: the estimates lie above the upper end of their bracket",
				Detail:   fmt.Sprintf("%.3g ± %.1g nats at L = %d, but at most %.3g by %s", float64(p.Value), float64(p.SE), p.Length, float64(b.Upper.Limit), by),
				Fix:      "measure more text, or with a better model",
			})
		}
	}
	return found
}

// series is that of an estimator at the headline's ratio, if it has sums of at least
// two documents.
func (d Data) series(e mi.Estimator) (mi.Series, bool) {
	for _, s := range d.Series {
		if s.Estimator == e && s.Ratio == d.Series[0].Ratio {
			return s, len(s.Sums) > 1
		}
	}
	return mi.Series{}, false
}

// critical is the value that a one-sided t statistic exceeds with probability
// Level/tests.
func critical(clusters, tests int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(clusters - 1)}.Quantile(1 - Level/float64(tests))
}

// excess is the difference of two estimates, in nats.
type excess struct {
	length    int
	value, se float64
	of        float64 // the first of the two estimates
}

// excesses are the differences a − b at the lengths of both, paired by document, with
// standard errors multiplied by widen.
func excesses(a, b mi.Series, widen float64) []excess {
	var out []excess
	for i, p := range a.Points {
		j := slices.IndexFunc(b.Points, func(q mi.Point) bool { return q.Ell == p.Ell && q.Length == p.Length })
		if j < 0 {
			continue
		}
		value, se := combine(len(a.Sums), func(c int) (sum, count float64) {
			if b.Counts[c][j] == 0 { // not in both series
				return 0, 0
			}
			return a.Sums[c][i] - b.Sums[c][j]*a.Counts[c][i]/b.Counts[c][j], a.Counts[c][i]
		})
		out = append(out, excess{p.Length, value, widen * se, float64(p.Value)})
	}
	return out
}

// combine is a ratio of sums over n documents, with its standard error.
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

// worst is the most significant excess in the direction of sign; nil if none is
// significant.
func worst(list []excess, clusters int, sign float64) *excess {
	var out *excess
	top := critical(clusters, max(1, len(list)))
	for i, e := range list {
		if e.se <= 1e-9*math.Abs(e.of) {
			continue // without spread, nothing is known of chance
		}
		// Differences as small as the rounding of stored log-probabilities do not count.
		if t := sign * e.value / e.se; t > top && math.Abs(e.value) > 1e-4*math.Abs(e.of) && math.Abs(e.value) > 1e-6 {
			out, top = &list[i], t
		}
	}
	return out
}

// sharedContexts widens the standard errors of vCLUB, which ignore that documents
// serve as contexts of one another.
const sharedContexts = 1.5

func (d Data) aboveVCLUB() *Finding {
	p, ok := d.series(mi.Paired)
	v, also := d.series(mi.VCLUB)
	if !ok || !also {
		return nil
	}
	list := excesses(p, v, sharedContexts)
	e := worst(list, p.Clusters, 1)
	if e == nil {
		return nil
	}
	sentence := "Only an upper bound: the predictor learns within the window what a good model would already know"
	// What is learned within the window grows with it; what a fresh start costs does not.
	if first, last := list[0], list[len(list)-1]; worst(list[:1], p.Clusters, 1) != nil && last.value <= 2*first.value {
		sentence = "Only an upper bound: the model loses where it starts afresh in the middle of the text, as at the start of a document, and that counts as information"
	}
	return &Finding{
		Code: AboveVCLUB, Severity: Withdraws,
		Sentence: sentence,
		Detail:   fmt.Sprintf("paired is %.3g nats at L = %d, %.2g ± %.1g above vCLUB; with an exact model it is never above", e.of, e.length, e.value, e.se),
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
				Sentence: "Only an upper bound: the estimates exceed the entropy of one side of the window",
				Detail:   fmt.Sprintf("%.3g nats at L = %d, but the shorter side has an entropy of at most %.3g", float64(p.Value), p.Length, bound),
				Fix:      "read the n-gram corrected series, or " + d.better(),
			}
		}
	}
	return nil
}

// mostInformation bounds the entropy of n successive tokens by the entropies of
// single tokens and of pairs, with a standard error that takes windows, not tokens,
// as independent. Pairs are used only if each was seen 20 times on average.
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
		Sentence: "The model predicts worse after reading the past: the estimates are below zero, which information never is",
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
		Detail:   fmt.Sprintf("after L = %d they fall by %.2g ± %.1g from %.3g nats", e.length, -e.value, e.se, e.of),
		Fix:      d.better(),
	}
}

func (d Data) notBlock() *Finding {
	p, ok := d.series(mi.Paired)
	b, also := d.series(mi.Block)
	if !ok || !also {
		return nil
	}
	list := excesses(p, b, 1)
	e := cmp.Or(worst(list, p.Clusters, 1), worst(list, p.Clusters, -1))
	if e == nil || math.Abs(e.value) < 0.1*math.Abs(e.of) {
		return nil
	}
	return &Finding{
		Code: NotBlock, Severity: Qualifies,
		Sentence: "Paired and block disagree: the text changes between the start and the end of a window, or the model predicts the first tokens of a request worse",
		Detail:   fmt.Sprintf("paired is %.3g nats at L = %d, block is %.3g; the difference has a standard error of %.1g", e.of, e.length, e.of-e.value, e.se),
		Fix:      "trust the smaller of the two",
	}
}

func (d Data) documentStart() *Finding {
	p, ok := d.series(mi.Paired)
	if !ok {
		return nil
	}
	if d.Corrections == nil {
		d.Corrections = []mi.Estimator{mi.Paired2Gram, mi.Paired1Gram}
	}
	for _, name := range d.Corrections {
		c, also := d.series(name)
		if !also {
			continue
		}
		e := mostMoved(p, c)
		if e == nil {
			return nil
		}
		return &Finding{
			Code: DocumentStart, Severity: Qualifies,
			Sentence: "The model treats the second part as the start of a document, so the headline is the series corrected for that",
			Detail:   fmt.Sprintf("the correction removes %.3g of %.3g nats at L = %d; the standard error is %.1g", e.value, e.of, e.length, e.se),
		}
	}
	return nil
}

// mostMoved is the largest correction relative to the error of the corrected estimate,
// nil if none exceeds its 95 % interval. All lengths count: the correction is about
// the same at each, and the errors are smallest at the shortest, where it bends the
// law most.
func mostMoved(raw, corrected mi.Series) *excess {
	var out *excess
	top := info.Z95
	for _, p := range raw.Points {
		j := slices.IndexFunc(corrected.Points, func(q mi.Point) bool { return q.Ell == p.Ell && q.Length == p.Length })
		if j < 0 {
			continue
		}
		c := corrected.Points[j]
		e := excess{p.Length, float64(p.Value - c.Value), float64(c.SE), float64(p.Value)}
		if z := math.Abs(e.value) / e.se; z > top {
			out, top = &e, z
		}
	}
	return out
}

// Shares of the evaluated text that occur in the training text from which leakage
// qualifies and withdraws the verdict. Source code, where files are written from
// others, has about 7 %; one near-duplicate among six documents, with every 400th
// byte changed, 11 %.
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
		Sentence: "The model was trained on part of the evaluated text",
		Detail:   fmt.Sprintf("%.0f %% of the evaluated text occurs verbatim in the training text, which holds the same documents or near-duplicates of them", 100*d.Copied),
		Fix:      "measure other documents, or remove near-duplicates",
	}
}
