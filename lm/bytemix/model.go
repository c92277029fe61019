package bytemix

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// version changes whenever any log-probability may change.
const version = "bytemix 6"

// Model is the predictor as an lm.Model. It is safe for concurrent use:
// requests that overlap in time run on separate copies of the state, and each
// leaves its copy exactly as it found it.
type Model struct {
	// Sketch is kept with a saved model: what its trainer wants to know later of the
	// training text. It changes no prediction.
	Sketch []byte

	info    lm.Info
	opts    Options
	trained int64  // training text in bytes (symbols)
	file    *image // source of copies, for an opened model
	long    int    // copyBeyond, except in tests

	mu   sync.Mutex
	made int          // copies made so far
	pool chan *worker // idle copies
}

// engine is one copy of a model's state. It is not safe for concurrent use.
type engine interface {
	// score returns ln q of the symbols in out and moves on.
	score(ctx context.Context, symbols []token.ID, out []float32) error
	// learn moves on past the symbols and learns them permanently.
	learn(symbols []byte)
	// begin starts a training document, fresh a request.
	fresh()
	// pace sets the adaptation rates.
	pace(r rates)
	// finish ends the training.
	finish()
	// mark and rollback keep and restore the state; depths 0 and 1 nest.
	mark(depth int)
	rollback(depth int)
	clone() engine
	// fields lists the tables of the trained state, in a fixed order.
	fields() []field
}

// worker is a copy of the state with the buffers of a request.
type worker struct {
	engine engine
	order  []int
}

func newEngine(o Options) engine {
	if o.Alphabet == Bytes {
		p := newPredictor(uint(o.TableBits))
		p.leaveOut(o.Without)
		return p
	}
	return newSymbolic(o.Alphabet, uint(o.TableBits))
}

func newModel(opts Options, e engine, trained int64) *Model {
	m := &Model{opts: opts, trained: trained, long: copyBeyond, pool: make(chan *worker, opts.Workers), made: 1}
	m.info = describe(opts, fingerprint(opts, trained, e))
	m.pool <- &worker{engine: e}
	return m
}

func describe(opts Options, fingerprint string) lm.Info {
	name := "bytemix"
	if opts.Alphabet != Bytes {
		name += ":" + string(opts.Alphabet)
	}
	return lm.Info{Name: name, Vocabulary: opts.Alphabet.Size(), BOS: lm.NoBOS, Fingerprint: fingerprint}
}

// Info describes the model. The fingerprint covers the version of the algorithm, the
// options that matter and the whole trained state.
func (m *Model) Info() lm.Info { return m.info }

// TrainedBytes is the number of bytes (symbols) of training text, 0 for a
// universal model.
func (m *Model) TrainedBytes() int64 { return m.trained }

// Options returns the options of the model, with the defaults filled in.
func (m *Model) Options() Options { return m.opts }

// take returns an idle worker. If there is none and fewer than Options.Workers exist,
// it copies one, so that memory is used only when requests overlap.
func (m *Model) take(ctx context.Context) (*worker, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("bytemix: scoring stopped: %w", err)
	}
	select {
	case w := <-m.pool:
		return w, nil
	default:
	}
	if m.file != nil && m.grow() {
		e, err := m.file.engine()
		if err != nil {
			m.shrink()
			return nil, err
		}
		return &worker{engine: e}, nil
	}
	select {
	case w := <-m.pool:
		if m.file == nil && m.grow() {
			m.pool <- &worker{engine: w.engine.clone()}
		}
		return w, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("bytemix: scoring stopped: %w", ctx.Err())
	}
}

// grow reports whether another copy may be made, and counts it.
func (m *Model) grow() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made >= m.opts.Workers {
		return false
	}
	m.made++
	return true
}

func (m *Model) shrink() {
	m.mu.Lock()
	m.made--
	m.mu.Unlock()
}

// LogProbs returns ln q along the request's tokens and branches. A branch costs only
// its own tokens. Tokens must be below the vocabulary size.
func (m *Model) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	if err := m.check(r); err != nil {
		return lm.Scores{}, err
	}
	w, err := m.take(ctx)
	if err != nil {
		return lm.Scores{}, err
	}
	defer func() { m.pool <- w }()
	return w.score(ctx, r, m.long)
}

func (m *Model) check(r lm.Request[token.ID]) error {
	size := token.ID(m.info.Vocabulary)
	for i, t := range r.Tokens {
		if t >= size {
			return fmt.Errorf("bytemix: token %d of the request is %d, but the vocabulary has %d (%s)", i, t, size, m.opts.Alphabet.hint())
		}
	}
	for b, br := range r.Branches {
		if br.At < 0 || br.At > len(r.Tokens) {
			return fmt.Errorf("bytemix: branch %d starts at %d, outside the %d tokens of the request", b, br.At, len(r.Tokens))
		}
		for i, t := range br.Tokens {
			if t >= size {
				return fmt.Errorf("bytemix: token %d of branch %d is %d, but the vocabulary has %d (%s)", i, b, t, size, m.opts.Alphabet.hint())
			}
		}
	}
	return nil
}

// copyBeyond is the number of tokens from which copying the whole state is cheaper than
// logging what they overwrite.
const copyBeyond = 1 << 19

// score walks along the tokens and into the branches on the way. A request of more than
// long tokens is scored on a copy of the state.
func (w *worker) score(ctx context.Context, r lm.Request[token.ID], long int) (lm.Scores, error) {
	s := lm.Scores{Tokens: make([]float32, len(r.Tokens)), Branches: make([][]float32, len(r.Branches))}
	w.order = w.order[:0]
	for b := range r.Branches {
		w.order = append(w.order, b)
	}
	slices.SortStableFunc(w.order, func(a, b int) int { return r.Branches[a].At - r.Branches[b].At })
	e := w.engine
	if len(r.Tokens) > long {
		e = e.clone()
	} else {
		e.mark(0)
		defer e.rollback(0)
	}
	at := 0
	for _, b := range w.order {
		br := r.Branches[b]
		if err := e.score(ctx, r.Tokens[at:br.At], s.Tokens[at:br.At]); err != nil {
			return lm.Scores{}, err
		}
		at = br.At
		s.Branches[b] = make([]float32, len(br.Tokens))
		e.mark(1)
		err := e.score(ctx, br.Tokens, s.Branches[b])
		e.rollback(1)
		if err != nil {
			return lm.Scores{}, err
		}
	}
	if err := e.score(ctx, r.Tokens[at:], s.Tokens[at:]); err != nil {
		return lm.Scores{}, err
	}
	return s, nil
}

func stopped(err error) error { return fmt.Errorf("bytemix: scoring stopped: %w", err) }

// nats converts a cost with costBits fractional bits to a log-probability.
func nats(cost uint64) float32 { return -float32(float64(cost) / (1 << costBits)) }
