package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/info"
)

// Spearman is the rank correlation of pairs (x, y): Pearson's of their ranks, where ties
// have the mean of theirs. It is NaN if all x or all y are equal.
func Spearman(x, y []float64) float64 {
	return stat.Correlation(ranks(x), ranks(y), nil)
}

// ranks are the ranks of values from 1; equal ones have the mean of theirs.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	out := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+1+to) / 2
		}
		from = to
	}
	return out
}

// SpearmanInterval is the percentile interval of Spearman from bootstrap draws of the
// pairs. Draws in which all x or all y are equal say nothing and are left out; Draws
// counts the others.
func SpearmanInterval(x, y []float64, level float64, draws int, seed uint64) info.Interval {
	var found []float64
	Resample(rand.New(rand.NewPCG(seed, 0)), len(x), draws, func(multiplicity []float64) {
		var a, b []float64
		for i, m := range multiplicity {
			for range int(m) {
				a, b = append(a, x[i]), append(b, y[i])
			}
		}
		if r := Spearman(a, b); !math.IsNaN(r) {
			found = append(found, r)
		}
	})
	out := info.Interval{Lo: math.NaN(), Hi: math.NaN(), Level: level, Method: "bootstrap of pairs, percentiles", Draws: len(found)}
	if len(found) > 0 {
		slices.Sort(found)
		out.Lo, out.Hi = Quantile(found, (1-level)/2), Quantile(found, (1+level)/2)
	}
	return out
}
