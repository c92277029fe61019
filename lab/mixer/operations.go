package mixer

import (
	"fmt"

	"github.com/l2m-lab/l2m/lab/graph"
)

// Operations is what a token costs in the step form: multiplications of matrix products
// and operations on single numbers, in all layers and the head, mean over a sequence of
// so many tokens (at least 1). The training form may compute more, as in chunks, or the
// same at once.
func (c Config) Operations(tokens int) float64 {
	var state []*graph.Node
	total := 0.0
	for at := range tokens {
		g := &graph.Graph{}
		// Only the shapes of what earlier tokens left matter.
		before := make([]*graph.Node, len(state))
		for i, s := range state {
			if s != nil {
				before[i] = g.Input(fmt.Sprint("state ", i), s.Shape...)
			}
		}
		shape := []int{1, 1}
		if c.Vector > 0 {
			shape = append(shape, c.Vector)
		}
		y, next := c.Step(g, g.Input("x", shape...), at, before)
		results := []*graph.Node{y}
		for _, n := range next {
			if n != nil {
				results = append(results, n)
			}
		}
		flat := &graph.Graph{} // what the results need, calls replaced by their bodies
		graph.Copy(flat, results, nil, nil)
		for _, n := range flat.Nodes {
			total += operations(n)
		}
		state = next
	}
	return total / float64(tokens)
}

// operations counts those of one node. Moving numbers costs nothing.
func operations(n *graph.Node) float64 {
	switch n.Op {
	case graph.Dot:
		a := n.In[0].Shape
		inner := a[len(a)-1]
		if n.TransA {
			inner = a[len(a)-2]
		}
		return float64(n.Size()) * float64(inner)
	case graph.Sum, graph.MaxOf, graph.CumSum:
		return float64(n.In[0].Size())
	case graph.Stop:
		return 0
	}
	if n.Op.Elementwise() {
		return float64(n.Size())
	}
	return 0
}
