package mixer

import (
	"math"

	"github.com/l2m-lab/l2m/lab/graph"
)

// linearAttention adds up keys times values in one matrix a head, without
// decay and without a normaliser; the result of each head is normalised instead
// (as in RetNet, arXiv 2307.08621, with decay 1). It keeps the matrices,
// heads·head_dim² numbers.
var linearAttention = mechanism{
	name:  "linear_attention",
	check: func(c *Config) error { return c.checkHeads(c.Hidden) },
	mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
		h, size, d := s.c.heads()
		q, k := s.split(s.g.SiLU(s.linear("q.weight", x, d)), h), s.split(s.g.SiLU(s.linear("k.weight", x, d)), h)
		v := s.split(s.linear("v.weight", x, d), h)
		k = s.g.Scale(k, 1/math.Sqrt(float64(size)))
		y := seq.decayed(q, k, v, s.g.Fill(0, x.Shape[0], x.Shape[1], h), s.c.Chunk)
		return s.output("o.weight", s.merge(s.rms("norm", y)), s.c.Hidden)
	},
}
