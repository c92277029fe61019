package graph

// Functions that executors are expected to know, with their settings.
const (
	FnLayerNorm    = "layernorm"
	FnRMSNorm      = "rmsnorm"
	FnGELU         = "gelu"
	FnSiLU         = "silu"
	FnGated        = "gated"
	FnCrossEntropy = "crossentropy"
	FnGaussianKL   = "gaussiankl"
	FnRotary       = "rotary"
	FnShortConv    = "shortconv"
	FnAttention    = "attention"
	FnBlocks       = "blocks"
	FnDecayed      = "decayed"
	FnDecayedKeys  = "decayedkeys"
	FnDelta        = "delta"
	FnScan         = "scan"
)

// NormAttr are the settings of norms.
type NormAttr struct{ Epsilon float64 }

// LayerNorm normalizes the last axis of x [… d] to mean 0 and variance 1, and applies
// gain [d] and bias [d].
func (g *Graph) LayerNorm(x, gain, bias *Node, epsilon float64) *Node {
	return g.Call(FnLayerNorm, NormAttr{epsilon}, []*Node{x, gain, bias}, func(g *Graph, in []*Node) []*Node {
		c := g.Sub(in[0], g.Mean(in[0]))
		sd := g.Sqrt(g.Shift(g.Mean(g.Mul(c, c)), epsilon))
		return []*Node{g.Add(g.Mul(g.Div(c, sd), in[1]), in[2])}
	})[0]
}

// RMSNorm normalizes the last axis of x [… d] to mean square 1, and applies gain [d].
func (g *Graph) RMSNorm(x, gain *Node, epsilon float64) *Node {
	return g.Call(FnRMSNorm, NormAttr{epsilon}, []*Node{x, gain}, func(g *Graph, in []*Node) []*Node {
		sd := g.Sqrt(g.Shift(g.Mean(g.Mul(in[0], in[0])), epsilon))
		return []*Node{g.Mul(g.Div(in[0], sd), in[1])}
	})[0]
}

// GELU is x·Φ(x) in its tanh approximation, as in GPT-2.
func (g *Graph) GELU(x *Node) *Node {
	return g.Call(FnGELU, nil, []*Node{x}, func(g *Graph, in []*Node) []*Node {
		x := in[0]
		u := g.Scale(g.Mul(x, g.Shift(g.Scale(g.Mul(x, x), geluCube), 1)), geluScale)
		return []*Node{g.Mul(g.Scale(x, 0.5), g.Shift(g.Tanh(u), 1))}
	})[0]
}

// SiLU is x·sigmoid(x).
func (g *Graph) SiLU(x *Node) *Node {
	return g.Call(FnSiLU, nil, []*Node{x}, func(g *Graph, in []*Node) []*Node {
		return []*Node{g.Mul(in[0], g.Sigmoid(in[0]))}
	})[0]
}

// Gated is SiLU(gate)·x.
func (g *Graph) Gated(gate, x *Node) *Node {
	return g.Call(FnGated, nil, []*Node{gate, x}, func(g *Graph, in []*Node) []*Node {
		return []*Node{g.Mul(g.Mul(in[0], g.Sigmoid(in[0])), in[1])}
	})[0]
}

// CrossEntropy is −ln softmax(logits)[target], nats, for logits [n V] and
// targets [n].
func (g *Graph) CrossEntropy(logits, targets *Node) *Node {
	return g.Call(FnCrossEntropy, nil, []*Node{logits, targets}, func(g *Graph, in []*Node) []*Node {
		n, v := in[0].Shape[0], in[0].Shape[1]
		class, target := g.Iota(1, n, v), g.Reshape(in[1], n, 1)
		other := g.Max(g.Less(class, target), g.Less(target, class))
		own := g.Sum(g.Select(other, g.Fill(0), in[0]), 1)
		return []*Node{g.Reshape(g.Sub(g.LogSumExp(in[0]), own), n)}
	})[0]
}

// GaussianKL is KL(N(m, v) ‖ N(mean, e^(2·logSD))) in nats, elementwise: the exact
// conditional law of a process against a prediction.
func (g *Graph) GaussianKL(mean, logSD, m, v *Node) *Node {
	shape := mean.Shape
	in := []*Node{mean, g.Broadcast(logSD, shape...), g.Broadcast(m, shape...), g.Broadcast(v, shape...)}
	return g.Call(FnGaussianKL, nil, in, func(g *Graph, in []*Node) []*Node {
		e := g.Sub(in[2], in[0])
		ratio := g.Mul(g.Add(in[3], g.Mul(e, e)), g.Exp(g.Scale(in[1], -2)))
		return []*Node{g.Scale(g.Shift(g.Add(g.Sub(g.Scale(in[1], 2), g.Log(in[3])), ratio), -1), 0.5)}
	})[0]
}

// Rotary rotates pairs (x_i, x_{i+d/2}) of the last axis of x [B L H d] by angles whose
// cosines and sines are tables [L d/2] (RoPE, arXiv 2104.09864, in the half-split
// layout of GPT-NeoX and Llama).
func (g *Graph) Rotary(x, cos, sin *Node) *Node {
	return g.Call(FnRotary, nil, []*Node{x, cos, sin}, func(g *Graph, in []*Node) []*Node {
		L, half := in[1].Shape[0], in[1].Shape[1]
		cos, sin := g.Reshape(in[1], L, 1, half), g.Reshape(in[2], L, 1, half)
		a, b := g.Cut(in[0], 3, 0, half), g.Cut(in[0], 3, half, half)
		return []*Node{g.Concat(3, g.Sub(g.Mul(a, cos), g.Mul(b, sin)), g.Add(g.Mul(b, cos), g.Mul(a, sin)))}
	})[0]
}

// ShortConv is a causal convolution over time, channel by channel: y_t =
// Σ_j w_j·x_{t−k+1+j} + bias, for x [B L d], w [k d] and bias [d].
func (g *Graph) ShortConv(x, w, bias *Node) *Node {
	return g.Call(FnShortConv, nil, []*Node{x, w, bias}, func(g *Graph, in []*Node) []*Node {
		x, k := in[0], in[1].Shape[0]
		y := g.Broadcast(in[2], x.Shape...)
		for j := range k {
			back := k - 1 - j
			if back >= x.Shape[1] {
				continue
			}
			old := g.Pad(g.Cut(x, 1, 0, x.Shape[1]-back), []int{0, back, 0}, x.Shape)
			y = g.Add(y, g.Mul(old, g.Cut(in[1], 0, j, 1)))
		}
		return []*Node{y}
	})[0]
}

// AttentionAttr are the settings of attention.
type AttentionAttr struct {
	Window int // keys that a query sees, including its own; 0 means all
	Sinks  int // first keys that every query also sees
}

// Attention is causal softmax attention with logits q·k/√d, for q, k, v
// [B L H d].
func (g *Graph) Attention(q, k, v *Node, attr AttentionAttr) *Node {
	return g.Call(FnAttention, attr, []*Node{q, k, v}, func(g *Graph, in []*Node) []*Node {
		heads := func(x *Node) *Node { return g.Transpose(x, 0, 2, 1, 3) }
		L := in[0].Shape[1]
		logits := g.Dot(heads(in[0]), heads(in[1]), false, true)
		logits = g.Scale(logits, rsqrt(in[0].Shape[3]))
		logits = g.Select(g.causal(L, attr.Window, attr.Sinks), logits, g.Fill(Hidden))
		norm := g.LogSumExp(logits)
		out := g.Dot(g.Exp(g.Sub(logits, norm)), heads(in[2]), false, false)
		B, H := in[0].Shape[0], in[0].Shape[2]
		return []*Node{heads(out), g.Reshape(norm, B, H, L)} // the kernel of the derivative needs the norm
	})[0]
}

// Blocks is softmax attention, with logits q·k, in which a query sees the tokens of its own
// chunk up to itself, and what stands for blocks before it (a Fenwick tree): for q [B n H d],
// n = chunk·2^levels, own [B n/chunk chunk H 2d] are keys and values of the tokens, left[i] [B
// n/2w slots H 2d] those of the left halves of pairs of blocks of w = chunk·2^i
// tokens, which the right halves see.
func (g *Graph) Blocks(q, own *Node, left []*Node) *Node {
	return g.Call(FnBlocks, nil, append([]*Node{q, own}, left...), func(g *Graph, in []*Node) []*Node {
		q := g.Transpose(in[0], 0, 2, 1, 3)
		B, H, n, d := q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3]
		var logits []*Node
		for _, x := range in[1:] {
			slots := x.Shape[2]
			k := g.Cut(g.Transpose(x, 0, 3, 1, 2, 4), 4, 0, d)
			l := g.Dot(g.Reshape(q, B, H, k.Shape[2], -1, d), k, false, true)
			block := n / x.Shape[1] // of queries that have the slots to themselves
			at := g.Iota(0, block, slots)
			seen := g.Less(g.Fill(float64(block/2)-0.5), at)
			if len(logits) == 0 {
				seen = g.Less(g.Iota(1, block, slots), g.Shift(at, 1))
			}
			l = g.Select(seen, l, g.Fill(Hidden))
			logits = append(logits, g.Reshape(l, B, H, n, slots))
		}
		all := g.Concat(3, logits...)
		norm := g.LogSumExp(all)
		weights := g.Exp(g.Sub(all, norm))
		var y *Node
		from := 0
		for _, x := range in[1:] {
			v := g.Cut(g.Transpose(x, 0, 3, 1, 2, 4), 4, d, d)
			part := g.Reshape(g.Cut(weights, 3, from, x.Shape[2]), B, H, x.Shape[1], -1, x.Shape[2])
			part = g.Reshape(g.Dot(part, v, false, false), B, H, n, d)
			if from += x.Shape[2]; y == nil {
				y = part
			} else {
				y = g.Add(y, part)
			}
		}
		return []*Node{g.Transpose(y, 0, 2, 1, 3), g.Reshape(norm, B, H, n)} // the kernel of the derivative needs the norm
	})[0]
}
