package cpu

import (
	"math"

	"github.com/l2m-lab/l2m/lab/graph"
)

// attended holds the sizes of an attention call.
type attended struct {
	attr          graph.AttentionAttr
	B, L, H, d, p int // batch, length, heads, sizes of a key and of a value
	block         int // queries per block
	scale         float32
}

func attendedOf(f *graph.Function) attended {
	q, v := f.In[0].Shape, f.In[2].Shape
	a := attended{attr: f.Attr.(graph.AttentionAttr), B: q[0], L: q[1], H: q[2], d: q[3], p: v[3], block: 64}
	if a.attr.Window >= a.L {
		a.attr = graph.AttentionAttr{}
	}
	a.scale = float32(1 / math.Sqrt(float64(a.d)))
	return a
}

// keys is the range of keys visible to queries from..to−1.
func (a *attended) keys(from, to int) (lo, hi int) {
	if a.attr.Window > 0 && a.attr.Sinks == 0 {
		lo = max(0, from-a.attr.Window+1)
	}
	return lo, to
}

// hide sets to 0 what query i must not see in row, which begins at key lo, and returns
// the end of what it sees. Rows hold e^logit.
func (a *attended) hide(row []float32, i, lo int) {
	clear(row[i+1-lo:])
	if first := i - a.attr.Window + 1; a.attr.Window > 0 && first > lo {
		clear(row[min(max(0, a.attr.Sinks-lo), first-lo) : first-lo])
	}
}

// each calls f for every head of every sequence with the offset of its first
// number among rows of width numbers a head.
func (a *attended) each(f func(head, qk, v int)) {
	for b := range a.B {
		for h := range a.H {
			f(b*a.H+h, b*a.L*a.H*a.d+h*a.d, b*a.L*a.H*a.p+h*a.p)
		}
	}
}

// top is the largest logit that query i sees in row.
func (a *attended) top(m *Machine, row []float32, i, lo int) float32 {
	first := lo
	if a.attr.Window > 0 {
		first = max(lo, i-a.attr.Window+1)
	}
	t := m.vec.maxOf(row[first-lo : i+1-lo])
	if sinks := min(a.attr.Sinks, first) - lo; a.attr.Window > 0 && sinks > 0 {
		t = max(t, m.vec.maxOf(row[:sinks]))
	}
	return t
}

// attention computes one block of queries at a time against the keys that any of them
// sees, so that only a block of logits is in memory.
func attention(f *graph.Function) kernel {
	a := attendedOf(f)
	return func(m *Machine, in, out [][]float32) {
		logits := m.scratch(a.block * a.L)
		sq, sv := a.H*a.d, a.H*a.p
		a.each(func(head, qk, vo int) {
			q, k, v, o := in[0][qk:], in[1][qk:], in[2][vo:], out[0][vo:]
			for from := 0; from < a.L; from += a.block {
				to := min(a.L, from+a.block)
				lo, hi := a.keys(from, to)
				n := hi - lo
				m.gemm.mul(to-from, n, a.d, matrix{q[from*sq:], sq, false}, matrix{k[lo*sq:], sq, true}, logits, n, false)
				for i := from; i < to; i++ {
					row := logits[(i-from)*n : (i-from+1)*n]
					top := a.top(m, row, i, lo)
					m.vec.scale(row[:i+1-lo], row[:i+1-lo], a.scale, -a.scale*top)
					m.vec.exp(row[:i+1-lo], row[:i+1-lo])
					a.hide(row, i, lo)
					sum := m.vec.sum(row[:i+1-lo])
					m.vec.scale(row[:i+1-lo], row[:i+1-lo], 1/sum, 0)
					if out[1] != nil {
						out[1][head*a.L+i] = a.scale*top + float32(math.Log(float64(sum)))
					}
				}
				m.gemm.mul(to-from, a.p, n, matrix{logits, n, false}, matrix{v[lo*sv:], sv, false}, o[from*sv:], sv, false)
			}
		})
	}
}

// attentionGrad recomputes the weights P of a block of queries from the norms. With dP
// = dO·Vᵀ and D the row sums of dO·O, dS = P·(dP − D).
func attentionGrad(f *graph.Function) kernel {
	if !needs(f, true, true, true) || !f.Active[0] || f.Active[1] {
		return nil
	}
	a := attendedOf(f)
	return func(m *Machine, in, out [][]float32) {
		room := m.scratch(2 * a.block * a.L)
		weights, by := room[:a.block*a.L], room[a.block*a.L:]
		sq, sv := a.H*a.d, a.H*a.p
		clear(out[1])
		clear(out[2])
		a.each(func(head, qk, vo int) {
			q, k, v, o, do := in[0][qk:], in[1][qk:], in[2][vo:], in[3][vo:], in[5][vo:]
			dq, dk, dv := out[0][qk:], out[1][qk:], out[2][vo:]
			for from := 0; from < a.L; from += a.block {
				to := min(a.L, from+a.block)
				lo, hi := a.keys(from, to)
				n, rows := hi-lo, to-from
				m.gemm.mul(rows, n, a.d, matrix{q[from*sq:], sq, false}, matrix{k[lo*sq:], sq, true}, weights, n, false)
				m.gemm.mul(rows, n, a.p, matrix{do[from*sv:], sv, false}, matrix{v[lo*sv:], sv, true}, by, n, false)
				for i := from; i < to; i++ {
					row := weights[(i-from)*n : (i-from+1)*n]
					seen := row[:i+1-lo]
					m.vec.scale(seen, seen, a.scale, -in[4][head*a.L+i])
					m.vec.exp(seen, seen)
					a.hide(row, i, lo)
				}
				m.gemm.mul(n, a.p, rows, matrix{weights, n, true}, matrix{do[from*sv:], sv, false}, dv[lo*sv:], sv, true)
				for i := from; i < to; i++ {
					row, d := weights[(i-from)*n:(i-from+1)*n], by[(i-from)*n:(i-from+1)*n]
					shift := m.vec.dot(do[i*sv:i*sv+a.p], o[i*sv:i*sv+a.p])
					m.vec.scale(d, d, a.scale, -shift*a.scale)
					m.vec.mul(d, d, row)
				}
				m.gemm.mul(rows, a.d, n, matrix{by, n, false}, matrix{k[lo*sq:], sq, false}, dq[from*sq:], sq, false)
				m.gemm.mul(n, a.d, rows, matrix{by, n, true}, matrix{q[from*sq:], sq, false}, dk[lo*sq:], sq, true)
			}
		})
	}
}
