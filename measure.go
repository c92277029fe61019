package l2m

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// Measure turns documents into the scaling law of their bipartite mutual
// information: it reads and splits the documents, trains the built-in predictor
// on one part, scores windows of the other, estimates, fits, and writes the run
// directory.
//
// The same options on the same documents give the same Result, byte for byte,
// on any number of cores and however often the run was interrupted. When ctx
// ends or something fails, what was scored is kept in the run directory, and
// the same call continues.
func Measure(ctx context.Context, o MeasureOptions) (*report.Result, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := checkConfigs(ctx, o); err != nil {
		return nil, err
	}
	if o.Process != "" {
		return measureProcess(ctx, o)
	}
	text, err := readText(ctx, o)
	if err != nil {
		return nil, err
	}
	defer text.corpus.Close()
	// Counting runs beside training, which uses a single core.
	ctx, cancel := context.WithCancel(ctx)
	counting := startTwoPoint(ctx, text.corpus, o)
	defer func() { cancel(); counting.wait() }()
	s, err := drawSample(ctx, text, o)
	if err != nil {
		return nil, err
	}
	store, model, err := scoreSample(ctx, text, s, o)
	if err != nil {
		return nil, err
	}
	defer store.Close()

	r := &report.Result{
		Schema: report.Schema, Verb: "measure", Command: o.Command(), Version: BuildVersion().Short(),
		Corpus: describeCorpus(text, o), Model: model,
		Windows:  describeWindows(s, text.clusterKind(), o),
		Plan:     describePlan(s),
		Warnings: append(text.warnings(), store.Warnings()...),
	}
	if err := estimate(ctx, r, store.Source(), o); err != nil {
		return nil, err
	}
	r.Loss.BitsPerByte = bitsPerByte(r.Loss.NatsPerToken, s.bytesPerToken())
	if r.TwoPoint, err = counting.wait(); err != nil {
		return nil, err
	}
	if err := auditConfigs(ctx, r, o); err != nil {
		return nil, err
	}
	if err := writeRun(o.Out, r, o.Figures); err != nil {
		return nil, err
	}
	return r, nil
}

// text is the documents and their division.
type text struct {
	corpus *corpus.Corpus
	split  *corpus.Split
}

func readText(ctx context.Context, o MeasureOptions) (text, error) {
	format, err := corpus.ParseFormat(o.Format)
	if err != nil {
		return text{}, err
	}
	stage := o.Progress.stage("reading", "B")
	c, err := corpus.Index(ctx, o.Paths, corpus.Options{
		Format: format, Field: o.Field, Stdin: o.Stdin, Workers: o.Workers,
		Progress: func(done, total int64) { stage(done, total, 0) },
	})
	if err != nil {
		return text{}, err
	}
	return text{c, c.Split(o.Seed, o.EvaluationFraction)}, nil
}

// clusterKind is what is resampled.
func (t text) clusterKind() string {
	if t.split.Blocks() {
		return "block"
	}
	return "document"
}

// warnings are the caveats that follow from the documents at hand.
func (t text) warnings() []info.Warning {
	if !t.split.Blocks() {
		return nil
	}
	return []info.Warning{{
		Code: "one-document",
		Text: "there is only one document to evaluate, so contiguous blocks of it are resampled in place of documents: the intervals say how the law varies within this document, not between documents",
		Fix:  "give more documents",
	}}
}

// sample is what is scored: windows, their cross partners, and the plan.
type sample[T any] struct {
	windows  []score.Window[T]
	partners [][]int
	plan     score.Plan
	clusters int
	bytes    int64 // of text in the windows
}

// scoredTokens is what a run scores by default: about a minute on two cores
// with the built-in predictor.
const scoredTokens = 24 << 20

// maxRatio is the largest ratio L/ell that is scored.
const maxRatio = 4

func drawSample(ctx context.Context, t text, o MeasureOptions) (sample[token.ID], error) {
	length := o.Length
	if length == 0 {
		var err error
		if length, err = t.split.SuggestLength(maxDefaultLength); err != nil {
			return sample[token.ID]{}, err
		}
	}
	plan, err := score.NewPlan(length, maxRatio, true, *o.Cross)
	if err != nil {
		return sample[token.ID]{}, err
	}
	most := o.MaxWindows
	if most == 0 {
		most = max(2, int(scoredTokens/plan.Tokens(1)))
	}
	windows, err := t.split.Windows(ctx, corpus.WindowOptions{Length: length, PerDocument: o.WindowsPerDocument, MaxTotal: most})
	if err != nil {
		return sample[token.ID]{}, err
	}
	partners, err := corpus.Partners(windows, *o.Cross, o.Seed)
	if err != nil {
		return sample[token.ID]{}, err
	}
	s := sample[token.ID]{partners: partners, plan: plan}
	for _, w := range windows {
		s.windows = append(s.windows, score.Window[token.ID]{Cluster: w.Cluster, Tokens: w.Tokens})
		s.clusters = max(s.clusters, w.Cluster+1)
		s.bytes += int64(w.Bytes)
	}
	return s, nil
}

func (s sample[T]) bytesPerToken() float64 {
	return float64(s.bytes) / float64(len(s.windows)*s.plan.Length)
}

// scoreSample scores what the run directory does not hold yet. The model is
// trained only if there is something to score.
func scoreSample(ctx context.Context, t text, s sample[token.ID], o MeasureOptions) (*score.Store, report.Model, error) {
	recipe, err := newRecipe(t, o)
	if err != nil {
		return nil, report.Model{}, err
	}
	about := report.Model{Info: recipe.info, TrainingBytes: recipe.budget}
	store, err := score.Open(o.Out, score.Key{
		ModelName: recipe.info.Name, Model: recipe.info.Fingerprint, BOS: recipe.info.BOS,
		Tokenizer: token.Bytes().Fingerprint(), Corpus: t.corpus.Fingerprint(),
		Windows: score.Fingerprint(s.windows, s.partners), Count: len(s.windows), Plan: s.plan,
	}, score.OpenOptions{Fresh: o.Fresh, About: map[string]string{
		"command": o.Command(), "version": BuildVersion().String(),
	}})
	if err != nil {
		return nil, about, err
	}
	if store.Done() < len(s.windows) {
		if err := recipe.score(ctx, t, s, store, o); err != nil {
			store.Close()
			return nil, about, err
		}
	}
	return store, about, nil
}

// recipe is a model that is not trained yet. Its fingerprint covers everything
// that determines the trained model: algorithm, options, documents, budget.
type recipe struct {
	info    lm.Info
	opts    bytemix.Options
	trained bool
	budget  int64  // bytes of training text; 0 for an untrained model
	file    string // of a saved model, in place of all that
}

func newRecipe(t text, o MeasureOptions) (recipe, error) {
	r := recipe{opts: bytemix.Options{Seed: o.Seed, Workers: o.Workers}}
	switch o.Model {
	case "bytemix":
		r.trained = true
		r.budget = min(o.TrainingBytes, t.split.TrainingBytes())
	case "bytemix:universal":
	default:
		return savedRecipe(o)
	}
	r.info = lm.Info{Name: o.Model, Vocabulary: token.Bytes().Size(), BOS: lm.NoBOS}
	h := sha256.New()
	fmt.Fprintf(h, "%s\ntrained %t\nseed %d\n", bytemix.Version, r.trained, o.Seed)
	if r.trained {
		fmt.Fprintf(h, "corpus %s\nevaluation %g\nbudget %d\n", t.corpus.Fingerprint(), o.EvaluationFraction, o.TrainingBytes)
	}
	r.info.Fingerprint = fmt.Sprintf("%x", h.Sum(nil))
	return r, nil
}

// savedRecipe is a model that is trained already, in a file.
func savedRecipe(o MeasureOptions) (recipe, error) {
	info, err := bytemix.ReadInfo(o.Model)
	if errors.Is(err, fs.ErrNotExist) {
		return recipe{}, fmt.Errorf("unknown model %q (bytemix, bytemix:universal for one that is not trained, or a file that l2m model train wrote)", o.Model)
	} else if err != nil {
		return recipe{}, err
	}
	if info.Alphabet != bytemix.Bytes {
		return recipe{}, fmt.Errorf("%s predicts the alphabet %q, not bytes", o.Model, info.Alphabet)
	}
	return recipe{file: o.Model, budget: info.TrainedBytes, info: lm.Info{
		Name: "bytemix", Vocabulary: token.Bytes().Size(), BOS: lm.NoBOS, Fingerprint: info.Fingerprint,
	}}, nil
}

// identified is a model under the fingerprint of its recipe.
type identified struct {
	lm.Model[token.ID]
	info lm.Info
}

func (m identified) Info() lm.Info { return m.info }

// score makes the model and scores the rest of the plan with it.
func (r recipe) score(ctx context.Context, t text, s sample[token.ID], store *score.Store, o MeasureOptions) error {
	var model *bytemix.Model
	var err error
	switch {
	case r.file != "":
		if model, err = bytemix.Open(r.file, o.Workers); err == nil {
			defer model.Close()
		}
	case r.trained:
		stage := o.Progress.stage("training", "B")
		excerpts := t.split.Excerpts(ctx, corpus.TrainingOptions{Budget: o.TrainingBytes})
		model, err = bytemix.Train(ctx, r.opts, excerpts, func(done int64) { stage(done, r.budget, 0) })
	default:
		model, err = bytemix.New(r.opts)
	}
	if err != nil {
		return err
	}
	return scoreWith(ctx, identified{model, r.info}, s, store, o)
}

func describeCorpus(t text, o MeasureOptions) report.Corpus {
	return report.Corpus{
		Paths: o.Paths, Documents: t.corpus.Documents(), Bytes: t.corpus.Bytes(),
		Training: t.split.Training(), Evaluation: t.split.Evaluation(),
		Duplicates: t.corpus.Duplicates(), Skipped: t.corpus.Skipped(),
		Tokenizer: token.Bytes().Name(), Fingerprint: t.corpus.Fingerprint(),
	}
}

func describeWindows[T any](s sample[T], kind string, o MeasureOptions) report.Windows {
	w := report.Windows{Length: s.plan.Length, Count: len(s.windows), Documents: s.clusters, Clusters: s.clusters, ClusterKind: kind, Seed: o.Seed}
	if kind == "block" {
		w.Documents = 1
	}
	return w
}

func describePlan[T any](s sample[T]) report.Plan {
	return report.Plan{
		Splits: s.plan.Splits, Ratios: ratios, Cross: s.plan.Cross,
		Tokens: s.plan.Tokens(len(s.windows)), NaiveTokens: s.plan.NaiveTokens(len(s.windows)),
	}
}
