package mixer

import "github.com/l2m-lab/l2m/lab/graph"

// shortConv is a gated short convolution, C·conv(B·x) (as in LFM2). It keeps
// the columns of the convolution.
var shortConv = mechanism{
	name:  "short_conv",
	check: checkState,
	mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
		d := s.c.Hidden
		in := s.linear("in.weight", x, 3*d)
		b, c, u := s.g.Cut(in, 2, 0, d), s.g.Cut(in, 2, d, d), s.g.Cut(in, 2, 2*d, d)
		return s.output("out.weight", s.g.Mul(c, s.conv("conv", seq, s.g.Mul(b, u))), d)
	},
}
