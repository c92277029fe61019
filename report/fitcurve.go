package report

import (
	"math"

	"github.com/l2m-lab/l2m/report/figure"

	"github.com/l2m-lab/l2m/law"
)

// trace samples a fitted family on a logarithmic grid from lo to hi.
func trace(f *law.Fit, lo, hi float64) []figure.Point {
	const steps = 64
	var points []figure.Point
	for i := 0; i <= steps; i++ {
		L := lo * math.Pow(hi/lo, float64(i)/steps)
		if v, ok := f.At(L); ok {
			points = append(points, figure.Point{X: L, Y: float64(v)})
		}
	}
	return points
}
