package bytemix

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// version changes whenever any log-probability could change.
const version = "bytemix 1"

// Model is the predictor as an lm.Model of bytes. It is safe for concurrent
// use: requests that overlap in time run on separate copies of the state, and
// each leaves its copy exactly as it found it.
type Model struct {
	info  lm.Info
	opts  Options
	trace int64 // bytes of training text

	mu sync.Mutex

	made int          // copies made so far
	pool chan *worker // idle copies

}

// worker is one copy of the state with what a request needs besides.
type worker struct {
	p     *predictor
	start checkpoint
	at    checkpoint
	order []int
}

func newModel(opts Options, p *predictor, r rates) *Model {
	p.rate = r
	m := &Model{
		opts:  opts,
		trace: int64(len(p.text) - 1),
		pool:  make(chan *worker, opts.Workers),
	}
	m.info = lm.Info{
		Name:        "bytemix",
		Vocabulary:  256,
		BOS:         lm.NoBOS,
		Fingerprint: fingerprint(opts, p),
	}
	m.made = 1
	m.pool <- &worker{p: p}
	return m
}

// Info describes the model. The fingerprint covers the version of the
// algorithm, the options that matter and the whole trained state.
func (m *Model) Info() lm.Info { return m.info }

// TrainedBytes is the number of bytes of training text, 0 for a universal
// model.
func (m *Model) TrainedBytes() int64 { return m.trace }

// take returns an idle worker. A request that has to wait for one copies it
// before it starts, while fewer than Options.Workers exist, so that the next
// need not wait: memory is spent only when requests do overlap.
func (m *Model) take(ctx context.Context) (*worker, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("bytemix: scoring stopped: %w", err)
	}
	select {
	case w := <-m.pool:
		return w, nil
	default:
	}
	select {
	case w := <-m.pool:
		m.mu.Lock()
		grow := m.made < m.opts.Workers
		if grow {
			m.made++
		}
		m.mu.Unlock()
		if grow {
			m.pool <- &worker{p: w.p.clone()}
		}
		return w, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("bytemix: scoring stopped: %w", ctx.Err())
	}
}

// LogProbs returns ln q along the request's tokens and along every branch. A
// branch costs only its own bytes. Tokens must be bytes (below 256).
func (m *Model) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	if err := check(r); err != nil {
		return lm.Scores{}, err
	}
	w, err := m.take(ctx)
	if err != nil {
		return lm.Scores{}, err
	}
	defer func() { m.pool <- w }()
	return w.score(ctx, r)
}

func check(r lm.Request[token.ID]) error {
	for i, t := range r.Tokens {
		if t > 255 {
			return fmt.Errorf("bytemix: token %d of the request is %d, not a byte (use the byte tokenizer)", i, t)
		}
	}
	for b, br := range r.Branches {
		if br.At < 0 || br.At > len(r.Tokens) {
			return fmt.Errorf("bytemix: branch %d leaves at %d, outside the %d tokens of the request", b, br.At, len(r.Tokens))
		}
		for i, t := range br.Tokens {
			if t > 255 {
				return fmt.Errorf("bytemix: token %d of branch %d is %d, not a byte (use the byte tokenizer)", i, b, t)
			}
		}
	}
	return nil
}

// score walks along the tokens and, on the way, into the branches.
func (w *worker) score(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	s := lm.Scores{Tokens: make([]float32, len(r.Tokens)), Branches: make([][]float32, len(r.Branches))}
	w.order = w.order[:0]
	for b := range r.Branches {
		w.order = append(w.order, b)
	}
	slices.SortStableFunc(w.order, func(a, b int) int { return r.Branches[a].At - r.Branches[b].At })
	w.p.mark(&w.start)
	defer w.p.rollback(&w.start)
	at := 0
	for _, b := range w.order {
		br := r.Branches[b]
		if err := w.p.scoreAll(ctx, r.Tokens[at:br.At], s.Tokens[at:br.At]); err != nil {
			return lm.Scores{}, err
		}
		at = br.At
		s.Branches[b] = make([]float32, len(br.Tokens))
		w.p.mark(&w.at)
		err := w.p.scoreAll(ctx, br.Tokens, s.Branches[b])
		w.p.rollback(&w.at)
		if err != nil {
			return lm.Scores{}, err
		}
	}
	if err := w.p.scoreAll(ctx, r.Tokens[at:], s.Tokens[at:]); err != nil {
		return lm.Scores{}, err
	}
	return s, nil
}

// scoreAll scores the tokens one after the other.
func (p *predictor) scoreAll(ctx context.Context, tokens []token.ID, out []float32) error {
	for i, t := range tokens {
		if i%checkEvery == checkEvery-1 {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("bytemix: scoring stopped: %w", err)
			}
		}
		out[i] = -float32(float64(p.code(byte(t))) / (1 << costBits))
	}
	return nil
}

// clone copies the state; the training text is shared, because nobody writes
// it any more.
func (p *predictor) clone() *predictor {
	q := *p
	q.tab = table[slot](len(p.tab))
	copy(q.tab, p.tab)
	q.win = slices.Clone(p.win)
	q.dir = table[line](len(p.dir))
	copy(q.dir, p.dir)
	q.run = table[uint32](len(p.run))
	copy(q.run, p.run)
	q.w = slices.Clone(p.w)
	for k := range q.seen {
		q.seen[k] = slices.Clone(p.seen[k])
	}
	for k := range q.apm {
		q.apm[k] = slices.Clone(p.apm[k])
	}
	q.journal = journal{rowEpoch: make([]uint32, rowsTotal)}
	q.cur, q.dirCur = [nCtx]*slot{}, [nDir]*line{}
	q.frow = nil
	return &q
}

// fingerprint hashes everything that determines the log-probabilities.
func fingerprint(opts Options, p *predictor) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s|%d|%v|", version, opts.TableBits, p.rate)
	p.visit(func(b []byte) { h.Write(b) })
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// visit passes the lasting state through f in a fixed order, as little-endian
// bytes in pieces.
func (p *predictor) visit(f func([]byte)) {
	buf := make([]byte, 0, 1<<16)
	flush := func() { f(buf); buf = buf[:0] }
	u32 := func(v uint32) {
		if len(buf)+4 > cap(buf) {
			flush()
		}
		buf = binary.LittleEndian.AppendUint32(buf, v)
	}
	u16s := func(s []uint16) {
		for _, v := range s {
			u32(uint32(v))
		}
	}
	f(p.text)
	for i := range p.tab {
		if len(buf)+16 > cap(buf) {
			flush()
		}
		buf = append(buf, p.tab[i][:]...)
	}
	u32(p.pos)
	u32(p.c4)
	u32(uint32(p.n8))
	u32(uint32(p.n8 >> 32))
	for _, v := range p.word {
		u32(v)
	}
	u32(p.letter)
	u32(p.column)
	for _, m := range p.match {
		u32(m.ptr)
		u32(m.length)
		u32(m.miss)
	}
	for i := range p.maps {
		for _, v := range p.maps[i] {
			u32(v)
		}
	}
	for i := range p.trust {
		for _, v := range p.trust[i] {
			u32(v)
		}
	}
	for i := range p.final {
		for _, v := range p.final[i] {
			u32(uint32(v))
		}
	}
	for k := range p.seen {
		for _, v := range p.seen[k] {
			u32(v)
		}
	}
	for _, v := range p.run {
		u32(v)
	}
	for i := range p.dir {
		for _, v := range p.dir[i] {
			u32(v)
		}
	}
	for _, v := range p.w {
		u32(uint32(uint16(v)))
	}
	for k := range p.apm {
		u16s(p.apm[k])
	}
	flush()
}
