package llama

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/hybridgroup/yzma/pkg/llama"

	"github.com/l2m-lab/l2m/lm/pipe"
)

// Branch continues from the first At tokens of a request.
type Branch = pipe.Branch

// target is a log-probability to take from the logits at one position.
type target struct {
	token int32
	out   *float32
}

// branch has at least two tokens, and the place for its answer.
type branch struct {
	at     int
	tokens []int32
	out    []float32
}

// computed is the number of its tokens that are computed: the last predicts nothing,
// and the first is predicted by the sequence.
func (b branch) computed() int { return len(b.tokens) - 1 }

// walk is the state of a request.
type walk struct {
	ctx      context.Context
	m        *Model
	tokens   []int32
	along    []float32
	first    map[int][]target // first tokens of the branches, by position
	branches []branch
	want     [][]target // for every token in the batch
}

// LogProbs returns ln q along tokens and along every branch, given BOS and the
// preceding tokens. Tokens that predict nothing are not computed, such as the last of
// every branch. A cancelled request leaves nothing behind.
func (m *Model) LogProbs(ctx context.Context, tokens []int32, branches []Branch) (along []float32, off [][]float32, err error) {
	if err := m.check(tokens, branches); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx == 0 {
		return nil, nil, errors.New("the model is closed")
	}
	m.running.Store(&ctx)
	defer m.running.Store(nil)
	if err := llama.MemoryClear(m.mem, false); err != nil {
		return nil, nil, err
	}
	w := &walk{ctx: ctx, m: m, tokens: tokens, first: map[int][]target{}}
	w.along = make([]float32, len(tokens))
	off = make([][]float32, len(branches))
	for i, br := range branches {
		off[i] = make([]float32, len(br.Tokens))
		switch n := len(br.Tokens); {
		case n > 1:
			w.branches = append(w.branches, branch{br.At, br.Tokens, off[i]})
			fallthrough
		case n == 1:
			w.first[br.At] = append(w.first[br.At], target{br.Tokens[0], &off[i][0]})
		}
	}
	if m.lead == 0 {
		w.guess()
	}
	if m.info.Recurrent {
		err = w.recurrent()
	} else {
		err = w.attention()
	}
	if err != nil {
		return nil, nil, err
	}
	return w.along, off, nil
}

func (m *Model) check(tokens []int32, branches []Branch) error {
	longest := len(tokens)
	valid := func(ids []int32) error {
		for i, id := range ids {
			if id < 0 || int(id) >= m.info.Vocabulary {
				return fmt.Errorf("token %d is %d, which is not in the vocabulary of %d", i, id, m.info.Vocabulary)
			}
		}
		return nil
	}
	if err := valid(tokens); err != nil {
		return err
	}
	for b, br := range branches {
		if br.At < 0 || br.At > len(tokens) {
			return fmt.Errorf("branch %d starts at %d, outside the %d tokens of the request", b, br.At, len(tokens))
		}
		if err := valid(br.Tokens); err != nil {
			return fmt.Errorf("branch %d: %w", b, err)
		}
		longest = max(longest, br.At+len(br.Tokens))
	}
	if longest > m.info.Context {
		return fmt.Errorf("a sequence of %d tokens is longer than the context, %d (choose shorter windows, or a longer context)", longest, m.info.Context)
	}
	return nil
}

// guess gives first tokens of sequences the probability 1/vocabulary, since nothing
// precedes them.
func (w *walk) guess() {
	uniform := -float32(math.Log(float64(w.m.info.Vocabulary)))
	if len(w.along) > 0 {
		w.along[0] = uniform
	}
	for _, t := range w.first[0] {
		*t.out = uniform
	}
	delete(w.first, 0)
}

// prefix computes positions from to to-1 of the sequence itself. Position p holds BOS,
// if any, for p = 0, else tokens[p-1]; it predicts tokens[p] and the first tokens of
// the branches that leave there.
func (w *walk) prefix(from, to int) error {
	for p := max(from, 1-w.m.lead); p < to; p++ {
		id := int32(w.m.bos)
		if p > 0 {
			id = w.tokens[p-1]
		}
		want := w.first[p]
		if p < len(w.tokens) {
			want = append([]target{{w.tokens[p], &w.along[p]}}, want...)
		}
		if err := w.add(id, w.m.position(p), 0, want); err != nil {
			return err
		}
	}
	return w.flush()
}

// position is the position in llama.cpp of position p, which counts from BOS.
func (m *Model) position(p int) int { return p - 1 + m.lead }

// end is the number of positions of the sequence itself that predict something.
func (w *walk) end() int {
	n := len(w.tokens)
	for p := range w.first {
		n = max(n, p+1)
	}
	return n
}

// attention computes the whole sequence, then the branches. Keys and values do not
// change, so a branch can use those up to where it leaves at any time. Branches that
// leave late come first, and keys and values that are no longer needed are dropped,
// since attention costs time for everything in the cache.
func (w *walk) attention() error {
	m := w.m
	if err := w.prefix(0, w.end()); err != nil {
		return err
	}
	slices.SortStableFunc(w.branches, func(a, b branch) int {
		return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(len(b.tokens), len(a.tokens)))
	})
	for list := w.branches; len(list) > 0; {
		n := w.group(list)
		if _, err := llama.MemorySeqRm(m.mem, 0, llama.Pos(m.position(list[0].at+1)), -1); err != nil {
			return err
		}
		for s, b := range list[:n] {
			prefix := m.position(b.at + 1)
			if prefix == 0 {
				continue
			}
			if err := llama.MemorySeqCp(m.mem, 0, llama.SeqId(s+1), 0, llama.Pos(prefix)); err != nil {
				return err
			}
		}
		if err := w.sideBySide(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// group is the number of branches, from the beginning of the list, worth computing in
// parallel: each saves a batch.
func (w *walk) group(list []branch) int {
	batch := w.m.options.Batch
	batches := func(n int) int { return (n + batch - 1) / batch }
	sum, n := list[0].computed(), 1
	for n < min(len(list), w.m.options.Sequences) {
		more := list[n].computed()
		if batches(sum+more) == batches(sum)+batches(more) || sum+more > w.m.cells-list[0].at-1 {
			break
		}
		sum += more
		n++
	}
	return n
}

// recurrent computes the sequence, and stops where branches leave, since there is only
// one copy of the state. A branch gets a copy and waits until as many are waiting as
// fit.
func (w *walk) recurrent() error {
	m := w.m
	slices.SortStableFunc(w.branches, func(a, b branch) int { return cmp.Compare(a.at, b.at) })
	var waiting []branch
	next, sum := 0, 0
	for _, b := range w.branches {
		if err := w.prefix(next, b.at+1); err != nil {
			return err
		}
		next = max(next, b.at+1)
		if len(waiting) == m.options.Sequences || sum+b.computed() > m.cells-m.info.Context {
			if err := w.sideBySide(waiting); err != nil {
				return err
			}
			waiting, sum = waiting[:0], 0
		}
		waiting = append(waiting, b)
		sum += b.computed()
		if err := llama.MemorySeqCp(m.mem, 0, llama.SeqId(len(waiting)), -1, -1); err != nil {
			return err
		}
	}
	if err := w.prefix(next, w.end()); err != nil {
		return err
	}
	return w.sideBySide(waiting)
}

// sideBySide computes branches in parallel; list[s] has the state of sequence s+1,
// which is free afterwards.
func (w *walk) sideBySide(list []branch) error {
	for s, b := range list {
		for i, id := range b.tokens[:b.computed()] {
			if err := w.add(id, w.m.position(b.at+1+i), int32(s+1), []target{{b.tokens[i+1], &b.out[i+1]}}); err != nil {
				return err
			}
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	for s := range list {
		if _, err := llama.MemorySeqRm(w.m.mem, llama.SeqId(s+1), -1, -1); err != nil {
			return err
		}
	}
	return nil
}

// add adds a token to the batch, and computes the batch when it is full.
func (w *walk) add(id int32, pos int, seq int32, want []target) error {
	if err := w.m.batch.Add(llama.Token(id), llama.Pos(pos), []llama.SeqId{llama.SeqId(seq)}, len(want) > 0); err != nil {
		return err
	}
	w.want = append(w.want, want)
	if len(w.want) == w.m.options.Batch {
		return w.flush()
	}
	return nil
}

// flush computes the batch and takes the wanted log-probabilities.
func (w *walk) flush() error {
	if len(w.want) == 0 {
		return nil
	}
	m := w.m
	defer func() {
		m.batch.Clear()
		w.want = w.want[:0]
	}()
	if err := m.decode(w.ctx, len(w.want)); err != nil {
		return err
	}
	return w.take()
}

// decode computes the batch of n tokens.
func (m *Model) decode(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	complaints()
	timed := m.threads.begin(m, n)
	code, err := llama.Decode(m.ctx, m.batch)
	timed()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case code == 1:
		return fmt.Errorf("llama.cpp has no room for %d tokens in its cache of %d%s", n, m.cells, complaints())
	case err != nil || code != 0:
		return fmt.Errorf("llama.cpp failed to compute a batch of %d tokens (code %d)%s", n, code, complaints())
	}
	m.decoded.Add(int64(n))
	m.batches++
	return nil
}
