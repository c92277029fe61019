package graph

import "fmt"

// Function is a named program that others call.
type Function struct {
	Name string // known to executors; that of a derivative ends in ".grad"
	Attr any    // settings, comparable
	In   []*Node
	Out  []*Node

	// For a derivative: its operands are those of the function, its results, and the
	// derivatives of the loss with respect to the results in Active; its results are
	// the derivatives with respect to the operands in Needed.
	Active, Needed []bool
}

// key identifies a function by its name, settings and shapes of operands.
func (f *Function) key() string {
	s := fmt.Sprintf("%s %T%+v %v %v", f.Name, f.Attr, f.Attr, f.Active, f.Needed)
	for _, in := range f.In {
		s += fmt.Sprint(in.Shape)
	}
	return s
}

// Call applies a function to operands, as one node that executors may know by name and
// settings. body builds the results in a separate program.
func (g *Graph) Call(name string, attr any, in []*Node, body func(g *Graph, in []*Node) []*Node) []*Node {
	inner := &Graph{}
	f := &Function{Name: name, Attr: attr}
	for i, n := range in {
		f.In = append(f.In, inner.Input(fmt.Sprint(i), n.Shape...))
	}
	f.Out = body(inner, f.In)
	return g.invoke(f, in)
}

func (g *Graph) invoke(f *Function, in []*Node) []*Node {
	call := g.add(Node{Op: Invoke, Name: f.Name, In: in, Fn: f})
	out := make([]*Node, len(f.Out))
	for i, o := range f.Out {
		out[i] = g.add(Node{Op: Result, Axis: i, In: []*Node{call}, Shape: o.Shape})
	}
	return out
}

// Inline builds the body of f in g on the operands and returns the results. keep says
// which calls within it stay calls; nil keeps none.
func (f *Function) Inline(g *Graph, in []*Node, keep func(*Function) bool) []*Node {
	return Copy(g, f.Out, func(n *Node) *Node {
		for i, p := range f.In {
			if p == n {
				return in[i]
			}
		}
		return nil
	}, keep)
}

// Copy builds in g everything that the results need and returns the results. replace
// may return a replacement in g for a node (nil: it is copied); calls that keep rejects
// are replaced by their bodies.
func Copy(g *Graph, results []*Node, replace func(*Node) *Node, keep func(*Function) bool) []*Node {
	done := map[*Node]*Node{}
	inlined := map[*Node][]*Node{}
	var visit func(n *Node) *Node
	visit = func(n *Node) *Node {
		if c, ok := done[n]; ok {
			return c
		}
		if replace != nil {
			if c := replace(n); c != nil {
				done[n] = c
				return c
			}
		}
		if n.Op == Result && inlined[n.In[0]] != nil {
			done[n] = inlined[n.In[0]][n.Axis]
			return done[n]
		}
		in := make([]*Node, len(n.In))
		if n.Op == Result && !(keep != nil && keep(n.In[0].Fn)) {
			call := n.In[0]
			args := make([]*Node, len(call.In))
			for i, a := range call.In {
				args[i] = visit(a)
			}
			inlined[call] = call.Fn.Inline(g, args, keep)
			done[n] = inlined[call][n.Axis]
			return done[n]
		}
		for i, a := range n.In {
			in[i] = visit(a)
		}
		c := *n
		c.In = in
		done[n] = g.add(c)
		return done[n]
	}
	out := make([]*Node, len(results))
	for i, r := range results {
		out[i] = visit(r)
	}
	return out
}

// grad is the function that computes derivatives of f.
func (f *Function) grad(active, needed []bool) *Function {
	g := &Graph{}
	d := &Function{Name: f.Name + ".grad", Attr: f.Attr, Active: active, Needed: needed}
	input := func(shape []int) *Node {
		n := g.Input(fmt.Sprint(len(d.In)), shape...)
		d.In = append(d.In, n)
		return n
	}
	args := make([]*Node, len(f.In))
	var wrt []*Node
	for i, n := range f.In {
		args[i] = input(n.Shape)
		if needed[i] {
			wrt = append(wrt, args[i])
		}
	}
	for _, o := range f.Out {
		input(o.Shape)
	}
	seeds := map[*Node]*Node{}
	for i, out := range f.Inline(g, args, nil) {
		if active[i] {
			seed := input(out.Shape)
			if old := seeds[out]; old != nil {
				seed = g.Add(old, seed)
			}
			seeds[out] = seed
		}
	}
	d.Out = g.backward(seeds, wrt)
	return d
}
