package measure

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/token"
)

// facts are what the checks need besides the scores.
type facts struct {
	text     check.Observed
	mixtures []check.Mixture
	ngrams   []mi.NGramEntropy // entropies of single tokens and of pairs in all documents; none where they were not counted
	exact    bool              // the model is the law of the process
	context  int               // tokens of the past that the model sees; 0: all
	copied   float64           // see check.Copied
	better   string            // a better model to suggest; "" if none is known
	contrast mi.Contrast       // scores for the lower bound; empty where there are too few
}

// conclude runs the checks and applies their findings to r.
func conclude(r *result.Result, stats *mi.Statistics, f facts) {
	d := check.Data{Observed: f.text, Windows: r.Windows.Count, Exact: f.exact, Context: f.context, Copied: f.copied, Better: f.better, Starts: stats.StartLosses(), Mixtures: f.mixtures, Beta: Exponent(r.Series[0].Law)}
	for _, s := range r.Series {
		d.Series = append(d.Series, s.Series)
	}
	d.LossSums, d.LossCounts = stats.LossSums()
	d.Corrections = corrections(d.Series, f.ngrams)
	if w := undersampled(d.Series, f.ngrams, d.Corrections); w != nil {
		r.Warnings = append(r.Warnings, *w)
	}
	r.Findings = check.Run(d)
	if c := f.contrast; len(r.Plan.Splits) > 0 {
		c.Ell = r.Plan.Splits[len(r.Plan.Splits)-1]
		c.Length = 2 * c.Ell
		r.Bracket = Bracket(c, d.Series, stats, r.Model.Density, Forgets(r.Findings, f.context, c.Ell))
		r.Findings = check.Bracketed(r.Findings, d.Series[0], r.Bracket)
	}
	applyFindings(r, d.Corrections)
	if !f.exact {
		nothing(r, f.text)
	}
}

// Forgets reports whether a model is known not to make full use of a past of ell
// tokens: it sees fewer, 0 meaning all, or more of the past lets it predict worse.
func Forgets(findings []check.Finding, context, ell int) bool {
	return context > 0 && context < ell || slices.ContainsFunc(findings, func(f check.Finding) bool { return f.Code == check.Falling })
}

// Exponent is the interval of the exponent of a power law that holds at all lengths;
// nil if none does.
func Exponent(a *law.Analysis) *info.Interval {
	if a == nil || a.Verdict != law.PowerLawHolds || a.From > 0 {
		return nil
	}
	beta, _ := a.Power.Param("beta")
	return beta.Interval
}

// leastShare is the share of the loss below which the measured information may only
// be the model adapting. On independent random bytes, which carry none, the built-in
// predictor measures about 0.0001 of the loss, as it unlearns accidental patterns
// within a window.
const leastShare = 0.001

// clear is how many standard errors are more than chance at one of a dozen lengths.
const clear = 4

// nothing gives the verdict that nothing is measurable, whatever the residuals of a
// fit, where no bound says that any of it is information and
//
//   - the past of another document helps as much as the own one, and that is not at all,
//   - what the past saves, or costs, is a tiny share of the loss at the longest length,
//     and at all others where it is more than chance, or
//   - neighbours tell nothing about each other, and with the past the model predicts no
//     better than the frequencies of single tokens.
func nothing(r *result.Result, text check.Observed) {
	s := r.Series[0]
	if s.Law == nil || len(s.Points) == 0 || r.Bracket != nil && r.Bracket.Lower.Limit > 0 {
		return
	}
	above := slices.ContainsFunc(r.Findings, func(f check.Finding) bool { return f.Code == check.AboveVCLUB })
	p := s.Points[len(s.Points)-1]
	loss := func(p mi.Point) float64 { return r.Loss.NatsPerToken * float64(p.Length-p.Ell) }
	more := func(p mi.Point) bool {
		return math.Abs(float64(p.Value)) >= max(leastShare*loss(p), clear*float64(p.SE))
	}
	switch {
	case above && slices.ContainsFunc(r.Series, func(v result.Series) bool {
		return v.Estimator == mi.VCLUB && v.Ratio == s.Ratio && v.Law != nil && v.Law.Verdict == law.NoInformation
	}):
		s.Law.Reason = "Nothing measurable: the past of another document helps as much as a window's own, and that is not at all (vCLUB is zero within its errors). What other estimates show is what the model loses where it starts afresh."
	case !r.Model.Density && p.Value != 0 && math.Abs(float64(p.Value)) < leastShare*loss(p) && !slices.ContainsFunc(s.Points, more):
		s.Law.Reason = fmt.Sprintf("Nothing measurable: the past changes a loss of %.0f nats by %.2g, less than 0.1 %%, as in a model that adapts within the window to text without any information.", loss(p), float64(p.Value))
	case unrelated(text) && r.Loss.NatsPerToken >= float64(text.Entropy[0].Value):
		s.Law.Reason = fmt.Sprintf("Nothing measurable: neighbours tell nothing about each other, and with the past the model loses %.3f nats per token, no less than the entropy of single tokens, %.3f. What the estimates show is the model learning how frequent tokens are.", r.Loss.NatsPerToken, float64(text.Entropy[0].Value))
	default:
		return
	}
	s.Law.Verdict = law.NoInformation
	stays := []check.Code{check.Leakage, check.Constant, check.Periodic}
	for _, f := range r.Findings {
		if !slices.Contains(stays, f.Code) {
			r.Warnings = slices.DeleteFunc(r.Warnings, func(w info.Warning) bool { return w.Code == string(f.Code) })
		}
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f check.Finding) bool { return !slices.Contains(stays, f.Code) })
}

// unrelated reports whether neighbouring tokens are independent, to half a per cent of
// their entropy and three standard errors.
func unrelated(text check.Observed) bool {
	if len(text.Entropy) < 2 {
		return false
	}
	one, two := text.Entropy[0], text.Entropy[1]
	return float64(2*one.Value-two.Value) <= 0.005*float64(one.Value)+3*math.Hypot(2*float64(one.SE), float64(two.SE))
}

// applyFindings chooses the headline and withdraws its verdict, as the findings
// demand.
func applyFindings(r *result.Result, corrections []mi.Estimator) {
	// Choose the headline before withdrawing its verdict.
	if slices.ContainsFunc(r.Findings, func(f check.Finding) bool { return f.Code == check.DocumentStart }) {
		r.Series = correctedFirst(r.Series, corrections)
	}
	for i, found := range r.Findings {
		if i > 0 { // the first is shown as the headline
			r.Warnings = append(r.Warnings, found.Warning())
		}
		if a := r.Series[0].Law; found.Severity == check.Withdraws && (a.Verdict == law.PowerLawHolds || a.Verdict == law.PowerLawRejected) {
			a.Verdict = law.Undecided
		}
	}
}

// correctedFirst moves the better of the series corrected for document starts to the
// front.
func correctedFirst(series []result.Series, corrections []mi.Estimator) []result.Series {
	for _, e := range corrections {
		for i, s := range series {
			if s.Estimator == e && s.Ratio == series[0].Ratio {
				return slices.Insert(slices.Delete(series, i, i+1), 0, s)
			}
		}
	}
	return series
}

// observe adds what the text of a sample says, and its scores in mixtures.
func observe[T any](f *facts, s sample[T], scores mi.Source) (err error) {
	windows, documents := make([][]T, len(s.windows)), make([]int, len(s.windows))
	for i, w := range s.windows {
		windows[i], documents[i] = w.Tokens, w.Cluster
	}
	if f.text, err = check.Observe(windows, documents); err != nil {
		return err
	}
	if n := len(s.plan.Splits); n > 0 {
		f.mixtures, err = check.Mixtures(windows, documents, s.plan.Splits[n-1], scores)
	}
	return err
}

// copied is the share of the windows' text that also occurs in the training text of a
// model trained by this run or by l2m model train; 0 for other models.
func copied(ctx context.Context, t text, e *open.Model, s sample[token.ID], o Options) (float64, error) {
	windows := func(yield func([]token.ID) bool) {
		for _, w := range s.windows {
			if !yield(w.Tokens) {
				return
			}
		}
	}
	if open.Trains(o.Model) {
		return check.Copied(open.Symbols(t.split.Excerpts(ctx, corpus.TrainingOptions{Budget: o.TrainingBytes}), e.Tokenizer.Stream), windows)
	}
	sketch, err := check.ParseSketch(e.Sketch)
	if err != nil {
		return 0, fmt.Errorf("%s: %w (train the model again)", o.Model, err)
	}
	return check.CopiedFrom(sketch, windows), nil
}

// betterModel suggests a better model for text read with a tokenizer; "" if none is
// known.
func betterModel(tokenizer string) string {
	if tokenizer == token.Bytes().Name() {
		return "a language model (--model smollm2)"
	}
	return ""
}
