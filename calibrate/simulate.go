package calibrate

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// repeat simulates one corpus, scores it and estimates.
func (c *cell) repeat(ctx context.Context, number int) (repetition, error) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%d\x00%d", c.truth.Describe().Spec, c.windows, number)
	seed := h.Sum64() ^ c.o.Seed
	scored, err := c.scoredWindows(ctx, seed)
	if err != nil {
		return repetition{}, err
	}
	out := repetition{Number: number}
	stats, err := mi.Collect(ctx, mi.InMemory(c.o.Length, scored.windows), mi.CollectOptions{Ratios: []int{2}, Splits: c.splits, Seed: seed})
	if err != nil {
		return out, err
	}
	data := check.Data{Windows: c.windows, Observed: scored.text, Exact: c.damage == (process.Damage{}), Context: c.damage.Order, Starts: stats.StartLosses(), Mixtures: scored.mixtures}
	data.LossSums, data.LossCounts = stats.LossSums()
	for _, e := range c.estimators() {
		s, err := stats.Series(e, 2)
		if err != nil {
			return out, err
		}
		if len(s.Points) < len(c.splits) {
			out.Fits = append(out.Fits, fitted{Absent: warningText(s.Warnings)})
			continue
		}
		data.Series = append(data.Series, s)
		a, err := measure.Fit(s, "token", "", law.Options{Draws: c.o.Draws, Seed: seed, Range: c.o.Range})
		if err != nil {
			return out, err
		}
		if len(out.Fits) == 0 {
			data.Beta = measure.Exponent(a)
		}
		out.Fits = append(out.Fits, newFitted(s, a))
	}
	if out.Fits[0].Absent == "" {
		out.Findings = check.Run(data)
	}
	out.Bracket = measure.Bracket(scored.contrast, data.Series, stats, c.truth.Describe().Token != process.Symbol, measure.Forgets(out.Findings, c.damage.Order, scored.contrast.Ell))
	if out.Fits[0].Absent == "" {
		out.Findings = check.Bracketed(out.Findings, data.Series[0], out.Bracket)
	}
	return out, nil
}

func warningText(ws []info.Warning) string {
	if len(ws) == 0 {
		return "no reason given"
	}
	return ws[0].Text
}

func newFitted(s mi.Series, a *law.Analysis) fitted {
	f := fitted{Cov: s.Cov, Verdict: a.Verdict}
	positive := true
	var x, y []float64
	for i, p := range s.Points {
		f.Values = append(f.Values, float64(p.Value))
		f.SEs = append(f.SEs, float64(p.SE))
		at := interval{Value: float64(p.Value), Lo: -unbounded, Hi: unbounded} // of fewer than five documents
		if p.Interval != nil {
			at.Lo, at.Hi = p.Interval.Lo, p.Interval.Hi
		} else if p.SE == 0 {
			at.Lo, at.Hi = at.Value, at.Value
		}
		f.Points = append(f.Points, at)
		if a.Used[i] {
			positive = positive && p.Value > 0
			x, y = append(x, math.Log(float64(p.Length))), append(y, math.Log(float64(p.Value)))
		}
	}
	if positive && len(x) > 1 {
		_, beta := stat.LinearRegression(x, y, nil, false)
		f.OLS = &beta
	}
	best := math.Inf(-1)
	if a.Power != nil {
		f.Power = true
		f.Beta, f.A = intervalOf(a.Power, "beta"), intervalOf(a.Power, "A")
		f.Best, best = law.Power, a.Power.Weight
	}
	for _, r := range a.Rivals {
		if r.Weight > best {
			f.Best, best = r.Family, r.Weight
			beta, power := r.Param("beta")
			// An offset power law with a negative exponent approaches its offset.
			f.Bounded = r.Family == law.Saturation || r.Family == law.Zero || power && beta.Value < 0
		}
	}
	return f
}

func intervalOf(f *law.Fit, name string) interval {
	p, ok := f.Param(name)
	if !ok {
		return interval{}
	}
	out := interval{Value: p.Value, Lo: math.Inf(-1), Hi: math.Inf(1)}
	if p.Interval != nil {
		out.Lo, out.Hi = p.Interval.Lo, p.Interval.Hi
	}
	out.Lo, out.Hi = max(out.Lo, -unbounded), min(out.Hi, unbounded)
	return out
}

// unbounded is the end of an interval without one: JSON has no infinities, and the
// width is a number too.
const unbounded = math.MaxFloat64 / 4

// scored is what the model says of one corpus, and the corpus of itself.
type scored struct {
	windows  []mi.Window
	text     check.Observed
	mixtures []check.Mixture
	contrast mi.Contrast
}

// scoredWindows draws and scores the windows of one corpus.
func (c *cell) scoredWindows(ctx context.Context, seed uint64) (scored, error) {
	plan := score.Plan{Length: c.o.Length, Splits: c.splits, MaxRatio: 2}
	for _, e := range c.estimators() {
		switch e {
		case mi.Paired, mi.Direct:
			plan.Marginals = true
		case mi.VCLUB, mi.Auxiliary, mi.InfoNCE, mi.LeaveOneOut:
			plan.Cross = c.o.Cross
		}
	}
	if err := plan.Validate(); err != nil {
		return scored{}, err
	}
	model, err := c.model()
	if err != nil {
		return scored{}, err
	}
	switch m := model.(type) {
	case lm.Model[float64]:
		return simulate(ctx, c.truth.(process.Process[float64]), m, plan, seed, c.windows)
	case lm.Model[[]float64]:
		return simulate(ctx, c.truth.(process.Process[[]float64]), m, plan, seed, c.windows)
	case lm.Model[token.ID]:
		return simulate(ctx, c.truth.(process.Process[token.ID]), m, plan, seed, c.windows)
	}
	panic(fmt.Sprintf("calibrate: a model of type %T", model)) // predictor makes no other
}

// simulate draws count windows, each a document of its own, and scores what the
// plan asks for. The k-th cross context of window i is window i−k−1.
func simulate[T any](ctx context.Context, p process.Process[T], model lm.Model[T], plan score.Plan, seed uint64, count int) (scored, error) {
	if plan.Cross >= count {
		return scored{}, fmt.Errorf("%d windows are too few for %d cross contexts each", count, plan.Cross)
	}
	var tokens [][]T
	err := process.Samples(ctx, p, seed, plan.Length, count, 1, func(_ int, w []T) error {
		tokens = append(tokens, w)
		return nil
	})
	if err != nil {
		return scored{}, err
	}
	out := make([]mi.Window, count)
	for i := range out {
		out[i] = mi.Window{Cluster: i}
		if plan.Marginals {
			out[i].Marginal = map[int][]float32{}
		}
		if plan.Cross > 0 {
			out[i].Cross = map[int][][]float32{}
			for _, ell := range plan.Splits {
				out[i].Cross[ell] = make([][]float32, plan.Cross)
			}
		}
	}
	for i, w := range tokens {
		r := lm.Request[T]{Tokens: w}
		var put []func(scores []float32)
		if plan.Marginals {
			for _, ell := range plan.Splits {
				r.Branches = append(r.Branches, lm.Branch[T]{Tokens: w[ell : ell+plan.Continuation(ell)]})
				put = append(put, func(s []float32) { out[i].Marginal[ell] = s })
			}
		}
		for k := range plan.Cross {
			j := (i + k + 1) % count
			for _, ell := range plan.Splits {
				r.Branches = append(r.Branches, lm.Branch[T]{At: ell, Tokens: tokens[j][ell : ell+plan.Continuation(ell)]})
				put = append(put, func(s []float32) { out[j].Cross[ell][k] = s })
			}
		}
		s, err := model.LogProbs(ctx, r)
		if err != nil {
			return scored{}, fmt.Errorf("scoring window %d: %w", i, err)
		}
		out[i].Joint = s.Tokens
		for b, f := range put {
			f(s.Branches[b])
		}
	}
	documents := make([]int, count)
	for i := range documents {
		documents[i] = i
	}
	text, err := check.Observe(tokens, documents)
	if err != nil {
		return scored{}, err
	}
	mixtures, err := check.Mixtures(tokens, documents, plan.Splits[len(plan.Splits)-1], mi.InMemory(plan.Length, out))
	if err != nil {
		return scored{}, err
	}
	samples := make([]score.Window[T], count)
	for i, w := range tokens {
		samples[i] = score.Window[T]{Cluster: i, Tokens: w}
	}
	contrast, err := measure.Contrast(ctx, model, samples, plan, seed)
	return scored{out, text, mixtures, contrast}, err
}

// passes is the number of tokens that a scheme scores in one repetition.
func (c *cell) passes(scheme string) int64 {
	n, L := int64(c.windows), int64(c.o.Length)
	var y int64
	for _, ell := range c.splits {
		y += int64(ell)
	}
	switch scheme {
	case string(mi.Block):
		return n * L
	case string(mi.Paired):
		return n * (L + y)
	case string(mi.Direct): // half of the windows for each mean
		return n / 2 * (L + y)
	case officialScheme: // the same, every marginal in full length
		return n / 2 * L * int64(1+len(c.splits))
	}
	return n * (L + y*int64(c.o.Cross))
}

// officialScheme is the paper's: unpaired direct, full-length marginals, least
// squares on the logarithms of the means.
const officialScheme = "official"
