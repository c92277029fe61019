package cpu

import (
	"github.com/l2m-lab/l2m/lab/graph"
)

// decaying holds the sizes of a call of graph.Decayed.
type decaying struct {
	B, L, G, H, n, p, c int // batch, length, groups, heads, sizes of key and value, chunk
}

func decayingOf(f *graph.Function) decaying {
	q, v := f.In[0].Shape, f.In[2].Shape
	return decaying{B: v[0], L: v[1], G: q[2], H: v[2], n: q[3], p: v[3], c: f.Attr.(graph.ChunkAttr).Chunk}
}

// room holds the buffers for one chunk; taking them again returns the same.
type room struct {
	rest   []float32
	m      *Machine
	scores []float32 // q·kᵀ of the chunk, c×c
	w      []float32 // the same with decay, of one head
	fades  []float32 // e^(s_i)
	sums   []float32 // s: cumulative logarithms of decay
	lasts  []float32 // e^(s_c − s_i)
	wide   []float32 // c×max(n, p)
}

func (d *decaying) room(m *Machine, more int) *room {
	r := &room{m: m, rest: m.scratch(2*d.c*d.c + 3*d.c + d.c*max(d.n, d.p) + more)}
	r.scores, r.w = r.take(d.c*d.c), r.take(d.c*d.c)
	r.fades, r.sums, r.lasts = r.take(d.c), r.take(d.c), r.take(d.c)
	r.wide = r.take(d.c * max(d.n, d.p))
	return r
}

func (r *room) take(n int) []float32 {
	x := r.rest[:n]
	r.rest = r.rest[n:]
	return x
}

// decay reads the logarithms of decay of a head in a chunk, rows stride apart.
func (r *room) decay(a []float32, stride, c int) {
	s := float32(0)
	for i := range c {
		s += a[i*stride]
		r.sums[i] = s
	}
	r.m.vec.exp(r.fades[:c], r.sums[:c])
	r.m.vec.scale(r.lasts[:c], r.sums[:c], -1, s)
	r.m.vec.exp(r.lasts[:c], r.lasts[:c])
}

// weights fills w with e^(s_i − s_j) for j ≤ i, else 0, times of if it is not nil.
func (r *room) weights(w, of []float32, c int) {
	for i := range c {
		row := w[i*c : (i+1)*c]
		r.m.vec.scale(row[:i+1], r.sums[:i+1], -1, r.sums[i])
		r.m.vec.exp(row[:i+1], row[:i+1])
		if of != nil {
			r.m.vec.mul(row[:i+1], row[:i+1], of[i*c:i*c+i+1])
		}
		clear(row[i+1:])
	}
}

// rowsBy writes rows of x, times factors, into r.wide.
func (r *room) rowsBy(x []float32, stride, width int, factors []float32) {
	for i, f := range factors {
		r.m.vec.scale(r.wide[i*width:(i+1)*width], x[i*stride:i*stride+width], f, 0)
	}
}

// carry moves a state [n p] over a chunk: e^(s_c)·S + Σ e^(s_c − s_i)·k_i·v_iᵀ.
func (d *decaying) carry(r *room, state, k, v []float32) {
	r.m.vec.scale(state, state, r.fades[d.c-1], 0)
	r.rowsBy(k, d.G*d.n, d.n, r.lasts)
	r.m.gemm.mul(d.n, d.p, d.c, matrix{r.wide, d.n, true}, matrix{v, d.H * d.p, false}, state, d.p, true)
}

// offsets of chunk i of sequence b: of queries and keys of a group, of values of
// a head, of decays of a head.
func (d *decaying) offsets(b, i, group, head int) (qk, v, a int) {
	row := b*d.L + i*d.c
	return (row*d.G + group) * d.n, (row*d.H + head) * d.p, row*d.H + head
}

// decayed computes graph.Decayed chunk by chunk; heads of a group share q·kᵀ.
func decayed(f *graph.Function) kernel {
	d := decayingOf(f)
	return func(m *Machine, in, out [][]float32) {
		share, size := d.H/d.G, d.n*d.p
		r := d.room(m, share*size)
		states := r.take(share * size)
		for bg := range d.B * d.G {
			b, group := bg/d.G, bg%d.G
			clear(states)
			for i := range d.L / d.c {
				qk, _, _ := d.offsets(b, i, group, 0)
				q, k := in[0][qk:], in[1][qk:]
				m.gemm.mul(d.c, d.c, d.n, matrix{q, d.G * d.n, false}, matrix{k, d.G * d.n, true}, r.scores, d.c, false)
				for h := range share {
					_, vo, ao := d.offsets(b, i, group, group*share+h)
					v, y, state := in[2][vo:], out[0][vo:], states[h*size:(h+1)*size]
					r.decay(in[3][ao:], d.H, d.c)
					r.weights(r.w, r.scores, d.c)
					m.gemm.mul(d.c, d.p, d.c, matrix{r.w, d.c, false}, matrix{v, d.H * d.p, false}, y, d.H*d.p, false)
					if i > 0 {
						r.rowsBy(q, d.G*d.n, d.n, r.fades)
						m.gemm.mul(d.c, d.p, d.n, matrix{r.wide, d.n, false}, matrix{state, d.p, false}, y, d.H*d.p, true)
					}
					d.carry(r, state, k, v)
				}
			}
		}
	}
}

// decayedGrad recomputes the states at the chunk borders and goes back through the
// chunks with the derivative with respect to the state. With W = (q·kᵀ)∘D, y = W·v +
// (e^s∘q)·S and S' = e^(s_c)·S + (e^(s_c−s)∘k)ᵀ·v:
//
//	dv = Wᵀ·dy + (e^(s_c−s)∘k)·dS'
//	dW = dy·vᵀ, dq = (dW∘D)·k + e^s∘(dy·Sᵀ), dk = (dW∘D)ᵀ·q + e^(s_c−s)∘(v·dS'ᵀ)
//	dS = e^(s_c)·dS' + (e^s∘q)ᵀ·dy
//
// and ds collects what each exponential contributes.
func decayedGrad(f *graph.Function) kernel {
	if !needs(f, true, true, true, true) && !needs(f, true, true, true, false) {
		return nil
	}
	d := decayingOf(f)
	return func(m *Machine, in, out [][]float32) {
		chunks, size := d.L/d.c, d.n*d.p
		r := d.room(m, (chunks+1)*size+2*d.c*d.c+d.c)
		g := &decayedBack{d: d, r: r, in: in, dy: in[5], dq: out[0], dk: out[1], dv: out[2]}
		if len(out) > 3 {
			g.da = out[3]
		}
		g.states, g.dstate = r.take(chunks*size), r.take(size)
		g.dw, g.decays, g.ds = r.take(d.c*d.c), r.take(d.c*d.c), r.take(d.c)
		clear(g.dq)
		clear(g.dk)
		for b := range d.B {
			for head := range d.H {
				g.head(m, b, head/(d.H/d.G), head)
			}
		}
	}
}

// decayedBack are the buffers of decayedGrad.
type decayedBack struct {
	d              decaying
	r              *room
	in             [][]float32
	dy             []float32
	dq, dk, dv, da []float32
	states, dstate []float32 // at the beginning of every chunk; derivative at the end of one
	dw, decays, ds []float32
}

func (g *decayedBack) head(m *Machine, b, group, head int) {
	d, r, size := g.d, g.r, g.d.n*g.d.p
	chunks := d.L / d.c
	clear(g.states[:size])
	for i := range chunks - 1 {
		qk, vo, ao := d.offsets(b, i, group, head)
		next := g.states[(i+1)*size : (i+2)*size]
		copy(next, g.states[i*size:])
		r.decay(g.in[3][ao:], d.H, d.c)
		d.carry(r, next, g.in[1][qk:], g.in[2][vo:])
	}
	clear(g.dstate)
	for i := chunks - 1; i >= 0; i-- {
		g.chunk(m, b, i, group, head)
	}
}

func (g *decayedBack) chunk(m *Machine, b, i, group, head int) {
	d, r := g.d, g.r
	c, sn, sp := d.c, d.G*d.n, d.H*d.p
	qk, vo, ao := d.offsets(b, i, group, head)
	q, k, v, dy := g.in[0][qk:], g.in[1][qk:], g.in[2][vo:], g.dy[vo:]
	dq, dk, dv := g.dq[qk:], g.dk[qk:], g.dv[vo:]
	state := g.states[i*d.n*d.p : (i+1)*d.n*d.p]
	r.decay(g.in[3][ao:], d.H, c)
	r.weights(g.decays, nil, c)
	m.gemm.mul(c, c, d.n, matrix{q, sn, false}, matrix{k, sn, true}, r.scores, c, false)
	m.vec.mul(r.w, r.scores, g.decays)
	m.gemm.mul(c, d.p, c, matrix{r.w, c, true}, matrix{dy, sp, false}, dv, sp, false)
	r.rowsBy(k, sn, d.n, r.lasts)
	m.gemm.mul(c, d.p, d.n, matrix{r.wide, d.n, false}, matrix{g.dstate, d.p, false}, dv, sp, true)

	m.gemm.mul(c, c, d.p, matrix{dy, sp, false}, matrix{v, sp, true}, g.dw, c, false)
	for row := range c { // W·dW goes up at i and down at j
		x := r.w[row*c : (row+1)*c]
		m.vec.mul(x, x, g.dw[row*c:(row+1)*c])
	}
	clear(g.ds)
	for row := range c {
		x := r.w[row*c : (row+1)*c]
		g.ds[row] += m.vec.sum(x)
		m.vec.axpy(g.ds[:c], x, -1)
	}
	m.vec.mul(g.dw, g.dw, g.decays)
	m.gemm.mul(c, d.n, c, matrix{g.dw, c, false}, matrix{k, sn, false}, dq, sn, true)
	m.gemm.mul(c, d.n, c, matrix{g.dw, c, true}, matrix{q, sn, false}, dk, sn, true)

	last := float32(0) // derivative with respect to s_c
	m.gemm.mul(c, d.n, d.p, matrix{dy, sp, false}, matrix{state, d.p, true}, r.wide, d.n, false)
	for t := range c {
		x := r.wide[t*d.n : (t+1)*d.n]
		g.ds[t] += r.fades[t] * m.vec.dot(q[t*sn:t*sn+d.n], x)
		m.vec.axpy(dq[t*sn:t*sn+d.n], x, r.fades[t])
	}
	m.gemm.mul(c, d.n, d.p, matrix{v, sp, false}, matrix{g.dstate, d.p, true}, r.wide, d.n, false)
	for t := range c {
		x := r.wide[t*d.n : (t+1)*d.n]
		by := r.lasts[t] * m.vec.dot(k[t*sn:t*sn+d.n], x)
		g.ds[t] -= by
		last += by
		m.vec.axpy(dk[t*sn:t*sn+d.n], x, r.lasts[t])
	}
	last += r.fades[c-1] * m.vec.dot(state, g.dstate)
	g.ds[c-1] += last
	m.vec.scale(g.dstate, g.dstate, r.fades[c-1], 0)
	r.rowsBy(q, sn, d.n, r.fades)
	m.gemm.mul(d.n, d.p, c, matrix{r.wide, d.n, true}, matrix{dy, sp, false}, g.dstate, d.p, true)
	if g.da == nil {
		return
	}
	sum := float32(0)
	for t := c - 1; t >= 0; t-- {
		sum += g.ds[t]
		g.da[ao+t*d.H] = sum
	}
}

// scan runs graph.Scan step by step.
func scan(f *graph.Function) kernel {
	L := f.In[0].Shape[1]
	return func(m *Machine, in, out [][]float32) {
		width := len(in[0]) / (f.In[0].Shape[0] * L)
		for row := range len(in[0]) / width {
			h := out[0][row*width : (row+1)*width]
			copy(h, in[1][row*width:])
			if row%L > 0 {
				m.vec.fma(h, in[0][row*width:(row+1)*width], out[0][(row-1)*width:row*width])
			}
		}
	}
}

// scanGrad: with g_t = dh_t + a_{t+1}·g_{t+1}, db = g and da_t = g_t·h_{t−1}.
func scanGrad(f *graph.Function) kernel {
	if !needs(f, true, true) {
		return nil
	}
	L := f.In[0].Shape[1]
	return func(m *Machine, in, out [][]float32) {
		a, h, dh, da, db := in[0], in[2], in[3], out[0], out[1]
		width := len(a) / (f.In[0].Shape[0] * L)
		copy(db, dh)
		clear(da)
		for row := len(a)/width - 1; row >= 0; row-- {
			if row%L == 0 {
				continue
			}
			g := db[row*width : (row+1)*width]
			before := db[(row-1)*width : row*width]
			m.vec.fma(da[row*width:(row+1)*width], g, h[(row-1)*width:row*width])
			m.vec.fma(before, g, a[row*width:(row+1)*width])
		}
	}
}
