package mi

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// TestGrassbergerG: values of ψ(n) + ½(−1)ⁿ[ψ((n+1)/2) − ψ(n/2)] by SciPy
// 1.17.1 digamma.
func TestGrassbergerG(t *testing.T) {
	for n, want := range map[int64]float64{
		1: -1.2703628454614782, 2: 0.7296371545385218, 3: 0.7296371545385218, 4: 1.3963038212051884,
		5: 1.3963038212051884, 10: 2.304240329141696, 11: 2.3042403291416966, 100: 4.605186851488337,
		1001: 6.907755445648688, 1000000: 13.81551055796444,
	} {
		if got := grassbergerG(n); math.Abs(got-want) > 1e-13 {
			t.Errorf("G(%d) = %v, want %v", n, got, want)
		}
	}
}

// TestEntropyAgainstSciPy: the formulas of the estimators evaluated with NumPy
// and SciPy 1.17.1 (digamma) on three tables of counts.
func TestEntropyAgainstSciPy(t *testing.T) {
	type want struct{ grassberger, plugIn, miller, chao, se, plugInSE float64 }
	for _, c := range []struct {
		counts []int64
		want   want
	}{
		{[]int64{4, 2, 1, 1, 7, 30}, want{1.1595655265276417, 1.082467727573624, 1.1380232831291797, 1.2046622222395789, 0.18113436840841232, 0.15434890357674771}},
		{[]int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, want{3.572947938455524, 2.3025850929940455, 2.7525850929940456, 4.8162205845945, 0, 0}},
		{[]int64{1, 1, 1, 2, 2, 3, 5, 8, 13, 1000}, want{0.22014149444304465, 0.21353673931268097, 0.2178803686563103, 0.2323872343993741, 0.030900227233752752, 0.029562993824672753}},
	} {
		h := info.HistogramOf(append(c.counts, 0))
		for e, w := range map[EntropyEstimator][2]float64{
			Grassberger: {c.want.grassberger, c.want.se}, PlugIn: {c.want.plugIn, c.want.plugInSE},
			MillerMadow: {c.want.miller, c.want.plugInSE}, ChaoShen: {c.want.chao, c.want.plugInSE},
		} {
			got, err := Entropy(h, e)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(float64(got.Value)-w[0]) > 1e-12 || math.Abs(float64(got.SE)-w[1]) > 1e-8 {
				t.Errorf("%s of %v: %v ± %v, want %v ± %v", e, c.counts, got.Value, got.SE, w[0], w[1])
			}
			if got.Distinct != int64(len(c.counts)) || got.N != h.Total() {
				t.Errorf("%s: %d distinct of %d", e, got.Distinct, got.N)
			}
		}
	}
}

func TestEntropyEdges(t *testing.T) {
	for _, e := range EntropyEstimators() {
		one, err := Entropy(info.Histogram{{Count: 1000, Types: 1}}, e)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(one.Value)) > 1e-5 || one.SE > 1e-5 {
			t.Errorf("%s of a constant: %v ± %v", e, one.Value, one.SE)
		}
		single, err := Entropy(info.Histogram{{Count: 1, Types: 1}}, e)
		if err != nil || math.IsNaN(float64(single.Value)) || math.IsInf(float64(single.Value), 0) {
			t.Errorf("%s of one observation: %v, %v", e, single.Value, err)
		}
		for _, h := range []info.Histogram{nil, {{Count: 0, Types: 3}}, {{Count: -1, Types: 1}}, {{Count: 1, Types: -1}}, {{Count: 5, Types: 0}}} {
			if _, err := Entropy(h, e); err == nil {
				t.Errorf("%s: histogram %v was accepted", e, h)
			}
		}
	}
	if _, err := Entropy(info.Histogram{{Count: 1, Types: 2}}, "magic"); err == nil {
		t.Error("an unknown estimator was accepted")
	}
}

// TestHistogramOrder: bins in any order and split in two give the same, and
// the histogram is not changed.
func TestHistogramOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.Int64Range(1, 50), 1, 30).Draw(t, "counts")
		h := info.HistogramOf(counts)
		back := info.Histogram{}
		for i := len(h) - 1; i >= 0; i-- {
			back = append(back, h[i])
		}
		for _, e := range EntropyEstimators() {
			a, _ := Entropy(h, e)
			b, _ := Entropy(back, e)
			if a != b {
				t.Fatalf("%s: %+v and %+v", e, a, b)
			}
		}
		if len(back) > 1 && back[0].Count < back[1].Count {
			t.Fatal("the histogram was sorted in place")
		}
	})
}

// TestEntropyBias: 200 draws from 500 equal symbols (truth ln 500 = 6.2146).
// The corrected estimators must come far closer than plug-in.
func TestEntropyBias(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	truth := math.Log(500)
	mean := map[EntropyEstimator]float64{}
	const repeats = 200
	for range repeats {
		counts := make([]int64, 500)
		for range 200 {
			counts[rng.IntN(500)]++
		}
		for _, e := range EntropyEstimators() {
			h, err := Entropy(info.HistogramOf(counts), e)
			if err != nil {
				t.Fatal(err)
			}
			mean[e] += float64(h.Value) / repeats
		}
	}
	plain := truth - mean[PlugIn]
	if plain < 1 {
		t.Fatalf("plug-in is off by %v only", plain)
	}
	for e, least := range map[EntropyEstimator]float64{MillerMadow: 0.25, Grassberger: 0.5, ChaoShen: 0.7} {
		if off := math.Abs(truth - mean[e]); off > (1-least)*plain {
			t.Errorf("%s is off by %.3f, plug-in by %.3f", e, off, plain)
		}
	}
}

// pairs counts n pairs of which a fraction copy has equal ends, from a
// vocabulary of v equal symbols.
func pairs(rng *rand.Rand, v, n int, copies float64) PairCounts {
	left, right, both, shuffled := make([]int64, v), make([]int64, v), make([]int64, v*v), make([]int64, v*v)
	lefts, rights := make([]int, n), make([]int, n)
	for i := range n {
		a, b := rng.IntN(v), rng.IntN(v)
		if rng.Float64() < copies {
			b = a
		}
		lefts[i], rights[i] = a, b
		left[a]++
		right[b]++
		both[a*v+b]++
	}
	for i, j := range rng.Perm(n) {
		shuffled[lefts[i]*v+rights[j]]++
	}
	return PairCounts{Left: info.HistogramOf(left), Right: info.HistogramOf(right), Pairs: info.HistogramOf(both), Shuffled: []info.Histogram{info.HistogramOf(shuffled)}}
}

// TestTwoPoint: a share c of copies among v equal symbols has the information
// ln v + p₁ ln p₁ + (1−p₁) ln((1−p₁)/(v−1)), p₁ = c + (1−c)/v.
func TestTwoPoint(t *testing.T) {
	const v, copies = 20, 0.3
	p := copies + (1-copies)/v
	truth := math.Log(v) + p*math.Log(p) + (1-p)*math.Log((1-p)/(v-1))
	rng := rand.New(rand.NewPCG(2, 2))
	for _, e := range EntropyEstimators() {
		got, err := TwoPoint(pairs(rng, v, 40000, copies), TwoPointOptions{Estimator: e})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(got.Value)-truth) > 4*float64(got.SE) || got.Below || got.Pairs != 40000 || got.Method != "bound" {
			t.Errorf("%s: %+v, want %v", e, got, truth)
		}
	}
}

// TestIndependentPairs: with nothing to find, the floor is what plug-in reads,
// the difference is zero within FloorSE, and few are taken for information.
func TestIndependentPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	const repeats = 200
	below, square := 0, 0.0
	for range repeats {
		got, err := TwoPoint(pairs(rng, 12, 3000, 0), TwoPointOptions{Estimator: PlugIn, SubtractFloor: true})
		if err != nil {
			t.Fatal(err)
		}
		// (12−1)²/2N = 0.0202 is the bias of plug-in.
		if math.Abs(float64(got.Floor)-0.0202) > 0.02 {
			t.Errorf("floor %v", got.Floor)
		}
		z := float64(got.Value / got.FloorSE)
		square += z * z / repeats
		if got.Below {
			below++
		}
	}
	if below < repeats*9/10 {
		t.Errorf("%d of %d independent cases are below the floor", below, repeats)
	}
	// The noise of the shuffled reading adds to that of the estimate: up to 2.
	if square > 2.6 {
		t.Errorf("mean squared departure is %.2f floor errors", square)
	}
}

func TestTwoPointJackknife(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const v, blocks, n = 5, 10, 2000
	// Blocks of documents that copy to different degrees.
	table := make([][]int64, blocks)
	for b := range table {
		table[b] = make([]int64, v*v)
		for range n {
			x, y := rng.IntN(v), rng.IntN(v)
			if rng.Float64() < 0.05*float64(b) {
				y = x
			}
			table[b][x*v+y]++
		}
	}
	sum := func(without int) PairCounts {
		left, right, both := make([]int64, v), make([]int64, v), make([]int64, v*v)
		for b := range table {
			if b == without {
				continue
			}
			for i, k := range table[b] {
				left[i/v] += k
				right[i%v] += k
				both[i] += k
			}
		}
		return PairCounts{Left: info.HistogramOf(left), Right: info.HistogramOf(right), Pairs: info.HistogramOf(both)}
	}
	c := sum(-1)
	for b := range blocks {
		c.Without = append(c.Without, sum(b))
	}
	got, err := TwoPoint(c, TwoPointOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Method != "jackknife" || !(got.SE > 0) || len(got.Without) != blocks {
		t.Errorf("%+v", got)
	}
	// By hand for the values 1, 2, 4: mean 7/3, Σ(θ−θ̄)² = 14/3, times 2/3.
	if se := stats.Jackknife([]float64{1, 2, 4}); math.Abs(se-math.Sqrt(28.0/9)) > 1e-12 {
		t.Errorf("jackknife of 1, 2, 4 is %v", se)
	}
}

// Of independent symbols the jackknife's error is that of the values, on average,
// for every estimator and with the floor subtracted or not.
func TestJackknifeOfIndependentPairs(t *testing.T) {
	const v, blocks, n, repeats = 4, 16, 1500, 120
	for _, e := range EntropyEstimators() {
		rng := rand.New(rand.NewPCG(4, 5))
		var sum, square, variance float64
		for range repeats {
			var table [blocks + 1][v * v]int64 // the last is all of them
			for b := range blocks {
				for range n {
					cell := rng.IntN(v)*v + min(rng.IntN(v), rng.IntN(v))
					table[b][cell]++
					table[blocks][cell]++
				}
			}
			counts := func(without int) PairCounts {
				left, right, both := make([]int64, v), make([]int64, v), make([]int64, v*v)
				for i := range both {
					k := table[blocks][i]
					if without >= 0 {
						k -= table[without][i]
					}
					left[i/v] += k
					right[i%v] += k
					both[i] += k
				}
				return PairCounts{Left: info.HistogramOf(left), Right: info.HistogramOf(right), Pairs: info.HistogramOf(both)}
			}
			c := counts(-1)
			for b := range blocks {
				c.Without = append(c.Without, counts(b))
			}
			got, err := TwoPoint(c, TwoPointOptions{Estimator: e})
			if err != nil {
				t.Fatal(err)
			}
			sum += float64(got.Value) / repeats
			square += float64(got.Value*got.Value) / repeats
			variance += float64(got.SE*got.SE) / repeats
		}
		ratio := math.Sqrt(variance / (square - sum*sum))
		t.Logf("%s: errors are %.2f of the deviation of the values", e, ratio)
		// Near zero a value is quadratic in the deviations of the counts, so that the
		// jackknife's variance is twice as large [Efron & Stein 1981], and its error
		// √2 times; less for Grassberger's estimator, whose noise is half of even and
		// odd. The ratio has an error of 8 %.
		if ratio < 0.75 || ratio > math.Sqrt2*1.25 {
			t.Errorf("%s: errors are %.2f of the deviation of the values", e, ratio)
		}
	}
}

func TestTwoPointRefuses(t *testing.T) {
	two := info.Histogram{{Count: 1, Types: 2}}
	three := info.Histogram{{Count: 1, Types: 3}}
	for name, c := range map[string]PairCounts{
		"empty":    {},
		"left":     {Left: three, Right: two, Pairs: two},
		"right":    {Left: two, Right: three, Pairs: two},
		"shuffled": {Left: two, Right: two, Pairs: two, Shuffled: []info.Histogram{three}},
		"bad":      {Left: two, Right: two, Pairs: info.Histogram{{Count: 2, Types: 2}, {Count: -1, Types: 2}}},
		"without":  {Left: two, Right: two, Pairs: two, Without: []PairCounts{{}, {}}},
	} {
		if _, err := TwoPoint(c, TwoPointOptions{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
