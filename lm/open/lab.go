package open

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// IsTrained reports whether model is the directory of an l2m lab train run.
func IsTrained(model string) bool {
	s, err := os.Stat(filepath.Join(model, train.WeightsFile))
	return model != "" && err == nil && s.Mode().IsRegular()
}

// openTrained opens a model of text that l2m lab trained.
func (e *Model) openTrained(o Options) error {
	m, err := Trained[token.ID](o.Model)
	if err != nil {
		return err
	}
	// Half of the documents have trained it, as the seed draws them.
	if s, ok := m.(interface{ TextSeed() string }); ok && o.EvaluationFraction > 0 && o.EvaluationFraction < 1 {
		if seed := s.TextSeed(); seed != "" && seed != strconv.FormatUint(o.Seed, 10) {
			return fmt.Errorf("the model in %s was trained on half of the documents, as the seed %s splits them; with --seed %d some of those would be scored (use --seed %s, or --evaluation-fraction 1 for a text that it was not trained on)", o.Model, seed, o.Seed, seed)
		}
	}
	if e.MaxLength = LanguageLength; m.Info().Context > 0 {
		e.MaxLength = min(e.MaxLength, m.Info().Context)
	}
	e.Info, e.Tokens = m.Info(), LanguageTokens
	e.Load = func(context.Context) (lm.Model[token.ID], error) { return m, nil }
	if s, ok := m.(interface{ TextTokens() string }); ok && s.TextTokens() != "" {
		return e.tokens(o, s.TextTokens())
	}
	b := token.Bytes()
	if o.Tokenizer != "" {
		return fmt.Errorf("the model in %s reads bytes: it takes no --tokenizer", o.Model)
	}
	if n := m.Info().Vocabulary; n != 256 {
		return fmt.Errorf("the model in %s has %d symbols and was trained on a process: measure it on that (--process SPEC)", o.Model, n)
	}
	e.Tokenizer = Tokenizer{b.Name(), b.Fingerprint(), b.Name()}
	return nil
}

// tokens opens the vocabulary of a model that l2m lab trained, by its fingerprint.
func (e *Model) tokens(o Options, fingerprint string) error {
	if o.Tokenizer == "" {
		return fmt.Errorf("the model in %s was trained on tokens: name the file of their vocabulary (--tokenizer FILE)", o.Model)
	}
	v, err := vocabulary.Open(o.Tokenizer)
	if err != nil {
		return err
	}
	if v.Fingerprint() != fingerprint {
		return fmt.Errorf("the model in %s was trained on the tokens of another vocabulary than %s", o.Model, o.Tokenizer)
	}
	e.Tokenizer = Tokenizer{Name: v.Name(), Fingerprint: v.Fingerprint()}
	e.Encode = func(_ context.Context, text []byte) ([]token.ID, error) { return v.Encode(nil, text), nil }
	return nil
}

// Trained opens a model that l2m lab trained on tokens of type T.
func Trained[T any](dir string) (lm.Model[T], error) {
	symbols, vectors, err := train.Open(dir, cpu.Best())
	if err != nil {
		return nil, err
	}
	if m, ok := any(symbols).(lm.Model[T]); ok && symbols != nil {
		return m, nil
	}
	if m, ok := any(vectors).(lm.Model[T]); ok && vectors != nil {
		return m, nil
	}
	if m, ok := any(scalars{vectors}).(lm.Model[T]); ok && vectors != nil {
		return m, nil
	}
	return nil, fmt.Errorf("the model in %s was trained on another kind of tokens", dir)
}

// scalars converts a model of one-dimensional vectors to one of numbers.
type scalars struct{ vectors lm.Model[[]float64] }

// Info implements lm.Model.
func (m scalars) Info() lm.Info { return m.vectors.Info() }

// LogProbs implements lm.Model.
func (m scalars) LogProbs(ctx context.Context, r lm.Request[float64]) (lm.Scores, error) {
	one := func(x []float64) [][]float64 {
		out := make([][]float64, len(x))
		for i := range x {
			out[i] = x[i : i+1]
		}
		return out
	}
	v := lm.Request[[]float64]{Tokens: one(r.Tokens), Branches: make([]lm.Branch[[]float64], len(r.Branches))}
	for i, b := range r.Branches {
		v.Branches[i] = lm.Branch[[]float64]{At: b.At, Tokens: one(b.Tokens)}
	}
	return m.vectors.LogProbs(ctx, v)
}
