package graph

import (
	"fmt"
	"math"
)

// Eval computes nodes from the values of the parameters and inputs, by name, in
// float64. It is slow: the reference for everything that runs programs.
func Eval(outputs []*Node, feed map[string][]float64) ([][]float64, error) {
	e := evaluator{feed: feed, done: map[*Node][]float64{}}
	out := make([][]float64, len(outputs))
	for i, n := range outputs {
		v, err := e.value(n)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

type evaluator struct {
	feed  map[string][]float64
	done  map[*Node][]float64
	calls map[*Node][][]float64
}

// value computes a node and everything that it needs, recursively.
func (e *evaluator) value(n *Node) ([]float64, error) {
	if v, ok := e.done[n]; ok {
		return v, nil
	}
	if n.Op == Result {
		return e.result(n)
	}
	in := make([][]float64, len(n.In))
	for i, a := range n.In {
		v, err := e.value(a)
		if err != nil {
			return nil, err
		}
		in[i] = v
	}
	v, err := e.compute(n, in)
	if err != nil {
		return nil, err
	}
	e.done[n] = v
	return v, nil
}

// result evaluates the body of a call, once for all its results.
func (e *evaluator) result(n *Node) ([]float64, error) {
	call := n.In[0]
	if e.calls == nil {
		e.calls = map[*Node][][]float64{}
	}
	if e.calls[call] == nil {
		feed := map[string][]float64{}
		for i, a := range call.In {
			v, err := e.value(a)
			if err != nil {
				return nil, err
			}
			feed[fmt.Sprint(i)] = v
		}
		out, err := Eval(call.Fn.Out, feed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call.Fn.Name, err)
		}
		e.calls[call] = out
	}
	return e.calls[call][n.Axis], nil
}

func (e *evaluator) compute(n *Node, in [][]float64) ([]float64, error) {
	switch {
	case n.Op == Param || n.Op == Input:
		v, ok := e.feed[n.Name]
		if !ok || len(v) != n.Size() {
			return nil, fmt.Errorf("evaluating a program: %s %q of shape %v is given %d numbers", n.Op, n.Name, n.Shape, len(v))
		}
		return v, nil
	case n.Op.Elementwise():
		return elementwise(n, in), nil
	}
	out := make([]float64, n.Size())
	switch n.Op {
	case Constant:
		for i, x := range n.Data {
			out[i] = float64(x)
		}
	case Fill:
		for i := range out {
			out[i] = n.Value
		}
	case Iota:
		each(n.Shape, func(at []int, i int) { out[i] = float64(at[n.Axis]) })
	case Dot:
		evalDot(n, in[0], in[1], out)
	case Solve:
		evalSolve(n, in[0], in[1], out)
	case Gather, Scatter:
		return out, evalRows(n, in, out)
	default:
		evalMove(n, in, out)
	}
	return out, nil
}

func elementwise(n *Node, in [][]float64) []float64 {
	out := make([]float64, n.Size())
	for i := range out {
		var x [3]float64
		for k := range in {
			x[k] = in[k][i]
		}
		switch n.Op {
		case Neg:
			out[i] = -x[0]
		case Exp:
			out[i] = math.Exp(x[0])
		case Log:
			out[i] = math.Log(x[0])
		case Sqrt:
			out[i] = math.Sqrt(x[0])
		case Tanh:
			out[i] = math.Tanh(x[0])
		case Add:
			out[i] = x[0] + x[1]
		case Sub:
			out[i] = x[0] - x[1]
		case Mul:
			out[i] = x[0] * x[1]
		case Div:
			out[i] = x[0] / x[1]
		case Max:
			out[i] = math.Max(x[0], x[1])
		case Less:
			if x[0] < x[1] {
				out[i] = 1
			}
		case Select:
			out[i] = x[2]
			if x[0] != 0 {
				out[i] = x[1]
			}
		case Stop:
			out[i] = x[0]
		}
	}
	return out
}

// each calls f for every element of a tensor in order, with its coordinates, which f
// must not keep.
func each(shape []int, f func(at []int, i int)) {
	at := make([]int, len(shape))
	for i := range size(shape) {
		f(at, i)
		for k := len(at) - 1; k >= 0; k-- {
			if at[k]++; at[k] < shape[k] {
				break
			}
			at[k] = 0
		}
	}
}

// offset is the index of coordinates in a tensor; axes of length 1 are broadcast, and
// shift, if not nil, is added.
func offset(shape, at, shift []int) int {
	o := 0
	for k, d := range shape {
		x := at[k]
		if shift != nil {
			x += shift[k]
		}
		if d == 1 {
			x = 0
		}
		o = o*d + x
	}
	return o
}

// evalMove computes the primitives that move, repeat or add up numbers.
func evalMove(n *Node, in [][]float64, out []float64) {
	a := n.In[0]
	switch n.Op {
	case Reshape:
		copy(out, in[0])
	case Transpose:
		from := make([]int, len(n.Shape))
		each(n.Shape, func(at []int, i int) {
			for k, o := range n.Ints {
				from[o] = at[k]
			}
			out[i] = in[0][offset(a.Shape, from, nil)]
		})
	case Broadcast:
		each(n.Shape, func(at []int, i int) { out[i] = in[0][offset(a.Shape, at, nil)] })
	case Slice:
		each(n.Shape, func(at []int, i int) { out[i] = in[0][offset(a.Shape, at, n.Ints)] })
	case Pad:
		each(a.Shape, func(at []int, i int) { out[offset(n.Shape, at, n.Ints)] = in[0][i] })
	case Concat:
		shift := make([]int, len(n.Shape))
		for k, part := range n.In {
			each(part.Shape, func(at []int, i int) { out[offset(n.Shape, at, shift)] = in[k][i] })
			shift[n.Axis] += part.Shape[n.Axis]
		}
	case Sum:
		each(a.Shape, func(at []int, i int) { out[offset(n.Shape, at, nil)] += in[0][i] })
	case MaxOf:
		for i := range out {
			out[i] = math.Inf(-1)
		}
		each(a.Shape, func(at []int, i int) {
			o := offset(n.Shape, at, nil)
			out[o] = math.Max(out[o], in[0][i])
		})
	case CumSum:
		length := n.Shape[n.Axis]
		stride := size(n.Shape[n.Axis+1:])
		each(n.Shape, func(at []int, i int) {
			if at[n.Axis] != 0 {
				return
			}
			sum := 0.0
			for t := range length {
				if n.Flip {
					t = length - 1 - t
				}
				sum += in[0][i+t*stride]
				out[i+t*stride] = sum
			}
		})
	}
}

// evalDot computes a batch of matrix products.
func evalDot(n *Node, a, b, out []float64) {
	r := len(n.Shape)
	m, cols := n.Shape[r-2], n.Shape[r-1]
	inner := n.In[0].Shape[r-1]
	ai, ap := inner, 1
	if n.TransA {
		inner = n.In[0].Shape[r-2]
		ai, ap = 1, m
	}
	bp, bj := cols, 1
	if n.TransB {
		bp, bj = 1, inner
	}
	for batch := range size(n.Shape[:r-2]) {
		a, b, out := a[batch*m*inner:], b[batch*inner*cols:], out[batch*m*cols:]
		for i := range m {
			for j := range cols {
				s := 0.0
				for p := range inner {
					s += a[i*ai+p*ap] * b[p*bp+j*bj]
				}
				out[i*cols+j] = s
			}
		}
	}
}

// evalSolve substitutes forwards, or backwards when transposed.
func evalSolve(n *Node, a, b, out []float64) {
	r := len(n.Shape)
	rows, cols := n.Shape[r-2], n.Shape[r-1]
	copy(out, b)
	for batch := range size(n.Shape[:r-2]) {
		a, x := a[batch*rows*rows:], out[batch*rows*cols:]
		for k := range rows {
			i := k
			if n.TransA {
				i = rows - 1 - k
			}
			for j := range rows {
				t := a[i*rows+j]
				if n.TransA {
					t = a[j*rows+i]
				}
				if (j < i) == n.TransA || i == j {
					continue
				}
				for c := range cols {
					x[i*cols+c] -= t * x[j*cols+c]
				}
			}
		}
	}
}

// evalRows computes Gather and Scatter.
func evalRows(n *Node, in [][]float64, out []float64) error {
	ids, table := in[1], n.In[0].Shape[0]
	if n.Op == Scatter {
		ids, table = in[0], n.Shape[0]
	}
	d := n.Shape[len(n.Shape)-1]
	for i, x := range ids {
		id := int(x)
		if float64(id) != x || id < 0 || id >= table {
			return fmt.Errorf("evaluating a program: row %v of a table of %d", x, table)
		}
		for k := range d {
			if n.Op == Gather {
				out[i*d+k] = in[0][id*d+k]
			} else {
				out[id*d+k] += in[1][i*d+k]
			}
		}
	}
	return nil
}
