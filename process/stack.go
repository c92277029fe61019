package process

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
)

// Stack is a number of independent copies of a process of numbers, side by
// side: its tokens are vectors, and all its information is that of one copy
// times their number. The L²M paper trains on 64 copies of its hierarchical
// Gaussian.
type Stack struct {
	desc   Description
	one    Process[float64]
	copies int
}

// NewStack stacks copies (1 to 4,096) of a process.
func NewStack(one Process[float64], copies int) (*Stack, error) {
	if copies < 1 || copies > 4096 {
		return nil, fmt.Errorf("stack: %d copies are not between 1 and 4096", copies)
	}
	d := one.Describe()
	d.Spec += ",copies=" + strconv.Itoa(copies)
	d.Title += ", " + strconv.Itoa(copies) + " independent copies side by side"
	d.Token, d.Width = Vector, copies
	d.MaxLength = min(d.MaxLength, maxLinear/copies)
	d.Params = append(append([]Param(nil), d.Params...), Param{"copies", strconv.Itoa(copies), "independent copies: the width of a token"})
	return &Stack{d, one, copies}, nil
}

// Describe implements Truth.
func (s *Stack) Describe() Description { return s.desc }

// BipartiteMI implements Truth.
func (s *Stack) BipartiteMI(ell, L int) (info.Nats, error) {
	mi, err := s.one.BipartiteMI(ell, L)
	return info.Nats(s.copies) * mi, err
}

// TwoPointMI implements Truth.
func (s *Stack) TwoPointMI(d int) (info.Nats, bool) {
	mi, ok := s.one.TwoPointMI(d)
	return info.Nats(s.copies) * mi, ok
}

// EntropyRate implements Truth.
func (s *Stack) EntropyRate() info.Nats { return info.Nats(s.copies) * s.one.EntropyRate() }

// Sample implements Process.
func (s *Stack) Sample(rng *rand.Rand, length int) [][]float64 {
	flat := make([]float64, length*s.copies)
	out := make([][]float64, length)
	for t := range out {
		out[t] = flat[t*s.copies : (t+1)*s.copies : (t+1)*s.copies]
	}
	fill := func(k int, w []float64) {
		for t, x := range w {
			out[t][k] = x
		}
	}
	if batched, ok := s.one.(batchSampler[float64]); ok {
		rngs := make([]*rand.Rand, s.copies)
		for k := range rngs {
			rngs[k] = rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
		}
		for k, w := range batched.sampleBatch(rngs, length) {
			fill(k, w)
		}
		return out
	}
	for k := range s.copies {
		fill(k, s.one.Sample(rng, length))
	}
	return out
}

// Model implements Process.
func (s *Stack) Model() lm.Model[[]float64] {
	return &stackModel{modelInfo(s.desc), s.one.Model(), s.copies}
}

type stackModel struct {
	info   lm.Info
	one    lm.Model[float64]
	copies int
}

// Info implements lm.Model.
func (m *stackModel) Info() lm.Info { return m.info }

// LogProbs implements lm.Model: the sum over copies.
func (m *stackModel) LogProbs(ctx context.Context, r lm.Request[[]float64]) (lm.Scores, error) {
	lengths := []int{len(r.Tokens)}
	for _, b := range r.Branches {
		lengths = append(lengths, len(b.Tokens))
	}
	sums := make([][]float64, len(lengths))
	for i, n := range lengths {
		sums[i] = make([]float64, n)
	}
	for k := range m.copies {
		one := lm.Request[float64]{}
		var err error
		if one.Tokens, err = m.coordinate(r.Tokens, k); err != nil {
			return lm.Scores{}, fmt.Errorf("sequence: %w", err)
		}
		for i, b := range r.Branches {
			w, err := m.coordinate(b.Tokens, k)
			if err != nil {
				return lm.Scores{}, fmt.Errorf("branch %d: %w", i, err)
			}
			one.Branches = append(one.Branches, lm.Branch[float64]{At: b.At, Tokens: w})
		}
		s, err := m.one.LogProbs(ctx, one)
		if err != nil {
			return lm.Scores{}, fmt.Errorf("copy %d: %w", k, err)
		}
		for i, v := range s.Tokens {
			sums[0][i] += float64(v)
		}
		for i, b := range s.Branches {
			for j, v := range b {
				sums[i+1][j] += float64(v)
			}
		}
	}
	out := lm.Scores{Tokens: narrow(sums[0])}
	for _, s := range sums[1:] {
		out.Branches = append(out.Branches, narrow(s))
	}
	return out, nil
}

func (m *stackModel) coordinate(tokens [][]float64, k int) ([]float64, error) {
	out := make([]float64, len(tokens))
	for t, x := range tokens {
		if len(x) != m.copies {
			return nil, fmt.Errorf("token %d has %d coordinates, not %d", t, len(x), m.copies)
		}
		out[t] = x[k]
	}
	return out, nil
}

func narrow(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}
