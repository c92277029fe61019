package arch

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
)

// Need answers what a length would ask of a model.
type Need struct {
	Length      int64         `json:"length"` // tokens
	Information info.Nats     `json:"information"`
	Interval    info.Interval `json:"interval"`      // of the information
	PerTenfold  float64       `json:"per_tenfold"`   // factor by which the needed state grows when the length grows tenfold: 10^β
	State       int64         `json:"state"`         // elements that the model keeps at this length
	At          []NeedAt      `json:"at_capacities"` // the hard bound first, then the capacities

	Beyond bool `json:"beyond_measured,omitempty"` // the law was not measured at this length
}

// NeedAt is the need at one capacity per element.
type NeedAt struct {
	Capacity float64 `json:"capacity"` // nats per element
	Hard     bool    `json:"hard,omitempty"`

	Elements float64 `json:"elements"` // that hold the information at this length
	Factor   float64 `json:"factor"`   // the model's state ÷ Elements: above 1 it keeps more than needed

	// Window is the smallest number of past tokens to which the growing attention
	// of the model could be cut; 0 when it has none, or when even all of it is
	// not enough.
	Window int64 `json:"window,omitempty"`
	// Attention is the smallest number of layers, of Layers that keep anything,
	// that would have to stay attention if the others were recurrent; −1 when the
	// question does not arise (no growing layers) or no number is enough. What an
	// attention and a recurrent layer keep is said in HybridBasis.
	Attention   int    `json:"attention"`
	Layers      int    `json:"layers"`
	HybridBasis string `json:"hybrid_basis,omitempty"`
}

// need answers for one length. A window or a mixture of layers must satisfy
// the law at every length up to this one, not only there.
func (m *Model) need(l law.PowerLaw, L int64, o AuditOptions) (Need, error) {
	if L < 1 {
		return Need{}, fmt.Errorf("what %s would need at length %d: want at least 1 token", m.Name, L)
	}
	s, err := m.State(L)
	if err != nil {
		return Need{}, err
	}
	n := Need{
		Length: L, Information: l.At(float64(L)), Interval: l.Interval(float64(L), o.Level),
		PerTenfold: math.Pow(10, l.Beta), State: s.Total,
	}
	mean := m.meanCapacity(o.DType, []int64{L})
	n.At = append(n.At, m.needAt(l, s, mean, true))
	for _, c := range o.Capacities {
		n.At = append(n.At, m.needAt(l, s, c, false))
	}
	return n, nil
}

func (m *Model) needAt(l law.PowerLaw, s State, capacity float64, hard bool) NeedAt {
	L := float64(s.Length)
	a := NeedAt{Capacity: capacity, Hard: hard, Elements: float64(l.At(L)) / capacity, Attention: -1}
	a.Factor = float64(s.Total) / a.Elements
	mix := m.mixture()
	a.Layers = mix.layers
	if mix.growing == 0 {
		return a
	}
	h := newLine(l, 0)
	holds := func(state func(x float64) float64) bool {
		const steps = 256 // the lengths between 1 and L, evenly in x = ln L
		for i := range steps + 1 {
			x := math.Log(L) * float64(i) / steps
			if state(x)+math.Log(capacity) < h.at(x)-1e-12 {
				return false
			}
		}
		return true
	}
	whole := m.smooth(one)
	if slices.ContainsFunc(whole, func(t term) bool { return t.rule == PerToken }) {
		a.Window = smallest(s.Length, func(w int64) bool { return holds(whole.cut(math.Log(float64(w))).at) })
	}
	mixed := func(k int64) bool {
		others := float64(int64(mix.layers) - k)
		return holds(func(x float64) float64 {
			return math.Log(float64(k)*math.Exp(mix.attention.at(x)) + others*math.Exp(mix.other.at(x)))
		})
	}
	switch k := smallest(int64(mix.layers), mixed); {
	case mixed(0):
		a.Attention = 0
	case k > 0:
		a.Attention = int(k)
	}
	a.HybridBasis = mix.basis
	return a
}

func one(Part) float64 { return 1 }

// cut bounds everything that grows by e^n entries.
func (s smooth) cut(n float64) smooth {
	out := append(smooth{}, s...)
	for i, t := range out {
		if t.rule == PerToken {
			out[i].rule, out[i].n = Bounded, n
		}
	}
	return out
}

// smallest is the smallest n in 1…most for which ok holds, 0 when there is
// none; ok must not turn false again as n grows.
func smallest(most int64, ok func(int64) bool) int64 {
	if most < 1 || !ok(most) {
		return 0
	}
	lo, hi := int64(0), most
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; ok(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

// mixture summarises what kinds of layer a model has.
type mixture struct {
	layers    int    // that keep anything
	growing   int    // of them, with parts that grow with every token
	attention smooth // the mean growing layer
	other     smooth // the mean of the other layers, or an assumed recurrent one
	basis     string
}

func (m *Model) mixture() mixture {
	var x mixture
	var growing, other Model
	var memory float64 // of the growing layers' heads
	for _, layer := range m.Layers {
		grows, keeps := false, false
		for _, p := range layer.Parts {
			keeps = keeps || p.Width > 0
			grows = grows || p.Width > 0 && (p.Rule == PerToken || p.Rule == PerBlock)
			memory += float64(p.heads) * float64(p.key) * float64(p.val)
		}
		switch {
		case grows:
			growing.Layers = append(growing.Layers, layer)
		case keeps:
			other.Layers = append(other.Layers, layer)
		}
	}
	x.growing, x.layers = len(growing.Layers), len(growing.Layers)+len(other.Layers)
	if x.growing == 0 {
		return x
	}
	mean := func(m Model) smooth { return m.smooth(func(Part) float64 { return 1 / float64(len(m.Layers)) }) }
	x.attention = mean(growing)
	perToken := growing.Growth().PerToken / float64(x.growing)
	switch {
	case len(other.Layers) > 0:
		x.other = mean(other)
		x.basis = fmt.Sprintf("layers as in this model: %.4g elements per token in an attention layer; the others as they are", perToken)
	case memory > 0:
		size := memory / float64(x.growing)
		x.other = smooth{{ln: math.Log(size), rule: Fixed}}
		x.basis = fmt.Sprintf("%.4g elements per token in an attention layer; %.4g in a recurrent one, a key × value matrix for each of the same heads", perToken, size)
	default:
		x.basis = fmt.Sprintf("%.4g elements per token in an attention layer; the others keeping nothing", perToken)
	}
	return x
}
