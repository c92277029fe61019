package arch

import (
	"fmt"
	"math"
)

// Class is how the history state grows with length.
type Class string

// The growth classes, from the slowest to the fastest. Mixed is linear growth
// of some parts beside others that stop growing.
const (
	Constant    Class = "constant"
	Saturating  Class = "saturating"
	Logarithmic Class = "logarithmic"
	Power       Class = "power"
	Mixed       Class = "mixed"
	Linear      Class = "linear"
)

// Classes lists the growth classes, from the slowest to the fastest.
func Classes() []Class { return []Class{Constant, Saturating, Logarithmic, Power, Mixed, Linear} }

// Growth is how the history state of a model grows.
type Growth struct {
	Class    Class   `json:"class"`
	Exponent float64 `json:"exponent"` // of L, in the long run; 0 also for the logarithm

	PerToken   float64 `json:"per_token,omitempty"`    // elements per token, in the long run (Linear, Mixed)
	PerDouble  int64   `json:"per_doubling,omitempty"` // elements per doubling of L (Logarithmic)
	SaturateAt int64   `json:"saturates_at,omitempty"` // tokens from which on it no longer grows (Saturating), or bounded parts no longer do (Mixed)
	Fixed      int64   `json:"fixed"`                  // elements held at any length
}

// Growth classifies the state.
func (m *Model) Growth() Growth {
	var g Growth
	bounded := false
	for _, l := range m.Layers {
		for _, p := range l.Parts {
			if p.Width == 0 {
				continue
			}
			switch p.Rule {
			case PerToken:
				g.PerToken += float64(p.Width)
			case PerBlock:
				g.PerToken += float64(p.Width) / float64(p.N)
			case Segments:
				g.PerToken += float64(p.Width) / float64(p.N)
			case Beyond:
				if p.Cap > 0 {
					bounded, g.SaturateAt = true, max(g.SaturateAt, p.N+p.Cap)
					continue
				}
				g.PerToken += float64(p.Width)
			case Slots:
				g.Exponent = max(g.Exponent, p.Beta)
			case Fenwick:
				g.Exponent = max(g.Exponent, p.Beta)
				if p.Beta == 0 {
					g.PerDouble += p.slots(62) * p.Width
				}
			case Log:
				g.PerDouble += p.Width
			case Bounded, Tail, After:
				if p.N > 0 {
					bounded = true
					g.SaturateAt = max(g.SaturateAt, p.N)
				}
			case Fixed:
				g.Fixed += p.Width
			}
		}
	}
	switch {
	case g.PerToken > 0 && (bounded || g.Fixed > 0 || g.PerDouble > 0 || g.Exponent > 0):
		g.Class, g.Exponent = Mixed, 1
	case g.PerToken > 0:
		g.Class, g.Exponent = Linear, 1
	case g.Exponent > 0:
		g.Class = Power
	case g.PerDouble > 0:
		g.Class = Logarithmic
	case bounded:
		g.Class = Saturating
	default:
		g.Class = Constant
	}
	return g
}

// String says how the state grows, in a few words.
func (g Growth) String() string {
	switch g.Class {
	case Linear:
		return fmt.Sprintf("grows by %s elements per token", group(int64(math.Round(g.PerToken))))
	case Mixed:
		return fmt.Sprintf("grows by %s elements per token, the rest is bounded", group(int64(math.Round(g.PerToken))))
	case Power:
		return fmt.Sprintf("grows like L^%.3g", g.Exponent)
	case Logarithmic:
		return fmt.Sprintf("grows by %s elements per doubling of L", group(g.PerDouble))
	case Saturating:
		return fmt.Sprintf("stops growing at L = %s", group(g.SaturateAt))
	}
	return "does not grow"
}

// group writes thousands separators.
func group(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// smooth is the state as a function of a real length, in logarithms: ln of the
// weighted sum of its parts at ln L = x. It replaces ⌊L/n⌋ by L/n and leaves
// the partly filled blocks out. It cannot overflow, however long L is.
type smooth []term

// term is weight · form(L).
type term struct {
	ln   float64 // ln of weight
	rule Rule
	n    float64 // ln N; ln of the factor (Slots)
	beta float64
}

// smooth collects the parts of all layers, weighing an element by weight.
func (m *Model) smooth(weight func(Part) float64) smooth {
	sum := map[term]float64{}
	var order []term
	for _, l := range m.Layers {
		for _, p := range l.Parts {
			w := float64(p.Width) * weight(p)
			t := term{rule: p.Rule, beta: p.Beta}
			switch {
			case p.Rule == Slots:
				t.n = math.Log(p.factor())
			case p.Rule == Fenwick && p.Beta == 0:
				t.rule, w = Log, w*float64(p.slots(62))/2
			case p.Rule == Fenwick:
				// At L = 2^J the block of J alone; in the mean over the lengths up to
				// 2^(J+1) half of the smaller ones too.
				t.rule, t.n = Slots, math.Log(p.Scale*(1+0.5/(math.Pow(2, p.Beta)-1)))
			case p.Rule == Segments:
				t.rule, t.n = PerBlock, math.Log(float64(p.N))
			case p.Rule == Beyond && p.Cap > 0:
				t.rule, t.n = Bounded, math.Log(float64(p.Cap))
			case p.Rule == Beyond:
				t.rule = PerToken
			case p.N > 0:
				t.n = math.Log(float64(p.N))
			}
			if w == 0 || p.Rule == Tail || (p.Rule == Bounded && p.N == 0) {
				continue
			}
			if _, seen := sum[t]; !seen {
				order = append(order, t)
			}
			sum[t] += w
		}
	}
	var s smooth
	for _, t := range order {
		w := sum[t]
		t.ln = math.Log(w)
		s = append(s, t)
	}
	return s
}

// at is ln of the sum at ln L = x; −Inf when nothing is kept.
func (s smooth) at(x float64) float64 {
	top := math.Inf(-1)
	for _, t := range s {
		top = max(top, t.at(x))
	}
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, t := range s {
		sum += math.Exp(t.at(x) - top)
	}
	return top + math.Log(sum)
}

func (t term) at(x float64) float64 {
	switch t.rule {
	case PerToken:
		return t.ln + x
	case Bounded:
		return t.ln + min(x, t.n)
	case PerBlock:
		return t.ln + x - t.n
	case After:
		if x < t.n {
			return math.Inf(-1)
		}
		return t.ln
	case Log:
		return t.ln + math.Log(1+x/math.Ln2)
	case Slots:
		return t.ln + min(x, t.beta*x+t.n)
	}
	return t.ln
}
