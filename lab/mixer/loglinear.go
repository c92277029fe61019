package mixer

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/l2m-lab/l2m/lab/graph"
)

// logLinear is log-linear attention (arXiv 2506.04761, section 3) with the decay
// of Mamba-2: one state for each bit that is set in the number of past tokens (a
// Fenwick tree), each read with a weight that the token sets. It keeps heads·head_dim²
// numbers a state.
var logLinear = mechanism{
	name: "log_linear_attention", limited: true,
	check: func(c *Config) error {
		if c.Longest < 1 {
			return fmt.Errorf("max_position_embeddings is not set: it says how many levels there are")
		}
		return c.checkHeads(c.Hidden)
	},
	mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
		g := s.g
		h, size, d := s.c.heads()
		q, k := s.split(g.SiLU(s.linear("q.weight", x, d)), h), s.split(g.SiLU(s.linear("k.weight", x, d)), h)
		v := s.split(s.linear("v.weight", x, d), h)
		a, _ := s.decayRate(s.linear("a.weight", x, h))
		levels := bits.Len(uint(s.c.Longest - 1))
		bias := s.param("level.bias", false, always(math.Log(math.E-1)), h*(1+levels)) // weights begin as 1
		weights := g.Softplus(g.Add(s.linear("level.weight", x, h*(1+levels)), bias))
		y := seq.levels(g.Scale(q, 1/math.Sqrt(float64(size))), k, v, a, s.split(weights, h), s.c.Chunk)
		return s.output("o.weight", s.merge(s.rms("norm", y)), s.c.Hidden)
	},
}

// levels reads y_t = Σ_i w_ti·S_i,tᵀ·q_t, where level 0 is the token itself and
// level i + 1 the left neighbour, 2^i tokens, of the block that holds t. Levels
// within a chunk are one product of queries and keys, the others read states.
func (w whole) levels(q, k, v, a, weights *graph.Node, chunk int) *graph.Node {
	g := w.g
	B, T, H := v.Shape[0], v.Shape[1], v.Shape[2]
	all := bits.Len(uint(T - 1))
	if 1+all > weights.Shape[3] {
		panic(&graph.ShapeError{Text: fmt.Sprintf("a sequence of %d tokens is longer than max_position_embeddings", T)})
	}
	n := 1 << all // later tokens change nothing for earlier ones
	inside := min(all, bits.Len(uint(chunk))-1)
	c := 1 << inside
	heads := func(x *graph.Node) *graph.Node {
		x = g.Pad(x, []int{0, 0, 0, 0}, []int{B, n, H, x.Shape[3]})
		return g.Reshape(g.Transpose(x, 0, 2, 1, 3), B*H, n, x.Shape[3])
	}
	q, k, v, weights = heads(q), heads(k), heads(v), heads(weights)
	a = heads(g.Reshape(a, B, T, H, 1))
	y := g.Reshape(w.near(q, k, v, a, weights, c), B*H, n, -1)

	fade := g.CumSum(g.Reshape(a, -1, c, 1), 1, false)
	total := g.Cut(fade, 1, c-1, 1) // of a block
	kept := g.Mul(g.Reshape(k, -1, c, k.Shape[2]), g.Exp(g.Sub(total, fade)))
	state := g.Dot(kept, g.Reshape(v, -1, c, v.Shape[2]), true, false) // of each block
	for i := inside; i < all; i++ {
		half := 1 << i
		side := func(x *graph.Node, right int) *graph.Node {
			rows := x.Shape[0] * x.Shape[1] / (B * H * n / half) // of a block
			x = g.Cut(g.Reshape(x, -1, 2, rows, x.Shape[2]), 1, right, 1)
			return g.Reshape(x, -1, rows, x.Shape[3])
		}
		fade := g.CumSum(side(a, 1), 1, false)
		reads := g.Mul(g.Mul(side(q, 1), g.Exp(fade)), g.Cut(side(weights, 1), 2, i+1, 1))
		far := g.Dot(reads, side(state, 0), false, false)
		far = g.Pad(far, []int{0, half, 0}, []int{far.Shape[0], 2 * half, far.Shape[2]})
		y = g.Add(y, g.Reshape(far, y.Shape...))
		state = g.Add(g.Mul(side(state, 0), g.Exp(g.Cut(fade, 1, half-1, 1))), side(state, 1))
	}
	return g.Cut(g.Transpose(g.Reshape(y, B, H, n, -1), 0, 2, 1, 3), 1, 0, T)
}

// near is what queries read within chunks of c tokens.
func (w whole) near(q, k, v, a, weights *graph.Node, c int) *graph.Node {
	g := w.g
	cut := func(x *graph.Node) *graph.Node { return g.Reshape(x, -1, c, x.Shape[2]) }
	sum := g.CumSum(cut(a), 1, false)
	levels := make([]float32, c*c*(1+bits.Len(uint(c-1)))) // 1 where a key is of a level to a query
	for t := range c {
		for s := range t + 1 {
			levels[(bits.Len(uint(t^s))*c+t)*c+s] = 1
		}
	}
	of := g.Constant(levels, len(levels)/(c*c), c, c)
	var share *graph.Node
	for i := range of.Shape[0] {
		x := g.Mul(g.Cut(cut(weights), 2, i, 1), g.Reshape(g.Cut(of, 0, i, 1), c, c))
		if share == nil {
			share = x
		} else {
			share = g.Add(share, x)
		}
	}
	past := g.Less(g.Iota(1, c, c), g.Shift(g.Iota(0, c, c), 1))
	fade := g.Exp(g.Select(past, g.Sub(sum, g.Transpose(sum, 0, 2, 1)), g.Fill(0)))
	scores := g.Mul(g.Mul(g.Dot(cut(q), cut(k), false, true), fade), share)
	return g.Dot(scores, cut(v), false, false)
}

// levels holds a state for each set bit of the number of past tokens, faded up to
// the last of them.
func (s *step) levels(q, k, v, a, weights *graph.Node, _ int) *graph.Node {
	g := s.g
	held := make([]*graph.Node, weights.Shape[3])
	if s.at > 0 {
		copy(held, s.state[len(s.next):])
	}
	weight := func(i int) *graph.Node { return s.row(g.Cut(weights, 3, i, 1)) }
	added := g.Dot(s.column(k), s.row(v), false, false)
	y := g.Mul(g.Dot(s.row(q), added, false, false), weight(0))
	for i, x := range held {
		if x != nil {
			held[i] = g.Mul(x, g.Exp(s.perHead(a)))
			y = g.Add(y, g.Mul(g.Dot(s.row(q), held[i], false, false), weight(i+1)))
		}
	}
	i := slices.Index(held, nil)
	for _, x := range held[:i] {
		added = g.Add(added, x)
	}
	clear(held[:i])
	held[i] = added
	for _, x := range held {
		s.keep(x)
	}
	return g.Reshape(y, v.Shape...)
}
