// Package lab implements l2m lab: it trains a small model by a recipe in a run
// directory, resumes interrupted runs, and evaluates trained models at other lengths.
//
// The result is a result.Lab, stored as lab.json in the run directory, next to the
// model (config.json, model.safetensors), the training curve (curve.csv) and the
// checkpoint. The packages below it do the work: lab/graph, lab/cpu, lab/mixer,
// lab/train.
package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/mixer"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// Options of a training run. Zero values mean those of the recipe.
type Options struct {
	Recipe string // name of a built-in recipe, or a file
	// Settings is a recipe in place of one with a name.
	Settings *train.Recipe
	Out      string // run directory; "" means l2m-lab-NAME
	Fresh    bool   // discard what an earlier run left there

	Paths  []string // text, for recipes on bytes: files, folders, globs; "-" is Stdin
	Stdin  io.Reader
	Format string // of Paths, as corpus.ParseFormat reads it
	Field  string

	// Set changes settings of the recipe, KEY=VALUE each, see train.Recipe.With; fields
	// below have the last word.
	Set []string

	Data      string
	Tokenizer string    // vocabulary of the text, see vocabulary.Open; "" for bytes
	Types     []string  // mechanisms of the layers
	Memory    []float64 // scale and exponent of power_law_memory and memory_caching
	Layers    int
	Hidden    int
	Lengths   []int
	Evaluate  []int
	Steps     int
	Batch     int
	Rate      float64
	Seed      *uint64
	Rates     []float64 // candidates to choose from before training, see Train

	Workers  int // 0 means GOMAXPROCS; does not change the result
	Progress info.ProgressFunc
	// Faces are files rendered from the document, with figures in the given formats;
	// may be nil.
	Faces func(l *result.Lab, formats []string) []rundir.Face
}

// Mechanisms lists the values of Options.Types.
func Mechanisms() []string { return mixer.Mechanisms() }

// FindRecipe returns a built-in recipe by name, or reads a file.
func FindRecipe(name string) (train.Recipe, error) {
	all := train.Recipes()
	if i := slices.IndexFunc(all, func(r train.Recipe) bool { return r.Name == name }); i >= 0 {
		return all[i], nil
	}
	if name == "" {
		return train.Recipe{}, errors.New("name a recipe (l2m lab recipes lists the built-in ones)")
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return train.Recipe{}, fmt.Errorf("%q is neither a built-in recipe (l2m lab recipes lists them) nor a file", name)
	} else if err != nil {
		return train.Recipe{}, err
	}
	defer f.Close()
	r, err := train.ReadRecipe(f)
	if err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	if r.Name == "" {
		r.Name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	}
	return r, nil
}

// recipe is the recipe with the changes of the options.
func (o Options) recipe() (train.Recipe, error) {
	var r train.Recipe
	var err error
	if o.Settings != nil {
		r = *o.Settings
	} else if r, err = FindRecipe(o.Recipe); err != nil {
		return r, err
	}
	for _, setting := range o.Set {
		key, value, ok := strings.Cut(setting, "=")
		if !ok {
			return r, fmt.Errorf("--set %s: want KEY=VALUE, such as model.positions=rope", setting)
		}
		if r, err = r.With(key, value); err != nil {
			return r, fmt.Errorf("--set %s: %w", setting, err)
		}
	}
	if o.Data != "" {
		r.Data = o.Data
	}
	o.tokenize(&r)
	for _, t := range o.Types {
		if !slices.Contains(Mechanisms(), t) {
			return r, fmt.Errorf("--layer-types: %q is no mechanism; known are %s", t, strings.Join(Mechanisms(), ", "))
		}
	}
	for _, rate := range o.Rates {
		if !(rate > 0 && rate < 10) {
			return r, fmt.Errorf("--rates: %g is no learning rate; want numbers above 0 and below 10", rate)
		}
	}
	if len(o.Types) > 0 {
		r.Model.Types = o.Types
	}
	if len(o.Memory) > 0 {
		if len(o.Memory) != 2 {
			return r, fmt.Errorf("--memory has %d numbers; want two, A,B, such as --memory 1,0.8", len(o.Memory))
		}
		a, b := o.Memory[0], o.Memory[1]
		if !(a > 0) || !(b >= 0 && b <= 1) {
			return r, fmt.Errorf("--memory %g,%g: want A above 0 and B from 0 to 1", a, b)
		}
		r.Model.Scale, r.Model.Exponent = a, b
	}
	if o.Layers != 0 {
		r.Model.Layers = o.Layers
	}
	if o.Hidden != 0 {
		r.Model.Hidden = o.Hidden
	}
	if o.Steps != 0 {
		r.Steps = o.Steps
	}
	if o.Batch != 0 {
		r.Batch = o.Batch
	}
	if len(o.Lengths) > 0 {
		r.Lengths = o.Lengths
	}
	if len(o.Evaluate) > 0 {
		r.Evaluate = o.Evaluate
	}
	if o.Rate != 0 {
		r.Rate = o.Rate
	}
	if o.Seed != nil {
		r.Seed = *o.Seed
	}
	return r, nil
}

// tokenize makes a recipe of bytes one of tokens, if there is a vocabulary.
func (o Options) tokenize(r *train.Recipe) {
	if o.Tokenizer == "" {
		return
	}
	if r.Tokenizer = o.Tokenizer; r.Data == train.Bytes {
		r.Data = train.Tokens
	}
}

// Train trains by a recipe and returns the document of the run. It resumes an
// interrupted run, and only reads a finished one. With o.Rates, it first trains a tenth
// of the steps at each of them, and uses the one with the least final loss.
func Train(ctx context.Context, o Options) (*result.Lab, error) {
	r, err := o.recipe()
	if err != nil {
		return nil, err
	}
	data, fingerprint, err := o.data(ctx, r)
	if err != nil {
		return nil, err
	}
	if r, err = r.Settled(data); err != nil {
		return nil, err
	}
	if o.Out == "" {
		o.Out = "l2m-lab-" + r.Name
	}
	dir, err := rundir.Open(o.Out, rundir.Lab, rundir.Options{Fresh: o.Fresh, Command: o.Command()})
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	folder, err := dir.Folder(rundir.Checkpoint)
	if err != nil {
		return nil, err
	}
	to := train.Options{Workers: o.Workers, Set: cpu.Best(), Corpus: fingerprint, Checkpoint: filepath.Join(folder, rundir.CheckpointFile)}
	doc := &result.Lab{
		Schema: result.LabSchema, Command: dir.Command(), Version: info.BuildVersion().String(), Name: r.Name, Data: r.Data, Corpus: fingerprint,
		Instructions: to.Set.String(),
	}
	if err := o.chooseRate(ctx, dir, &r, data, doc, to); err != nil {
		return nil, err
	}
	stage, resumed := o.Progress.Stage("training", "tokens"), int64(-1)
	to.Progress = func(step, steps int, tokens int64, _ float64) {
		each := tokens / int64(step)
		if resumed < 0 {
			resumed = tokens - each
		}
		stage(tokens, each*int64(steps), resumed)
	}
	run, err := train.Train(ctx, r, data, to)
	if err != nil {
		return nil, err
	}
	if doc.Recipe, err = json.Marshal(r); err != nil {
		return nil, err
	}
	doc.Steps, doc.Tokens, doc.Parameters, doc.Curve = run.Steps, run.Tokens, run.Parameters(), stretches(run)
	if !math.IsNaN(run.Seconds) {
		doc.Seconds = math.Round(run.Seconds*1000) / 1000
	}
	for _, e := range run.Evaluations {
		doc.Evaluations = append(doc.Evaluations, result.LabEvaluation(e))
	}
	return doc, write(dir, doc, run, data, rundir.Faces(o.Faces, doc, nil))
}

// chooseRate tries rates, unless the run has chosen one before.
func (o Options) chooseRate(ctx context.Context, dir *rundir.Dir, r *train.Recipe, data train.Data, doc *result.Lab, to train.Options) error {
	if len(o.Rates) == 0 {
		return nil
	}
	if _, err := dir.Key(&doc.Rates); err != nil {
		return err
	}
	stage := o.Progress.Stage("rates", "rates")
	for i, rate := range o.Rates {
		if i < len(doc.Rates) && doc.Rates[i].Rate == rate {
			continue
		}
		trial := *r
		trial.Rate, trial.Steps, trial.EvaluateEach = rate, max(10, r.Steps/10), 0
		trial.WarmUp = min(trial.WarmUp, trial.Steps/2)
		trial.MuonRate *= rate / r.Rate
		out, err := train.Train(ctx, trial, data, train.Options{Workers: to.Workers, Set: to.Set})
		var diverged *train.DivergedError
		t := result.LabRate{Rate: rate}
		switch {
		case errors.As(err, &diverged):
			t.Diverged = true
		case err != nil:
			return fmt.Errorf("trying the rate %g: %w", rate, err)
		default:
			t.Loss = out.LastLoss()
		}
		doc.Rates = append(doc.Rates[:i], t)
		if err := dir.SetKey(doc.Rates); err != nil {
			return err
		}
		stage(int64(i+1), int64(len(o.Rates)), 0)
	}
	best := -1
	for i, t := range doc.Rates {
		if !t.Diverged && (best < 0 || t.Loss < doc.Rates[best].Loss) {
			best = i
		}
	}
	if best < 0 {
		return errors.New("training diverged at every rate: try smaller ones")
	}
	r.MuonRate *= doc.Rates[best].Rate / r.Rate
	r.Rate = doc.Rates[best].Rate
	return nil
}

// stretches are means over at most 200 parts of a run's steps.
func stretches(run *train.Run) []result.LabStretch {
	const most = 200
	n := min(most, len(run.Loss))
	out := make([]result.LabStretch, n)
	for i := range out {
		from, to := i*len(run.Loss)/n, (i+1)*len(run.Loss)/n
		s := result.LabStretch{Step: to}
		for k := from; k < to; k++ {
			s.Loss += float64(run.Loss[k]) / float64(to-from)
			s.Norm += float64(run.Norm[k]) / float64(to-from)
		}
		out[i] = s
	}
	return out
}

// write writes the files of a finished run.
func write(dir *rundir.Dir, doc *result.Lab, run *train.Run, data train.Data, faces []rundir.Face) error {
	return dir.Write(append(faces,
		rundir.Face{Name: train.ConfigFile, Write: func(w io.Writer) error { _, err := w.Write(run.Recipe.Model.JSON()); return err }},
		rundir.Face{Name: train.WeightsFile, Write: func(w io.Writer) error { return run.WriteWeights(w, data) }},
		rundir.Face{Name: "curve.csv", Write: func(w io.Writer) error { return writeCurve(w, run) }},
		rundir.Face{Name: "loss.csv", Write: func(w io.Writer) error { return writePositions(w, run.Evaluations) }},
		rundir.Face{Name: rundir.Lab.Document, Write: func(w io.Writer) error { return result.Write(w, doc) }},
	)...)
}

func writeCurve(w io.Writer, run *train.Run) error {
	var b strings.Builder
	b.WriteString("step,loss_nats,gradient_norm,rate\n")
	for i := range run.Loss {
		fmt.Fprintf(&b, "%d,%s,%s,%s\n", i+1, short(float64(run.Loss[i])), short(float64(run.Norm[i])), short(run.Recipe.Rate*run.Recipe.RateAt(i)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writePositions writes the loss by position, one row a token.
func writePositions(w io.Writer, evaluations []train.Evaluation) error {
	var b strings.Builder
	b.WriteString("step,length,position,loss_nats,exact_nats,divergence_nats,gain_nats\n")
	at := func(x []float64, i int) string {
		if i >= len(x) {
			return ""
		}
		return short(x[i])
	}
	for _, e := range evaluations {
		for i := range e.ByPosition {
			fmt.Fprintf(&b, "%d,%d,%d,%s,%s,%s,%s\n", e.Step, e.Length, i+1, at(e.ByPosition, i), at(e.Exact, i), at(e.Divergence, i), at(e.Gain, i))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func short(x float64) string { return strconv.FormatFloat(x, 'g', 7, 64) }

// maxTraining bounds the text held in memory, in bytes.
const maxTraining = 1 << 30

// data opens the data of a recipe.
func (o Options) data(ctx context.Context, r train.Recipe) (train.Data, string, error) {
	if (r.Data == train.Tokens) != (r.Tokenizer != "") {
		return nil, "", fmt.Errorf("recipe %s: data %q and tokenizer %q do not fit (--tokenizer FILE trains on a text in the tokens of that vocabulary)", r.Name, r.Data, r.Tokenizer)
	}
	if r.Data != train.Bytes && r.Data != train.Tokens {
		if len(o.Paths) > 0 {
			return nil, "", fmt.Errorf("recipe %s trains on %s, not on text (--data bytes trains on text)", r.Name, r.Data)
		}
		d, err := train.OpenData(r.Data)
		return d, "", err
	}
	if len(o.Paths) == 0 {
		return nil, "", errors.New("this recipe trains on text: name files or folders")
	}
	format, err := corpus.ParseFormat(o.Format)
	if err != nil {
		return nil, "", err
	}
	stage := o.Progress.Stage("reading", "B")
	c, err := corpus.Index(ctx, o.Paths, corpus.Options{Format: format, Field: o.Field, Stdin: o.Stdin, Workers: o.Workers, Progress: func(done, total int64) { stage(done, total, 0) }})
	if err != nil {
		return nil, "", err
	}
	defer c.Close()
	longest := 0
	for _, l := range slices.Concat(r.Lengths, r.Evaluate) {
		longest = max(longest, l)
	}
	// Use the split of l2m measure, so that a model never trains on what measure
	// evaluates with the same seed.
	s := c.Split(r.Seed, 0.5)
	encode, alphabet, tokens := symbols, 256, ""
	if r.Tokenizer != "" {
		v, err := vocabulary.Open(r.Tokenizer)
		if err != nil {
			return nil, "", err
		}
		encode, alphabet, tokens = func(b []byte) []token.ID { return v.Encode(nil, b) }, v.Size(), v.Fingerprint()
		if s, err = s.Tokenized(ctx, func(_ context.Context, b []byte) ([]token.ID, error) { return encode(b), nil }); err != nil {
			return nil, "", err
		}
	}
	var text [][]token.ID
	for excerpt, err := range s.Excerpts(ctx, corpus.TrainingOptions{Budget: min(maxTraining, s.TrainingBytes()), Excerpt: max(1<<20, 8*longest)}) {
		if err != nil {
			return nil, "", err
		}
		text = append(text, encode(excerpt))
	}
	windows, err := s.Windows(ctx, corpus.WindowOptions{Length: longest, PerDocument: 16, MaxTotal: 256})
	if err != nil {
		return nil, "", err
	}
	var tests [][]token.ID
	for _, w := range windows {
		tests = append(tests, w.Tokens)
	}
	d, err := train.Text(tokens, alphabet, text, tests)
	return d, strings.TrimSpace(c.Fingerprint() + " " + tokens), err
}

func symbols(b []byte) []token.ID {
	out := make([]token.ID, len(b))
	for i, x := range b {
		out[i] = token.ID(x)
	}
	return out
}

// readDocument reads lab.json of a run directory, and the recipe in it.
func readDocument(dir string) (*result.Lab, train.Recipe, error) {
	var r train.Recipe
	f, err := os.Open(filepath.Join(dir, rundir.Lab.Document))
	if err != nil {
		return nil, r, fmt.Errorf("%s is not the directory of a finished run of l2m lab train: %w", dir, err)
	}
	defer f.Close()
	doc, err := result.Read[result.Lab](f, f.Name())
	if err != nil {
		return nil, r, err
	}
	if r, err = train.ReadRecipe(bytes.NewReader(doc.Recipe)); err != nil {
		return nil, r, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return doc, r, nil
}

// Export writes the model of a finished run as a GGUF file, see train.WriteGGUF. With a
// context of 0 tokens it declares the longest length of the recipe.
func Export(w io.Writer, dir string, context int) error {
	_, r, err := readDocument(dir)
	if err != nil {
		return err
	}
	if context == 0 {
		context = slices.Max(append(slices.Concat(r.Lengths, r.Evaluate), 1))
	}
	return train.WriteGGUF(w, dir, context)
}

// Evaluate evaluates a finished run at lengths, on its own data or on o.Data. It
// changes nothing in the run.
func Evaluate(ctx context.Context, dir string, lengths []int, o Options) (*result.Lab, error) {
	doc, r, err := readDocument(dir)
	if err != nil {
		return nil, err
	}
	model := r.Model
	if o.Data != "" {
		r.Data, r.Tokenizer = o.Data, ""
	}
	o.tokenize(&r)
	if len(lengths) > 0 {
		r.Evaluate = lengths
	}
	data, _, err := o.data(ctx, r)
	if err != nil {
		return nil, err
	}
	settled, err := r.Settled(data)
	if err != nil {
		return nil, err
	}
	if settled.Model.Vocabulary != model.Vocabulary || settled.Model.Vector != model.Vector {
		return nil, fmt.Errorf("the model in %s was trained on tokens other than those of %s", dir, r.Data)
	}
	run, err := train.Read(dir, settled)
	if err != nil {
		return nil, err
	}
	run.Steps, doc.Evaluations = doc.Steps, nil
	for _, l := range settled.Evaluate {
		e, err := run.Evaluate(ctx, data, l, train.Options{Set: cpu.Best()})
		if err != nil {
			return nil, err
		}
		doc.Evaluations = append(doc.Evaluations, result.LabEvaluation(*e))
	}
	return doc, nil
}
