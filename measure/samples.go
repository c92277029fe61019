package measure

import (
	"context"
	"fmt"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// Defaults for processes, at which exact laws are fast.
const (
	processLength  = 1024
	processWindows = 400
)

// measureProcess measures a random process as documents are measured, but scored by
// its own exact law.
func measureProcess(ctx context.Context, run *rundir.Dir, o Options) (*result.Result, error) {
	p, err := process.Parse(o.Process)
	if err != nil {
		return nil, err
	}
	switch p := p.(type) {
	case process.Process[token.ID]:
		return measureSamples(ctx, run, p, o)
	case process.Process[float64]:
		return measureSamples(ctx, run, p, o)
	case process.Process[[]float64]:
		return measureSamples(ctx, run, p, o)
	}
	return nil, fmt.Errorf("tokens of the process %s cannot be measured", p.Describe().Spec)
}

func measureSamples[T any](ctx context.Context, run *rundir.Dir, p process.Process[T], o Options) (*result.Result, error) {
	d, model := p.Describe(), p.Model()
	if open.IsTrained(o.Model) {
		var err error
		if model, err = open.Trained[T](o.Model); err != nil {
			return nil, err
		}
	}
	if o.Context > 0 {
		var err error
		if model, err = lm.Restrict(model, o.Context, o.model().Step()); err != nil {
			return nil, err
		}
	}
	s, err := sampleProcess(ctx, p, o)
	if err != nil {
		return nil, err
	}
	m := model.Info()
	store, err := score.Extend(run, score.Key{
		ModelName: m.Name, Model: m.Fingerprint, BOS: m.BOS, Tokenizer: string(d.Token), Corpus: fmt.Sprintf("process %s", d.Spec), Plan: s.plan,
		Drawn: fmt.Sprintf("seed %d", o.Seed),
	}, s.windows, s.partners)
	if err != nil {
		return nil, err
	}
	if err := scoreWith(ctx, model, s, store, o.Workers, o.Progress); err != nil {
		return nil, err
	}
	r := &result.Result{
		Schema: result.Schema, Verb: "measure", Command: o.Command(), Version: info.BuildVersion().Short(),
		Corpus: result.Corpus{
			Paths: []string{d.Spec}, Documents: len(s.windows), Evaluation: len(s.windows), Tokenizer: string(d.Token), Fingerprint: store.Key().Corpus,
		},
		Model: result.Model{Info: m}, Windows: describeWindows(s, "document", o.Seed), Plan: describePlan(s), Warnings: store.Warnings(),
	}
	f := facts{exact: !open.IsTrained(o.Model) && o.Context == 0, context: o.Context}
	if f.contrast, err = scoreContrast(ctx, run, func() (lm.Model[T], error) { return model, nil }, s, o.Workers, o); err != nil {
		return nil, err
	}
	if err := observe(&f, s, store.Source()); err != nil {
		return nil, err
	}
	if err := estimate(ctx, r, store.Source(), f, o.fit(), o.Progress); err != nil {
		return nil, err
	}
	r.Warnings = append(r.Warnings, shiftWarnings(d, r)...)
	if err := result.Store(run, r, rundir.Faces(o.Faces, r, o.Figures)); err != nil {
		return nil, err
	}
	return r, nil
}

// sampleProcess draws independent windows, each a cluster of its own.
func sampleProcess[T any](ctx context.Context, p process.Process[T], o Options) (sample[T], error) {
	var none sample[T]
	length, count := o.Length, o.MaxWindows
	if length == 0 {
		length = processLength
	}
	if count == 0 {
		count = processWindows
	}
	ratio := maxRatio
	if p.Describe().Shift != process.Stationary {
		ratio = 2
	}
	plan, err := score.NewPlan(length, ratio, true, *o.Cross)
	if err != nil {
		return none, err
	}
	s := sample[T]{plan: plan, clusters: count}
	places := make([]corpus.Window, count)
	stage := o.Progress.Stage("sampling", "windows")
	err = process.Samples(ctx, p, o.Seed, length, count, o.Workers, func(i int, tokens []T) error {
		s.windows = append(s.windows, score.Window[T]{Cluster: i, Tokens: tokens})
		places[i].Cluster = i
		stage(int64(i+1), int64(count), 0)
		return nil
	})
	if err != nil {
		return none, err
	}
	s.partners, err = corpus.Partners(places, *o.Cross)
	return s, err
}

// scoreWith scores the windows that the store lacks, inFlight requests at a time.
func scoreWith[T any](ctx context.Context, m lm.Model[T], s sample[T], store *score.Store, inFlight int, progress info.ProgressFunc) error {
	stage := progress.Stage("scoring", "tokens")
	return score.Run(ctx, m, s.windows, s.partners, s.plan, store, score.RunOptions{
		Workers:  inFlight,
		Progress: func(p score.Progress) { stage(p.Tokens, p.TokensTotal, p.TokensStored) },
	})
}

// shiftWarnings warns if a process is not stationary, and drops estimates that need
// it to be.
func shiftWarnings(d process.Description, r *result.Result) []info.Warning {
	if d.Shift == process.Stationary {
		return nil
	}
	kept := r.Series[:0]
	for _, s := range r.Series {
		if d.Shift == process.NotStationary && s.Estimator == mi.Block {
			continue
		}
		kept = append(kept, s)
	}
	r.Series = kept
	w := info.Warning{
		Code: "not-stationary",
		Text: fmt.Sprintf("the process %s is not stationary: the block estimator does not apply, and the marginal passes of paired and direct treat Y as the start of a sequence", d.Kind),
	}
	if d.Shift == process.DyadicShift {
		w.Text = fmt.Sprintf("the process %s is not stationary, but the two halves of a window of 2, 4, 8, … tokens have the same law: only the ratio L/ℓ = 2 is exact, and %s", d.Kind, d.Lengths)
	}
	return []info.Warning{w}
}
