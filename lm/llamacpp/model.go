package llamacpp

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/pipe"
	"github.com/l2m-lab/l2m/token"
)

// Model is a GGUF model that runs in a process of its own. It is an
// lm.Model[token.ID], safe for concurrent use; requests are computed one at a
// time, on all threads.
type Model struct {
	client  *pipe.Client
	path    string
	about   pipe.Info
	decoded atomic.Int64
}

// Open starts the program and has it load the model, which takes as long as the
// file is large. The error names the file and what to do.
func Open(ctx context.Context, o Options) (*Model, error) {
	if err := o.BOS.Check(); err != nil {
		return nil, fmt.Errorf("the token before every sequence (--bos): %w", err)
	}
	command, err := o.command()
	if err != nil {
		return nil, err
	}
	c, err := pipe.Start(command)
	if err != nil {
		return nil, err
	}
	about, err := c.Open(ctx, o.Options)
	if err != nil {
		c.Close()
		return nil, err
	}
	return &Model{client: c, path: o.Path, about: about}, nil
}

// Info describes the model. The fingerprint covers the file (of a large one, a
// sample of it), the types of the cache, and BOS.
func (m *Model) Info() lm.Info {
	i := m.about
	info := lm.Info{
		Name: i.Name, Vocabulary: i.Vocabulary, BOS: lm.FirstUniform, Context: i.Context,
		File: i.File, FileType: i.FileType, FileHash: i.FileHash, Fingerprint: i.Fingerprint,
	}
	if i.BOS >= 0 {
		info.BOS, info.BOSToken = lm.BOSPrepended, strings.TrimSpace(fmt.Sprintf("%d %s", i.BOS, i.BOSText))
	}
	return info
}

// BOSReason says why the model's sequences start as they do.
func (m *Model) BOSReason() string { return m.about.BOSReason }

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
	branches := make([]pipe.Branch, len(r.Branches))
	for i, b := range r.Branches {
		branches[i] = pipe.Branch{At: b.At, Tokens: ids(b.Tokens)}
	}
	s, err := m.client.LogProbs(ctx, ids(r.Tokens), branches)
	if err != nil {
		return lm.Scores{}, fmt.Errorf("scoring with %s: %w", m.path, err)
	}
	m.sawDecoded(s.Decoded)
	return lm.Scores{Tokens: s.Along, Branches: s.Off}, nil
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
	tokens, err := m.client.Tokenize(ctx, string(text))
	if err != nil {
		return nil, fmt.Errorf("tokenizing with %s: %w", m.path, err)
	}
	out := make([]token.ID, len(tokens))
	for i, id := range tokens {
		out[i] = token.ID(id)
	}
	return out, nil
}

// Close ends the program.
func (m *Model) Close() error {
	m.client.Close()
	return nil
}
