package stats

import "slices"

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
