package mixer

import (
	"math"

	"github.com/l2m-lab/l2m/lab/graph"
)

// gatedLinear is gated linear attention (arXiv 2312.06635, section 4.4): linear
// attention in which each number of a key decays at a rate that depends on the token,
// with a gated norm at the end. Keys are as wide as values here, not half as wide. It
// keeps one matrix per head, heads·head_dim² numbers.
var gatedLinear = mechanism{
	name:  "gated_linear_attention",
	check: func(c *Config) error { return c.checkHeads(c.Hidden) },
	mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
		g := s.g
		h, size, d := s.c.heads()
		q, k, v := s.split(s.linear("q.weight", x, d), h), s.split(s.linear("k.weight", x, d), h), s.split(s.linear("v.weight", x, d), h)
		low := s.linear("fade.0.weight", x, min(d, fadeRank))
		fade := g.Neg(g.Softplus(g.Neg(s.biased("fade.1", low, d)))) // ln sigmoid
		fade = s.split(g.Max(g.Scale(fade, 1/fadeRoot), g.Fill(fadeLeast)), h)
		y := seq.decayedKeys(g.Scale(q, 1/math.Sqrt(float64(size))), k, v, fade, s.c.Chunk)
		return s.output("o.weight", g.Gated(s.linear("g.weight", x, d), s.merge(s.rms("norm", y))), s.c.Hidden)
	},
}

// The rank of the map to fading rates and the root that keeps them slow are
// those of the paper; the bound is what graph.DecayedKeys asks for.
const (
	fadeRank  = 16
	fadeRoot  = 16.0
	fadeLeast = -5.0
)
