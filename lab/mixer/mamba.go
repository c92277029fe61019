package mixer

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/l2m-lab/l2m/lab/graph"
)

// Expand is the inner width of both Mambas over hidden_size.
const Expand = 2

// mamba2 is the state-space dual of Mamba-2 (arXiv 2405.21060, section 7.1) with
// one group of B and C. It keeps state_size numbers a channel, and the columns
// of its convolution.
var mamba2 = mechanism{
	name:  "mamba2",
	check: func(c *Config) error { return firstError(c.checkHeads(Expand*c.Hidden), checkState(c)) },
	mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
		g, inner, n, h := s.g, Expand*s.c.Hidden, s.c.State, s.c.Heads
		z := s.linear("z.weight", x, inner)
		mixed := g.SiLU(s.conv("conv", seq, s.linear("in.weight", x, inner+2*n)))
		v := s.split(g.Cut(mixed, 2, 0, inner), h)
		b, c := s.split(g.Cut(mixed, 2, inner, n), 1), s.split(g.Cut(mixed, 2, inner+n, n), 1)
		a, dt := s.decayRate(s.linear("dt.weight", x, h))
		y := seq.decayed(c, b, g.Mul(v, g.Reshape(dt, dt.Shape[0], dt.Shape[1], h, 1)), a, s.c.Chunk)
		skip := s.param("D", false, always(1), h, 1)
		y = s.merge(g.Add(y, g.Mul(v, skip)))
		return s.output("out.weight", s.rms("norm", g.Gated(z, y)), s.c.Hidden)
	},
}

// mamba is the selective scan of Mamba (arXiv 2312.00752, algorithm 2). It
// keeps state_size numbers a channel, and the columns of its convolution.
var mamba = mechanism{
	name:  "mamba",
	check: checkState,
	mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
		g, inner, n := s.g, Expand*s.c.Hidden, s.c.State
		B, T := x.Shape[0], x.Shape[1]
		z := s.linear("z.weight", x, inner)
		u := g.SiLU(s.conv("conv", seq, s.linear("in.weight", x, inner)))
		rank := (s.c.Hidden + 15) / 16 // as in its code
		low := s.linear("low.weight", u, rank)
		bias := s.param("dt_bias", false, s.c.stepBias(), inner)
		dt := g.Softplus(g.Add(s.linear("dt.weight", low, inner), bias))
		dt = g.Reshape(dt, B, T, inner, 1)
		perState := func(name string) *graph.Node { return g.Reshape(s.linear(name, u, n), B, T, 1, n) }
		b, c := perState("B.weight"), perState("C.weight")
		next := 0
		rate := s.param("A_log", false, func(*rand.Rand) float64 { next++; return math.Log(float64((next-1)%n + 1)) }, inner, n)
		h := seq.scan(g.Exp(g.Neg(g.Mul(dt, g.Exp(rate)))), g.Mul(g.Mul(dt, g.Reshape(u, B, T, inner, 1)), b))
		y := g.Reshape(g.Sum(g.Mul(h, c), 3), B, T, inner)
		y = g.Add(y, g.Mul(u, s.param("D", false, always(1), inner)))
		return s.output("out.weight", g.Gated(z, y), s.c.Hidden)
	},
}

func checkState(c *Config) error {
	if c.State < 1 || c.Kernel < 1 {
		return fmt.Errorf("state_size %d and conv_kernel %d must be at least 1", c.State, c.Kernel)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
