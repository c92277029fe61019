package cpu

import (
	"slices"

	"github.com/l2m-lab/l2m/lab/graph"
)

// loop is a chain of elementwise operations, computed block by block.
type loop struct {
	shape   []int
	leaves  []leaf
	fills   []float32 // registers that hold one number throughout
	code    []instruction
	outputs []loopOutput
	temps   int
}

// leaf is an operand; strides are 0 along broadcast axes.
type leaf struct {
	place   place
	strides []int
}

// register is the place of an instruction's operand: a leaf, a fill or a temporary
// block.
type register struct {
	kind registerKind
	at   int
}

type registerKind int

const (
	leafRegister registerKind = iota
	fillRegister
	tempRegister
)

type instruction struct {
	op      graph.Op
	scaled  bool // scale by s and add t, instead of op
	s, t    float32
	to      int // temporary block
	a, b, c register
}

type loopOutput struct {
	place place
	from  register
}

const loopBlock = 256

// loopBuilder builds a loop for nodes of one shape.
type loopBuilder struct {
	*loop
	leafOf func(n *graph.Node) (leaf, bool) // of nodes that are not computed here
	known  map[*graph.Node]register
}

func newLoop(shape []int, leafOf func(n *graph.Node) (leaf, bool)) *loopBuilder {
	return &loopBuilder{loop: &loop{shape: shape}, leafOf: leafOf, known: map[*graph.Node]register{}}
}

func (b *loopBuilder) value(n *graph.Node) register {
	if r, ok := b.known[n]; ok {
		return r
	}
	var r register
	if n.Op == graph.Fill {
		r = register{fillRegister, len(b.fills)}
		b.fills = append(b.fills, float32(n.Value))
	} else if l, ok := b.leafOf(n); ok {
		r = register{leafRegister, len(b.leaves)}
		b.leaves = append(b.leaves, l)
	} else {
		r = b.compute(n)
	}
	b.known[n] = r
	return r
}

func (b *loopBuilder) compute(n *graph.Node) register {
	if n.Op == graph.Stop {
		return b.value(n.In[0])
	}
	i, rest := scaled(n)
	if rest != nil {
		i.a = b.value(rest)
	} else {
		i.op = n.Op
		for k, in := range n.In {
			*[]*register{&i.a, &i.b, &i.c}[k] = b.value(in)
		}
	}
	i.to = b.temps
	b.temps++
	b.code = append(b.code, i)
	return register{tempRegister, i.to}
}

// scaled recognizes s·x + t with constant s and t; otherwise x is nil.
func scaled(n *graph.Node) (i instruction, x *graph.Node) {
	i.scaled, i.s = true, 1
	if n.Op == graph.Neg {
		i.s = -1
		return i, n.In[0]
	}
	if len(n.In) != 2 {
		return instruction{}, nil
	}
	a, b := n.In[0], n.In[1]
	switch {
	case n.Op == graph.Mul && b.Op == graph.Fill:
		i.s = float32(b.Value)
		return i, a
	case n.Op == graph.Mul && a.Op == graph.Fill:
		i.s = float32(a.Value)
		return i, b
	case n.Op == graph.Add && b.Op == graph.Fill:
		i.t = float32(b.Value)
		return i, a
	case n.Op == graph.Add && a.Op == graph.Fill:
		i.t = float32(a.Value)
		return i, b
	case n.Op == graph.Sub && b.Op == graph.Fill:
		i.t = -float32(b.Value)
		return i, a
	case n.Op == graph.Sub && a.Op == graph.Fill:
		i.s, i.t = -1, float32(a.Value)
		return i, b
	}
	return instruction{}, nil
}

// finish reuses temporary blocks after their last use, and merges axes.
func (l *loop) finish() {
	last := make([]int, l.temps)
	for i, in := range l.code {
		for _, r := range []register{in.a, in.b, in.c} {
			if r.kind == tempRegister {
				last[r.at] = i
			}
		}
		last[in.to] = max(last[in.to], i)
	}
	for _, o := range l.outputs {
		if o.from.kind == tempRegister {
			last[o.from.at] = len(l.code)
		}
	}
	block := make([]int, l.temps)
	var free []int
	used := 0
	rename := func(r register) register {
		if r.kind == tempRegister {
			r.at = block[r.at]
		}
		return r
	}
	for i := range l.code {
		in := &l.code[i]
		temp := in.to
		dead := []int{}
		for _, r := range []register{in.a, in.b, in.c} {
			if r.kind == tempRegister && last[r.at] == i && !slices.Contains(dead, block[r.at]) {
				dead = append(dead, block[r.at])
			}
		}
		in.a, in.b, in.c = rename(in.a), rename(in.b), rename(in.c)
		if len(free) == 0 {
			free = append(free, used)
			used++
		}
		block[temp] = free[len(free)-1]
		free = free[:len(free)-1]
		in.to = block[temp]
		free = append(free, dead...)
		if last[temp] == i {
			free = append(free, in.to)
		}
	}
	for i := range l.outputs {
		l.outputs[i].from = rename(l.outputs[i].from)
	}
	l.temps = used
	strides := make([][]int, len(l.leaves))
	for i := range l.leaves {
		strides[i] = l.leaves[i].strides
	}
	l.shape = join(l.shape, strides)
	for i := range l.leaves {
		l.leaves[i].strides = strides[i]
	}
}

// join merges neighbouring axes that are contiguous in all sets of strides, which it
// changes, and drops axes of length 1. At least one axis is left.
func join(shape []int, strides [][]int) []int {
	var out []int
	kept := make([][]int, len(strides))
	for i, d := range shape {
		if d == 1 {
			continue
		}
		merge := len(out) > 0
		for k := range strides {
			merge = merge && kept[k][len(out)-1] == strides[k][i]*d
		}
		if merge {
			out[len(out)-1] *= d
			for k := range strides {
				kept[k][len(out)-1] = strides[k][i]
			}
			continue
		}
		out = append(out, d)
		for k := range strides {
			kept[k] = append(kept[k], strides[k][i])
		}
	}
	if len(out) == 0 {
		out = []int{1}
		for k := range strides {
			kept[k] = []int{0}
		}
	}
	copy(strides, kept)
	return out
}

// contiguous are the strides of a tensor; repeated ones of an operand that is
// broadcast to shape.
func contiguous(shape []int) []int {
	s := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] > 1 {
			s[i] = step
		}
		step *= shape[i]
	}
	return s
}

// run runs the loop.
func (l *loop) run(m *Machine) {
	blocks := m.scratch((l.temps + len(l.leaves) + len(l.fills)) * loopBlock)
	temp := func(i int) []float32 { return blocks[i*loopBlock : (i+1)*loopBlock] }
	fills, repeats := l.temps, l.temps+len(l.fills)
	for i, x := range l.fills {
		m.vec.fill(temp(fills+i), x)
	}
	data := make([][]float32, len(l.leaves))
	for i := range l.leaves {
		data[i] = m.at(l.leaves[i].place)
	}
	last := len(l.shape) - 1
	inner := l.shape[last]
	at := make([]int, last)
	base := make([]int, len(l.leaves))
	done := 0
	for {
		for i := range l.leaves {
			if l.leaves[i].strides[last] == 0 {
				m.vec.fill(temp(repeats + i)[:min(inner, loopBlock)], data[i][base[i]])
			}
		}
		for from := 0; from < inner; from += loopBlock {
			n := min(loopBlock, inner-from)
			get := func(r register) []float32 {
				switch {
				case r.kind == tempRegister:
					return temp(r.at)[:n]
				case r.kind == fillRegister:
					return temp(fills + r.at)[:n]
				case l.leaves[r.at].strides[last] == 0:
					return temp(repeats + r.at)[:n]
				}
				o := base[r.at] + from
				return data[r.at][o : o+n]
			}
			for i := range l.code {
				m.execute(&l.code[i], temp(l.code[i].to)[:n], get)
			}
			for _, o := range l.outputs {
				copy(m.at(o.place)[done+from:done+from+n], get(o.from))
			}
		}
		done += inner
		k := last - 1
		for ; k >= 0; k-- {
			at[k]++
			for i := range base {
				base[i] += l.leaves[i].strides[k]
			}
			if at[k] < l.shape[k] {
				break
			}
			for i := range base {
				base[i] -= at[k] * l.leaves[i].strides[k]
			}
			at[k] = 0
		}
		if k < 0 {
			return
		}
	}
}

func (m *Machine) execute(in *instruction, d []float32, get func(register) []float32) {
	a := get(in.a)
	switch {
	case in.scaled:
		m.vec.scale(d, a, in.s, in.t)
		return
	case in.op == graph.Exp:
		m.vec.exp(d, a)
		return
	case in.op == graph.Log:
		m.vec.log(d, a)
		return
	case in.op == graph.Sqrt:
		m.vec.sqrt(d, a)
		return
	case in.op == graph.Tanh:
		m.vec.tanh(d, a)
		return
	}
	b := get(in.b)
	switch in.op {
	case graph.Add:
		m.vec.add(d, a, b)
	case graph.Sub:
		m.vec.sub(d, a, b)
	case graph.Mul:
		m.vec.mul(d, a, b)
	case graph.Div:
		m.vec.div(d, a, b)
	case graph.Max:
		m.vec.max(d, a, b)
	case graph.Less:
		m.vec.less(d, a, b)
	case graph.Select:
		m.vec.sel(d, a, b, get(in.c))
	}
}

// planLoop appends the step of an elementwise node and of those fused into it.
func (c *compiler) planLoop(n *graph.Node) {
	var reads []*graph.Node
	var walk func(n *graph.Node)
	walk = func(n *graph.Node) {
		for _, in := range n.In {
			if c.fused[in] {
				walk(in)
			} else if !(in.Op == graph.Fill && c.virtual[in]) {
				reads = append(reads, in)
			}
		}
	}
	walk(n)
	bind := func(c *compiler) func(m *Machine) {
		b := newLoop(n.Shape, func(x *graph.Node) (leaf, bool) {
			if x == n || c.fused[x] {
				return leaf{}, false
			}
			return leaf{c.place(x), c.strides(x)}, true
		})
		b.outputs = []loopOutput{{c.places[n], b.value(n)}}
		b.finish()
		return b.run
	}
	c.planned = append(c.planned, planned{name: "loop", reads: reads, writes: []*graph.Node{n}, once: c.fixed[n], bind: bind})
}

// strides are those of an operand in the loop of its user.
func (c *compiler) strides(x *graph.Node) []int {
	if x.Op != graph.Broadcast || !c.virtual[x] {
		return contiguous(x.Shape)
	}
	return contiguous(x.In[0].Shape) // 0 along axes of length 1
}

// elementwiseBody reports whether a function can be computed as one loop: all of
// its operands and results have one shape, and its body is elementwise.
func elementwiseBody(f *graph.Function) bool {
	if len(f.Out) == 0 {
		return false
	}
	flat := &graph.Graph{}
	var in []*graph.Node
	for _, n := range f.In {
		if !slices.Equal(n.Shape, f.Out[0].Shape) {
			return false
		}
		in = append(in, flat.Input(n.Name, n.Shape...))
	}
	outs := f.Inline(flat, in, nil)
	for _, n := range reachable(flat, outs) {
		if !n.Op.Elementwise() && n.Op != graph.Fill && n.Op != graph.Input || !slices.Equal(n.Shape, f.Out[0].Shape) {
			return false
		}
	}
	return true
}

// callLoop computes a call as one loop.
func callLoop(c *compiler, call *graph.Node, results []*graph.Node) func(m *Machine) {
	flat := &graph.Graph{}
	leaves := map[*graph.Node]leaf{}
	var in []*graph.Node
	for i, n := range call.In {
		x := flat.Input(call.Fn.In[i].Name, n.Shape...)
		leaves[x] = leaf{c.place(n), contiguous(n.Shape)}
		in = append(in, x)
	}
	outs := call.Fn.Inline(flat, in, nil)
	b := newLoop(call.Fn.Out[0].Shape, func(x *graph.Node) (leaf, bool) {
		l, ok := leaves[x]
		return l, ok
	})
	for i, o := range outs {
		if results[i] != nil {
			b.outputs = append(b.outputs, loopOutput{c.places[results[i]], b.value(o)})
		}
	}
	b.finish()
	return b.run
}
