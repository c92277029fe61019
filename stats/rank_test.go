package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The examples are exact: without ties Spearman's is 1 − 6·Σd²/(n·(n²−1)).
func TestSpearman(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{10, 100, 1000, 1e9}, 1},
		{[]float64{1, 2, 3, 4}, []float64{4, 3, 2, 1}, -1},
		{[]float64{1, 2, 3, 4, 5}, []float64{2, 1, 4, 3, 5}, 1 - 6*4./(5*24)},
		{[]float64{1, 1, 2}, []float64{1, 2, 3}, math.Sqrt(3) / 2}, // ranks 1.5, 1.5, 3
		{[]float64{1, 1, 1}, []float64{1, 2, 3}, math.NaN()},
	} {
		if got := Spearman(c.x, c.y); math.Abs(got-c.want) > 1e-12 || math.IsNaN(got) != math.IsNaN(c.want) {
			t.Errorf("Spearman(%v, %v) = %v; want %v", c.x, c.y, got, c.want)
		}
	}
}

// Independent pairs: the interval contains 0 about as often as its level says. It is
// somewhat too short for few pairs, which the docs must say where they use it.
func TestSpearmanIntervalCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	covered, runs := 0, 300
	for i := range runs {
		x, y := make([]float64, 20), make([]float64, 20)
		for k := range x {
			x[k], y[k] = rng.NormFloat64(), rng.NormFloat64()
		}
		v := SpearmanInterval(x, y, 0.9, 400, uint64(i))
		if v.Contains(0) {
			covered++
		}
		if v.Lo < -1 || v.Hi > 1 || v.Lo > v.Hi {
			t.Fatalf("%+v", v)
		}
	}
	if share := float64(covered) / float64(runs); share < 0.82 || share > 0.97 {
		t.Errorf("90 %% intervals cover in %.2f of the runs", share)
	}
}
