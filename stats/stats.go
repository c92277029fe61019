// Package stats holds the statistics that several packages share and gonum
// lacks: quantiles, resampling of clusters, covariances of ratio estimates,
// generalised least squares, and information criteria.
//
// The sampling unit is the cluster (a document): windows of one document are
// dependent, documents are independent. An estimate is a ratio Σ_c S_c / Σ_c N_c
// of sums over clusters; RatioMeans computes it, Covariance its error, and
// Resample draws clusters with replacement.
package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/l2m-lab/l2m/info"
)

// Quantile is the q-quantile of sorted values, interpolated at rank q·(n+1) (type
// 6 of Hyndman & Fan 1996): a further draw falls below it with probability q, so
// that few draws do not narrow an interval. (gonum's stat.Quantile has types 1
// and 4.) It panics when there are no values.
func Quantile(sorted []float64, q float64) float64 {
	n := len(sorted)
	h := q*float64(n+1) - 1
	if h <= 0 {
		return sorted[0]
	}
	if h >= float64(n-1) {
		return sorted[n-1]
	}
	i := int(h)
	if lo, hi := sorted[i], sorted[i+1]; lo != hi { // both may be infinite
		return lo + (h-float64(i))*(hi-lo)
	}
	return sorted[i]
}

// Median is the median of values in any order, 0 when there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// HalfWidth is half the width of a two-sided interval at the level, in standard
// errors: from Student's t with dof degrees of freedom, or from the normal
// distribution when dof is not positive.
func HalfWidth(level, dof float64) float64 {
	if dof <= 0 {
		return distuv.UnitNormal.Quantile(0.5 + level/2)
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: dof}.Quantile(0.5 + level/2)
}

// ClopperPearson is the exact interval of a proportion, given k successes in n
// trials.
func ClopperPearson(k, n int, level float64) info.Interval {
	out := info.Interval{Lo: 0, Hi: 1, Level: level, Method: "Clopper–Pearson"}
	tail := (1 - level) / 2
	if k > 0 {
		out.Lo = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(tail)
	}
	if k < n {
		out.Hi = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - tail)
	}
	return out
}

// Resample draws as many clusters as there are, with replacement, and calls
// use with the number of times each was drawn. use must not keep the slice.
func Resample(rng *rand.Rand, clusters, draws int, use func(multiplicity []float64)) {
	m := make([]float64, clusters)
	for range draws {
		clear(m)
		for range clusters {
			m[rng.IntN(clusters)]++
		}
		use(m)
	}
}

// Jackknife is the delete-one standard error sqrt((B−1)/B Σ (θ_b − θ̄)²) of an
// estimate, from its values without each block in turn [Efron & Stein 1981].
func Jackknife(values []float64) float64 {
	b, mean, total := float64(len(values)), 0.0, 0.0
	for _, v := range values {
		mean += v / b
	}
	for _, v := range values {
		total += (v - mean) * (v - mean)
	}
	return math.Sqrt((b - 1) / b * total)
}

// AICc is Akaike's information criterion of a fit with k parameters to n values,
// with the small-sample correction [Hurvich & Tsai 1989]; deviance is −2 ln
// likelihood, or χ² where the variances are known. It is +Inf, and ok false,
// when n is too small for k.
func AICc(deviance float64, k, n int) (aicc float64, ok bool) {
	rest := float64(n - k - 1)
	if rest <= 0 {
		return math.Inf(1), false
	}
	p := float64(k)
	return deviance + 2*p + 2*p*(p+1)/rest, true
}

// AkaikeWeights are exp(−Δ/2), with Δ the distance of each criterion from the
// least, normalised to sum to 1. A single fit has weight 1 whatever its criterion.
func AkaikeWeights(criteria []float64) []float64 {
	w := make([]float64, len(criteria))
	if len(w) == 1 {
		w[0] = 1
	}
	if len(w) < 2 {
		return w
	}
	least, total := slices.Min(criteria), 0.0
	for i, a := range criteria {
		w[i] = math.Exp((least - a) / 2)
		total += w[i]
	}
	for i := range w {
		w[i] /= total
	}
	return w
}
