package lm

import (
	"context"
	"fmt"
	"slices"
)

// Restrict returns the model with a shortened context: every token is scored given at
// most the window tokens before it and, except near the beginning, at least
// window−stride+1. Each token costs window/stride tokens of the model; stride 1 is
// exact, at window times the cost. Branches are scored in the same way.
//
// Runs of stride tokens, counted from the beginning of the sequence or of the branch,
// share a context. With powers of two, the same token far into two branches with
// different pasts therefore has the same context.
func Restrict[T any](m Model[T], window, stride int) (Model[T], error) {
	if window < 1 || stride < 1 || stride > window {
		return nil, fmt.Errorf("a context of %d tokens in steps of %d: the context must be at least 1 token, and the step between 1 and the context", window, stride)
	}
	if c := m.Info().Context; c > 0 && window+1 > c {
		return nil, fmt.Errorf("a context of %d tokens is longer than that of model %s, %d tokens", window, m.Info().Name, c)
	}
	return &restricted[T]{m, window, stride}, nil
}

// RestrictInfo is the Info of the model that Restrict returns for one with info.
func RestrictInfo(info Info, window, stride int) Info {
	info.Name = fmt.Sprintf("%s within %d", info.Name, window)
	info.Fingerprint = fmt.Sprintf("%s within %d by %d", info.Fingerprint, window, stride)
	info.Context = 0
	return info
}

// RestrictCost is how many tokens the model computes for n tokens scored after past
// others by the model that Restrict returns.
func RestrictCost(window, stride, past, n int) int64 {
	past = min(past, window)
	cost, all := int64(0), past+n
	for from := past; from < all; {
		begin, to := stretch(window, stride, from, all)
		cost += int64(to - begin)
		from = to
	}
	return cost
}

// stretch is the next stretch of tokens that share a context: from begin, those up to
// to are computed, and those after from are scored.
func stretch(window, stride, from, all int) (begin, to int) {
	to = min(from+stride, all)
	if from == 0 {
		to = min(window/stride*stride, all) // nothing is cut off yet
	}
	return max(0, to-1-window), to
}

type restricted[T any] struct {
	model          Model[T]
	window, stride int
}

func (r *restricted[T]) Info() Info { return RestrictInfo(r.model.Info(), r.window, r.stride) }

func (r *restricted[T]) LogProbs(ctx context.Context, q Request[T]) (Scores, error) {
	out := Scores{Branches: make([][]float32, len(q.Branches))}
	var err error
	if out.Tokens, err = r.score(ctx, nil, q.Tokens); err != nil {
		return Scores{}, err
	}
	for i, b := range q.Branches {
		if b.At < 0 || b.At > len(q.Tokens) {
			return Scores{}, fmt.Errorf("scoring within %d tokens: branch %d starts at %d, outside the %d tokens of the request", r.window, i, b.At, len(q.Tokens))
		}
		if out.Branches[i], err = r.score(ctx, q.Tokens[max(0, b.At-r.window):b.At], b.Tokens); err != nil {
			return Scores{}, err
		}
	}
	return out, nil
}

// score returns ln q of tokens that follow past.
func (r *restricted[T]) score(ctx context.Context, past, tokens []T) ([]float32, error) {
	all := slices.Concat(past, tokens)
	out := make([]float32, 0, len(tokens))
	for from := len(past); from < len(all); {
		begin, to := stretch(r.window, r.stride, from, len(all))
		s, err := r.model.LogProbs(ctx, Request[T]{Tokens: all[begin:from], Branches: []Branch[T]{{At: from - begin, Tokens: all[from:to]}}})
		if err != nil {
			return nil, err
		}
		out = append(out, s.Branches[0]...)
		from = to
	}
	return out, nil
}
