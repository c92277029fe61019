package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/l2m-lab/l2m/info"
)

// TestMeanInterval: the interval of a mean holds the truth in at least 92 % of
// runs from five documents on, on documents that are normal, skewed, and
// heavy-tailed (lognormal with σ = 1), all of one size, of 1 to 24 windows, and
// of sizes that are lognormal themselves. L2M_LONG=1 makes the table of
// docs/law.md.
func TestMeanInterval(t *testing.T) {
	runs, draws := 80, 199
	if os.Getenv("L2M_LONG") != "" {
		runs, draws = 2000, 599
	}
	rng := rand.New(rand.NewPCG(1, 1))
	values := []struct {
		name string
		draw func() float64 // mean 1
	}{
		{"normal", func() float64 { return 1 + rng.NormFloat64() }},
		{"exponential", rng.ExpFloat64},
		{"lognormal, σ = 1", func() float64 { return math.Exp(rng.NormFloat64() - 0.5) }},
	}
	sizes := []struct {
		name string
		draw func() float64
	}{
		{"equal", func() float64 { return 1 }},
		{"1 to 24", func() float64 { return 1 + float64(rng.IntN(24)) }},
		{"lognormal", func() float64 { return math.Ceil(math.Exp(1 + rng.NormFloat64())) }},
	}
	for _, size := range sizes {
		for _, value := range values {
			for _, n := range []int{5, 10, 20, 60} {
				held := 0
				for range runs {
					sums, counts := make([]float64, n), make([]float64, n)
					for c := range sums {
						counts[c] = size.draw()
						sums[c] = counts[c] * value.draw()
					}
					if i := meanInterval(sums, counts, 0.95, draws, rng); i.Contains(1) {
						held++
					}
				}
				share := float64(held) / float64(runs)
				name := fmt.Sprintf("sizes %s, values %s, %d documents", size.name, value.name, n)
				t.Logf("%s: %.3f", name, share)
				if slack := 3 * math.Sqrt(0.08*0.92/float64(runs)); share < 0.92-slack {
					t.Errorf("%s: %.3f of %d intervals hold the truth", name, share, runs)
				}
			}
		}
	}
}

// TestMeanIntervalRefuses: no interval where none would hold.
func TestMeanIntervalRefuses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	one := []float64{1, 1, 1, 1, 1}
	if i := meanInterval([]float64{1, 2, 3, 4}, one[:4], 0.95, 99, rng); i != nil {
		t.Errorf("of four: %+v", i)
	}
	if i := meanInterval(one, one, 0.95, 99, rng); i != nil {
		t.Errorf("of equals: %+v", i)
	}
}

// meanInterval is the interval of a ratio Σ_c sums / Σ_c counts over clusters
// (see Ends), from draws bootstrap replicates. It is nil for fewer than
// LeastClusters clusters, and where they do not differ.
func meanInterval(sums, counts []float64, level float64, draws int, rng *rand.Rand) *info.Interval {
	n := len(sums)
	value, se := ratio(sums, counts, nil)
	if n < LeastClusters || !(se > 0) {
		return nil
	}
	var departures []float64
	Resample(rng, n, draws, func(m []float64) {
		if v, s := ratio(sums, counts, m); s > 0 {
			departures = append(departures, (v-value)/s)
		}
	})
	lo, hi := Ends(departures, level, float64(n-1), Widening(counts))
	return &info.Interval{Lo: value - se*hi, Hi: value - se*lo, Level: level, Method: BootstrapMethod, Draws: len(departures)}
}

// ratio is a ratio of sums over clusters with its standard error, as Covariance
// gives them.
func ratio(sums, counts, m []float64) (value, se float64) {
	weight := func(c int) float64 {
		if m == nil {
			return 1
		}
		return m[c]
	}
	var s, n, clusters float64
	for c := range sums {
		k := weight(c)
		s, n, clusters = s+k*sums[c], n+k*counts[c], clusters+k
	}
	value = s / n
	total := 0.0
	for c := range sums {
		e := sums[c] - value*counts[c]
		total += weight(c) * e * e
	}
	return value, math.Sqrt(clusters/(clusters-1)*total) / n
}
