package llama

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLogSumExp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		x := make([]float32, 1+rng.IntN(300))
		spread := math.Exp(6 * rng.Float64())
		for i := range x {
			x[i] = float32(spread * rng.NormFloat64())
		}
		if round%5 == 0 {
			x[rng.IntN(len(x))] = float32(math.Inf(-1)) // a token that the model rules out
			x[0] = 3
		}
		top, sum := math.Inf(-1), 0.0
		for _, v := range x {
			top = max(top, float64(v))
		}
		for _, v := range x {
			sum += math.Exp(float64(v) - top)
		}
		want := top + math.Log(sum)
		if got := logSumExp(x); math.Abs(got-want) > 3e-7*(1+math.Abs(want)) {
			t.Fatalf("%v, want %v", got, want)
		}
		if got := float64(largestGeneric(x)) + math.Log(sumExpGeneric(x, largestGeneric(x))); math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
			t.Fatalf("generic: %v, want %v", got, want)
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, bad := range [][]float32{{inf, 1}, {-inf}, {nan}, {1, 2, nan}, {1, nan, 2, 3}, slices.Repeat([]float32{nan}, 40), slices.Repeat([]float32{-inf}, 40)} {
		if got := logSumExp(bad); !math.IsNaN(got) {
			t.Errorf("logSumExp(%v) is %v", bad, got)
		}
	}
	// One broken number among many is found wherever it stands.
	for i := range 83 {
		for _, v := range []float32{nan, inf} {
			x := make([]float32, 83)
			x[i] = v
			if got := logSumExp(x); !math.IsNaN(got) {
				t.Fatalf("%v at %d of 83: %v", v, i, got)
			}
		}
	}
}
