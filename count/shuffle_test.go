package count

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 3000).Draw(t, "n")
		p := newPermutation(n, rapid.Uint64().Draw(t, "seed"))
		seen := make([]bool, n)
		for i := range n {
			if y := p.at(i); y >= n || seen[y] {
				t.Fatalf("%d comes twice or is outside", y)
			} else {
				seen[y] = true
			}
		}
	})
}

func TestLeftTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.Int64Range(1, 60), 1, 200).Draw(t, "counts")
		var want []uint64
		slices.SortFunc(counts, func(a, b int64) int { return int(b - a) })
		for id, n := range counts {
			for range n {
				want = append(want, uint64(id+1))
			}
		}
		table := newLefts(HistogramOf(counts), uint64(len(want)))
		for u, id := range want {
			if got := uint64(table.at(uint64(u))); got != id {
				t.Fatalf("left token %d is %d, want %d", u, got, id)
			}
		}
	})
}

// Every matching of lefts and rights must be equally likely: the number of
// cells of a table with given margins that hold (a, b) is then Poisson for rare
// tokens. Here the expected number of singletons, doubles, … of independent
// pairs is computed from the margins and compared.
func TestShuffledPairsAreIndependent(t *testing.T) {
	rng := seeded(3, 0)
	left, right := make([]int64, 400), make([]int64, 300)
	const n = 200_000
	for range n {
		left[int(400*math.Pow(rng.Float64(), 3))]++
		right[int(300*math.Pow(rng.Float64(), 2))]++
	}
	h, err := Shuffled(t.Context(), HistogramOf(left), HistogramOf(right), 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	if h.Total() != n {
		t.Fatalf("%d pairs, want %d", h.Total(), n)
	}
	// The count of (a, b) is hypergeometric; to O(1/n) binomial with n draws
	// of probability l·r/n².
	for k := int64(1); k <= 6; k++ {
		mean, variance := 0.0, 0.0
		for _, l := range left {
			for _, r := range right {
				if l == 0 || r == 0 {
					continue
				}
				p := float64(l) * float64(r) / n / n
				lg := func(x float64) float64 { y, _ := math.Lgamma(x); return y }
				q := math.Exp(lg(n+1) - lg(float64(k)+1) - lg(n-float64(k)+1) + float64(k)*math.Log(p) + (n-float64(k))*math.Log1p(-p))
				mean += q
				variance += q * (1 - q)
			}
		}
		got := 0.0
		for _, b := range h {
			if b.Count == k {
				got = float64(b.Types)
			}
		}
		// Cells are negatively correlated, so the true deviation is smaller.
		if z := (got - mean) / math.Sqrt(variance); math.Abs(z) > 4 {
			t.Errorf("%g pairs seen %d times, want %.1f ± %.1f", got, k, mean, math.Sqrt(variance))
		}
	}
	again, err := Shuffled(t.Context(), HistogramOf(left), HistogramOf(right), 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h, again); diff != "" {
		t.Errorf("one worker and three differ:\n%s", diff)
	}
	if _, err := Shuffled(t.Context(), HistogramOf(left), HistogramOf(right[1:]), 5, 1); err == nil {
		t.Error("margins that do not match were accepted")
	}
}

func BenchmarkShuffled(b *testing.B) {
	rng := seeded(3, 0)
	tokens := make([]int64, 100_000)
	const n = 4_000_000
	for range n {
		tokens[int(100_000*math.Pow(rng.Float64(), 4))]++
	}
	h := HistogramOf(tokens)
	for b.Loop() {
		if _, err := Shuffled(b.Context(), h, h, 1, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/pair")
}
