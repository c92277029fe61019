package compare

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/stats"
)

// Level is the level of all intervals.
const Level = info.DefaultLevel

// Sums are totals per cluster of several quantities, and what they are divided
// by: [cluster][quantity].
type Sums struct {
	Totals, Counts [][]float64
	// View turns the means into what is compared; nil: they are.
	View func(means []float64) []float64
}

// means are Σ m_c·totals / Σ m_c·counts, with multiplicity m_c of cluster c (nil:
// all 1).
func (s Sums) means(multiplicity []float64) []float64 {
	means := stats.RatioMeans(s.Totals, s.Counts, multiplicity)
	if s.View != nil {
		return s.View(means)
	}
	return means
}

// Bootstrap of a comparison.
type Bootstrap struct {
	Draws int    // bootstrap replicates; 0 means 1,000
	Seed  uint64 // of the resampling
}

func (o Bootstrap) draws() int {
	if o.Draws == 0 {
		return 1000
	}
	return o.Draws
}

// resample calls use with the multiplicities of resampled clusters, the same for
// the same seed. use must not keep them.
func resample(clusters int, o Bootstrap, use func(multiplicity []float64)) {
	rng := rand.New(rand.NewPCG(o.Seed, 0x636f6d70617265)) // stream "compare"
	stats.Resample(rng, clusters, o.draws(), use)
}

// Difference estimates, for every quantity, statistic(a, b) of the means of two
// models on the same clusters, which are resampled together: text that is hard
// for one is hard for the other.
func Difference(a, b Sums, statistic func(a, b float64) float64, o Bootstrap) ([]info.Estimate, error) {
	if len(a.Totals) != len(b.Totals) || len(a.Totals) == 0 || len(a.Totals[0]) != len(b.Totals[0]) {
		return nil, errors.New("the runs have different documents or lengths")
	}
	x, y := a.means(nil), b.means(nil)
	out := make([]info.Estimate, len(x))
	for i := range out {
		out[i].Value = statistic(x[i], y[i])
	}
	if len(a.Totals) < 3 {
		return out, nil
	}
	draws := make([][]float64, len(x))
	resample(len(a.Totals), o, func(m []float64) {
		x, y := a.means(m), b.means(m)
		for i := range x {
			draws[i] = append(draws[i], statistic(x[i], y[i]))
		}
	})
	for i := range out {
		summarise(&out[i], draws[i])
	}
	return out, nil
}

// Unpaired is Difference for models with unrelated clusters: each is resampled on its
// own.
func Unpaired(a, b Sums, statistic func(a, b float64) float64, o Bootstrap) []info.Estimate {
	x, y := a.means(nil), b.means(nil)
	n := min(len(x), len(y))
	out := make([]info.Estimate, n)
	first := make([][]float64, 0, o.draws())
	resample(len(a.Totals), o, func(m []float64) { first = append(first, a.means(m)) })
	draws := make([][]float64, n)
	other := o
	other.Seed ^= 0x9e3779b97f4a7c15
	k := 0
	resample(len(b.Totals), other, func(m []float64) {
		y := b.means(m)
		for i := range n {
			draws[i] = append(draws[i], statistic(first[k][i], y[i]))
		}
		k++
	})
	for i := range out {
		out[i].Value = statistic(x[i], y[i])
		if len(a.Totals) > 2 && len(b.Totals) > 2 {
			summarise(&out[i], draws[i])
		}
	}
	return out
}

// interpolate returns values y, known at ascending x, at other places within the range
// of x: ln y on a line in ln x, as a power law lies, or y where it is not positive.
func interpolate(x, y, at []float64) []float64 {
	out := make([]float64, len(at))
	for i, v := range at {
		k := min(max(1, sort.SearchFloat64s(x, v)), len(x)-1)
		t := math.Log(v/x[k-1]) / math.Log(x[k]/x[k-1])
		if y[k-1] > 0 && y[k] > 0 {
			out[i] = math.Exp((1-t)*math.Log(y[k-1]) + t*math.Log(y[k]))
		} else {
			out[i] = (1-t)*y[k-1] + t*y[k]
		}
	}
	return out
}

// summarise sets standard error and interval from replicates. If more than 5 % of
// them are not finite (a ratio to zero), neither is set.
func summarise(e *info.Estimate, draws []float64) {
	finite := slices.DeleteFunc(slices.Clone(draws), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	if 20*(len(draws)-len(finite)) > len(draws) || len(finite) < 20 {
		return
	}
	slices.Sort(finite)
	e.SE = stat.StdDev(finite, nil)
	e.Interval = &info.Interval{
		Lo: stats.Quantile(finite, (1-Level)/2), Hi: stats.Quantile(finite, (1+Level)/2),
		Level: Level, Method: "document bootstrap", Draws: len(finite),
	}
}
