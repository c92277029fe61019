package cpu

import (
	"fmt"
	"slices"

	"github.com/l2m-lab/l2m/lab/graph"
)

// Compile prepares the computation of results of a program, with parameters laid out as
// in layout.
func Compile(results []*graph.Node, layout *Layout, set Set) (*Program, error) {
	flat := &graph.Graph{}
	outs := graph.Copy(flat, results, nil, known)
	c := &compiler{p: &Program{set: set, params: layout.Size}, layout: layout, root: map[*graph.Node]*graph.Node{}, places: map[*graph.Node]place{},
		results: map[*graph.Node]bool{}, virtual: map[*graph.Node]bool{}, fused: map[*graph.Node]bool{}, fixed: map[*graph.Node]bool{}}
	c.nodes = reachable(flat, outs)
	for _, o := range outs {
		c.results[o] = true
	}
	c.users = usersOf(c.nodes)
	if err := c.leaves(); err != nil {
		return nil, err
	}
	c.classify()
	for _, n := range c.nodes {
		if err := c.plan(n); err != nil {
			return nil, err
		}
	}
	c.allocate(outs)
	for _, s := range c.planned {
		st := step{s.name, s.bind(c)}
		if s.once {
			c.p.once = append(c.p.once, st)
		} else {
			c.p.steps = append(c.p.steps, st)
		}
	}
	for _, o := range outs {
		c.p.outputs = append(c.p.outputs, c.place(o))
	}
	return c.p, nil
}

// compiler turns the nodes of a flat program into steps.
type compiler struct {
	p       *Program
	layout  *Layout
	nodes   []*graph.Node // needed ones, in order
	users   map[*graph.Node][]*graph.Node
	results map[*graph.Node]bool
	virtual map[*graph.Node]bool // broadcasts and fills that are never written to memory
	fused   map[*graph.Node]bool // elementwise nodes that are computed within their user's loop
	fixed   map[*graph.Node]bool // independent of inputs and parameters
	root    map[*graph.Node]*graph.Node
	places  map[*graph.Node]place // of roots
	planned []planned
}

// planned is a step without places yet.
type planned struct {
	name   string
	reads  []*graph.Node
	writes []*graph.Node
	once   bool
	bind   func(c *compiler) func(m *Machine)
}

func reachable(g *graph.Graph, outs []*graph.Node) []*graph.Node {
	need := make([]bool, len(g.Nodes))
	for _, o := range outs {
		need[o.ID] = true
	}
	for _, n := range slices.Backward(g.Nodes) {
		if need[n.ID] {
			for _, in := range n.In {
				need[in.ID] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(g.Nodes), func(n *graph.Node) bool { return !need[n.ID] })
}

func usersOf(nodes []*graph.Node) map[*graph.Node][]*graph.Node {
	users := map[*graph.Node][]*graph.Node{}
	for _, n := range nodes {
		for _, in := range n.In {
			if !slices.Contains(users[in], n) {
				users[in] = append(users[in], n)
			}
		}
	}
	return users
}

// leaves assigns places to parameters, inputs and constants.
func (c *compiler) leaves() error {
	for _, n := range c.nodes {
		switch n.Op {
		case graph.Param:
			t, ok := c.layout.Find(n.Name)
			if !ok || !slices.Equal(t.Shape, n.Shape) {
				return fmt.Errorf("parameter %q of shape %v is not in the layout", n.Name, n.Shape)
			}
			c.places[n] = place{inParams, t.Offset, t.Size()}
		case graph.Input:
			c.places[n] = place{inInputs, c.p.Inputs.Size, n.Size()}
			c.p.Inputs.Add(n.Name, n.Shape...)
		case graph.Constant:
			c.places[n] = place{inConstants, len(c.p.constants), n.Size()}
			c.p.constants = append(c.p.constants, n.Data...)
		}
	}
	return nil
}

// classify finds the nodes that need no step.
func (c *compiler) classify() {
	for _, n := range c.nodes {
		c.root[n] = n
		switch n.Op {
		case graph.Reshape, graph.Stop:
			c.root[n] = c.root[n.In[0]]
		}
		c.fixed[n] = n.Op == graph.Constant || n.Op == graph.Fill || n.Op == graph.Iota ||
			len(n.In) > 0 && n.Op != graph.Invoke && n.Op != graph.Result && !slices.ContainsFunc(n.In, func(in *graph.Node) bool { return !c.fixed[in] })
	}
	for _, n := range c.nodes {
		loops := !c.results[n]
		for _, u := range c.users[n] {
			loops = loops && (u.Op.Elementwise() && u.Op != graph.Stop)
		}
		c.virtual[n] = loops && (n.Op == graph.Broadcast || n.Op == graph.Fill)
		if !n.Op.Elementwise() || n.Op == graph.Stop || c.results[n] || len(c.users[n]) != 1 {
			continue
		}
		u := c.users[n][0]
		c.fused[n] = u.Op.Elementwise() && u.Op != graph.Stop && c.fixed[n] == c.fixed[u]
	}
}

// plan appends the step of a node, if it has one.
func (c *compiler) plan(n *graph.Node) error {
	switch {
	case c.root[n] != n, c.virtual[n], c.fused[n], n.Op == graph.Result:
		return nil
	case n.Op.Elementwise():
		c.planLoop(n)
		return nil
	}
	s := planned{name: n.Op.String(), reads: n.In, writes: []*graph.Node{n}, once: c.fixed[n]}
	switch n.Op {
	case graph.Param, graph.Input, graph.Constant:
		return nil
	case graph.Invoke:
		return c.planCall(n)
	case graph.Fill, graph.Iota, graph.MaxOf, graph.CumSum, graph.Gather, graph.Scatter, graph.Solve:
		s.bind = func(c *compiler) func(m *Machine) { return simple(c, n) }
	case graph.Dot:
		s.bind = func(c *compiler) func(m *Machine) { return product(c, n) }
	case graph.Transpose, graph.Broadcast, graph.Slice, graph.Pad, graph.Concat, graph.Sum:
		s.bind = func(c *compiler) func(m *Machine) { return move(c, n) }
	default:
		return fmt.Errorf("there is no way to run %s", n.Op)
	}
	c.planned = append(c.planned, s)
	return nil
}

// planCall appends the step of a call that Copy kept.
func (c *compiler) planCall(n *graph.Node) error {
	s := planned{name: n.Fn.Name, reads: slices.Clone(n.In)}
	for i := range n.Fn.Out {
		var result *graph.Node
		for _, u := range c.users[n] {
			if u.Axis == i {
				result = u
			}
		}
		s.writes = append(s.writes, result) // nil when nobody uses it
	}
	s.bind = func(c *compiler) func(m *Machine) {
		in, out := c.placesOf(s.reads), c.placesOf(s.writes)
		k := kernelOf(n.Fn)
		return func(m *Machine) {
			args, results := make([][]float32, len(in)), make([][]float32, len(out))
			for i, p := range in {
				args[i] = m.at(p)
			}
			for i, p := range out {
				if p.size > 0 {
					results[i] = m.at(p)
				}
			}
			k(m, args, results)
		}
	}
	if loop := elementwiseBody(n.Fn); loop {
		s.bind = func(c *compiler) func(m *Machine) { return callLoop(c, n, s.writes) }
	}
	c.planned = append(c.planned, s)
	return nil
}

func (c *compiler) placesOf(nodes []*graph.Node) []place {
	out := make([]place, len(nodes))
	for i, n := range nodes {
		if n != nil {
			out[i] = c.place(n)
		}
	}
	return out
}

// source is the node that owns the numbers of a node.
func (c *compiler) source(n *graph.Node) *graph.Node {
	for {
		switch {
		case c.root[n] != n:
			n = c.root[n]
		case n.Op == graph.Broadcast && c.virtual[n]:
			n = n.In[0]
		default:
			return n
		}
	}
}

func (c *compiler) place(n *graph.Node) place { return c.places[c.source(n)] }

// allocate assigns a place to every written node: one that is no longer used, or the
// end of the arena.
func (c *compiler) allocate(outs []*graph.Node) {
	last := map[*graph.Node]int{}
	for i, s := range c.planned {
		for _, r := range s.reads {
			last[c.source(r)] = i
		}
	}
	for _, o := range outs {
		last[c.source(o)] = len(c.planned)
	}
	var a arena
	take := func(s planned) {
		for _, w := range s.writes {
			if w != nil {
				c.places[w] = place{inArena, a.take(w.Size()), w.Size()}
			}
		}
	}
	for _, s := range c.planned { // these keep their places: they are written only once
		if s.once {
			take(s)
		}
	}
	for i, s := range c.planned {
		if s.once {
			continue
		}
		take(s)
		for _, w := range s.writes {
			if _, used := last[w]; !used && w != nil {
				last[w] = i // computed together with what is needed
			}
		}
		done := map[*graph.Node]bool{}
		for _, n := range slices.Concat(s.reads, s.writes) {
			if n == nil {
				continue
			}
			n = c.source(n)
			if p, ok := c.places[n]; ok && !c.fixed[n] && p.vector == inArena && last[n] == i && !done[n] {
				done[n] = true
				a.free(p.offset, p.size)
			}
		}
	}
	c.p.arena = a.size
}

// arena allocates ranges of numbers.
type arena struct {
	size int
	gaps [][2]int // free ranges: from, to; sorted
}

const alignment = 16 // numbers: a cache line

func (a *arena) take(n int) int {
	n = (n + alignment - 1) / alignment * alignment
	for i, g := range a.gaps {
		if g[1]-g[0] >= n {
			a.gaps[i][0] += n
			if a.gaps[i][0] == g[1] {
				a.gaps = slices.Delete(a.gaps, i, i+1)
			}
			return g[0]
		}
	}
	at := a.size
	a.size += n
	return at
}

func (a *arena) free(at, n int) {
	n = (n + alignment - 1) / alignment * alignment
	i, _ := slices.BinarySearchFunc(a.gaps, at, func(g [2]int, at int) int { return g[0] - at })
	a.gaps = slices.Insert(a.gaps, i, [2]int{at, at + n})
	if i+1 < len(a.gaps) && a.gaps[i][1] == a.gaps[i+1][0] {
		a.gaps[i][1] = a.gaps[i+1][1]
		a.gaps = slices.Delete(a.gaps, i+1, i+2)
	}
	if i > 0 && a.gaps[i-1][1] == a.gaps[i][0] {
		a.gaps[i-1][1] = a.gaps[i][1]
		a.gaps = slices.Delete(a.gaps, i, i+1)
	}
}
