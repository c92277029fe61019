package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
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
					sums, counts := make([][]float64, n), make([][]float64, n)
					for c := range sums {
						counts[c] = []float64{size.draw()}
						sums[c] = []float64{counts[c][0] * value.draw()}
					}
					if MeanIntervals(sums, counts, 0.95, draws, rng.Uint64())[0].Contains(1) {
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
	one := [][]float64{{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}
	if i := MeanIntervals([][]float64{{1, 1}, {2, 1}, {3, 1}, {4, 1}}, one[:4], 0.95, 99, 1); i != nil {
		t.Errorf("of four: %+v", i)
	}
	if i := MeanIntervals([][]float64{{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}}, one, 0.95, 99, 1); i[0] == nil || i[1] != nil {
		t.Errorf("of five that differ, and of five equals: %+v", i)
	}
}

// TestMeanIntervalErrors: the errors behind the intervals are those of Covariance, and
// groups keep the sums of the clusters.
func TestMeanIntervalErrors(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	var sums, counts [][]float64
	for range 600 {
		n := float64(1 + rng.IntN(9))
		counts = append(counts, []float64{n, n})
		sums = append(sums, []float64{n * rng.NormFloat64(), n * rng.ExpFloat64()})
	}
	value, se := make([]float64, 2), make([]float64, 2)
	meansAndErrors(sums, counts, nil, value, se)
	theta, cov := make([]float64, 2), NewSym(2)
	Covariance(sums, counts, nil, theta, cov)
	for i := range theta {
		if math.Abs(value[i]-theta[i]) > 1e-12 || math.Abs(se[i]-math.Sqrt(cov.At(i, i))) > 1e-12 {
			t.Errorf("quantity %d: %v ± %v, Covariance has %v ± %v", i, value[i], se[i], theta[i], math.Sqrt(cov.At(i, i)))
		}
	}
	grouped := RatioMeans(Group(sums, rng.Perm(600)), Group(counts, rng.Perm(600)), nil)
	if math.Abs(grouped[0]-theta[0]) > 1e-9 || len(Group(sums, rng.Perm(600))) != MaxGroups {
		t.Errorf("groups have the mean %v, clusters %v", grouped[0], theta[0])
	}
}
