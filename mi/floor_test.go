package mi

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/l2m-lab/l2m/info"
)

// Values of Abramowitz & Stegun, table 5.1.
func TestExpInt(t *testing.T) {
	for x, want := range map[float64]float64{0.5: 0.559773595, 1: 0.219383934, 2: 0.048900511, 1e-6: 13.238296} {
		if got := expInt(x); math.Abs(got-want) > 2e-7*max(1, want) {
			t.Errorf("E₁(%g) = %.9f, want %.9f", x, got, want)
		}
	}
	if below, above := expInt(1), expInt(math.Nextafter(1, 2)); math.Abs(below-above) > 1e-12 {
		t.Errorf("series %.17g and continued fraction %.17g differ at 1", below, above)
	}
}

// The floor must be what the estimator reads on independent pairs, drawn here:
// of a large vocabulary, where it is mostly that of pairs seen once, and of a
// small one, where the marginals' being fixed tells.
func TestIndependentFloor(t *testing.T) {
	testIndependentFloor(t, 3000, 800, 1.5)
	testIndependentFloor(t, 200, 300, 0.05)
}

func testIndependentFloor(t *testing.T, v, w, least float64) {
	rng := rand.New(rand.NewPCG(8, 1))
	const n = 20_000
	var gaps []float64
	for range 40 {
		c := drawn(n, func() (a, b int) { return int(v * math.Pow(rng.Float64(), 3)), int(w * math.Pow(rng.Float64(), 2)) })
		e, err := TwoPoint(c, TwoPointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		floor, err := IndependentFloor(c.Left, c.Right)
		if err != nil {
			t.Fatal(err)
		}
		if float64(e.Value) < least {
			t.Fatalf("the estimator reads %g: there is no bias to predict", e.Value)
		}
		gaps = append(gaps, float64(e.Value-floor))
	}
	mean, sd := 0.0, 0.0
	for _, g := range gaps {
		mean += g / float64(len(gaps))
	}
	for _, g := range gaps {
		sd += (g - mean) * (g - mean) / float64(len(gaps)-1)
	}
	se := math.Sqrt(sd / float64(len(gaps)))
	t.Logf("the floor is off by %.5f ± %.5f", mean, se)
	// Without the terms of fixed marginals it would be off by 0.008 and 0.010.
	if math.Abs(mean) > 4*se+0.0005 {
		t.Errorf("the floor is off by %g ± %g", mean, se)
	}
}

// The noise of independent pairs must be that of independent pairs, drawn here with
// the marginals fixed; from tables in which every pair is seen often to those in
// which most are never seen.
func TestIndependentSE(t *testing.T) {
	for _, v := range []float64{6, 60, 400, 3000} {
		rng := rand.New(rand.NewPCG(8, 3))
		const n = 6000
		var lefts, rights []int
		left, right := map[int]int64{}, map[int]int64{}
		for range n {
			a, b := int(v*math.Pow(rng.Float64(), 3)), int(v*math.Pow(rng.Float64(), 2))
			lefts, rights = append(lefts, a), append(rights, b)
			left[a]++
			right[b]++
		}
		c := PairCounts{Left: histogramOfMap(left), Right: histogramOfMap(right)}
		const repeats = 300
		var sum, square float64
		for range repeats {
			rng.Shuffle(n, func(i, j int) { rights[i], rights[j] = rights[j], rights[i] })
			pairs := map[[2]int]int64{}
			for i, a := range lefts {
				pairs[[2]int{a, rights[i]}]++
			}
			c.Pairs = histogramOfMap(pairs)
			e, err := TwoPoint(c, TwoPointOptions{})
			if err != nil {
				t.Fatal(err)
			}
			sum += float64(e.Value) / repeats
			square += float64(e.Value*e.Value) / repeats
		}
		sd := math.Sqrt(square - sum*sum)
		got := float64(IndependentSE(c.Left, c.Right))
		usual := math.Sqrt(float64(c.Pairs.Types())/2) / n
		t.Logf("%g symbols: %.6f, drawn %.6f, √(pairs seen/2)/N %.6f", v, got, sd, usual)
		// The standard error of sd is 4 % of it.
		if math.Abs(got/sd-1) > 0.2 {
			t.Errorf("%g symbols: the noise of independent pairs is %g, want %g", v, got, sd)
		}
	}
}

// Pairs with the ratio 1 ± ε to independent ones, whatever their frequency, have
// the information ½[(1+ε)·ln(1+ε) + (1−ε)·ln(1−ε)]; what the estimator reads above
// the floor is less, by the share that Attenuation says.
func TestAttenuation(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	const n, v, epsilon, repeats = 20_000, 300, 0.3, 60
	truth := 0.5 * ((1+epsilon)*math.Log1p(epsilon) + (1-epsilon)*math.Log1p(-epsilon))
	draw := func() int { return int(v / 2 * math.Pow(rng.Float64(), 2)) } // of v/2 kinds
	read, predicted := 0.0, 0.0
	for range repeats {
		c := drawn(n, func() (a, b int) {
			// Each kind has two symbols, + and −; like goes with like more often.
			a, b = 2*draw(), 2*draw()
			if rng.IntN(2) == 0 {
				a++
			}
			if b += a & 1; rng.Float64() >= (1+epsilon)/2 {
				b ^= 1
			}
			return a, b
		})
		e, err := TwoPoint(c, TwoPointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		floor, err := IndependentFloor(c.Left, c.Right)
		if err != nil {
			t.Fatal(err)
		}
		read += float64(e.Value-floor) / repeats
		predicted += Attenuation(c.Left, c.Right) / repeats
	}
	got := 1 - read/truth
	t.Logf("%.3f of the information is lost, %.3f were predicted", got, predicted)
	// The noise of a reading is √(pairs/2)/N ≈ 0.004, of the mean 1 % of truth.
	if predicted < 0.2 || math.Abs(got-predicted) > 0.05 {
		t.Errorf("%.3f of the information is lost, want %.3f", got, predicted)
	}
	// By hand: two symbols a side, each 3 of 6: λ = 3/2 in all four pairs.
	two := info.Histogram{{Count: 3, Types: 2}}
	if got, want := Attenuation(two, two), math.Exp(-3)*(1-3); math.Abs(got-want) > 1e-5 {
		t.Errorf("Attenuation = %v, want %v", got, want)
	}
}

// drawn counts n pairs.
func drawn(n int, draw func() (a, b int)) PairCounts {
	left, right, pairs := map[int]int64{}, map[int]int64{}, map[[2]int]int64{}
	for range n {
		a, b := draw()
		left[a]++
		right[b]++
		pairs[[2]int{a, b}]++
	}
	return PairCounts{Left: histogramOfMap(left), Right: histogramOfMap(right), Pairs: histogramOfMap(pairs)}
}

func histogramOfMap[K comparable](counts map[K]int64) info.Histogram {
	var all []int64
	for _, n := range counts {
		all = append(all, n)
	}
	return info.HistogramOf(all)
}
