// Package open turns a model spec into a model and its tokenizer:
//
//  1. [Open] recognizes the spec: the built-in predictor, a file with a trained one, a
//     GGUF file, or servers. It fails early, before documents are tokenized.
//  2. [Model] describes the tokens, how much a run scores by default, and warnings.
//  3. Load trains the model or connects to it, when there is something to score.
package open

import (
	"context"
	"fmt"
	"strings"

	"github.com/l2m-lab/l2m/corpus"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/lm/llamacpp"
	"github.com/l2m-lab/l2m/lm/openai"
	"github.com/l2m-lab/l2m/token"
)

// Options say which model to open and how to run it. Zero values mean defaults.
type Options struct {
	// Model is "bytemix", the built-in predictor trained on the training documents;
	// "bytemix:universal", untrained; either with ":without=PART,…", see bytemix.Part;
	// a file with a trained predictor; a GGUF file, or the name of one in lm/fetch; or
	// the URLs of servers joined by commas, "http://HOST:PORT/v1#NAME".
	Model string
	// Tokenizer selects the tokens of the built-in predictor: "bytes", "dna" or
	// "protein"; "" chooses by the letters if all files are FASTA, else bytes. For a
	// server it is the file of the model's vocabulary; "" lets the server tokenize.
	Tokenizer string
	Server    openai.Options   // without Endpoints and Model
	Llama     llamacpp.Options // without Path

	// Context > 0 shortens the model's context to that many tokens, moved in steps of
	// ContextStep tokens (0: a quarter): see lm.Restrict.
	Context, ContextStep int

	Length             int     // of windows, tokens; 0: not known yet
	TrainingBytes      int64   // budget for training the built-in predictor
	EvaluationFraction float64 // of the documents; the rest trains
	Seed               uint64
	Workers            int // 0 means GOMAXPROCS; does not change the result
	Progress           info.ProgressFunc
}

// Step is the step of a shortened context, in tokens.
func (o Options) Step() int {
	if o.ContextStep == 0 {
		return max(1, o.Context/4)
	}
	return o.ContextStep
}

// Model is a model and its tokens. Load does the slow work, such as training.
type Model struct {
	Info      lm.Info
	Tokenizer Tokenizer
	Encode    corpus.Encode // nil: bytes
	Budget    int64         // bytes of training text; 0 if the model is not trained here
	Tokens    int64         // scored by default
	MaxLength int           // of windows by default
	InFlight  int           // requests at a time
	Asks      bool          // Encode asks another process, which takes its time
	Local     bool          // a language model on this machine, whose speed determines how much to score
	Trained   int           // longest sequence that the model was trained on, tokens; 0: not known
	Warnings  []info.Warning
	Sketch    []byte // of the training text of a saved model, see check.Sketch

	Load  func(context.Context) (lm.Model[token.ID], error)
	Close func()
}

// Tokenizer describes the tokens.
type Tokenizer struct {
	Name, Fingerprint string
	Stream            string // for token.ParseStream; may be empty
}

// LongestWindow is the longest window length that is chosen by default, in tokens.
const LongestWindow = 16384

// Default number of tokens to score: a minute or two on two cores with the built-in
// predictor; the least that a law needs with a language model.
const (
	builtinTokens  = 24 << 20
	LanguageTokens = 1 << 20
)

// LanguageLength is the longest window of a language model by default, as in the L²M
// paper.
const LanguageLength = 2048

// Open finds the model that o names. It fails early, before documents are tokenized or
// anything is scored.
func Open(ctx context.Context, c *corpus.Corpus, s *corpus.Split, o Options) (*Model, error) {
	e := &Model{Tokens: builtinTokens, MaxLength: LongestWindow, InFlight: o.Workers, Close: func() {}}
	var err error
	switch {
	case IsServer(o.Model):
		err = e.openServer(ctx, o)
	case IsGGUF(o.Model):
		err = e.openGGUF(ctx, o)
	case IsTrained(o.Model):
		err = e.openTrained(o)
	case o.Model == "bytemix" || strings.HasPrefix(o.Model, "bytemix:"):
		err = e.planBuiltin(ctx, c, s, o)
	default:
		err = e.openFile(ctx, c, s, o)
	}
	if err == nil && o.Context > 0 {
		e.restrict(o.Context, o.Step())
	}
	return e, err
}

// restrict shortens the context of the model.
func (e *Model) restrict(window, step int) {
	whole, info := e.Load, e.Info
	e.Load = func(ctx context.Context) (lm.Model[token.ID], error) {
		m, err := whole(ctx)
		if err != nil {
			return nil, err
		}
		return lm.Restrict(lm.Model[token.ID](identified{m, info}), window, step)
	}
	e.Info = lm.RestrictInfo(info, window, step)
	e.Trained = 0 // it never sees more than the window
}

// Trains reports whether opening the model trains it, on the documents that are not
// evaluated.
func Trains(model string) bool {
	if model != "bytemix" && !strings.HasPrefix(model, "bytemix:") {
		return false
	}
	trained, _, err := parseBuiltin(model)
	return trained && err == nil
}

// IsServer reports whether the model is behind servers.
func IsServer(model string) bool {
	return strings.HasPrefix(model, "http://") || strings.HasPrefix(model, "https://")
}

// IsGGUF reports whether llama.cpp runs the model: a GGUF file, or the name of one to
// fetch.
func IsGGUF(model string) bool {
	item, named := fetch.Find(model)
	return strings.HasSuffix(strings.ToLower(model), ".gguf") || named && item.Name != fetch.Engine
}

// Longest is the longest window by default, a power of two.
func (e *Model) Longest() int {
	if e.Info.Context > 0 {
		return min(e.MaxLength, e.Info.Context)
	}
	return e.MaxLength
}

// WarnOfLength warns where windows are longer than the model was trained for.
func (e *Model) WarnOfLength(length int) {
	if e.Trained == 0 || length <= e.Trained {
		return
	}
	e.Warnings = append(e.Warnings, info.Warning{
		Code: "beyond-training", Text: fmt.Sprintf("windows of %d tokens are longer than those that model %s was trained on, %d: its predictions beyond them say little about the text", length, e.Info.Name, e.Trained), Fix: "choose a shorter --length",
	})
}

// identified is a model with its own fingerprint.
type identified struct {
	lm.Model[token.ID]
	info lm.Info
}

func (m identified) Info() lm.Info { return m.info }
