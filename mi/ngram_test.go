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
		h := []EntropyEstimate{{Value: info.Nats(3 * rng.Float64())}, {Value: info.Nats(6 * rng.Float64())}}
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
					want := float64(plain.Points[p].Value) - 0.8*(loss-float64(h[i].Value))
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
	for _, bad := range [][]EntropyEstimate{{{Value: 1}, {Value: 2}, {Value: 3}}, {{Value: -1}}, {{Value: info.Nats(math.NaN())}}, {{Value: 1}, {Value: info.Nats(math.Inf(1))}}, {{Value: 1, SE: info.Nats(math.NaN())}}} {
		if _, err := Collect(t.Context(), src, CollectOptions{NGrams: bad}); err == nil {
			t.Errorf("entropies %v were accepted", bad)
		}
	}
	s := collect(t, src, CollectOptions{NGrams: []EntropyEstimate{{Value: 1}}})
	out := series(t, s, Paired2Gram, 2)
	if len(out.Points) != 0 || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0].Text, "entropy of 2 successive tokens") {
		t.Errorf("without its entropy: %+v", out)
	}
}

// The standard error of an n-gram entropy is common to all lengths, with 4/5 of it.
func TestNGramErrorEnters(t *testing.T) {
	src := random(rand.New(rand.NewPCG(1, 2)), 16, 8, 4, 0, 2)
	without := series(t, collect(t, src, CollectOptions{NGrams: []EntropyEstimate{{Value: 2}, {Value: 4}}}), Paired2Gram, 2)
	with := series(t, collect(t, src, CollectOptions{NGrams: []EntropyEstimate{{Value: 2}, {Value: 4, SE: 0.5}}}), Paired2Gram, 2)
	for i := range with.Cov {
		for j := range with.Cov {
			if d := with.Cov[i][j] - without.Cov[i][j] - 0.16; math.Abs(d) > 1e-12 {
				t.Errorf("Cov[%d][%d] grows by %g, want 0.16", i, j, d+0.16)
			}
		}
		if got, want := float64(with.Points[i].SE), math.Sqrt(with.Cov[i][i]); got != want {
			t.Errorf("SE %g, want %g", got, want)
		}
	}
}

// Of independent fair bits the entropy of n is n·ln 2, and its standard error over
// documents covers what is estimated in 95 % of 200 corpora; of 1,000 equally likely
// symbols seen 2,000 times, pairs are undersampled: they still rise.
func TestNGram(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	draw := func(documents, length, symbols int, p float64) [][]uint32 {
		out := make([][]uint32, documents)
		for d := range out {
			q := p * (0.8 + 0.4*rng.Float64()) // documents differ
			for range length {
				x := uint32(rng.IntN(symbols))
				if p > 0 {
					x = 0
					if rng.Float64() < q {
						x = 1
					}
				}
				out[d] = append(out[d], x)
			}
		}
		return out
	}
	for n := 1; n <= 2; n++ {
		e, err := NGram(draw(20, 2000, 2, 0), n)
		if want := float64(n) * math.Ln2; err != nil || math.Abs(float64(e.Value)-want) > 4*float64(e.SE)+1e-3 || math.Abs(float64(e.Rising)) > 1e-3 {
			t.Errorf("n = %d: %+v, want %g (%v)", n, e, want, err)
		}
	}
	// The law of a token of documents that differ: 1 with probability 0.2.
	want := -0.2*math.Log(0.2) - 0.8*math.Log(0.8)
	missed := 0
	for range 200 {
		e, err := NGram(draw(30, 200, 2, 0.2), 1)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(e.Value)-want) > 2.05*float64(e.SE) { // Student's t of 29 degrees of freedom
			missed++
		}
	}
	if missed > 22 { // of a binomial distribution of mean 10, p < 0.001
		t.Errorf("the interval missed the entropy in %d of 200 corpora", missed)
	}
	e, err := NGram([][]uint32{draw(1, 2000, 1000, 0)[0]}, 2)
	if err != nil || e.Rising < 0.1 {
		t.Errorf("a table of 10⁶ pairs from 2,000: rising by %v (%v)", e.Rising, err)
	}
	if _, err := NGram([][]uint32{{1}}, 2); err == nil {
		t.Error("no pair has an entropy")
	}
}
