package report

import (
	"math"

	"github.com/l2m-lab/l2m/report/figure"

	"github.com/l2m-lab/l2m/law"
)

// logGrid are 65 places from lo to hi at equal ratios, for a smooth curve.
func logGrid(lo, hi float64) []float64 {
	const steps = 64
	var at []float64
	for i := range steps + 1 {
		at = append(at, lo*math.Pow(hi/lo, float64(i)/steps))
	}
	return at
}

// trace samples a fitted family on a logarithmic grid from lo to hi.
func trace(f *law.Fit, lo, hi float64) []figure.Point {
	var points []figure.Point
	for _, L := range logGrid(lo, hi) {
		if v, ok := f.At(L); ok {
			points = append(points, figure.Point{X: L, Y: float64(v)})
		}
	}
	return points
}
