package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/l2m-lab/l2m/info"
)

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

// MaxGroups bounds the clusters of a bootstrap. More are drawn in groups, which are as
// independent as the clusters. Only the shape of the studentised distribution comes
// from groups, not the standard error that scales it.
const MaxGroups = 256

// Group adds up clusters, in the given order of their indices, until no more than
// MaxGroups are left.
func Group(rows [][]float64, order []int) [][]float64 {
	if len(rows) <= MaxGroups {
		return rows
	}
	out := make([][]float64, MaxGroups)
	for i, c := range order {
		if g := i % MaxGroups; out[g] == nil {
			out[g] = slices.Clone(rows[c])
		} else {
			for j, x := range rows[c] {
				out[g][j] += x
			}
		}
	}
	return out
}

// MeanIntervals are the intervals (see Ends) of RatioMeans, from draws bootstrap
// replicates. sums and counts are [cluster][quantity]. It returns nil for fewer than
// LeastClusters clusters; a quantity in which clusters do not differ has none.
func MeanIntervals(sums, counts [][]float64, level float64, draws int, seed uint64) []*info.Interval {
	n := len(sums)
	if n < LeastClusters {
		return nil
	}
	p := len(sums[0])
	value, se := make([]float64, p), make([]float64, p)
	meansAndErrors(sums, counts, nil, value, se)
	rng := rand.New(rand.NewPCG(seed, 0x6d65616e)) // stream "mean"
	order := rng.Perm(n)
	groupedSums, groupedCounts := Group(sums, order), Group(counts, order)
	departures := make([][]float64, p)
	v, s := make([]float64, p), make([]float64, p)
	Resample(rng, len(groupedSums), draws, func(m []float64) {
		meansAndErrors(groupedSums, groupedCounts, m, v, s)
		for i := range p {
			if s[i] > 0 {
				departures[i] = append(departures[i], (v[i]-value[i])/s[i])
			}
		}
	})
	sizes, out := make([]float64, n), make([]*info.Interval, p)
	for i := range p {
		if !(se[i] > 1e-9*math.Abs(value[i])) {
			continue // differences are rounding
		}
		for c := range counts {
			sizes[c] = counts[c][i]
		}
		drawn := len(departures[i])
		lo, hi := Ends(departures[i], level, float64(n-1), Widening(sizes))
		out[i] = &info.Interval{Lo: value[i] - se[i]*hi, Hi: value[i] - se[i]*lo, Level: level, Method: BootstrapMethod, Draws: drawn}
	}
	return out
}

// meansAndErrors fills value with RatioMeans and se with their standard errors, the
// roots of the diagonal of Covariance.
func meansAndErrors(sums, counts [][]float64, m []float64, value, se []float64) {
	total := make([]float64, len(value))
	clusters := ratioMeans(sums, counts, m, value, total)
	clear(se)
	for c := range sums {
		k := 1.0
		if m != nil {
			k = m[c]
		}
		if k == 0 {
			continue
		}
		for i := range se {
			e := (sums[c][i] - value[i]*counts[c][i]) / total[i]
			se[i] += k * e * e
		}
	}
	for i := range se {
		se[i] = math.Sqrt(clusters / (clusters - 1) * se[i])
	}
}
