package l2m

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/bytemix"
	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/lm/llamacpp"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/token"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// engine is the model of a run with the tokens that it reads. What costs time,
// such as training, waits until model is called.
type engine struct {
	info      lm.Info
	tokenizer tokenizer
	encode    corpus.Encode // nil: bytes
	budget    int64         // bytes of training text; 0 for a model that is not trained here
	tokens    int64         // scored by default
	maxLength int           // of windows by default
	inFlight  int           // requests at a time
	warnings  []info.Warning

	model func(context.Context) (lm.Model[token.ID], error)
	close func()
}

// tokenizer says what the tokens are.
type tokenizer struct {
	name, fingerprint string
	stream            string // for token.ParseStream; "" where there is none
}

// Tokens that a run scores by default: a minute or two on two cores with the
// built-in predictor; with a language model, as much as a law needs at least.
const (
	builtinTokens  = 24 << 20
	languageTokens = 1 << 20
)

// languageLength is the longest window of a language model by default: that of
// the L²M paper.
const languageLength = 2048

// newEngine finds the model that o names. It fails early: before documents are
// tokenized, and long before anything is scored.
func newEngine(ctx context.Context, t text, o MeasureOptions) (*engine, error) {
	e := &engine{tokens: builtinTokens, maxLength: maxDefaultLength, inFlight: o.Workers, close: func() {}}
	var err error
	switch {
	case isServer(o.Model):
		err = e.openServer(ctx, o)
	case isGGUF(o.Model):
		err = e.openGGUF(ctx, o)
	case isTrained(o.Model):
		err = e.openTrained(o)
	case o.Model == "bytemix" || strings.HasPrefix(o.Model, "bytemix:"):
		err = e.planBuiltin(ctx, t, o)
	default:
		err = e.openFile(ctx, t, o)
	}
	if err == nil && o.Context > 0 {
		e.restrict(o.Context, contextStep(o))
	}
	return e, err
}

func contextStep(o MeasureOptions) int {
	if o.ContextStep == 0 {
		return max(1, o.Context/4)
	}
	return o.ContextStep
}

// restrict cuts the context of the model.
func (e *engine) restrict(window, step int) {
	whole, info := e.model, e.info
	e.model = func(ctx context.Context) (lm.Model[token.ID], error) {
		m, err := whole(ctx)
		if err != nil {
			return nil, err
		}
		return lm.Restrict(lm.Model[token.ID](identified{m, info}), window, step)
	}
	e.info = lm.RestrictInfo(info, window, step)
}

func isServer(model string) bool {
	return strings.HasPrefix(model, "http://") || strings.HasPrefix(model, "https://")
}

// isGGUF reports whether llama.cpp runs the model: a file, or one that is fetched.
func isGGUF(model string) bool {
	item, named := fetch.Find(model)
	return strings.HasSuffix(strings.ToLower(model), ".gguf") || named && item.Name != fetch.Engine
}

// parseBuiltin reads "bytemix", followed by :universal for no training and by
// :without=PART,… for parts that are left out.
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

// planBuiltin is the built-in predictor, trained on the training documents or
// on nothing. Its fingerprint covers everything that determines the trained
// model: algorithm, options, documents, budget.
func (e *engine) planBuiltin(ctx context.Context, t text, o MeasureOptions) error {
	alphabet, err := chooseAlphabet(ctx, t, o.Tokenizer)
	if err != nil {
		return err
	}
	e.read(alphabet)
	trained, without, err := parseBuiltin(o.Model)
	if err != nil {
		return err
	}
	if trained {
		e.budget = min(o.TrainingBytes, t.split.TrainingBytes())
	}
	e.info = lm.Info{Name: o.Model, Vocabulary: alphabet.Size(), BOS: lm.NoBOS}
	h := sha256.New()
	fmt.Fprintf(h, "%s\ntrained %t\nseed %d\n", bytemix.Version, trained, o.Seed)
	if alphabet != bytemix.Bytes {
		fmt.Fprintf(h, "alphabet %s\n", alphabet)
	}
	if len(without) > 0 {
		fmt.Fprintf(h, "without %v\n", without)
	}
	if trained {
		fmt.Fprintf(h, "corpus %s\nevaluation %g\nbudget %d\n", t.corpus.Fingerprint(), o.EvaluationFraction, o.TrainingBytes)
	}
	e.info.Fingerprint = fmt.Sprintf("%x", h.Sum(nil))
	options := bytemix.Options{Seed: o.Seed, Workers: o.Workers, Alphabet: alphabet, Without: without}
	e.model = func(ctx context.Context) (lm.Model[token.ID], error) {
		if !trained {
			m, err := bytemix.New(options)
			return identified{m, e.info}, err
		}
		stage := o.Progress.Stage("training", "B")
		excerpts := symbols(t.split.Excerpts(ctx, corpus.TrainingOptions{Budget: o.TrainingBytes}), e.tokenizer.stream)
		m, err := bytemix.Train(ctx, options, excerpts, func(done int64) { stage(done, e.budget, 0) })
		return identified{m, e.info}, err
	}
	return nil
}

// openFile is a trained predictor in a file.
func (e *engine) openFile(ctx context.Context, t text, o MeasureOptions) error {
	file, err := bytemix.ReadInfo(o.Model)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unknown model %q (bytemix, bytemix:universal for one that is not trained, a file that l2m model train wrote, a .gguf file, a model of l2m model list, or the URL of a server, http://HOST:PORT/v1#NAME)", o.Model)
	} else if err != nil {
		return err
	}
	alphabet, err := chooseAlphabet(ctx, t, o.Tokenizer)
	if err != nil {
		return err
	}
	if o.Tokenizer == "" {
		alphabet = file.Alphabet
	} else if alphabet != file.Alphabet {
		return fmt.Errorf("%s predicts %s, not %s", o.Model, alphabetName(file.Alphabet), alphabetName(alphabet))
	}
	e.read(alphabet)
	e.budget = file.TrainedBytes
	e.info = lm.Info{Name: "bytemix", Vocabulary: alphabet.Size(), BOS: lm.NoBOS, Fingerprint: file.Fingerprint}
	e.model = func(context.Context) (lm.Model[token.ID], error) {
		m, err := bytemix.Open(o.Model, o.Workers)
		if err != nil {
			return nil, err
		}
		e.close = func() { m.Close() }
		return identified{m, e.info}, nil
	}
	return nil
}

// openServer is a model behind one or several servers: their URLs joined by
// commas, then # and the name of the model where they serve several.
func (e *engine) openServer(ctx context.Context, o MeasureOptions) error {
	urls, name, _ := strings.Cut(o.Model, "#")
	server := o.Server
	server.Endpoints, server.Model = strings.Split(urls, ","), name
	var words *vocabulary.Vocabulary
	if o.Tokenizer != "" {
		var err error
		if words, err = vocabulary.Open(o.Tokenizer); err != nil {
			return err
		}
		server.Vocabulary = words.Size()
	}
	m, err := openai.Open(ctx, server)
	if err != nil {
		return fmt.Errorf("asking for model %s: %w", o.Model, err)
	}
	e.info = m.Info()
	if o.Length > e.info.Context && e.info.Context > 0 {
		return fmt.Errorf("windows of %d tokens are longer than model %s takes, %d (choose a shorter --length, or start the server with a longer context)", o.Length, e.info.Name, e.info.Context)
	}
	e.tokens, e.maxLength, e.inFlight = languageTokens, languageLength, m.InFlight()
	if e.inFlight = m.InFlight(); o.Workers > 0 {
		e.inFlight = min(e.inFlight, o.Workers)
	}
	if words != nil {
		e.tokenizer = tokenizer{name: "tokens of " + e.info.Name, fingerprint: words.Fingerprint()}
		e.encode = func(_ context.Context, text []byte) ([]token.ID, error) { return words.Encode(nil, text), nil }
		e.model = func(context.Context) (lm.Model[token.ID], error) { return m, nil }
		return nil
	}
	e.tokenizer = tokenizer{name: "tokens of " + e.info.Name, fingerprint: "server " + e.info.Fingerprint}
	e.encode = func(ctx context.Context, text []byte) ([]token.ID, error) {
		return m.Tokenize(ctx, strings.ToValidUTF8(string(text), "\uFFFD"))
	}
	e.model = func(context.Context) (lm.Model[token.ID], error) { return m, nil }
	return nil
}

// openGGUF is a model that llama.cpp runs.
func (e *engine) openGGUF(ctx context.Context, o MeasureOptions) error {
	options := o.Llama
	options.Path = o.Model
	path, named, err := fetch.Resolve(o.Model)
	if err != nil {
		return err
	}
	if named {
		options.Path = path
	}
	if options.Context == 0 && o.Length > 0 {
		options.Context = o.Length // no more cache than it takes
	}
	m, err := llamacpp.Open(ctx, options)
	if err != nil {
		return err
	}
	e.close = func() { m.Close() }
	e.info = m.Info()
	e.tokens, e.maxLength, e.inFlight = languageTokens, languageLength, 2 // one waits while the other is computed
	e.tokenizer = tokenizer{name: "tokens of " + e.info.Name, fingerprint: "gguf " + m.TokenizerFingerprint()}
	e.encode = m.Tokenize
	if n := m.TrainedContext(); n > 0 && o.Length > n {
		e.warnings = append(e.warnings, info.Warning{
			Code: "beyond-training", Text: fmt.Sprintf("windows of %d tokens are longer than model %s was trained for, %d: what it makes of the rest says little about the text", o.Length, e.info.Name, n), Fix: "choose a shorter --length",
		})
	}
	e.model = func(context.Context) (lm.Model[token.ID], error) { return m, nil }
	return nil
}

// longest is the longest window by default: a power of two.
func (e *engine) longest() int {
	if e.info.Context > 0 {
		return min(e.maxLength, e.info.Context)
	}
	return e.maxLength
}

// tokenize has the windows of t drawn in the engine's tokens.
func (e *engine) tokenize(ctx context.Context, t *text) error {
	if e.encode == nil {
		return nil
	}
	split, err := t.split.Tokenized(ctx, e.encode)
	if err != nil {
		return err
	}
	t.split = split
	return nil
}

// read sets the tokens of an alphabet of the built-in predictor.
func (e *engine) read(a bytemix.Alphabet) {
	if a == bytemix.Bytes {
		b := token.Bytes()
		e.tokenizer = tokenizer{b.Name(), b.Fingerprint(), b.Name()}
		return
	}
	s, err := token.ParseStream(string(a))
	if err != nil {
		panic(err) // alphabets are streams by their names
	}
	e.tokenizer = tokenizer{s.Name(), s.Fingerprint(), s.Name()}
	e.encode = func(_ context.Context, text []byte) ([]token.ID, error) {
		s, err := token.ParseStream(string(a)) // streams have state
		if err != nil {
			return nil, err
		}
		return known(s.Encode(nil, text, true)), nil
	}
}

// known leaves out what is no token: models read letters only.
func known(ids []token.ID) []token.ID {
	return slices.DeleteFunc(ids, func(id token.ID) bool { return id == token.None })
}

// chooseAlphabet finds the tokens of the built-in predictor: those that are
// asked for; else those of the letters in FASTA files; else bytes.
func chooseAlphabet(ctx context.Context, t text, asked string) (bytemix.Alphabet, error) {
	switch asked {
	case "bytes":
		return bytemix.Bytes, nil
	case string(bytemix.DNA), string(bytemix.Protein):
		return bytemix.Alphabet(asked), nil
	case "":
		if !t.corpus.AllFASTA() {
			return bytemix.Bytes, nil
		}
	default:
		return "", fmt.Errorf("the built-in predictor has no tokens %q (bytes, dna or protein; other vocabularies need a model that knows them)", asked)
	}
	nucleotides, others, err := t.split.Letters(ctx, "ACGTUN")
	if err != nil {
		return "", err
	}
	// The ambiguity codes of DNA are rare; in protein the other letters are not.
	if nucleotides >= 9*others {
		return bytemix.DNA, nil
	}
	return bytemix.Protein, nil
}

func alphabetName(a bytemix.Alphabet) string {
	if a == bytemix.Bytes {
		return "bytes"
	}
	return string(a)
}

// symbols turns excerpts of text into excerpts of tokens, a byte each.
func symbols(excerpts iter.Seq2[[]byte, error], stream string) iter.Seq2[[]byte, error] {
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

// identified is a model under the fingerprint of its recipe.
type identified struct {
	lm.Model[token.ID]
	info lm.Info
}

func (m identified) Info() lm.Info { return m.info }
