package mixer

import (
	"math"

	"github.com/l2m-lab/l2m/lab/graph"
)

// gatedDelta is the gated delta rule in the layer of Gated DeltaNet (arXiv
// 2412.06464, section 3.4): short convolutions, queries and keys of length 1,
// and a gated norm at the end. It keeps one matrix a head, heads·head_dim²
// numbers, and the columns of the convolutions.
var gatedDelta = mechanism{
	name:  "gated_delta",
	check: func(c *Config) error { return firstError(c.checkHeads(c.Hidden), checkState(c)) },
	mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
		g := s.g
		h, size, d := s.c.heads()
		mixed := g.SiLU(s.conv("conv", seq, s.linear("qkv.weight", x, 3*d)))
		q := s.unit(s.split(g.Cut(mixed, 2, 0, d), h))
		k := s.unit(s.split(g.Cut(mixed, 2, d, d), h))
		v := s.split(g.Cut(mixed, 2, 2*d, d), h)
		a, _ := s.decayRate(s.linear("a.weight", x, h))
		b := g.Sigmoid(s.linear("b.weight", x, h))
		y := seq.delta(g.Scale(q, 1/math.Sqrt(float64(size))), k, v, a, b, s.c.Chunk)
		return s.output("o.weight", g.Gated(s.linear("g.weight", x, d), s.merge(s.rms("norm", y))), s.c.Hidden)
	},
}

// unit makes the last axis of x have length 1.
func (s scope) unit(x *graph.Node) *graph.Node {
	d := x.Shape[len(x.Shape)-1]
	ones := s.g.Fill(1/math.Sqrt(float64(d)), d)
	return s.g.RMSNorm(x, ones, RMSNormEpsilon/float64(d))
}
