package cpu

import (
	"math"

	"github.com/l2m-lab/l2m/lab/graph"
)

// blocks holds what graph.Blocks reads, laid out for a block of queries at a time.
type blocks struct {
	B, n, H, d int
	block      int       // queries computed together
	width      int       // of their rows of logits
	size       []int     // of own and left, numbers a sequence
	pieces     [][]piece // by block of queries: products of some of them with some slots
	spans      [][]span  // by query: what it sees of its row
}

// piece is a product of neighbouring queries, counted from the first of the block, with
// neighbouring slots; the logits lie in columns from col.
type piece struct{ row, rows, col, cols, part, slot int }

type span struct{ from, n int }

func blocksOf(f *graph.Function) blocks {
	q, own := f.In[0].Shape, f.In[1].Shape
	chunk := own[2]
	k := blocks{B: q[0], n: q[1], H: q[2], d: q[3], block: min(q[1], max(64, chunk)), spans: make([][]span, q[1])}
	k.pieces = make([][]piece, k.n/k.block)
	for i, in := range f.In[1:] {
		slots := in.Shape[2]
		k.size = append(k.size, in.Size()/k.B)
		w := chunk << max(0, i-1)
		group, each := max(w, 16), w // queries of a product; of them, those that have slots to themselves
		if i > 0 {
			group, each = max(2*w, 32), 2*w
		}
		group = min(group, k.block)
		for b := range k.pieces {
			switch from := b * k.block; {
			case each > k.block && from/w%2 == 1: // a part of a right half
				k.pieces[b] = append(k.pieces[b], piece{0, k.block, k.width, slots, i, from / each * slots})
			case each <= k.block:
				for r := 0; r < k.block; r += group {
					p := piece{r, group, k.width, group / each * slots, i, (from + r) / each * slots}
					if i > 0 && each == group {
						p.row, p.rows = r+w, w
					}
					k.pieces[b] = append(k.pieces[b], p)
				}
			}
		}
		for t := range k.spans {
			if i == 0 {
				k.spans[t] = append(k.spans[t], span{k.width + t%group/chunk*chunk, t%chunk + 1})
			} else if t/w%2 == 1 {
				k.spans[t] = append(k.spans[t], span{k.width + t%group/each*slots, slots})
			}
		}
		k.width += max(1, group/each) * slots
	}
	return k
}

// each calls f for each head of a sequence and each block of its queries, with the offsets of
// their first numbers.
func (k *blocks) each(f func(b, h, block, q int)) {
	for b := range k.B {
		for h := range k.H {
			for i := range k.pieces {
				f(b, h, i, ((b*k.n+i*k.block)*k.H+h)*k.d)
			}
		}
	}
}

// slots are keys of head h from the first slot of a piece on; values are d numbers later.
func (k *blocks) slots(parts [][]float32, p piece, b, h int) []float32 {
	return parts[p.part][b*k.size[p.part]+(p.slot*k.H+h)*2*k.d:]
}

func blockAttention(f *graph.Function) kernel {
	k := blocksOf(f)
	return func(m *Machine, in, out [][]float32) {
		room := m.scratch(2*k.block*k.width + k.width)
		logits, weights, row := room[:k.block*k.width], room[k.block*k.width:2*k.block*k.width], room[2*k.block*k.width:]
		sq, ss := k.H*k.d, k.H*2*k.d
		k.each(func(b, h, block, at int) {
			for _, p := range k.pieces[block] {
				s := k.slots(in[1:], p, b, h)
				m.gemm.mul(p.rows, p.cols, k.d, matrix{in[0][at+p.row*sq:], sq, false}, matrix{s, ss, true}, logits[p.row*k.width+p.col:], k.width, false)
			}
			clear(weights)
			for i := range k.block {
				t := block*k.block + i
				n := 0
				for _, s := range k.spans[t] {
					n += copy(row[n:], logits[i*k.width+s.from:][:s.n])
				}
				x := row[:n]
				top := m.vec.maxOf(x)
				m.vec.scale(x, x, 1, -top)
				m.vec.exp(x, x)
				sum := m.vec.sum(x)
				m.vec.scale(x, x, 1/sum, 0)
				for _, s := range k.spans[t] {
					x = x[copy(weights[i*k.width+s.from:][:s.n], x):]
				}
				if out[1] != nil {
					out[1][(b*k.H+h)*k.n+t] = top + float32(math.Log(float64(sum)))
				}
				clear(out[0][at+i*sq:][:k.d])
			}
			for _, p := range k.pieces[block] {
				s := k.slots(in[1:], p, b, h)
				m.gemm.mul(p.rows, k.d, p.cols, matrix{weights[p.row*k.width+p.col:], k.width, false}, matrix{s[k.d:], ss, false}, out[0][at+p.row*sq:], sq, true)
			}
		})
	}
}

// blockAttentionGrad recomputes the weights from the norms, as attentionGrad does.
func blockAttentionGrad(f *graph.Function) kernel {
	for _, needed := range f.Needed {
		if !needed {
			return nil
		}
	}
	if !f.Active[0] || f.Active[1] {
		return nil
	}
	k := blocksOf(f)
	parts := len(f.Needed) - 1
	return func(m *Machine, in, out [][]float32) {
		room := m.scratch(3 * k.block * k.width)
		logits, by, weights := room[:k.block*k.width], room[k.block*k.width:2*k.block*k.width], room[2*k.block*k.width:]
		sq, ss := k.H*k.d, k.H*2*k.d
		q, y, norm, dy := in[0], in[1+parts], in[2+parts], in[3+parts]
		for _, o := range out {
			clear(o)
		}
		k.each(func(b, h, block, at int) {
			for _, p := range k.pieces[block] {
				s, to := k.slots(in[1:], p, b, h), p.row*k.width+p.col
				m.gemm.mul(p.rows, p.cols, k.d, matrix{q[at+p.row*sq:], sq, false}, matrix{s, ss, true}, logits[to:], k.width, false)
				m.gemm.mul(p.rows, p.cols, k.d, matrix{dy[at+p.row*sq:], sq, false}, matrix{s[k.d:], ss, true}, by[to:], k.width, false)
			}
			clear(weights)
			for i := range k.block {
				t := block*k.block + i
				for _, s := range k.spans[t] {
					w := weights[i*k.width+s.from:][:s.n]
					m.vec.scale(w, logits[i*k.width+s.from:][:s.n], 1, -norm[(b*k.H+h)*k.n+t])
					m.vec.exp(w, w)
				}
			}
			for _, p := range k.pieces[block] {
				ds := k.slots(out[1:], p, b, h)
				m.gemm.mul(p.cols, k.d, p.rows, matrix{weights[p.row*k.width+p.col:], k.width, true}, matrix{dy[at+p.row*sq:], sq, false}, ds[k.d:], ss, true)
			}
			for i := range k.block {
				t := block*k.block + i
				shift := m.vec.dot(dy[at+i*sq:][:k.d], y[at+i*sq:][:k.d])
				for _, s := range k.spans[t] {
					w, d := weights[i*k.width+s.from:][:s.n], by[i*k.width+s.from:][:s.n]
					m.vec.scale(d, d, 1, -shift)
					m.vec.mul(w, w, d)
				}
			}
			for _, p := range k.pieces[block] {
				s, ds := k.slots(in[1:], p, b, h), k.slots(out[1:], p, b, h)
				w := matrix{weights[p.row*k.width+p.col:], k.width, false}
				m.gemm.mul(p.rows, k.d, p.cols, w, matrix{s, ss, false}, out[0][at+p.row*sq:], sq, true)
				w.transposed = true
				m.gemm.mul(p.cols, k.d, p.rows, w, matrix{q[at+p.row*sq:], sq, false}, ds, ss, true)
			}
		})
	}
}
