package graph

import "math"

func rsqrt(d int) float64 { return 1 / math.Sqrt(float64(d)) }

// ChunkAttr are the settings of recurrences that are computed in chunks.
type ChunkAttr struct{ Chunk int }

// chunkFor is the largest power of two up to chunk that divides L.
func chunkFor(L, chunk int) int {
	c := 1
	for 2*c <= chunk && L%(2*c) == 0 {
		c *= 2
	}
	return c
}

// Decayed is linear attention whose state decays by a factor per head and
// token: S_t = e^(a_t)·S_{t−1} + k_t·v_tᵀ, y_t = S_tᵀ·q_t, for q, k [B L G n],
// v [B L H p] and a [B L H], a ≤ 0; heads share the G groups of queries and
// keys evenly. With a = 0 it is linear attention (arXiv 2006.16236 without its
// normaliser), with a = Δ·A the state-space dual of Mamba-2 (arXiv 2405.21060,
// eq. 16, computed as in its section 6).
func (g *Graph) Decayed(q, k, v, a *Node, chunk int) *Node {
	c := chunkFor(v.Shape[1], chunk)
	return g.Call(FnDecayed, ChunkAttr{c}, []*Node{q, k, v, a}, func(g *Graph, in []*Node) []*Node {
		w := g.chunks(in, c)
		inner := g.Dot(g.Mul(g.Dot(w.q, w.k, false, true), w.decay(g, false)), w.v, false, false)
		return []*Node{w.join(g, in[2], inner, w.v, nil)}
	})[0]
}

// keyChunk bounds the chunks of DecayedKeys: keys are divided by the decay within a
// chunk, which must stay within float32.
const keyChunk = 16

// DecayedKeys is gated linear attention (arXiv 2312.06635, eq. 3, computed as in its
// section 4.2): like Decayed, but each number of a key has its own decay, S_t =
// diag(e^(a_t))·S_{t−1} + k_t·v_tᵀ, for q, k, a [B L H n] and v [B L H p]. No a may be
// below −5, so that e^(−16·a) is finite in float32.
func (g *Graph) DecayedKeys(q, k, v, a *Node, chunk int) *Node {
	c := chunkFor(v.Shape[1], min(chunk, keyChunk))
	return g.Call(FnDecayedKeys, ChunkAttr{c}, []*Node{q, k, v, a}, func(g *Graph, in []*Node) []*Node {
		w := g.chunks(in, c)
		own := g.Dot(g.Mul(w.q, g.Exp(w.sum)), g.Mul(w.k, g.Exp(g.Neg(w.sum))), false, true)
		inner := g.Dot(g.Mul(own, g.causal(c, 0, 0)), w.v, false, false)
		return []*Node{w.join(g, in[2], inner, w.v, nil)}
	})[0]
}

// Delta is the gated delta rule (arXiv 2412.06464, eq. 10): S_t =
// e^(a_t)·S_{t−1}·(I − b_t·k_t·k_tᵀ) + b_t·v_t·k_tᵀ, y_t = S_t·q_t, for q, k
// [B L H n], v [B L H p], a and b [B L H]. Within a chunk the values that are
// written, u, solve (I + A)·U = b·(V − e^(cumulated a)·K·Sᵀ) with A_ti =
// b_t·e^(a_{i+1} + … + a_t)·k_t·k_i below the diagonal (its section 3.3).
func (g *Graph) Delta(q, k, v, a, b *Node, chunk int) *Node {
	c := chunkFor(v.Shape[1], chunk)
	return g.Call(FnDelta, ChunkAttr{c}, []*Node{q, k, v, a, b}, func(g *Graph, in []*Node) []*Node {
		w := g.chunks(in, c)
		beta := g.perHead(in[4], c) // [B H N c 1]
		system := g.Mul(g.Mul(g.Dot(w.k, w.k, false, true), w.decay(g, true)), beta)
		u := g.Solve(system, g.Mul(w.v, beta), false)
		read := g.Solve(system, g.Mul(w.k, g.Mul(beta, g.Exp(w.sum))), false)
		return []*Node{w.join(g, in[2], nil, u, read)}
	})[0]
}

// chunked holds the operands of a recurrence cut into N chunks of c tokens.
type chunked struct {
	q, k, v *Node // [B H N c n], v [B H N c p]
	sum     *Node // cumulated logarithms of decay within the chunk, [B H N c 1], or [B H N c n]
	n       int
}

// perHead cuts x [B L H] into [B H N c 1].
func (g *Graph) perHead(x *Node, c int) *Node {
	B, L, H := x.Shape[0], x.Shape[1], x.Shape[2]
	return g.Reshape(g.Transpose(x, 0, 2, 1), B, H, L/c, c, 1)
}

func (g *Graph) chunks(in []*Node, c int) chunked {
	B, L, H := in[2].Shape[0], in[2].Shape[1], in[2].Shape[2]
	cut := func(x *Node) *Node {
		groups, d := x.Shape[2], x.Shape[3]
		if groups != H {
			if H%groups != 0 {
				misfit("%d heads share %d groups", H, groups)
			}
			x = g.Broadcast(g.Reshape(x, B, L, groups, 1, d), B, L, groups, H/groups, d)
			x = g.Reshape(x, B, L, H, d)
		}
		return g.Reshape(g.Transpose(x, 0, 2, 1, 3), B, H, L/c, c, d)
	}
	fade := in[3]
	if len(fade.Shape) == 3 {
		fade = g.Reshape(fade, B, L, H, 1)
	}
	return chunked{q: cut(in[0]), k: cut(in[1]), v: cut(in[2]), sum: g.CumSum(cut(fade), 3, false), n: L / c}
}

// decay is e^(a_{j+1} + … + a_i) at row i and column j ≤ i (j < i when strict),
// else 0: [B H N c c].
func (w chunked) decay(g *Graph, strict bool) *Node {
	c := w.sum.Shape[3]
	rows, cols := g.Iota(0, c, c), g.Iota(1, c, c)
	seen := g.Less(cols, rows)
	if !strict {
		seen = g.Less(cols, g.Shift(rows, 1))
	}
	d := g.Sub(w.sum, g.Transpose(w.sum, 0, 1, 2, 4, 3))
	return g.Select(seen, g.Exp(g.Select(seen, d, g.Fill(0))), g.Fill(0))
}

// join passes the state S [B H n p] from chunk to chunk and concatenates the outputs. u
// are the values that chunks write if S is 0; read, for the delta rule, is how much S
// reduces them. inner is what the queries read of their own chunk, if it does not
// depend on S.
func (w chunked) join(g *Graph, v, inner, u, read *Node) *Node {
	B, H, c := w.q.Shape[0], w.q.Shape[1], w.q.Shape[3]
	p := v.Shape[3]
	at := func(x *Node, i int) *Node {
		return g.Reshape(g.Cut(x, 2, i, 1), B, H, x.Shape[3], x.Shape[4])
	}
	total := g.Cut(w.sum, 3, c-1, 1) // of a chunk
	faded := g.Mul(w.q, g.Exp(w.sum))
	kept := g.Mul(w.k, g.Exp(g.Sub(total, w.sum)))
	own := inner
	if read != nil {
		own = g.Mul(g.Dot(w.q, w.k, false, true), w.decay(g, false))
	}
	var state *Node
	var out []*Node
	for i := range w.n {
		written := at(u, i)
		if read != nil && state != nil {
			written = g.Sub(written, g.Dot(at(read, i), state, false, false))
		}
		y := at(own, i)
		if read != nil {
			y = g.Dot(y, written, false, false)
		}
		add := g.Dot(at(kept, i), written, true, false)
		if state != nil {
			y = g.Add(y, g.Dot(at(faded, i), state, false, false))
			add = g.Add(add, g.Mul(state, g.Exp(g.Transpose(at(total, i), 0, 1, 3, 2))))
		}
		state = add
		out = append(out, g.Reshape(y, B, H, 1, c, p))
	}
	all := g.Reshape(g.Concat(2, out...), B, H, w.n*c, p)
	return g.Transpose(all, 0, 2, 1, 3)
}

// Scan is the linear recurrence h_t = a_t·h_{t−1} + b_t, elementwise, from h = 0, for a
// and b [B L …]: log₂ L steps that double the length summed.
func (g *Graph) Scan(a, b *Node) *Node {
	return g.Call(FnScan, nil, []*Node{a, b}, func(g *Graph, in []*Node) []*Node {
		a, b := in[0], in[1]
		L := a.Shape[1]
		start := make([]int, len(a.Shape))
		for step := 1; step < L; step *= 2 {
			start[1] = step
			earlier := func(x *Node) *Node { return g.Pad(g.Cut(x, 1, 0, L-step), start, x.Shape) }
			b = g.Add(b, g.Mul(a, earlier(b)))
			a = g.Mul(a, earlier(a))
		}
		return []*Node{b}
	})[0]
}
