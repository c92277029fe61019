package mixer

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/lab/graph"
)

// fullAttention is multi-head softmax attention (Vaswani et al., arXiv
// 1706.03762) over all earlier tokens. It keeps keys and values of every token.
var fullAttention = mechanism{name: "full_attention", check: checkAttention, mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
	return s.attention(seq, x, graph.AttentionAttr{})
}}

// slidingAttention sees the last sliding_window tokens, its own among them
// (arXiv 2004.05150), and the attention_sinks first ones (arXiv 2309.17453,
// here with their true positions). It keeps what the next query can see.
var slidingAttention = mechanism{
	name: "sliding_attention",
	check: func(c *Config) error {
		if c.Window < 1 {
			return fmt.Errorf("sliding_window is not set")
		}
		return checkAttention(c)
	},
	mix: func(s scope, seq sequence, x *graph.Node) *graph.Node {
		return s.attention(seq, x, graph.AttentionAttr{Window: s.c.Window, Sinks: s.c.Sinks})
	},
}

func checkAttention(c *Config) error {
	if err := c.checkHeads(c.Hidden); err != nil {
		return err
	}
	if _, size, _ := c.heads(); c.Place == "rope" && size%2 != 0 {
		return fmt.Errorf("rotary positions need heads of even size, not %d", size)
	}
	return nil
}

func (s scope) attention(seq sequence, x *graph.Node, attr graph.AttentionAttr) *graph.Node {
	h, size, d := s.c.heads()
	q, k := s.split(s.linear("q.weight", x, d), h), s.split(s.linear("k.weight", x, d), h)
	if s.c.Place == "rope" {
		cos, sin := s.angles(seq.position(), x.Shape[1], size/2)
		q, k = s.g.Rotary(q, cos, sin), s.g.Rotary(k, cos, sin)
	}
	v := s.split(s.linear("v.weight", x, d), h)
	return s.output("o.weight", s.merge(seq.attention(q, k, v, attr)), s.c.Hidden)
}

// RotaryBase is θ of rotary positions (RoPE, arXiv 2104.09864).
const RotaryBase = 10000

// angles are cosines and sines of positions from on, [n half].
func (s scope) angles(from, n, half int) (cos, sin *graph.Node) {
	c, si := make([]float32, n*half), make([]float32, n*half)
	for t := range n {
		for i := range half {
			angle := float64(from+t) * math.Pow(RotaryBase, -float64(i)/float64(half))
			c[t*half+i], si[t*half+i] = float32(math.Cos(angle)), float32(math.Sin(angle))
		}
	}
	return s.g.Constant(c, n, half), s.g.Constant(si, n, half)
}
