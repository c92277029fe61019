package openai

import (
	"context"
	"fmt"
	"math"
	"net/http/httptrace"
	"slices"
	"sync/atomic"
	"time"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// Model is a language model behind one or several servers. It is an
// lm.Model[token.ID], safe for concurrent use.
type Model struct {
	client   *client
	pool     *pool
	options  Options
	dialect  Dialect
	name     string     // the model's id in requests
	root     string     // root of the model in /v1/models
	answered string     // name of the model in answers
	bos      []token.ID // put before a prompt by this client: one token, or none
	before   int        // tokens put before a prompt by the server: 0 or 1
	probe    []float32  // log-probabilities of the probe prompt in the first answer
	info     lm.Info
}

// Info describes the model. Context leaves room for BOS and for the one token that
// servers insist on generating. The fingerprint covers the model's id, its root and
// revision if known, its tokens for a fixed text, and BOS, but not the dialect or the
// endpoints. Servers do not prove which weights they run: use Options.Revision if that
// matters.
func (m *Model) Info() lm.Info { return m.info }

// Dialect is the protocol that the servers speak.
func (m *Model) Dialect() Dialect { return m.dialect }

// InFlight is the number of calls of LogProbs that can usefully be in progress.
func (m *Model) InFlight() int { return len(m.pool.endpoints) * m.pool.most }

// LogProbs returns ln q(token | BOS, preceding tokens) along the request's tokens and
// branches, each from one prompt. Errors caused by a server are *ServerError.
func (m *Model) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	longest := len(r.Tokens)
	for i, b := range r.Branches {
		if b.At < 0 || b.At > len(r.Tokens) {
			return lm.Scores{}, fmt.Errorf("scoring with model %s: branch %d starts at %d, the sequence has %d tokens", m.name, i, b.At, len(r.Tokens))
		}
		longest = max(longest, b.At+len(b.Tokens))
	}
	if c := m.info.Context; c > 0 && longest > c {
		return lm.Scores{}, fmt.Errorf("scoring with model %s: a sequence of %d tokens is longer than the model's context allows, %d (choose shorter windows, or start the server with a longer context)", m.name, longest, c)
	}
	var last *endpoint // its prefix cache has the previous prompts
	score := func(prompt []token.ID, from int) ([]float32, error) {
		out := []float32{}
		if from == len(prompt) {
			return out, nil
		}
		var err error
		last, err = m.pool.do(ctx, last, m.options.RetryFor, func(ctx context.Context, e *endpoint) error {
			if m.isDue(e) {
				if err := m.identify(ctx, e); err != nil {
					return err
				}
			}
			began, dialled := time.Now(), new(atomic.Bool)
			var err error
			if out, err = m.ask(noteConnections(ctx, dialled), e, prompt, from); err != nil {
				return err
			}
			// Behind a new connection may be another server: the old one may have ended
			// while nothing was asked, which breaks no request.
			if shown, _ := m.pool.seen(e); dialled.Load() && shown.Before(began) {
				return m.identify(ctx, e)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("scoring %d tokens with model %s: %w", len(prompt), m.name, err)
		}
		return out, nil
	}
	s := lm.Scores{Branches: make([][]float32, len(r.Branches))}
	var err error
	if s.Tokens, err = score(r.Tokens, 0); err != nil {
		return lm.Scores{}, err
	}
	for i, b := range r.Branches {
		if s.Branches[i], err = score(slices.Concat(r.Tokens[:b.At], b.Tokens), b.At); err != nil {
			return lm.Scores{}, err
		}
	}
	return s, nil
}

// ask makes one attempt at one prompt (without BOS) at one endpoint.
func (m *Model) ask(ctx context.Context, e *endpoint, prompt []token.ID, from int) ([]float32, error) {
	guessed := []float32{}
	if len(m.bos)+m.before == 0 && from == 0 && len(prompt) > 0 {
		guessed, from = []float32{-float32(math.Log(float64(m.options.Vocabulary)))}, 1
	}
	if from == len(prompt) {
		return guessed, nil
	}
	sent, skip := slices.Concat(m.bos, prompt), len(m.bos)
	a, err := m.client.ask(ctx, e, m.dialect, m.name, sent, from+skip)
	if err != nil {
		return nil, err
	}
	if a.model != m.answered {
		return nil, permanent(e, "its answer is from model %q, the first answer was from %q (the model was changed during the run; scores of two models must not be mixed)", a.model, m.answered)
	}
	out, err := a.check(sent, from+skip, m.before)
	if err != nil {
		return nil, permanent(e, "%s", err)
	}
	return append(guessed, out...), nil
}

// noteConnections sets dialled when a request of the context opens a connection.
func noteConnections(ctx context.Context, dialled *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		if !c.Reused {
			dialled.Store(true)
		}
	}})
}

// recheck is how often servers are asked for their model if their answers do not name
// it.
const recheck = time.Minute

// isDue reports whether an endpoint's model must be checked before its next answer.
func (m *Model) isDue(e *endpoint) bool {
	seen, suspect := m.pool.seen(e)
	return suspect || m.dialect == SGLang && time.Since(seen) > recheck
}

// identify checks that an endpoint serves the same model as the first one did at Open:
// the same id and root, and the same log-probabilities of a short prompt up to
// rounding.
func (m *Model) identify(ctx context.Context, e *endpoint) error {
	c, err := m.client.card(ctx, e, m.name)
	if err != nil {
		return err
	}
	if c.ID != m.name || c.Root != m.root {
		return permanent(e, "it serves model %q (root %q), the run began with %q (root %q)", c.ID, c.Root, m.name, m.root)
	}
	got, err := m.ask(ctx, e, probePrompt(), 0)
	if err != nil {
		return err
	}
	if d := distance(got, m.probe); d > probeTolerance {
		return permanent(e, "it calls its model %q as the first server did, but gives a test prompt log-probabilities that differ by %.3g nats per token: not the same weights or precision", m.name, d)
	}
	m.pool.clear(e)
	return nil
}

// probePrompt is used to learn servers' dialects and to compare their models: ids that
// every vocabulary has, past the usual special tokens.
func probePrompt() []token.ID { return []token.ID{11, 17, 13, 19, 12, 29, 23, 14, 11, 17, 13} }

// probeTolerance (nats, mean absolute difference per token) is far above the
// noise of batched arithmetic in half precision, about 0.01, and far below the
// distance between different models, about 1.
const probeTolerance = 0.15

func distance(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(float64(a[i]) - float64(b[i]))
	}
	return sum / float64(max(1, len(a)))
}
