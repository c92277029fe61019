package count

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
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
		table := newLefts(info.HistogramOf(counts), uint64(len(want)))
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
	h, err := Shuffled(t.Context(), info.HistogramOf(left), info.HistogramOf(right), 5, 3)
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
	again, err := Shuffled(t.Context(), info.HistogramOf(left), info.HistogramOf(right), 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h, again); diff != "" {
		t.Errorf("one worker and three differ:\n%s", diff)
	}
	if _, err := Shuffled(t.Context(), info.HistogramOf(left), info.HistogramOf(right[1:]), 5, 1); err == nil {
		t.Error("margins that do not match were accepted")
	}
}

// The sampler against the probabilities themselves, computed with exact integers,
// by a χ² test; from tables of one cell to those with the mode at an end.
func TestHypergeometric(t *testing.T) {
	rng := seeded(8, 0)
	for _, c := range [][3]int64{{1, 1, 1}, {5, 0, 3}, {0, 5, 3}, {7, 3, 6}, {40, 60, 30}, {2, 1000, 500}, {300, 5, 200}, {1000, 1000, 1000}, {3, 3, 6}} {
		good, bad, n := c[0], c[1], c[2]
		const draws = 200_000
		seen := map[int64]int{}
		for range draws {
			seen[hypergeometric(rng, good, bad, n)]++
		}
		all := new(big.Int).Binomial(good+bad, n)
		chi2, df, pooled, pooledSeen := 0.0, -1.0, 0.0, 0
		for x := max(0, n-bad); x <= min(good, n); x++ {
			ways := new(big.Int).Mul(new(big.Int).Binomial(good, x), new(big.Int).Binomial(bad, n-x))
			p, _ := new(big.Rat).SetFrac(ways, all).Float64()
			if pooled, pooledSeen = pooled+p*draws, pooledSeen+seen[x]; pooled > 10 || x == min(good, n) {
				chi2 += (float64(pooledSeen) - pooled) * (float64(pooledSeen) - pooled) / pooled
				df++
				pooled, pooledSeen = 0, 0
			}
			delete(seen, x)
		}
		if len(seen) != 0 {
			t.Errorf("%v: impossible values %v", c, seen)
		}
		// Mean df, variance 2 df. The last bin may hold little, which makes χ² wider.
		if chi2 > df+6*math.Sqrt(2*df)+20 {
			t.Errorf("%v: χ² = %.1f with %g degrees of freedom", c, chi2, df)
		}
	}
}

// With counts in the billions, moments say whether the sampler is right; the
// fourth tells a distribution that lacks its tails.
func TestHypergeometricLarge(t *testing.T) {
	rng := seeded(9, 0)
	const draws = 4000
	for _, c := range [][3]float64{{3e9, 5e9, 1e9}, {1e6, 8e9, 2e9}, {4e10, 1e5, 3e10}} {
		g, b, n := c[0], c[1], c[2]
		total := g + b
		mean := n * g / total
		sd := math.Sqrt(mean * b / total * (total - n) / (total - 1))
		var z1, z2, z4 float64
		for range draws {
			z := (float64(hypergeometric(rng, int64(g), int64(b), int64(n))) - mean) / sd
			z1 += z / draws
			z2 += z * z / draws
			z4 += z * z * z * z / draws
		}
		// Standard errors of the moments of a normal sample: 1, √2, √96 over √draws.
		e := 4 / math.Sqrt(draws)
		if math.Abs(z1) > e || math.Abs(z2-1) > e*math.Sqrt2 || math.Abs(z4-3) > e*math.Sqrt(96) {
			t.Errorf("%v: standardized moments %.3f, %.3f, %.3f, want 0, 1, 3", c, z1, z2, z4)
		}
	}
}

// Drawing cells and dealing pairs give histograms of the same distribution: the
// means over many seeds agree within their errors.
func TestTablesAndDealsAgree(t *testing.T) {
	left := info.Histogram{{Count: 1, Types: 2}, {Count: 10, Types: 3}, {Count: 100, Types: 2}, {Count: 400, Types: 1}}
	right := info.Histogram{{Count: 2, Types: 1}, {Count: 30, Types: 10}, {Count: 130, Types: 1}, {Count: 200, Types: 1}}
	n := left.Total()
	if right.Total() != n {
		t.Fatal(right.Total(), n)
	}
	const repeats = 3000
	type sum struct{ x, x2 float64 }
	stats := [2][3]sum{}
	for seed := range uint64(repeats) {
		table, err := shuffledTable(t.Context(), left, right, seed)
		if err != nil {
			t.Fatal(err)
		}
		dealt, err := dealPairsOf(t.Context(), left, right, seed, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range []info.Histogram{table, dealt} {
			if h.Total() != n {
				t.Fatalf("%d pairs, want %d", h.Total(), n)
			}
			entropy := 0.0
			for _, b := range h {
				p := float64(b.Count) / float64(n)
				entropy -= float64(b.Types) * p * math.Log(p)
			}
			for j, x := range []float64{entropy, float64(h.Types()), float64(h.Singletons())} {
				stats[i][j].x += x / repeats
				stats[i][j].x2 += x * x / repeats
			}
		}
	}
	for j, name := range []string{"entropy", "types", "singletons"} {
		a, b := stats[0][j], stats[1][j]
		se := math.Sqrt((a.x2 - a.x*a.x + b.x2 - b.x*b.x) / repeats)
		if math.Abs(a.x-b.x) > 4*se {
			t.Errorf("%s: %g ± %g apart", name, a.x-b.x, se)
		}
		// And they vary alike: the ratio of variances has a relative error of about √(4/repeats).
		if r := (a.x2 - a.x*a.x) / (b.x2 - b.x*b.x); math.Abs(r-1) > 5*math.Sqrt(4.0/repeats) {
			t.Errorf("%s: the variances have a ratio of %.3f", name, r)
		}
	}
}

func BenchmarkShuffled(b *testing.B) {
	rng := seeded(3, 0)
	tokens := make([]int64, 100_000)
	const n = 4_000_000
	for range n {
		tokens[int(100_000*math.Pow(rng.Float64(), 4))]++
	}
	h := info.HistogramOf(tokens)
	for b.Loop() {
		if _, err := Shuffled(b.Context(), h, h, 1, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/pair")
}
