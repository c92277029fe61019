package law

import (
	"math"
	"math/rand/v2"
	"testing"
)

// noisy is a series of clusters documents, each one window, around curve, with
// correlation rho between neighbouring lengths and standard deviation sd.
func noisy(rng *rand.Rand, clusters int, lengths []float64, curve, sd func(L float64) float64, rho float64) Data {
	d := Data{L: lengths, I: make([]float64, len(lengths))}
	for range clusters {
		sums, counts := make([]float64, len(lengths)), make([]float64, len(lengths))
		z := rng.NormFloat64()
		for i, l := range lengths {
			if i > 0 {
				z = rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64()
			}
			sums[i], counts[i] = curve(l)+sd(l)*z, 1
			d.I[i] += sums[i] / float64(clusters)
		}
		d.Sums, d.Counts = append(d.Sums, sums), append(d.Counts, counts)
	}
	return d
}

// dyadic lengths 4, 8, … .
func dyadic(n int) []float64 {
	l := make([]float64, n)
	for i := range l {
		l[i] = float64(int(4) << i)
	}
	return l
}

// BenchmarkAnalyze is the whole analysis of a series at its largest: 400 or
// more documents, 13 lengths, 4,000 bootstrap draws.
func BenchmarkAnalyze(b *testing.B) {
	curve := func(l float64) float64 { return 2 * math.Pow(l, 0.7) }
	d := noisy(rand.New(rand.NewPCG(1, 1)), 400, dyadic(13), curve, curve, 0.8)
	for b.Loop() {
		if _, err := Analyze(d, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
