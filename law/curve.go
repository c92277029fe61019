package law

import (
	"math"

	"github.com/l2m-lab/l2m/info"
)

// At returns the fitted curve at length L > 0, in nats; see the families for the
// formulas. ok is false if the family is unknown, a parameter is missing (as in a
// damaged document) or the value is not finite.
func (f *Fit) At(L float64) (i info.Nats, ok bool) {
	p := func(name string) float64 {
		if p, ok := f.Param(name); ok {
			return p.Value
		}
		return math.NaN()
	}
	v := math.NaN()
	switch f.Family {
	case Power:
		v = p("A") * math.Pow(L, p("beta"))
	case OffsetPower:
		v = p("A")*math.Pow(L, p("beta")) + p("c")
	case Logarithm:
		v = p("a") + p("b")*math.Log(L)
	case Volume:
		v = p("a") * L
	case Saturation:
		v = -p("a") * math.Expm1(-p("gamma")*math.Log1p(L/p("L0")))
	case Zero:
		v = 0
	}
	return info.Nats(v), !math.IsNaN(v) && !math.IsInf(v, 0)
}
