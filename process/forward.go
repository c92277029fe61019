package process

import (
	"context"
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/lm"
)

// filter is the state of an exact recursion along a sequence.
type filter[T any] interface {
	// step returns ln p(tok | tokens so far) and moves past tok.
	step(tok T) (float64, error)
	// fork returns an independent filter with the same state. It is only used until the
	// next step of the original.
	fork() filter[T]
}

// forward is the model of a process with a filter: it runs over the shared prefix once,
// and every branch continues from a fork.
type forward[T any] struct {
	info  lm.Info
	start func() filter[T]
}

// Info implements lm.Model.
func (m *forward[T]) Info() lm.Info { return m.info }

// LogProbs implements lm.Model. It fails for tokens outside the process's alphabet.
func (m *forward[T]) LogProbs(ctx context.Context, r lm.Request[T]) (lm.Scores, error) {
	order, err := branchOrder(r)
	if err != nil {
		return lm.Scores{}, err
	}
	s := lm.Scores{Tokens: make([]float32, len(r.Tokens)), Branches: make([][]float32, len(r.Branches))}
	f := m.start()
	for at := 0; at <= len(r.Tokens); at++ {
		for len(order) > 0 && r.Branches[order[0]].At == at {
			b := order[0]
			order = order[1:]
			out := make([]float32, len(r.Branches[b].Tokens))
			if err := run(ctx, f.fork(), r.Branches[b].Tokens, out); err != nil {
				return lm.Scores{}, fmt.Errorf("branch %d at token %d, %w", b, at, err)
			}
			s.Branches[b] = out
		}
		if at < len(r.Tokens) {
			if err := run(ctx, f, r.Tokens[at:at+1], s.Tokens[at:at+1]); err != nil {
				return lm.Scores{}, fmt.Errorf("sequence, from token %d, %w", at, err)
			}
		}
	}
	return s, ctx.Err()
}

func run[T any](ctx context.Context, f filter[T], tokens []T, out []float32) error {
	for i, tok := range tokens {
		if i%4096 == 4095 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		v, err := f.step(tok)
		if err != nil {
			return fmt.Errorf("token %d: %w", i, err)
		}
		out[i] = float32(v)
	}
	return nil
}

// branchOrder lists the branches by where they leave the sequence.
func branchOrder[T any](r lm.Request[T]) ([]int, error) {
	order := make([]int, len(r.Branches))
	for i, b := range r.Branches {
		if b.At < 0 || b.At > len(r.Tokens) {
			return nil, fmt.Errorf("branch %d leaves the sequence at token %d, which has %d tokens", i, b.At, len(r.Tokens))
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return r.Branches[a].At - r.Branches[b].At })
	return order, nil
}
