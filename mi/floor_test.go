package mi

import (
	"math"
	"math/rand/v2"
	"testing"
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

// The floor must be what the estimator reads on independent pairs, drawn here.
func TestIndependentFloor(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	const n = 20_000
	var gaps []float64
	for range 12 {
		left, right, pairs := map[int]int64{}, map[int]int64{}, map[[2]int]int64{}
		for range n {
			a, b := int(3000*math.Pow(rng.Float64(), 3)), int(800*math.Pow(rng.Float64(), 2))
			left[a]++
			right[b]++
			pairs[[2]int{a, b}]++
		}
		c := PairCounts{Left: histogramOfMap(left), Right: histogramOfMap(right), Pairs: histogramOfMap(pairs)}
		e, err := TwoPoint(c, TwoPointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		floor, err := IndependentFloor(c.Left, c.Right)
		if err != nil {
			t.Fatal(err)
		}
		if e.Value < 0.3 {
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
	// Beyond noise, terms of order 1/N are allowed for.
	if se := math.Sqrt(sd / float64(len(gaps))); math.Abs(mean) > 4*se+0.002 {
		t.Errorf("the floor is off by %g ± %g", mean, se)
	}
}

func histogramOfMap[K comparable](counts map[K]int64) Histogram {
	var all []int64
	for _, n := range counts {
		all = append(all, n)
	}
	return HistogramOf(all)
}
