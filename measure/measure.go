package measure

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// Run measures the scaling law of the bipartite mutual information of documents:
//
//  1. read the documents and split them into a training and an evaluation part,
//  2. train the built-in predictor on the training part, or open another model,
//  3. draw windows from the evaluation part and score them; the scores are durable,
//  4. estimate the information at every length, fit the laws, run the checks,
//  5. write the result and its faces to the run directory.
//
// The same options on the same documents give the same Result, byte for byte, on any
// number of cores and however often the run was interrupted; only how many windows
// of a GGUF file fit into the time depends on the machine, and the Command of the
// result has the number. If ctx ends or something fails, finished scores stay in the run
// directory and the same call continues.
func Run(ctx context.Context, o Options) (*result.Result, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := checkConfigs(ctx, o.Configs); err != nil {
		return nil, err
	}
	run, err := rundir.Open(o.Out, rundir.Measure, rundir.Options{Fresh: o.Fresh, Command: o.Command()})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	switch {
	case o.Process != "":
		return measureProcess(ctx, run, o)
	case o.LogProbs != "":
		return measureRecorded(ctx, run, o)
	}
	return measureText(ctx, run, o)
}

// measureText measures documents with a model.
func measureText(ctx context.Context, run *rundir.Dir, o Options) (*result.Result, error) {
	text, err := readText(ctx, o)
	if err != nil {
		return nil, err
	}
	defer text.corpus.Close()
	e, err := open.Open(ctx, text.corpus, text.split, o.model())
	if err != nil {
		return nil, err
	}
	defer func() { e.Close() }()
	// Count in the background: training uses a single core.
	ctx, cancel := context.WithCancel(ctx)
	counting := startTwoPoint(ctx, text.corpus, e.Tokenizer.Stream, o)
	defer func() { cancel(); counting.wait() }()
	if err := text.tokenize(ctx, e); err != nil {
		return nil, err
	}
	ngrams, err := corpusNGrams(ctx, text.corpus, e, o.Progress)
	if err != nil {
		return nil, err
	}
	if o, err = fitTime(ctx, run, text, e, o); err != nil {
		return nil, err
	}
	s, err := drawSample(ctx, text, e, o)
	if err != nil {
		return nil, err
	}
	e.WarnOfLength(s.plan.Length)
	load := sync.OnceValues(func() (lm.Model[token.ID], error) { return e.Load(ctx) })
	store, err := scoreSample(ctx, run, text, e, s, load, o)
	if err != nil {
		return nil, err
	}
	low, err := scoreContrast(ctx, run, load, s, e.InFlight, o)
	if err != nil {
		return nil, err
	}

	r := describe(text, e, s, o)
	share, err := copied(ctx, text, e, s, o)
	if err != nil {
		return nil, err
	}
	if err := evaluate(ctx, r, s, store, facts{copied: share, contrast: low, ngrams: ngrams, context: o.Context}, o.fit(), o.Progress); err != nil {
		return nil, err
	}
	if r.TwoPoint, err = counting.wait(); ctx.Err() != nil {
		return nil, context.Cause(ctx)
	} else if err != nil {
		// The law does not depend on it, so hours of scoring are not thrown away.
		r.Warnings = append(r.Warnings, info.Warning{
			Code: "no-two-point", Text: "measuring the two-point information failed: " + err.Error(), Fix: "l2m twopoint measures it alone; --two-point-bytes 0 leaves it out",
		})
	}
	if err := auditConfigs(ctx, r, o); err != nil {
		return nil, err
	}
	if err := result.Store(run, r, rundir.Faces(o.Faces, r, o.Figures)); err != nil {
		return nil, err
	}
	return r, nil
}

// describe fills in what is known of a result before scoring.
func describe(t text, e *open.Model, s sample[token.ID], o Options) *result.Result {
	r := &result.Result{
		Schema: result.Schema, Verb: "measure", Command: o.Command(), Version: info.BuildVersion().Short(),
		Corpus: describeCorpus(t, e, o), Model: result.Model{Info: e.Info, TrainingBytes: e.Budget},
		Windows:  describeWindows(s, t.clusterKind(), o.Seed),
		Plan:     describePlan(s),
		Warnings: slices.Concat(t.warnings(), e.Warnings, s.warnings),
	}
	r.Windows.BytesPerToken = s.bytesPerToken()
	return r
}

// evaluate adds everything that follows from the scores of documents.
func evaluate(ctx context.Context, r *result.Result, s sample[token.ID], store *score.Store, f facts, fit law.Options, progress info.ProgressFunc) error {
	r.Warnings = append(r.Warnings, store.Warnings()...)
	f.better = betterModel(r.Corpus.Tokenizer)
	if err := observe(&f, s, store.Source()); err != nil {
		return err
	}
	if err := estimate(ctx, r, store.Source(), f, fit, progress); err != nil {
		return err
	}
	r.Loss.BitsPerByte = bitsPerByte(r.Loss.NatsPerToken, r.Windows.BytesPerToken)
	return nil
}

// text is the documents and their split.
type text struct {
	corpus *corpus.Corpus
	split  *corpus.Split
}

func readText(ctx context.Context, o Options) (text, error) {
	format, err := corpus.ParseFormat(o.Format)
	if err != nil {
		return text{}, err
	}
	stage := o.Progress.Stage("reading", "B")
	c, err := corpus.Index(ctx, o.Paths, corpus.Options{
		Format: format, Field: o.Field, MaxRecord: o.MaxRecord, Strict: o.Strict, KeepDuplicates: o.KeepDuplicates, Stdin: o.Stdin, Workers: o.Workers,
		Progress: func(done, total int64) { stage(done, total, 0) },
	})
	if err != nil {
		return text{}, err
	}
	return text{c, c.Split(o.Seed, o.EvaluationFraction)}, nil
}

// tokenize makes t draw windows of the model's tokens.
func (t *text) tokenize(ctx context.Context, e *open.Model) error {
	if e.Encode == nil {
		return nil
	}
	split, err := t.split.Tokenized(ctx, e.Encode)
	if err != nil {
		return err
	}
	t.split = split
	return nil
}

// clusterKind names the clusters that the bootstrap resamples.
func (t text) clusterKind() string {
	if t.split.Blocks() {
		return "block"
	}
	return "document"
}

// warnings are those about the documents.
func (t text) warnings() []info.Warning {
	w := t.corpus.Warnings()
	if !t.split.Blocks() {
		return w
	}
	return append(w, info.Warning{
		Code: "one-document",
		Text: "there is only one document to evaluate, so contiguous blocks of it are resampled instead of documents: the intervals show how the law varies within this document, not between documents",
		Fix:  "give more documents",
	})
}

// sample is what to score.
type sample[T any] struct {
	windows  []score.Window[T]
	partners [][]int // per window, the windows that give its cross contexts
	plan     score.Plan
	clusters int
	bytes    int64 // of text in the windows
	warnings []info.Warning
}

// maxRatio is the largest ratio L/ell scored.
const maxRatio = 4

func drawSample(ctx context.Context, t text, e *open.Model, o Options) (sample[token.ID], error) {
	length := o.Length
	if length == 0 {
		var err error
		if length, err = t.split.SuggestLength(e.Longest()); err != nil {
			return sample[token.ID]{}, err
		}
	}
	plan, err := score.NewPlan(length, maxRatio, true, *o.Cross)
	if err != nil {
		return sample[token.ID]{}, err
	}
	s := sample[token.ID]{plan: plan}
	most := o.MaxWindows
	if most == 0 {
		most = max(2, int(e.Tokens/plan.Tokens(1)))
	}
	windows, err := t.split.Windows(ctx, corpus.WindowOptions{
		Length: length, PerDocument: o.WindowsPerDocument, MaxTotal: most,
		Incomplete: func(n int) { s.warnings = append(s.warnings, incomplete(n, length)) },
	})
	if err != nil {
		return sample[token.ID]{}, err
	}
	if s.partners, err = corpus.Partners(windows, *o.Cross); err != nil {
		return sample[token.ID]{}, err
	}
	for _, w := range windows {
		s.windows = append(s.windows, score.Window[token.ID]{Cluster: w.Cluster, Tokens: w.Tokens})
		s.clusters = max(s.clusters, w.Cluster+1)
		s.bytes += int64(w.Bytes)
	}
	return s, nil
}

// incomplete warns that n windows were left out.
func incomplete(n, length int) info.Warning {
	return info.Warning{
		Code: "incomplete-windows",
		Text: fmt.Sprintf("left out %s that came out shorter than %d tokens, so text with long tokens is under-represented", info.Plural(n, "window"), length),
		Fix:  "choose shorter windows (--length)",
	}
}

func (s sample[T]) bytesPerToken() float64 {
	return float64(s.bytes) / float64(len(s.windows)*s.plan.Length)
}

// scoreSample scores the windows that the run directory lacks. The model is loaded,
// and trained if need be, only if there are any.
func scoreSample(ctx context.Context, run *rundir.Dir, t text, e *open.Model, s sample[token.ID], load func() (lm.Model[token.ID], error), o Options) (*score.Store, error) {
	store, err := score.Extend(run, scoreKey(t, e, s.plan, o), s.windows, s.partners)
	if err != nil {
		return nil, err
	}
	if store.Complete() {
		return store, nil
	}
	if o.Planned != nil {
		o.Planned(describePlan(s), describeWindows(s, t.clusterKind(), o.Seed), e.Info, s.computed(o), e.Warnings)
	}
	model, err := load()
	if err == nil {
		err = scoreWith(ctx, model, s, store, e.InFlight, o.Progress)
	}
	if err != nil {
		return nil, err
	}
	return store, nil
}

// computed is how many tokens a model with a cut context computes; 0 where it is not cut.
func (s sample[T]) computed(o Options) int64 {
	if o.Context == 0 {
		return 0
	}
	cost := func(past, n int) int64 { return lm.RestrictCost(o.Context, o.model().Step(), past, n) }
	per := cost(0, s.plan.Length)
	for _, ell := range s.plan.Splits {
		n := s.plan.Continuation(ell)
		per += cost(0, n) + int64(s.plan.Cross)*cost(ell, n)
	}
	return int64(len(s.windows)) * per
}

// scoreKey identifies the scores of a model on samples of a text, but for the windows.
func scoreKey(t text, e *open.Model, plan score.Plan, o Options) score.Key {
	return score.Key{
		Drawn:     fmt.Sprintf("seed %d, up to %d windows per document, %g of the documents", o.Seed, o.WindowsPerDocument, o.EvaluationFraction),
		ModelName: e.Info.Name, Model: e.Info.Fingerprint, BOS: e.Info.BOS,
		Tokenizer: e.Tokenizer.Fingerprint, Corpus: t.corpus.Fingerprint(), Plan: plan,
	}
}

func describeCorpus(t text, e *open.Model, o Options) result.Corpus {
	return result.Corpus{
		Paths: o.Paths, Documents: t.corpus.Documents(), Bytes: t.corpus.Bytes(),
		Training: t.split.Training(), Evaluation: t.split.Evaluation(),
		Duplicates: t.corpus.Duplicates(), Skipped: t.corpus.Skipped(), Read: t.corpus.Report().String(),
		Tokenizer: e.Tokenizer.Name, Fingerprint: t.corpus.Fingerprint(),
	}
}

func describeWindows[T any](s sample[T], kind string, seed uint64) result.Windows {
	w := result.Windows{Length: s.plan.Length, Count: len(s.windows), Documents: s.clusters, Clusters: s.clusters, ClusterKind: kind, Seed: seed}
	if kind == "block" {
		w.Documents = 1
	}
	return w
}

func describePlan[T any](s sample[T]) result.Plan {
	return result.Plan{
		Splits: s.plan.Splits, Ratios: ratios, Cross: s.plan.Cross,
		Tokens: s.plan.Tokens(len(s.windows)), NaiveTokens: s.plan.NaiveTokens(len(s.windows)),
	}
}
