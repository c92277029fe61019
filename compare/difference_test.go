package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The difference of two models on the same documents has the error of the
// difference, and its interval holds the truth as often as it says.
func TestDifferencesArePaired(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const rounds = 300
	held, apart := 0, 0
	for range rounds {
		var a, b Sums
		for range 60 {
			n := float64(1 + rng.IntN(4))
			hard := 5 * rng.NormFloat64() // both find the document hard
			a.Totals, a.Counts = append(a.Totals, []float64{n * (10 + hard + 0.2*rng.NormFloat64())}), append(a.Counts, []float64{n})
			b.Totals, b.Counts = append(b.Totals, []float64{n * (11 + hard + 0.2*rng.NormFloat64())}), append(b.Counts, []float64{n})
		}
		minus := func(x, y float64) float64 { return y - x }
		d, err := Difference(a, b, minus, Bootstrap{Draws: 300})
		if err != nil {
			t.Fatal(err)
		}
		if d[0].Interval.Contains(1) {
			held++
		}
		if u := Unpaired(a, b, minus, Bootstrap{Draws: 300}); u[0].Interval.Lo > 0 {
			apart++
		}
		if d[0].SE > 0.1 {
			t.Fatalf("standard error %g of a difference that is known to 0.04", d[0].SE)
		}
	}
	// 95 % of 300 with four standard errors of 1.3 %; percentile intervals of 60
	// documents hold a little less.
	if held < rounds*89/100 {
		t.Errorf("the interval of the paired difference held the truth in %d of %d", held, rounds)
	}
	if apart > rounds/2 {
		t.Error("without pairing the difference would be as clear: this test shows nothing")
	}
	if _, err := Difference(Sums{Totals: [][]float64{{1}}, Counts: [][]float64{{1}}}, Sums{}, nil, Bootstrap{}); err == nil {
		t.Error("runs of other documents were compared")
	}
}

// A power law is interpolated exactly, at the ends too; what is not positive, on a line
// in ln x.
func TestInterpolate(t *testing.T) {
	x, at := []float64{2, 4, 8, 32}, []float64{2, 3, 4, 7.5, 20, 32}
	law := func(x []float64) (y []float64) {
		for _, v := range x {
			y = append(y, 2.27*math.Pow(v, 0.76))
		}
		return y
	}
	for i, v := range interpolate(x, law(x), at) {
		if want := law(at)[i]; math.Abs(v-want) > 1e-12*want {
			t.Errorf("%g at %g, want %g", v, at[i], want)
		}
	}
	if got := interpolate([]float64{1, 4}, []float64{-1, 3}, []float64{2}); math.Abs(got[0]-1) > 1e-12 {
		t.Errorf("%g halfway between -1 and 3", got[0])
	}
}

// A model with other windows of the same laws takes as much, at equal lengths, though
// its own lengths are others; the interval says so.
func TestUnpairedAtEqualLengths(t *testing.T) {
	sample := func(seed uint64, x []float64) Sums {
		rng := rand.New(rand.NewPCG(seed, 1))
		var s Sums
		for range 60 {
			size := math.Exp(0.3 * rng.NormFloat64())
			var y, n []float64
			for _, v := range x {
				y, n = append(y, size*math.Pow(v, 0.76)), append(n, 1)
			}
			s.Totals, s.Counts = append(s.Totals, y), append(s.Counts, n)
		}
		return s
	}
	at, own := []float64{8, 16, 32}, []float64{6, 12, 24, 48}
	a, b := sample(1, at), sample(2, own)
	b.View = func(means []float64) []float64 { return interpolate(own, means, at) }
	for i, e := range Unpaired(a, b, func(a, b float64) float64 { return 100 * (a - b) / a }, Bootstrap{}) {
		// 0.3·sqrt(1/60+1/60) of each value.
		if math.Abs(e.Value) > 4*e.SE || e.SE < 3.5 || e.SE > 8 {
			t.Errorf("at %g: %g ± %g %% less", at[i], e.Value, e.SE)
		}
	}
}
