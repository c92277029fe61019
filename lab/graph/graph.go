package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Op is a primitive.
type Op uint8

// The primitives. Axes count from 0; results have the shape of the operands
// unless said.
const (
	Param     Op = iota // a trained tensor, by name
	Input               // a tensor of the batch, by name
	Constant            // the numbers in Data
	Fill                // Value everywhere
	Iota                // 0, 1, 2, … along Axis
	Neg                 // −a
	Exp                 // e^a
	Log                 // ln a
	Sqrt                // √a
	Tanh                // tanh a
	Add                 // a + b
	Sub                 // a − b
	Mul                 // a·b
	Div                 // a/b
	Max                 // the larger of a and b
	Less                // 1 where a < b, else 0
	Select              // b where a ≠ 0, else c
	Stop                // a, with derivative 0
	Reshape             // the same numbers in another shape
	Transpose           // axes in the order Ints
	Broadcast           // axes of length 1 repeated
	Slice               // Shape numbers from Ints on, per axis
	Pad                 // Ints zeros before, per axis, and zeros after up to Shape
	Concat              // operands one after the other along Axis
	Sum                 // over the axes Ints, which become 1 long
	MaxOf               // the largest along Axis, which becomes 1 long
	CumSum              // running sum along Axis; from the end when Flip
	Dot                 // matrix product of the last two axes, each operand transposed first when TransA, TransB
	Gather              // rows of a (a table) named by the numbers of b
	Scatter             // a table of Shape: row i is the sum of the rows of b whose number in a is i
	Solve               // x in T·x = b, T the strictly lower part of a plus the identity, transposed when TransA
	Invoke              // a call of a Function; has no numbers of its own
	Result              // result number Axis of an Invoke
)

var opNames = [...]string{
	"param", "input", "constant", "fill", "iota", "neg", "exp", "log", "sqrt", "tanh", "add", "sub", "mul", "div", "max", "less",
	"select", "stop", "reshape", "transpose", "broadcast", "slice", "pad", "concat", "sum", "maxof", "cumsum", "dot", "gather",
	"scatter", "solve", "invoke", "result",
}

// String is the name of a primitive.
func (o Op) String() string { return opNames[o] }

// Elementwise reports whether each number of the result depends only on the numbers at
// the same position in the operands.
func (o Op) Elementwise() bool { return o >= Neg && o <= Stop }

// Node is a value of a program. Which fields matter depends on Op.
type Node struct {
	ID     int
	Op     Op
	In     []*Node
	Shape  []int
	Name   string
	Axis   int
	Ints   []int
	Value  float64
	Data   []float32
	Flip   bool
	TransA bool
	TransB bool
	Fn     *Function

	graph *Graph
}

// Size is the number of numbers in n.
func (n *Node) Size() int { return size(n.Shape) }

func size(shape []int) int {
	s := 1
	for _, d := range shape {
		s *= d
	}
	return s
}

// Graph is a program under construction. Its methods panic with a ShapeError if
// operands do not fit, as slices do; Build turns that into an error. The zero value is
// an empty program. A Graph is not safe for concurrent use until it is finished.
type Graph struct {
	Nodes []*Node // each after those that it uses

	known map[string]*Node
}

// ShapeError says which operation has operands that do not fit.
type ShapeError struct{ Text string }

func (e *ShapeError) Error() string { return e.Text }

// Build runs a function that builds a program, and returns ShapeErrors as errors.
func Build(f func(g *Graph)) (g *Graph, err error) {
	defer func() {
		if r := recover(); r != nil {
			var s *ShapeError
			if e, ok := r.(error); ok && errors.As(e, &s) {
				g, err = nil, s
				return
			}
			panic(r)
		}
	}()
	g = &Graph{}
	f(g)
	return g, nil
}

func misfit(format string, args ...any) {
	panic(&ShapeError{fmt.Sprintf("building a program: "+format, args...)})
}

// key identifies what a node computes. Constants are identified by the address of their
// data.
func (n *Node) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v %q %d %v %v %v%v%v", n.Op, n.Shape, n.Name, n.Axis, n.Ints, n.Value, n.Flip, n.TransA, n.TransB)
	for _, in := range n.In {
		fmt.Fprintf(&b, " %d", in.ID)
	}
	if n.Op == Constant {
		fmt.Fprintf(&b, " %p", &n.Data[0])
	}
	if n.Fn != nil {
		fmt.Fprintf(&b, " %s", n.Fn.key())
	}
	return b.String()
}

// add appends n, or returns an equal node.
func (g *Graph) add(n Node) *Node {
	for _, in := range n.In {
		if in.graph != g {
			misfit("%s uses a value of another program", n.Op)
		}
	}
	for _, d := range n.Shape {
		if d < 1 {
			misfit("%s would have the shape %v", n.Op, n.Shape)
		}
	}
	key := n.key()
	if old, ok := g.known[key]; ok {
		return old
	}
	if g.known == nil {
		g.known = map[string]*Node{}
	}
	n.ID, n.graph = len(g.Nodes), g
	node := &n
	g.Nodes = append(g.Nodes, node)
	g.known[key] = node
	return node
}

// Param is the trained tensor with a name.
func (g *Graph) Param(name string, shape ...int) *Node {
	return g.add(Node{Op: Param, Name: name, Shape: slices.Clone(shape)})
}

// Input is the tensor with a name in the batch.
func (g *Graph) Input(name string, shape ...int) *Node {
	return g.add(Node{Op: Input, Name: name, Shape: slices.Clone(shape)})
}

// Constant is a tensor of fixed numbers. The program keeps data.
func (g *Graph) Constant(data []float32, shape ...int) *Node {
	if len(data) != size(shape) || len(data) == 0 {
		misfit("%d numbers do not have the shape %v", len(data), shape)
	}
	return g.add(Node{Op: Constant, Data: data, Shape: slices.Clone(shape)})
}

// Fill is a tensor of equal numbers.
func (g *Graph) Fill(value float64, shape ...int) *Node {
	return g.add(Node{Op: Fill, Value: value, Shape: slices.Clone(shape)})
}

// Iota counts 0, 1, 2, … along an axis.
func (g *Graph) Iota(axis int, shape ...int) *Node {
	if axis < 0 || axis >= len(shape) {
		misfit("iota along axis %d of %v", axis, shape)
	}
	return g.add(Node{Op: Iota, Axis: axis, Shape: slices.Clone(shape)})
}

// Neg is −a.
func (g *Graph) Neg(a *Node) *Node { return g.unary(Neg, a) }

// Exp is e^a.
func (g *Graph) Exp(a *Node) *Node { return g.unary(Exp, a) }

// Log is ln a.
func (g *Graph) Log(a *Node) *Node { return g.unary(Log, a) }

// Sqrt is √a.
func (g *Graph) Sqrt(a *Node) *Node { return g.unary(Sqrt, a) }

// Tanh is tanh a.
func (g *Graph) Tanh(a *Node) *Node { return g.unary(Tanh, a) }

// Stop is a, taken as a constant by derivatives.
func (g *Graph) Stop(a *Node) *Node { return g.unary(Stop, a) }

func (g *Graph) unary(op Op, a *Node) *Node {
	return g.add(Node{Op: op, In: []*Node{a}, Shape: a.Shape})
}

// Add is a + b. Operands of elementwise operations are broadcast: axes of length 1, and
// leading axes that one of them lacks.
func (g *Graph) Add(a, b *Node) *Node { return g.binary(Add, a, b) }

// Sub is a − b.
func (g *Graph) Sub(a, b *Node) *Node { return g.binary(Sub, a, b) }

// Mul is a·b, elementwise.
func (g *Graph) Mul(a, b *Node) *Node { return g.binary(Mul, a, b) }

// Div is a/b.
func (g *Graph) Div(a, b *Node) *Node { return g.binary(Div, a, b) }

// Max is the larger of a and b.
func (g *Graph) Max(a, b *Node) *Node { return g.binary(Max, a, b) }

// Less is 1 where a < b, else 0; its derivative is 0.
func (g *Graph) Less(a, b *Node) *Node { return g.binary(Less, a, b) }

func (g *Graph) binary(op Op, a, b *Node) *Node {
	shape := common(a.Shape, b.Shape)
	return g.add(Node{Op: op, In: []*Node{g.Broadcast(a, shape...), g.Broadcast(b, shape...)}, Shape: shape})
}

// Select is a where cond is not 0, else b.
func (g *Graph) Select(cond, a, b *Node) *Node {
	shape := common(cond.Shape, common(a.Shape, b.Shape))
	return g.add(Node{Op: Select, In: []*Node{g.Broadcast(cond, shape...), g.Broadcast(a, shape...), g.Broadcast(b, shape...)}, Shape: shape})
}

// common is the shape to which both broadcast.
func common(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		at := len(a) - len(b) + i
		switch {
		case out[at] == 1:
			out[at] = d
		case d != 1 && d != out[at]:
			misfit("shapes %v and %v do not fit", a, b)
		}
	}
	return out
}

// Reshape has the same numbers, in order, in another shape. One length may be −1, to be
// computed from the others.
func (g *Graph) Reshape(a *Node, shape ...int) *Node {
	shape = slices.Clone(shape)
	for i, d := range shape {
		if d == -1 {
			shape[i] = 1
			if s := size(shape); s > 0 {
				shape[i] = a.Size() / s
			}
		}
	}
	if size(shape) != a.Size() {
		misfit("%v cannot be reshaped to %v", a.Shape, shape)
	}
	if a.Op == Reshape {
		a = a.In[0]
	}
	if slices.Equal(a.Shape, shape) {
		return a
	}
	return g.add(Node{Op: Reshape, In: []*Node{a}, Shape: shape})
}

// Transpose permutes axes: axis i of the result is axis order[i] of a.
func (g *Graph) Transpose(a *Node, order ...int) *Node {
	if len(order) != len(a.Shape) {
		misfit("transposing %v by %v", a.Shape, order)
	}
	shape, seen := make([]int, len(order)), make([]bool, len(order))
	for i, o := range order {
		if o < 0 || o >= len(order) || seen[o] {
			misfit("transposing %v by %v", a.Shape, order)
		}
		seen[o], shape[i] = true, a.Shape[o]
	}
	if slices.IsSorted(order) {
		return a
	}
	return g.add(Node{Op: Transpose, In: []*Node{a}, Shape: shape, Ints: slices.Clone(order)})
}

// Broadcast repeats axes of length 1 to fit shape, and adds leading axes.
func (g *Graph) Broadcast(a *Node, shape ...int) *Node {
	if slices.Equal(a.Shape, shape) {
		return a
	}
	if len(shape) < len(a.Shape) || !slices.Equal(common(a.Shape, shape), shape) {
		misfit("%v cannot be broadcast to %v", a.Shape, shape)
	}
	if a.Op == Fill {
		return g.Fill(a.Value, shape...)
	}
	full := slices.Repeat([]int{1}, len(shape)-len(a.Shape))
	a = g.Reshape(a, append(full, a.Shape...)...)
	if slices.Equal(a.Shape, shape) {
		return a
	}
	return g.add(Node{Op: Broadcast, In: []*Node{a}, Shape: slices.Clone(shape)})
}

// Slice is the block of a of the given shape that begins at start.
func (g *Graph) Slice(a *Node, start, shape []int) *Node {
	if len(start) != len(a.Shape) || len(shape) != len(a.Shape) {
		misfit("slicing %v from %v by %v", a.Shape, start, shape)
	}
	for i := range start {
		if start[i] < 0 || start[i]+shape[i] > a.Shape[i] {
			misfit("slicing %v from %v by %v", a.Shape, start, shape)
		}
	}
	if slices.Equal(shape, a.Shape) {
		return a
	}
	return g.add(Node{Op: Slice, In: []*Node{a}, Shape: slices.Clone(shape), Ints: slices.Clone(start)})
}

// Cut is the part of a from index from on, n long, along one axis.
func (g *Graph) Cut(a *Node, axis, from, n int) *Node {
	if axis < 0 || axis >= len(a.Shape) {
		misfit("cutting %v along axis %d", a.Shape, axis)
	}
	start, shape := make([]int, len(a.Shape)), slices.Clone(a.Shape)
	start[axis], shape[axis] = from, n
	return g.Slice(a, start, shape)
}

// Pad copies a into a tensor of zeros of the given shape, at start.
func (g *Graph) Pad(a *Node, start, shape []int) *Node {
	if len(start) != len(a.Shape) || len(shape) != len(a.Shape) {
		misfit("padding %v from %v to %v", a.Shape, start, shape)
	}
	for i := range start {
		if start[i] < 0 || start[i]+a.Shape[i] > shape[i] {
			misfit("padding %v from %v to %v", a.Shape, start, shape)
		}
	}
	if slices.Equal(shape, a.Shape) {
		return a
	}
	return g.add(Node{Op: Pad, In: []*Node{a}, Shape: slices.Clone(shape), Ints: slices.Clone(start)})
}

// Concat concatenates tensors along an axis.
func (g *Graph) Concat(axis int, parts ...*Node) *Node {
	if len(parts) == 0 {
		misfit("concatenating nothing")
	}
	shape := slices.Clone(parts[0].Shape)
	if axis < 0 || axis >= len(shape) {
		misfit("concatenating %v along axis %d", shape, axis)
	}
	shape[axis] = 0
	for _, p := range parts {
		if len(p.Shape) != len(shape) {
			misfit("concatenating %v and %v", parts[0].Shape, p.Shape)
		}
		for i := range shape {
			if i != axis && p.Shape[i] != shape[i] {
				misfit("concatenating %v and %v along axis %d", parts[0].Shape, p.Shape, axis)
			}
		}
		shape[axis] += p.Shape[axis]
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return g.add(Node{Op: Concat, In: slices.Clone(parts), Shape: shape, Axis: axis})
}

// Sum sums over axes, which become 1 long.
func (g *Graph) Sum(a *Node, axes ...int) *Node {
	shape, axes := slices.Clone(a.Shape), slices.Clone(axes)
	slices.Sort(axes)
	axes = slices.Compact(axes)
	for _, x := range axes {
		if x < 0 || x >= len(shape) {
			misfit("adding up %v over axes %v", a.Shape, axes)
		}
		shape[x] = 1
	}
	if slices.Equal(shape, a.Shape) {
		return a
	}
	return g.add(Node{Op: Sum, In: []*Node{a}, Shape: shape, Ints: axes})
}

// SumAll sums all numbers; the result has no axes.
func (g *Graph) SumAll(a *Node) *Node {
	axes := make([]int, len(a.Shape))
	for i := range axes {
		axes[i] = i
	}
	return g.Reshape(g.Sum(a, axes...))
}

// MaxOf is the largest number along an axis, which becomes 1 long.
func (g *Graph) MaxOf(a *Node, axis int) *Node {
	if axis < 0 || axis >= len(a.Shape) {
		misfit("the largest of %v along axis %d", a.Shape, axis)
	}
	shape := slices.Clone(a.Shape)
	shape[axis] = 1
	return g.add(Node{Op: MaxOf, In: []*Node{a}, Shape: shape, Axis: axis})
}

// CumSum is the cumulative sum along an axis, including each element itself, from the
// end if flip is set.
func (g *Graph) CumSum(a *Node, axis int, flip bool) *Node {
	if axis < 0 || axis >= len(a.Shape) {
		misfit("the running sum of %v along axis %d", a.Shape, axis)
	}
	return g.add(Node{Op: CumSum, In: []*Node{a}, Shape: a.Shape, Axis: axis, Flip: flip})
}

// Dot is the matrix product over the last two axes, batched over the others: [… m k]·[…
// k n] = [… m n]. An operand whose flag is set is transposed first.
func (g *Graph) Dot(a, b *Node, transA, transB bool) *Node {
	r := len(a.Shape)
	if r < 2 || len(b.Shape) != r || !slices.Equal(a.Shape[:r-2], b.Shape[:r-2]) {
		misfit("the product of %v and %v", a.Shape, b.Shape)
	}
	m, k := a.Shape[r-2], a.Shape[r-1]
	if transA {
		m, k = k, m
	}
	kb, n := b.Shape[r-2], b.Shape[r-1]
	if transB {
		kb, n = n, kb
	}
	if k != kb {
		misfit("the product of %v and %v (transposed: %v, %v)", a.Shape, b.Shape, transA, transB)
	}
	shape := append(slices.Clone(a.Shape[:r-2]), m, n)
	return g.add(Node{Op: Dot, In: []*Node{a, b}, Shape: shape, TransA: transA, TransB: transB})
}

// Gather selects rows of a table [n d] by number: ids […] gives [… d].
func (g *Graph) Gather(table, ids *Node) *Node {
	if len(table.Shape) != 2 {
		misfit("rows of %v", table.Shape)
	}
	shape := append(slices.Clone(ids.Shape), table.Shape[1])
	return g.add(Node{Op: Gather, In: []*Node{table, ids}, Shape: shape})
}

// Scatter is the table [n d] whose row i is the sum of the rows of values [… d]
// with the number i in ids […].
func (g *Graph) Scatter(ids, values *Node, n int) *Node {
	r := len(ids.Shape)
	if len(values.Shape) != r+1 || !slices.Equal(values.Shape[:r], ids.Shape) {
		misfit("rows %v with numbers %v", values.Shape, ids.Shape)
	}
	return g.add(Node{Op: Scatter, In: []*Node{ids, values}, Shape: []int{n, values.Shape[r]}})
}

// Solve is the x with T·x = b: a is [… n n], b [… n m], T has ones on its
// diagonal and below it what a has there. With transposed set it is Tᵀ·x = b.
func (g *Graph) Solve(a, b *Node, transposed bool) *Node {
	r := len(a.Shape)
	if r < 2 || len(b.Shape) != r || a.Shape[r-1] != a.Shape[r-2] || !slices.Equal(a.Shape[:r-1], b.Shape[:r-1]) {
		misfit("solving %v for %v", a.Shape, b.Shape)
	}
	return g.add(Node{Op: Solve, In: []*Node{a, b}, Shape: b.Shape, TransA: transposed})
}
