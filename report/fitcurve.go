package report

import (
	"math"

	"github.com/l2m-lab/l2m/law"
)

// evaluate is a fitted family at length L, in nats; false when the fit lacks a
// parameter or the value is not finite.
func evaluate(f *law.Fit, L float64) (float64, bool) {
	v := math.NaN()
	get := func(names ...string) float64 {
		if p := param(f, names...); p != nil {
			return p.Value
		}
		return math.NaN()
	}
	switch f.Family {
	case law.Power:
		v = get("A", "a") * math.Pow(L, get("beta", "β", "b"))
	case law.OffsetPower:
		v = get("A", "a")*math.Pow(L, get("beta", "β", "b")) + get("c", "offset")
	case law.Logarithm:
		v = get("a") + get("b")*math.Log(L)
	case law.Volume:
		v = get("a") * L
	case law.Saturation:
		v = -get("a") * math.Expm1(-get("gamma", "γ")*math.Log1p(L/get("L0", "l0", "L₀")))
	case law.Zero:
		v = 0
	}
	return v, finite(v)
}

// trace samples a fitted family on a logarithmic grid from lo to hi.
func trace(f *law.Fit, lo, hi float64) []Point {
	const steps = 64
	var points []Point
	for i := 0; i <= steps; i++ {
		L := lo * math.Pow(hi/lo, float64(i)/steps)
		if v, ok := evaluate(f, L); ok {
			points = append(points, Point{X: L, Y: v})
		}
	}
	return points
}
