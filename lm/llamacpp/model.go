package llamacpp

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Model is a GGUF model that runs in a process of its own. It is an
// lm.Model[token.ID], safe for concurrent use; requests are computed one at a
// time, on all threads.
type Model struct {
	engine  *engine
	path    string
	about   modelInfo
	info    lm.Info
	decoded atomic.Int64
}

// Open starts the program and has it load the model, which takes as long as the
// file is large. The error names the file and what to do.
func Open(ctx context.Context, o Options) (*Model, error) {
	command, err := o.command()
	if err != nil {
		return nil, err
	}
	e, err := start(command)
	if err != nil {
		return nil, err
	}
	open := openRequest{
		Path: o.Path, LibraryDir: o.LibraryDir, Context: o.Context, Batch: o.Batch, Sequences: o.Sequences,
		Threads: o.Threads, GPULayers: o.GPULayers, FlashAttn: o.FlashAttn, KeyType: o.KeyType, ValueType: o.ValueType,
	}
	if o.BOS != nil {
		bos := int32(*o.BOS)
		open.BOS = &bos
	}
	a, err := e.ask(ctx, request{Open: &open})
	if err != nil {
		e.close()
		return nil, err
	}
	return &Model{engine: e, path: o.Path, about: a.Info, info: lm.Info{
		Name: a.Info.Name, Vocabulary: a.Info.Vocabulary, BOS: lm.BOSPrepended, Context: a.Info.Context, Fingerprint: a.Info.Fingerprint,
	}}, nil
}

// Info describes the model. The fingerprint covers the file (of a large one, a
// sample of it), the types of the cache, and BOS.
func (m *Model) Info() lm.Info { return m.info }

// Description says architecture, size and quantisation.
func (m *Model) Description() string { return m.about.Description }

// Recurrent reports that some layers at least keep a state of fixed size.
func (m *Model) Recurrent() bool { return m.about.Recurrent }

// TrainedContext is the longest sequence that the model was trained on, in
// tokens, as its file says; 0 where it does not say. Beyond, log-probabilities
// tell how the model fails rather than what the text holds.
func (m *Model) TrainedContext() int { return m.about.Trained }

// TokenizerFingerprint identifies how text becomes tokens: models with the same
// one have the same tokens with the same numbers, whatever their size and
// quantisation.
func (m *Model) TokenizerFingerprint() string { return m.about.Tokenizer }

// Decoded is the number of tokens computed so far.
func (m *Model) Decoded() int64 { return m.decoded.Load() }

// LogProbs returns ln q(token | BOS, preceding tokens) along the request's
// tokens and branches.
func (m *Model) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	q := request{Tokens: ids(r.Tokens)}
	for _, b := range r.Branches {
		q.Branches = append(q.Branches, branch{b.At, ids(b.Tokens)})
	}
	a, err := m.engine.ask(ctx, q)
	if err != nil {
		return lm.Scores{}, fmt.Errorf("scoring with %s: %w", m.path, err)
	}
	m.sawDecoded(a.Decoded)
	s := lm.Scores{Tokens: a.Along, Branches: make([][]float32, len(r.Branches))}
	if s.Tokens == nil {
		s.Tokens = []float32{}
	}
	if len(s.Tokens) != len(r.Tokens) || len(a.Off) != len(r.Branches) {
		return lm.Scores{}, fmt.Errorf("scoring with %s: %d log-probabilities for %d tokens and %d branches for %d", m.path, len(s.Tokens), len(r.Tokens), len(a.Off), len(r.Branches))
	}
	for i, b := range r.Branches {
		if s.Branches[i] = a.Off[i]; s.Branches[i] == nil {
			s.Branches[i] = []float32{}
		}
		if len(s.Branches[i]) != len(b.Tokens) {
			return lm.Scores{}, fmt.Errorf("scoring with %s: %d log-probabilities for the %d tokens of branch %d", m.path, len(s.Branches[i]), len(b.Tokens), i)
		}
	}
	return s, nil
}

// sawDecoded keeps the largest count, since answers to concurrent requests may
// overtake each other.
func (m *Model) sawDecoded(n int64) {
	for {
		old := m.decoded.Load()
		if n <= old || m.decoded.CompareAndSwap(old, n) {
			return
		}
	}
}

// ids converts tokens; one that has no place in the vocabulary stays so.
func ids(tokens []token.ID) []int32 {
	out := make([]int32, len(tokens))
	for i, t := range tokens {
		out[i] = int32(min(t, math.MaxInt32))
	}
	return out
}

// Tokenize turns text into tokens of the model's own vocabulary, none of them
// special. Bytes that are no Unicode, and zero bytes, read as U+FFFD.
func (m *Model) Tokenize(ctx context.Context, text []byte) ([]token.ID, error) {
	s := string(text)
	a, err := m.engine.ask(ctx, request{Text: &s})
	if err != nil {
		return nil, fmt.Errorf("tokenizing with %s: %w", m.path, err)
	}
	out := make([]token.ID, len(a.Tokens))
	for i, id := range a.Tokens {
		out[i] = token.ID(id)
	}
	return out, nil
}

// Close ends the program.
func (m *Model) Close() error {
	m.engine.close()
	return nil
}
