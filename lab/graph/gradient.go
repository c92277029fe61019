package graph

import "slices"

// Gradients appends the derivatives of a loss (one number) with respect to each node of
// wrt, which have their shapes.
func (g *Graph) Gradients(loss *Node, wrt []*Node) []*Node {
	if loss.Size() != 1 {
		misfit("derivatives of %v, which is not one number", loss.Shape)
	}
	return g.backward(map[*Node]*Node{loss: g.Fill(1, loss.Shape...)}, wrt)
}

// backward propagates seeds, derivatives of the loss with respect to some nodes, back
// to wrt. Nodes come after those that they use, so in one pass from the last to the
// first each node's derivative is complete when it is reached.
func (g *Graph) backward(seeds map[*Node]*Node, wrt []*Node) []*Node {
	last := -1
	for n := range seeds {
		last = max(last, n.ID)
	}
	depends := make([]bool, last+1) // on one of wrt
	for _, n := range wrt {
		if n.ID <= last {
			depends[n.ID] = true
		}
	}
	for _, n := range g.Nodes[:last+1] {
		for _, in := range n.In {
			depends[n.ID] = depends[n.ID] || depends[in.ID]
		}
	}
	d := make([]*Node, last+1)
	for n, s := range seeds {
		d[n.ID] = s
	}
	add := func(n, by *Node) {
		switch {
		case !depends[n.ID] || by == nil:
		case d[n.ID] == nil:
			d[n.ID] = by
		default:
			d[n.ID] = g.Add(d[n.ID], by)
		}
	}
	results := map[*Node][]*Node{} // derivatives with respect to the results of calls
	for i := last; i >= 0; i-- {
		n := g.Nodes[i]
		switch {
		case !depends[i]:
		case n.Op == Result && d[i] != nil:
			call := n.In[0]
			if results[call] == nil {
				results[call] = make([]*Node, len(call.Fn.Out))
			}
			results[call][n.Axis] = d[i]
		case n.Op == Invoke && results[n] != nil:
			needed := make([]bool, len(n.In))
			for k, in := range n.In {
				needed[k] = depends[in.ID]
			}
			for k, by := range g.callGrad(n, results[n], needed) {
				add(n.In[k], by)
			}
		case d[i] != nil:
			for k, by := range g.rule(n, d[i]) {
				add(n.In[k], by)
			}
		}
	}
	out := make([]*Node, len(wrt))
	for i, n := range wrt {
		if n.ID <= last && d[n.ID] != nil {
			out[i] = d[n.ID]
		} else {
			out[i] = g.Fill(0, n.Shape...)
		}
	}
	return out
}

// callGrad calls the derivative of a function; the result is nil for operands that need
// none.
func (g *Graph) callGrad(call *Node, by []*Node, needed []bool) []*Node {
	active := make([]bool, len(by))
	args := slices.Clone(call.In)
	for i, o := range call.Fn.Out {
		args = append(args, g.add(Node{Op: Result, Axis: i, In: []*Node{call}, Shape: o.Shape}))
	}
	for i, b := range by {
		if b != nil {
			active[i] = true
			args = append(args, b)
		}
	}
	got := g.invoke(call.Fn.grad(active, needed), args)
	out := make([]*Node, len(call.In))
	at := 0
	for i, need := range needed {
		if need {
			out[i] = got[at]
			at++
		}
	}
	return out
}

// rule returns the derivatives with respect to the operands of n, given that with
// respect to n; nil where it is 0.
func (g *Graph) rule(n, by *Node) []*Node {
	a := func(i int) *Node { return n.In[i] }
	switch n.Op {
	case Neg:
		return []*Node{g.Neg(by)}
	case Exp:
		return []*Node{g.Mul(by, n)}
	case Log:
		return []*Node{g.Div(by, a(0))}
	case Sqrt:
		return []*Node{g.Div(g.Scale(by, 0.5), n)}
	case Tanh:
		return []*Node{g.Mul(by, g.Sub(g.Fill(1), g.Mul(n, n)))}
	case Add:
		return []*Node{by, by}
	case Sub:
		return []*Node{by, g.Neg(by)}
	case Mul:
		return []*Node{g.Mul(by, a(1)), g.Mul(by, a(0))}
	case Div:
		q := g.Div(by, a(1))
		return []*Node{q, g.Neg(g.Mul(q, n))}
	case Max:
		smaller := g.Less(a(0), a(1))
		return []*Node{g.Select(smaller, g.Fill(0), by), g.Select(smaller, by, g.Fill(0))}
	case Select:
		return []*Node{nil, g.Select(a(0), by, g.Fill(0)), g.Select(a(0), g.Fill(0), by)}
	case MaxOf: // shared among equals
		top := g.Less(a(0), n)
		share := g.Select(top, g.Fill(0), g.Fill(1, a(0).Shape...))
		return []*Node{g.Mul(g.Div(by, g.Sum(share, n.Axis)), share)}
	case CumSum:
		return []*Node{g.CumSum(by, n.Axis, !n.Flip)}
	case Dot:
		return g.dotRule(n, by)
	case Gather:
		return []*Node{g.Scatter(a(1), by, a(0).Shape[0]), nil}
	case Scatter:
		return []*Node{nil, g.Gather(by, a(0))}
	case Solve:
		return g.solveRule(n, by)
	}
	return g.moveRule(n, by)
}

// moveRule is rule for primitives that only move or sum numbers.
func (g *Graph) moveRule(n, by *Node) []*Node {
	if len(n.In) == 0 {
		return nil
	}
	a := n.In[0]
	switch n.Op {
	case Reshape:
		return []*Node{g.Reshape(by, a.Shape...)}
	case Transpose:
		back := make([]int, len(n.Ints))
		for i, o := range n.Ints {
			back[o] = i
		}
		return []*Node{g.Transpose(by, back...)}
	case Broadcast:
		var axes []int
		for i := range n.Shape {
			if a.Shape[i] != n.Shape[i] {
				axes = append(axes, i)
			}
		}
		return []*Node{g.Sum(by, axes...)}
	case Slice:
		return []*Node{g.Pad(by, n.Ints, a.Shape)}
	case Pad:
		return []*Node{g.Slice(by, n.Ints, a.Shape)}
	case Sum:
		return []*Node{g.Broadcast(by, a.Shape...)}
	case Concat:
		var out []*Node
		at := 0
		for _, in := range n.In {
			out = append(out, g.Cut(by, n.Axis, at, in.Shape[n.Axis]))
			at += in.Shape[n.Axis]
		}
		return out
	}
	return make([]*Node, len(n.In)) // Less, Stop
}

// dotRule is rule for C = A·B with any transpositions: dA = dC·Bᵀ, dB = Aᵀ·dC,
// each written so that what was transposed stays so.
func (g *Graph) dotRule(n, by *Node) []*Node {
	a, b := n.In[0], n.In[1]
	da := g.Dot(by, b, false, !n.TransB)
	if n.TransA {
		da = g.Dot(b, by, n.TransB, true)
	}
	db := g.Dot(a, by, !n.TransA, false)
	if n.TransB {
		db = g.Dot(by, a, true, n.TransA)
	}
	return []*Node{da, db}
}

// solveRule is rule for T·x = b: db solves Tᵀ·db = dx, and dT = −db·xᵀ below
// the diagonal (transposed when T is).
func (g *Graph) solveRule(n, by *Node) []*Node {
	db := g.Solve(n.In[0], by, !n.TransA)
	dt := g.Dot(db, n, false, true)
	if n.TransA {
		dt = g.Dot(n, db, false, true)
	}
	size := n.Shape[len(n.Shape)-2]
	below := g.Less(g.Iota(1, size, size), g.Iota(0, size, size))
	return []*Node{g.Select(below, g.Neg(dt), g.Fill(0)), db}
}
