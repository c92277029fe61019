package mi

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
)

// The correction moves an estimate by 4/5 of what the mean loss of the first
// tokens exceeds their entropy: not at all where the model starts right.
func TestNGramCorrection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		src := random(rng, 32, 6, 3, 0, 4)
		h := []info.Nats{info.Nats(3 * rng.Float64()), info.Nats(6 * rng.Float64())}
		s, err := Collect(t.Context(), src, CollectOptions{NGrams: h})
		if err != nil {
			t.Fatal(err)
		}
		for _, ratio := range []int{2, 3, 4} {
			for i, e := range []Estimator{Paired1Gram, Paired2Gram} {
				plain, _ := s.Series(Paired, ratio)
				corrected, err := s.Series(e, ratio)
				if err != nil || len(corrected.Points) != len(plain.Points) {
					t.Fatalf("%s: %d points, %d without correction (%v)", e, len(corrected.Points), len(plain.Points), err)
				}
				for p, point := range corrected.Points {
					loss := 0.0
					for _, w := range src.all {
						for _, v := range w.Marginal[point.Ell][:i+1] {
							loss -= float64(v) / float64(len(src.all))
						}
					}
					want := float64(plain.Points[p].Value) - 0.8*(loss-float64(h[i]))
					if d := math.Abs(float64(point.Value) - want); d > 1e-9 {
						t.Fatalf("%s at ell = %d: %v, want %v", e, point.Ell, point.Value, want)
					}
				}
			}
		}
	})
}

func TestNGramsAreChecked(t *testing.T) {
	src := random(rand.New(rand.NewPCG(1, 1)), 8, 4, 2, 0, 2)
	for _, bad := range [][]info.Nats{{1, 2, 3}, {-1}, {info.Nats(math.NaN())}, {1, info.Nats(math.Inf(1))}} {
		if _, err := Collect(t.Context(), src, CollectOptions{NGrams: bad}); err == nil {
			t.Errorf("entropies %v were accepted", bad)
		}
	}
	s := collect(t, src, CollectOptions{NGrams: []info.Nats{1}})
	out := series(t, s, Paired2Gram, 2)
	if len(out.Points) != 0 || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0].Text, "entropy of 2 successive tokens") {
		t.Errorf("without its entropy: %+v", out)
	}
}
