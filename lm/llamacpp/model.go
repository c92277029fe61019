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

// Model is a GGUF model in a separate process. It is an lm.Model[token.ID], safe for
// concurrent use; requests are computed one at a time, on all threads.
type Model struct {
	client  *pipe.Client
	path    string
	about   pipe.Info
	decoded atomic.Int64
}

// Open starts the program and loads the model, which takes time in proportion to the
// file's size. Errors name the file and what to do.
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

// Info describes the model. The fingerprint covers the file (if it is large, a sample
// of it), the types of the cache, and BOS.
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

// BOSReason says why this BOS was chosen.
func (m *Model) BOSReason() string { return m.about.BOSReason }

// Description is the architecture, size and quantization.
func (m *Model) Description() string { return m.about.Description }

// Recurrent reports whether some layers keep a state of fixed size.
func (m *Model) Recurrent() bool { return m.about.Recurrent }

// TrainedContext is the longest sequence that the model was trained on, in tokens,
// according to its file; 0 if unknown. Log-probabilities beyond it show how the model
// fails rather than what the text holds.
func (m *Model) TrainedContext() int { return m.about.Trained }

// TokenizerFingerprint identifies the tokenizer: models with equal fingerprints assign
// the same ids to the same text, whatever their size and quantization.
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

// sawDecoded keeps the largest count, since answers to concurrent requests may arrive
// out of order.
func (m *Model) sawDecoded(n int64) {
	for {
		old := m.decoded.Load()
		if n <= old || m.decoded.CompareAndSwap(old, n) {
			return
		}
	}
}

// ids converts tokens; ids outside the vocabulary stay outside.
func ids(tokens []token.ID) []int32 {
	out := make([]int32, len(tokens))
	for i, t := range tokens {
		out[i] = int32(min(t, math.MaxInt32))
	}
	return out
}

// Tokenize converts text to tokens of the model's vocabulary, without special tokens.
// Invalid UTF-8 and zero bytes are read as U+FFFD.
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
