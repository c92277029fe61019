package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

// LeastClusters is the number of clusters below which no interval is given:
// with fewer, none holds what it says once documents differ a lot.
const LeastClusters = 5

// Widening is the factor by which intervals from clusters are widened for the
// documents that are not there: 1 + 2/n, n = (Σ N)²/Σ N² the number of clusters
// of equal size that the counts amount to ★. An interval that knows the sample
// only is too short where documents are heavy-tailed, because the largest kinds
// are missing from most small samples; docs/law.md has what it does.
func Widening(counts []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, n := range counts {
		sum, squares = sum+n, squares+n*n
	}
	return 1 + 2*squares/(sum*sum)
}

// Ends are the ends of an interval in standard errors, from the studentised
// departures (θ* − θ)/se* of bootstrap draws: the wider, at either end, of
// their quantiles and Student's t, times the widening. The bootstrap knows how
// skewed documents are [Efron & Tibshirani 1993, ch. 12], Student's t how few.
// An interval is value − se·hi … value − se·lo. departures is sorted in place.
func Ends(departures []float64, level, dof, widening float64) (lo, hi float64) {
	t := HalfWidth(level, dof)
	lo, hi = -t, t
	if len(departures) > 0 {
		slices.Sort(departures)
		tail := (1 - level) / 2
		lo, hi = min(lo, Quantile(departures, tail)), max(hi, Quantile(departures, 1-tail))
	}
	return widening * lo, widening * hi
}

// BootstrapMethod names the intervals that Ends gives.
const BootstrapMethod = "document bootstrap, studentised"

// MeanInterval is the interval of a ratio Σ_c sums / Σ_c counts over clusters
// (see Ends), from draws bootstrap replicates. It is nil for fewer than
// LeastClusters clusters, and where they do not differ.
func MeanInterval(sums, counts []float64, level float64, draws int, rng *rand.Rand) *info.Interval {
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
