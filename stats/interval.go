package stats

import "slices"

// LeastClusters is the least number of clusters for an interval: with fewer, no
// method has its nominal coverage when documents differ a lot.
const LeastClusters = 5

// Widening is the factor by which intervals from clusters are widened to allow
// for kinds of documents that the sample lacks: 1 + 2/n, where
// n = (Σ N)²/Σ N² is the effective number of clusters ★. Without it intervals are
// too short where documents are heavy-tailed, because most small samples miss
// the rare large ones; docs/law.md shows its effect.
func Widening(counts []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, n := range counts {
		sum, squares = sum+n, squares+n*n
	}
	return 1 + 2*squares/(sum*sum)
}

// Ends are the ends of an interval in standard errors, from the studentised
// departures (θ* − θ)/se* of bootstrap draws: at each end the wider of their
// quantile and Student's t, times the widening. The bootstrap allows for skewed
// documents [Efron & Tibshirani 1993, ch. 12], Student's t for few of them.
// The interval is value − se·hi … value − se·lo. departures is sorted in place.
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

// BootstrapMethod is the Method of intervals computed by Ends.
const BootstrapMethod = "document bootstrap, studentised"
