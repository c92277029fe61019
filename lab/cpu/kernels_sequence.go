package cpu

import "github.com/l2m-lab/l2m/lab/graph"

// rotary runs graph.Rotary.
func rotary(f *graph.Function) kernel {
	s := f.In[0].Shape
	return func(m *Machine, in, out [][]float32) { turn(s, in[0], in[1], in[2], out[0], 1) }
}

// rotaryGrad rotates backwards.
func rotaryGrad(f *graph.Function) kernel {
	if !needs(f, true, false, false) {
		return nil
	}
	s := f.In[0].Shape
	return func(m *Machine, in, out [][]float32) { turn(s, in[4], in[1], in[2], out[0], -1) }
}

// turn rotates pairs of x [B L H d] by the angles, or back when sign is −1.
func turn(s []int, x, cos, sin, y []float32, sign float32) {
	L, H, half := s[1], s[2], s[3]/2
	for row := range s[0] * L * H {
		t := row / H % L
		c, sn := cos[t*half:(t+1)*half], sin[t*half:(t+1)*half]
		a, b := x[row*2*half:row*2*half+half], x[row*2*half+half:(row+1)*2*half]
		ya, yb := y[row*2*half:row*2*half+half], y[row*2*half+half:(row+1)*2*half]
		for i, ci := range c {
			si := sign * sn[i]
			p, q := a[i], b[i]
			ya[i] = float32(p*ci) - float32(q*si)
			yb[i] = float32(q*ci) + float32(p*si)
		}
	}
}

// shortConv runs graph.ShortConv row by row.
func shortConv(f *graph.Function) kernel {
	B, L, d, k := f.In[0].Shape[0], f.In[0].Shape[1], f.In[0].Shape[2], f.In[1].Shape[0]
	return func(m *Machine, in, out [][]float32) {
		for row := range B * L {
			y := out[0][row*d : (row+1)*d]
			copy(y, in[2])
			for j := max(0, k-1-row%L); j < k; j++ {
				at := row - k + 1 + j
				m.vec.fma(y, in[0][at*d:(at+1)*d], in[1][j*d:(j+1)*d])
			}
		}
	}
}

func shortConvGrad(f *graph.Function) kernel {
	if !needs(f, true, true, true) {
		return nil
	}
	B, L, d, k := f.In[0].Shape[0], f.In[0].Shape[1], f.In[0].Shape[2], f.In[1].Shape[0]
	return func(m *Machine, in, out [][]float32) {
		x, w, dy := in[0], in[1], in[4]
		for _, o := range out {
			clear(o)
		}
		for row := range B * L {
			by := dy[row*d : (row+1)*d]
			m.vec.add(out[2], out[2], by)
			for j := max(0, k-1-row%L); j < k; j++ {
				at := row - k + 1 + j
				m.vec.fma(out[0][at*d:(at+1)*d], by, w[j*d:(j+1)*d])
				m.vec.fma(out[1][j*d:(j+1)*d], by, x[at*d:(at+1)*d])
			}
		}
	}
}
