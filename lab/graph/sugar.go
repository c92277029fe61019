package graph

import "math"

// Scale is s·a.
func (g *Graph) Scale(a *Node, s float64) *Node { return g.Mul(a, g.Fill(s)) }

// Shift is a + s.
func (g *Graph) Shift(a *Node, s float64) *Node { return g.Add(a, g.Fill(s)) }

// Sigmoid is 1/(1 + e^−a), as ½(1 + tanh(a/2)), which does not overflow.
func (g *Graph) Sigmoid(a *Node) *Node {
	return g.Shift(g.Scale(g.Tanh(g.Scale(a, 0.5)), 0.5), 0.5)
}

// Softplus is ln(1 + e^a).
func (g *Graph) Softplus(a *Node) *Node {
	small := g.Neg(g.Max(a, g.Neg(a))) // −|a|
	return g.Add(g.Max(a, g.Fill(0)), g.Log(g.Shift(g.Exp(small), 1)))
}

// Mean is the mean along the last axis, which becomes 1 long.
func (g *Graph) Mean(a *Node) *Node {
	last := len(a.Shape) - 1
	return g.Scale(g.Sum(a, last), 1/float64(a.Shape[last]))
}

// LogSumExp is ln Σ e^a along the last axis, which becomes 1 long.
func (g *Graph) LogSumExp(a *Node) *Node {
	last := len(a.Shape) - 1
	top := g.Stop(g.MaxOf(a, last))
	return g.Add(top, g.Log(g.Sum(g.Exp(g.Sub(a, top)), last)))
}

// Linear is x·w for x [… in] and w [in out].
func (g *Graph) Linear(x, w *Node) *Node {
	last := len(x.Shape) - 1
	if len(w.Shape) != 2 || x.Shape[last] != w.Shape[0] {
		misfit("a linear map of %v by %v", x.Shape, w.Shape)
	}
	shape := append(append([]int{}, x.Shape[:last]...), w.Shape[1])
	return g.Reshape(g.Dot(g.Reshape(x, -1, w.Shape[0]), w, false, false), shape...)
}

// causal is, for queries at 0 … L−1 along axis 0 and keys along axis 1, 1 if the key is
// among the last window up to the query's own (0: unlimited) or among the first sinks,
// else 0.
func (g *Graph) causal(L, window, sinks int) *Node {
	query, key := g.Iota(0, L, L), g.Iota(1, L, L)
	past := g.Less(key, g.Shift(query, 1))
	if window == 0 || window >= L {
		return past
	}
	near := g.Less(g.Shift(query, float64(-window)), key)
	if sinks > 0 {
		near = g.Max(near, g.Less(key, g.Fill(float64(sinks))))
	}
	return g.Mul(past, near)
}

// Hidden replaces −∞ in logits; e^Hidden is 0 in float32, too.
const Hidden = -1e30

// gelu constants: the tanh form of GPT-2 (Hendrycks and Gimpel, arXiv
// 1606.08415, section 2).
var (
	geluScale = math.Sqrt(2 / math.Pi)
	geluCube  = 0.044715
)
