package cpu

import (
	"slices"

	"github.com/l2m-lab/l2m/lab/graph"
)

// product runs Dot, one product per batch element.
func product(c *compiler, n *graph.Node) func(m *Machine) {
	r := len(n.Shape)
	rows, cols := n.Shape[r-2], n.Shape[r-1]
	inner := n.In[0].Shape[r-1]
	if n.TransA {
		inner = n.In[0].Shape[r-2]
	}
	batch := n.Size() / (rows * cols)
	a, b, out := c.place(n.In[0]), c.place(n.In[1]), c.place(n)
	la, lb := n.In[0].Shape[r-1], n.In[1].Shape[r-1]
	return func(m *Machine) {
		x, y, z := m.at(a), m.at(b), m.at(out)
		for i := range batch {
			m.gemm.mul(rows, cols, inner, matrix{x[i*rows*inner:], la, n.TransA}, matrix{y[i*inner*cols:], lb, n.TransB}, z[i*rows*cols:], cols, false)
		}
	}
}

// part is a block of numbers that move copies.
type part struct {
	from, to               place
	fromOffset, toOffset   int
	shape                  []int
	fromStrides, toStrides []int
	add                    bool // add to what is there
	clear                  bool // clear the target first
}

// move runs the primitives that only move or add up numbers.
func move(c *compiler, n *graph.Node) func(m *Machine) {
	var parts []part
	out := c.place(n)
	dense := func(shape []int) []int { // also along axes of length 1
		s := make([]int, len(shape))
		step := 1
		for i := len(shape) - 1; i >= 0; i-- {
			s[i] = step
			step *= shape[i]
		}
		return s
	}
	dot := func(strides, at []int) int {
		o := 0
		for i := range at {
			o += strides[i] * at[i]
		}
		return o
	}
	in := n.In[0]
	p := part{from: c.place(in), to: out, shape: n.Shape, fromStrides: contiguous(in.Shape), toStrides: contiguous(n.Shape)}
	switch n.Op {
	case graph.Transpose:
		s := contiguous(in.Shape)
		p.fromStrides = make([]int, len(s))
		for i, o := range n.Ints {
			p.fromStrides[i] = s[o]
		}
	case graph.Slice:
		p.fromStrides = dense(in.Shape)
		p.fromOffset = dot(p.fromStrides, n.Ints)
	case graph.Pad:
		p.shape, p.clear = in.Shape, true
		p.toStrides = dense(n.Shape)
		p.toOffset = dot(p.toStrides, n.Ints)
	case graph.Sum:
		p.shape, p.add, p.clear = in.Shape, true, true
	case graph.Concat:
		at := 0
		for _, x := range n.In {
			q := part{from: c.place(x), to: out, shape: x.Shape, fromStrides: contiguous(x.Shape), toStrides: dense(n.Shape)}
			q.toOffset = at * q.toStrides[n.Axis]
			at += x.Shape[n.Axis]
			parts = append(parts, q)
		}
	}
	if parts == nil {
		parts = []part{p}
	}
	for i := range parts {
		strides := [][]int{parts[i].fromStrides, parts[i].toStrides}
		parts[i].shape = join(parts[i].shape, strides)
		parts[i].fromStrides, parts[i].toStrides = strides[0], strides[1]
	}
	return func(m *Machine) {
		for i := range parts {
			parts[i].run(m)
		}
	}
}

func (p *part) run(m *Machine) {
	from, to := m.at(p.from)[p.fromOffset:], m.at(p.to)
	if p.clear {
		clear(to)
	}
	p.axis(m, from, to[p.toOffset:], 0)
}

// axis copies along one axis and the following ones.
func (p *part) axis(m *Machine, from, to []float32, k int) {
	n, f, t := p.shape[k], p.fromStrides[k], p.toStrides[k]
	if k < len(p.shape)-1 {
		for i := range n {
			p.axis(m, from[i*f:], to[i*t:], k+1)
		}
		return
	}
	switch {
	case p.add && t == 0 && f == 1:
		to[0] += m.vec.sum(from[:n])
	case p.add && t == 1 && f == 1:
		m.vec.add(to[:n], to[:n], from[:n])
	case p.add:
		for i := range n {
			to[i*t] += from[i*f]
		}
	case f == 1 && t == 1:
		copy(to[:n], from[:n])
	case f == 0 && t == 1:
		m.vec.fill(to[:n], from[0])
	default:
		for i := range n {
			to[i*t] = from[i*f]
		}
	}
}

// simple runs the remaining primitives.
func simple(c *compiler, n *graph.Node) func(m *Machine) {
	out := c.place(n)
	in := c.placesOf(n.In)
	switch n.Op {
	case graph.Fill:
		return func(m *Machine) { m.vec.fill(m.at(out), float32(n.Value)) }
	case graph.Iota:
		return func(m *Machine) {
			inner := 1
			for _, d := range n.Shape[n.Axis+1:] {
				inner *= d
			}
			for i, d := 0, m.at(out); i < len(d); i++ {
				d[i] = float32(i / inner % n.Shape[n.Axis])
			}
		}
	case graph.MaxOf, graph.CumSum:
		return func(m *Machine) { alongAxis(m, n, m.at(in[0]), m.at(out)) }
	case graph.Gather:
		return func(m *Machine) {
			d := n.Shape[len(n.Shape)-1]
			table, to := m.at(in[0]), m.at(out)
			for i, id := range m.at(in[1]) {
				copy(to[i*d:(i+1)*d], table[int(id)*d:])
			}
		}
	case graph.Scatter:
		return func(m *Machine) {
			d := n.Shape[1]
			values, to := m.at(in[1]), m.at(out)
			clear(to)
			for i, id := range m.at(in[0]) {
				row := to[int(id)*d : (int(id)+1)*d]
				m.vec.add(row, row, values[i*d:(i+1)*d])
			}
		}
	}
	return func(m *Machine) { solve(m, n, m.at(in[0]), m.at(in[1]), m.at(out)) }
}

// alongAxis runs MaxOf and CumSum.
func alongAxis(m *Machine, n *graph.Node, a, out []float32) {
	length, inner := n.In[0].Shape[n.Axis], 1
	for _, d := range n.Shape[n.Axis+1:] {
		inner *= d
	}
	outer := len(a) / (length * inner)
	for o := range outer {
		x := a[o*length*inner:]
		if n.Op == graph.MaxOf {
			y := out[o*inner : (o+1)*inner]
			if inner == 1 {
				y[0] = m.vec.maxOf(x[:length])
				continue
			}
			copy(y, x)
			for t := 1; t < length; t++ {
				m.vec.max(y, y, x[t*inner:])
			}
			continue
		}
		y := out[o*length*inner : (o+1)*length*inner]
		copy(y, x)
		for t := 1; t < length; t++ {
			if n.Flip {
				k := length - 1 - t
				m.vec.add(y[k*inner:(k+1)*inner], y[k*inner:], y[(k+1)*inner:])
			} else {
				m.vec.add(y[t*inner:(t+1)*inner], y[t*inner:], y[(t-1)*inner:])
			}
		}
	}
}

// solve substitutes forwards, or backwards when transposed, row by row.
func solve(m *Machine, n *graph.Node, a, b, out []float32) {
	r := len(n.Shape)
	rows, cols := n.Shape[r-2], n.Shape[r-1]
	copy(out, b)
	order := make([]int, rows)
	for i := range order {
		order[i] = i
	}
	if n.TransA {
		slices.Reverse(order)
	}
	for batch := range len(out) / (rows * cols) {
		a, x := a[batch*rows*rows:], out[batch*rows*cols:]
		for k, i := range order {
			row := x[i*cols : (i+1)*cols]
			for _, j := range order[:k] {
				t := a[i*rows+j]
				if n.TransA {
					t = a[j*rows+i]
				}
				m.vec.axpy(row, x[j*cols:(j+1)*cols], -t)
			}
		}
	}
}
