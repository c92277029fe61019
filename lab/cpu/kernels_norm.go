package cpu

import (
	"math"

	"github.com/l2m-lab/l2m/lab/graph"
)

// layerNorm runs graph.LayerNorm row by row.
func layerNorm(f *graph.Function) kernel {
	epsilon, d := f.Attr.(graph.NormAttr).Epsilon, f.In[1].Shape[0]
	return func(m *Machine, in, out [][]float32) {
		x, gain, bias, y := in[0], in[1], in[2], out[0]
		for i := 0; i < len(x); i += d {
			row := y[i : i+d]
			m.vec.scale(row, x[i:i+d], 1, -m.vec.sum(x[i:i+d])/float32(d))
			r := inverse(m.vec.dot(row, row), d, epsilon)
			m.vec.scale(row, row, r, 0)
			m.vec.mul(row, row, gain)
			m.vec.add(row, row, bias)
		}
	}
}

// inverse is 1/√(squares/d + epsilon).
func inverse(squares float32, d int, epsilon float64) float32 {
	return float32(1 / math.Sqrt(float64(squares)/float64(d)+epsilon))
}

// layerNormGrad: with x̂ the normalised row and g = gain·dy, dx = (g − mean(g) −
// x̂·mean(g·x̂))/σ.
func layerNormGrad(f *graph.Function) kernel {
	if !needs(f, true, true, true) {
		return nil
	}
	epsilon, d := f.Attr.(graph.NormAttr).Epsilon, f.In[1].Shape[0]
	return func(m *Machine, in, out [][]float32) {
		x, gain, dy := in[0], in[1], in[4]
		dx, dgain, dbias := out[0], out[1], out[2]
		clear(dgain)
		clear(dbias)
		hat := m.scratch(d)
		for i := 0; i < len(x); i += d {
			m.vec.scale(hat, x[i:i+d], 1, -m.vec.sum(x[i:i+d])/float32(d))
			r := inverse(m.vec.dot(hat, hat), d, epsilon)
			m.vec.scale(hat, hat, r, 0)
			row, by := dx[i:i+d], dy[i:i+d]
			m.vec.fma(dgain, by, hat)
			m.vec.add(dbias, dbias, by)
			m.vec.mul(row, by, gain)
			mean := m.vec.sum(row) / float32(d)
			m.vec.axpy(row, hat, -m.vec.dot(row, hat)/float32(d))
			m.vec.scale(row, row, r, -mean*r)
		}
	}
}

// rmsNorm runs graph.RMSNorm row by row.
func rmsNorm(f *graph.Function) kernel {
	epsilon, d := f.Attr.(graph.NormAttr).Epsilon, f.In[1].Shape[0]
	return func(m *Machine, in, out [][]float32) {
		x, gain, y := in[0], in[1], out[0]
		for i := 0; i < len(x); i += d {
			row := x[i : i+d]
			m.vec.scale(y[i:i+d], row, inverse(m.vec.dot(row, row), d, epsilon), 0)
			m.vec.mul(y[i:i+d], y[i:i+d], gain)
		}
	}
}

// rmsNormGrad: dx = (g − x̂·mean(g·x̂))/σ with g = gain·dy.
func rmsNormGrad(f *graph.Function) kernel {
	if !f.Needed[0] {
		return nil
	}
	epsilon, d := f.Attr.(graph.NormAttr).Epsilon, f.In[1].Shape[0]
	return func(m *Machine, in, out [][]float32) {
		x, gain, dy := in[0], in[1], in[3]
		dx := out[0]
		var dgain []float32
		if len(out) > 1 {
			dgain = out[1]
		}
		clear(dgain)
		hat := m.scratch(d)
		for i := 0; i < len(x); i += d {
			row := dx[i : i+d]
			r := inverse(m.vec.dot(x[i:i+d], x[i:i+d]), d, epsilon)
			m.vec.scale(hat, x[i:i+d], r, 0)
			if dgain != nil {
				m.vec.fma(dgain, dy[i:i+d], hat)
			}
			m.vec.mul(row, dy[i:i+d], gain)
			m.vec.axpy(row, hat, -m.vec.dot(row, hat)/float32(d))
			m.vec.scale(row, row, r, 0)
		}
	}
}

// softmaxRow writes e^(x − max) and returns its sum and the maximum.
func (m *Machine) softmaxRow(d, x []float32) (sum, top float32) {
	top = m.vec.maxOf(x)
	m.vec.scale(d, x, 1, -top)
	m.vec.exp(d, d)
	return m.vec.sum(d), top
}

// crossEntropy runs graph.CrossEntropy row by row.
func crossEntropy(f *graph.Function) kernel {
	classes := f.In[0].Shape[1]
	return func(m *Machine, in, out [][]float32) {
		logits, targets := in[0], in[1]
		p := m.scratch(classes)
		for i, target := range targets {
			row := logits[i*classes : (i+1)*classes]
			sum, top := m.softmaxRow(p, row)
			out[0][i] = float32(math.Log(float64(sum))) + top - row[int(target)]
		}
	}
}

// crossEntropyGrad: softmax(logits) less 1 at the target, times dy.
func crossEntropyGrad(f *graph.Function) kernel {
	if !needs(f, true, false) {
		return nil
	}
	classes := f.In[0].Shape[1]
	return func(m *Machine, in, out [][]float32) {
		logits, targets, dy := in[0], in[1], in[3]
		for i, target := range targets {
			row := out[0][i*classes : (i+1)*classes]
			sum, _ := m.softmaxRow(row, logits[i*classes:(i+1)*classes])
			m.vec.scale(row, row, dy[i]/sum, 0)
			row[int(target)] -= dy[i]
		}
	}
}
