package train

import (
	"math"
	"strings"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/graph"
	"github.com/l2m-lab/l2m/lab/mixer"
)

// optimiser changes parameters by gradients: AdamW (arXiv 1711.05101), or Muon
// for the matrices of the layers and AdamW for the rest.
type optimiser struct {
	r       *Recipe
	layout  *cpu.Layout
	decay   []bool // by tensor
	muon    []bool
	first   []float32 // running means of gradients
	second  []float32 // and of their squares
	whiten  map[[2]int]*cpu.Machine
	set     cpu.Set
	epsilon float64
}

func newOptimiser(r *Recipe, params []mixer.Param, layout *cpu.Layout, set cpu.Set) *optimiser {
	o := &optimiser{r: r, layout: layout, set: set, first: make([]float32, layout.Size), second: make([]float32, layout.Size),
		whiten: map[[2]int]*cpu.Machine{}, epsilon: 1e-8}
	for _, p := range params {
		o.decay = append(o.decay, p.Decay)
		o.muon = append(o.muon, r.Optimiser == "muon" && p.Decay && len(p.Shape) == 2 && strings.HasPrefix(p.Name, "layers."))
	}
	return o
}

// clip scales a gradient down to the largest norm allowed and returns its norm
// before.
func (o *optimiser) clip(g []float32) float64 {
	sum := 0.0
	for _, x := range g {
		sum += float64(x) * float64(x)
	}
	norm := math.Sqrt(sum)
	if norm > o.r.Clip {
		s := float32(o.r.Clip / norm)
		for i := range g {
			g[i] *= s
		}
	}
	return norm
}

// update takes one step, from 0.
func (o *optimiser) update(params, g []float32, step int) error {
	share := o.r.RateAt(step)
	for i, t := range o.layout.Tensors {
		from, to := t.Offset, t.Offset+t.Size()
		p, by, first := params[from:to], g[from:to], o.first[from:to]
		if !o.muon[i] {
			o.adam(p, by, first, o.second[from:to], step, share*o.r.Rate, o.decay[i])
		} else if err := o.orthogonal(p, by, first, t.Shape, share*o.r.MuonRate); err != nil {
			return err
		}
	}
	return nil
}

func (o *optimiser) adam(p, g, first, second []float32, step int, rate float64, decay bool) {
	b1, b2 := float32(beta1), float32(o.r.Beta2)
	c1 := 1 - math.Pow(beta1, float64(step+1))
	c2 := 1 - math.Pow(o.r.Beta2, float64(step+1))
	size := float32(rate / c1)
	root := float32(1 / math.Sqrt(c2))
	keep := float32(1)
	if decay {
		keep = float32(1 - rate*o.r.WeightDecay)
	}
	epsilon := float32(o.epsilon)
	for i, x := range g {
		first[i] = float32(b1*first[i]) + float32((1-b1)*x)
		second[i] = float32(b2*second[i]) + float32((1-b2)*float32(x*x))
		d := float32(math.Sqrt(float64(second[i])))*root + epsilon
		p[i] = float32(keep*p[i]) - size*first[i]/d
	}
}

// Muon's settings (Jordan et al. 2024; step size as in arXiv 2502.16982, eq. 4, for
// steps as large as Adam's).
const (
	muonMomentum = 0.95
	muonSize     = 0.2
	newtonSteps  = 5
)

// orthogonal takes Muon's step: the running mean of gradients with its singular values
// set to about 1.
func (o *optimiser) orthogonal(p, g, momentum []float32, shape []int, rate float64) error {
	m, err := o.whitener(shape[0], shape[1])
	if err != nil {
		return err
	}
	in, err := m.Input("gradient")
	if err != nil {
		return err
	}
	for i, x := range g {
		momentum[i] = float32(muonMomentum*momentum[i]) + x
		in[i] = x + float32(muonMomentum*momentum[i])
	}
	if err := m.Run(nil); err != nil {
		return err
	}
	size := float32(rate * muonSize * math.Sqrt(float64(max(shape[0], shape[1]))))
	keep := float32(1 - rate*o.r.WeightDecay)
	for i, x := range m.Output(0) {
		p[i] = float32(keep*p[i]) - float32(size*x)
	}
	return nil
}

// whitener runs five steps of X ← a·X + (b·XXᵀ + c·(XXᵀ)²)·X from X of norm 1,
// with the coefficients of Muon, which bring singular values near 1.
func (o *optimiser) whitener(rows, cols int) (*cpu.Machine, error) {
	if m := o.whiten[[2]int{rows, cols}]; m != nil {
		return m, nil
	}
	const a, b, c = 3.4445, -4.7750, 2.0315
	var x *graph.Node
	if _, err := graph.Build(func(g *graph.Graph) {
		x = g.Input("gradient", rows, cols)
		flip := rows > cols
		if flip {
			x = g.Transpose(x, 1, 0)
		}
		x = g.Div(x, g.Shift(g.Sqrt(g.SumAll(g.Mul(x, x))), 1e-7))
		for range newtonSteps {
			s := g.Dot(x, x, false, true)
			s = g.Add(g.Scale(s, b), g.Scale(g.Dot(s, s, false, false), c))
			x = g.Add(g.Scale(x, a), g.Dot(s, x, false, false))
		}
		if flip {
			x = g.Transpose(x, 1, 0)
		}
	}); err != nil {
		return nil, err
	}
	p, err := cpu.Compile([]*graph.Node{x}, &cpu.Layout{}, o.set)
	if err != nil {
		return nil, err
	}
	m := cpu.NewMachine(p)
	o.whiten[[2]int{rows, cols}] = m
	return m, nil
}
