package open

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/token"
)

// parseBuiltin parses "bytemix", optionally followed by :universal for no training and
// by :without=PART,… for parts to leave out.
func parseBuiltin(model string) (trained bool, without []bytemix.Part, err error) {
	trained = true
	for _, word := range strings.Split(model, ":")[1:] {
		parts, is := strings.CutPrefix(word, "without=")
		switch {
		case word == "universal":
			trained = false
		case is:
			for _, part := range strings.Split(parts, ",") {
				if !slices.Contains(bytemix.Parts(), bytemix.Part(part)) {
					return false, nil, fmt.Errorf("model %q: there is no part %q (%v)", model, part, bytemix.Parts())
				}
				without = append(without, bytemix.Part(part))
			}
		default:
			return false, nil, fmt.Errorf("unknown model %q: after bytemix comes :universal (not trained) or :without=PART,… (of %v)", model, bytemix.Parts())
		}
	}
	return trained, without, nil
}

// planBuiltin plans the built-in predictor, with or without training. Its fingerprint
// covers everything that determines the model: algorithm, options, documents, budget.
func (e *Model) planBuiltin(ctx context.Context, c *corpus.Corpus, s *corpus.Split, o Options) error {
	alphabet, err := ChooseAlphabet(ctx, c, s, o.Tokenizer)
	if err != nil {
		return err
	}
	e.read(alphabet)
	trained, without, err := parseBuiltin(o.Model)
	if err != nil {
		return err
	}
	if trained {
		e.Budget = min(o.TrainingBytes, s.TrainingBytes())
	}
	e.Info = lm.Info{Name: o.Model, Vocabulary: alphabet.Size(), BOS: lm.NoBOS}
	h := sha256.New()
	fmt.Fprintf(h, "%s\ntrained %t\nseed %d\n", bytemix.Version, trained, o.Seed)
	if alphabet != bytemix.Bytes {
		fmt.Fprintf(h, "alphabet %s\n", alphabet)
	}
	if len(without) > 0 {
		fmt.Fprintf(h, "without %v\n", without)
	}
	if trained {
		fmt.Fprintf(h, "corpus %s\nevaluation %g\nbudget %d\n", c.Fingerprint(), o.EvaluationFraction, o.TrainingBytes)
	}
	options := bytemix.Options{Seed: o.Seed, Workers: o.Workers, Alphabet: alphabet, Without: without}
	if trained {
		options.TableBits = bytemix.TableBits(e.Budget)
		if options.TableBits < bytemix.TableBits(math.MaxInt64) { // before it was the same for all
			fmt.Fprintf(h, "tables %d\n", options.TableBits)
		}
	}
	e.Info.Fingerprint = fmt.Sprintf("%x", h.Sum(nil))
	e.Load = func(ctx context.Context) (lm.Model[token.ID], error) {
		if !trained {
			m, err := bytemix.New(options)
			return identified{m, e.Info}, err
		}
		stage := o.Progress.Stage("training", "B")
		excerpts := Symbols(s.Excerpts(ctx, corpus.TrainingOptions{Budget: o.TrainingBytes}), e.Tokenizer.Stream)
		m, err := bytemix.Train(ctx, options, excerpts, func(done int64) { stage(done, e.Budget, 0) })
		return identified{m, e.Info}, err
	}
	return nil
}

// openFile opens a predictor that l2m model train wrote.
func (e *Model) openFile(ctx context.Context, c *corpus.Corpus, s *corpus.Split, o Options) error {
	file, err := bytemix.ReadInfo(o.Model)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unknown model %q (bytemix, bytemix:universal for one that is not trained, a file that l2m model train wrote, a .gguf file, a model of l2m model list, or the URL of a server, http://HOST:PORT/v1#NAME)", o.Model)
	} else if err != nil {
		return err
	}
	alphabet, err := ChooseAlphabet(ctx, c, s, o.Tokenizer)
	if err != nil {
		return err
	}
	if o.Tokenizer == "" {
		alphabet = file.Alphabet
	} else if alphabet != file.Alphabet {
		return fmt.Errorf("%s predicts %s, not %s", o.Model, AlphabetName(file.Alphabet), AlphabetName(alphabet))
	}
	e.read(alphabet)
	e.Budget, e.Sketch = file.TrainedBytes, file.Sketch
	e.Info = lm.Info{Name: "bytemix", Vocabulary: alphabet.Size(), BOS: lm.NoBOS, Fingerprint: file.Fingerprint}
	e.Load = func(context.Context) (lm.Model[token.ID], error) {
		m, err := bytemix.Open(o.Model, o.Workers)
		if err != nil {
			return nil, err
		}
		e.Close = func() { m.Close() }
		return identified{m, e.Info}, nil
	}
	return nil
}

// read sets the tokens for an alphabet of the built-in predictor.
func (e *Model) read(a bytemix.Alphabet) {
	if a == bytemix.Bytes {
		b := token.Bytes()
		e.Tokenizer = Tokenizer{b.Name(), b.Fingerprint(), b.Name()}
		return
	}
	s, err := token.ParseStream(string(a))
	if err != nil {
		panic(err) // alphabets are names of streams
	}
	e.Tokenizer = Tokenizer{s.Name(), s.Fingerprint(), s.Name()}
	e.Encode = func(_ context.Context, text []byte) ([]token.ID, error) {
		s, err := token.ParseStream(string(a)) // streams have state
		if err != nil {
			return nil, err
		}
		return known(s.Encode(nil, text, true)), nil
	}
}

// known drops bytes that are not tokens: models read letters only.
func known(ids []token.ID) []token.ID {
	return slices.DeleteFunc(ids, func(id token.ID) bool { return id == token.None })
}

// ChooseAlphabet chooses the tokens of the built-in predictor: those asked for, else
// those of the letters in FASTA files, else bytes.
func ChooseAlphabet(ctx context.Context, c *corpus.Corpus, s *corpus.Split, asked string) (bytemix.Alphabet, error) {
	switch asked {
	case "bytes":
		return bytemix.Bytes, nil
	case string(bytemix.DNA), string(bytemix.Protein):
		return bytemix.Alphabet(asked), nil
	case "":
		if !c.AllFASTA() {
			return bytemix.Bytes, nil
		}
	default:
		return "", fmt.Errorf("the built-in predictor has no tokens %q (choose bytes, dna or protein, or a model with its own tokenizer)", asked)
	}
	nucleotides, others, err := s.Letters(ctx, "ACGTUN")
	if err != nil {
		return "", err
	}
	// DNA has few ambiguity codes; most letters of proteins are not nucleotides.
	if nucleotides >= 9*others {
		return bytemix.DNA, nil
	}
	return bytemix.Protein, nil
}

// AlphabetName is the name of an alphabet in messages.
func AlphabetName(a bytemix.Alphabet) string {
	if a == bytemix.Bytes {
		return "bytes"
	}
	return string(a)
}

// Symbols converts excerpts of text to excerpts of tokens, one byte each.
func Symbols(excerpts iter.Seq2[[]byte, error], stream string) iter.Seq2[[]byte, error] {
	if stream == token.Bytes().Name() {
		return excerpts
	}
	return func(yield func([]byte, error) bool) {
		s, err := token.ParseStream(stream)
		if err != nil {
			yield(nil, err)
			return
		}
		var ids []token.ID
		for text, err := range excerpts {
			ids = known(s.Encode(ids[:0], text, true))
			out := make([]byte, len(ids))
			for i, id := range ids {
				out[i] = byte(id)
			}
			if !yield(out, err) {
				return
			}
		}
	}
}
