package measure

import (
	"context"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm/recorded"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// measureRecorded measures log-probabilities that were computed elsewhere.
func measureRecorded(ctx context.Context, run *rundir.Dir, o Options) (*result.Result, error) {
	rec, err := recorded.Read(o.LogProbs, recorded.Options{Length: o.Length, Bits: o.Bits, Density: o.Density})
	if err != nil {
		return nil, err
	}
	s, err := recordedSample(rec)
	if err != nil {
		return nil, err
	}
	m := rec.Info()
	store, err := score.Open(run, score.Key{
		ModelName: m.Name, Model: m.Fingerprint, BOS: m.BOS, Tokenizer: "recorded", Corpus: rec.Text,
		Windows: score.Fingerprint(s.windows, s.partners), Count: len(s.windows), Plan: s.plan,
	})
	if err != nil {
		return nil, err
	}
	if err := scoreWith(ctx, rec, s, store, o.Workers, o.Progress); err != nil {
		return nil, err
	}
	r := &result.Result{
		Schema: result.Schema, Verb: "measure", Command: o.Command(), Version: info.BuildVersion().Short(),
		Corpus: result.Corpus{Paths: []string{o.LogProbs}, Documents: s.clusters, Evaluation: s.clusters, Bytes: rec.Bytes, Fingerprint: rec.Text},
		Model:  result.Model{Info: m}, Windows: describeWindows(s, "document", o.Seed), Plan: describePlan(s),
		Warnings: append(rec.Warnings, store.Warnings()...),
	}
	r.Windows.BytesPerToken = s.bytesPerToken()
	if !rec.Marginal {
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "joint-only", Text: "only the windows as a whole were scored, so the estimate is block, which needs text that is statistically alike from the start of a window to its end",
			Fix: "score the second parts alone, too (arrays marginal_8, marginal_16, …), for the estimate that the others are checked by",
		})
	}
	if !rec.Known {
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "text-unknown", Text: "the file does not say which text was scored, so l2m compare takes any other file of as many windows and documents for the same text",
			Fix: "add the array tokens",
		})
	}
	var f facts
	if rec.Known {
		if err := observe(&f, s, store.Source()); err != nil {
			return nil, err
		}
	}
	if err := estimate(ctx, r, store.Source(), f, o.fit(), o.Progress); err != nil {
		return nil, err
	}
	r.Loss.BitsPerByte = bitsPerByte(r.Loss.NatsPerToken, r.Windows.BytesPerToken)
	if err := result.Store(run, r, rundir.Faces(o.Faces, r, o.Figures)); err != nil {
		return nil, err
	}
	return r, nil
}

// recordedSample plans to look up all that was recorded.
func recordedSample(rec *recorded.Recording) (sample[token.ID], error) {
	s := sample[token.ID]{partners: rec.Partners, bytes: rec.Bytes}
	var err error
	if s.plan, err = score.NewPlan(rec.Length, rec.MaxRatio, rec.Marginal, rec.Cross()); err != nil {
		return s, err
	}
	if len(rec.Splits) > 0 {
		s.plan.Splits = rec.Splits
	}
	for i, c := range rec.Clusters {
		s.windows = append(s.windows, score.Window[token.ID]{Cluster: c, Tokens: rec.Window(i)})
		s.clusters = max(s.clusters, c+1)
	}
	return s, nil
}
