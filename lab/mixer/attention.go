package mixer

import (
	"fmt"
	"math"
	"slices"

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
	kv := s.c.keyHeads()
	q, k := s.split(s.linear("q.weight", x, d), h), s.split(s.linear("k.weight", x, kv*size), kv)
	if s.c.Place == "rope" {
		cos, sin := s.angles(seq.position(), x.Shape[1], size/2)
		q, k = s.g.Rotary(q, cos, sin), s.g.Rotary(k, cos, sin)
	}
	v := s.split(s.linear("v.weight", x, kv*size), kv)
	return s.output("o.weight", s.merge(seq.attention(q, k, v, attr)), s.c.Hidden)
}

// shared repeats heads of keys or values [… G n], each for the next of H queries' heads.
func shared(g *graph.Graph, x *graph.Node, H int) *graph.Node {
	shape := slices.Clone(x.Shape)
	G, n := shape[len(shape)-2], shape[len(shape)-1]
	if G == H {
		return x
	}
	front := shape[:len(shape)-2]
	one, many := append(slices.Clone(front), G, 1, n), append(slices.Clone(front), G, H/G, n)
	return g.Reshape(g.Broadcast(g.Reshape(x, one...), many...), append(front, H, n)...)
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
