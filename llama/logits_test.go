package llama

import (
	"math"
	"math/rand/v2"
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
		if got, want := logSumExp(x), top+math.Log(sum); math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	for _, bad := range [][]float32{{float32(math.Inf(1)), 1}, {float32(math.Inf(-1))}, {1, 2, float32(math.NaN())}, {1, float32(math.NaN()), 2, 3}} {
		if got := logSumExp(bad); !math.IsNaN(got) {
			t.Errorf("logSumExp(%v) is %v", bad, got)
		}
	}
}
