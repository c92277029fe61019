package llama

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// Branch continues from the first At tokens of a request.
type Branch struct {
	At     int
	Tokens []int32
}

// target is a log-probability to be taken from the logits at one position.
type target struct {
	token int32
	out   *float32
}

// walk is one request on its way through the model.
type walk struct {
	ctx  context.Context
	m    *Model
	want [][]target // of every token in the batch
}

// LogProbs returns ln q along tokens and along every branch, given BOS and what
// precedes. Tokens that are not needed for that are not computed: the last of
// every branch predicts nothing. An interrupted request leaves nothing behind.
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
	w := &walk{ctx: ctx, m: m}
	along, off = make([]float32, len(tokens)), make([][]float32, len(branches))
	at := map[int][]int{} // branches by where they leave
	last := max(0, len(tokens)-1)
	for b, br := range branches {
		off[b] = make([]float32, len(br.Tokens))
		if len(br.Tokens) > 0 {
			at[br.At] = append(at[br.At], b)
			last = max(last, br.At)
		}
	}
	if len(tokens) == 0 && len(at) == 0 {
		return along, off, nil
	}
	// Position p holds BOS for p = 0, else tokens[p-1]; what follows p is
	// tokens[p] and the first tokens of the branches that leave after p tokens.
	next := 0
	for _, stop := range append(positions(at), last) {
		for ; next <= stop; next++ {
			id := int32(m.bos)
			if next > 0 {
				id = tokens[next-1]
			}
			var want []target
			if next < len(tokens) {
				want = append(want, target{tokens[next], &along[next]})
			}
			for _, b := range at[next] {
				want = append(want, target{branches[b].Tokens[0], &off[b][0]})
			}
			if err := w.add(id, next, 0, want); err != nil {
				return nil, nil, err
			}
		}
		if err := w.flush(); err != nil {
			return nil, nil, err
		}
		if err := w.leave(at[stop], branches, off, stop); err != nil {
			return nil, nil, err
		}
		delete(at, stop)
	}
	return along, off, nil
}

func positions[T any](at map[int]T) []int {
	var list []int
	for p := range at {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
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
			return fmt.Errorf("branch %d leaves at %d, outside the %d tokens of the request", b, br.At, len(tokens))
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

// leave computes the branches that leave behind position stop, as many side by
// side as there are sequences and room.
func (w *walk) leave(list []int, branches []Branch, off [][]float32, stop int) error {
	m := w.m
	for len(list) > 0 {
		room := m.cells - stop - 1
		side := 0
		for side < len(list) && side < m.options.Sequences {
			n := len(branches[list[side]].Tokens) - 1
			if n > room && side > 0 {
				break
			}
			room -= n
			side++
		}
		for s, b := range list[:side] {
			seq, ids := int32(s+1), branches[b].Tokens
			if len(ids) == 1 {
				continue
			}
			if err := llama.MemorySeqCp(m.mem, 0, llama.SeqId(seq), -1, -1); err != nil {
				return err
			}
			for i, id := range ids[:len(ids)-1] {
				if err := w.add(id, stop+1+i, seq, []target{{ids[i+1], &off[b][i+1]}}); err != nil {
					return err
				}
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
		for s := range side {
			if _, err := llama.MemorySeqRm(m.mem, llama.SeqId(s+1), -1, -1); err != nil {
				return err
			}
		}
		list = list[side:]
	}
	return nil
}

// add puts a token into the batch, and computes the batch when it is full.
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

// flush computes the batch and takes what is wanted from its logits.
func (w *walk) flush() error {
	if len(w.want) == 0 {
		return nil
	}
	m := w.m
	defer func() {
		m.batch.Clear()
		w.want = w.want[:0]
	}()
	if err := w.ctx.Err(); err != nil {
		return err
	}
	complaints()
	code, err := llama.Decode(m.ctx, m.batch)
	switch {
	case w.ctx.Err() != nil:
		return w.ctx.Err()
	case code == 1:
		return fmt.Errorf("llama.cpp has no room for %d tokens in its cache of %d%s", len(w.want), m.cells, complaints())
	case err != nil || code != 0:
		return fmt.Errorf("llama.cpp failed to compute a batch of %d tokens (code %d)%s", len(w.want), code, complaints())
	}
	m.decoded.Add(int64(len(w.want)))
	return w.take()
}
