package mi

import (
	"math"
	"testing"

	"github.com/l2m-lab/l2m/info"
)

// TestBounds: the interval of a point is the bootstrap's, or 1.96 standard errors where
// only these are known, and none from four documents.
func TestBounds(t *testing.T) {
	boot := &info.Interval{Lo: 1, Hi: 9}
	for _, c := range []struct {
		clusters int
		p        Point
		lo, hi   float64 // NaN: no interval
	}{
		{40, Point{Value: 4, SE: 1, Interval: boot}, 1, 9},
		{0, Point{Value: 4, SE: 1}, 2.04, 5.96},
		{5, Point{Value: 4, SE: 1}, 2.04, 5.96},
		{4, Point{Value: 4, SE: 1}, math.NaN(), math.NaN()},
		{40, Point{Value: 4}, math.NaN(), math.NaN()},
	} {
		got := Series{Clusters: c.clusters, Points: []Point{c.p}}.Bounds(0)
		if none := math.IsNaN(c.lo); none != (got == nil) || !none && (math.Abs(got.Lo-c.lo) > 1e-4 || math.Abs(got.Hi-c.hi) > 1e-4) {
			t.Errorf("%d documents, %+v: %+v, want %g … %g", c.clusters, c.p, got, c.lo, c.hi)
		}
	}
}
