// Package compare compares scored runs of several models: on the same windows, or, if
// their tokenizers differ, on the same documents.
//
// Input is what mi sums per cluster (document); output is differences with
// intervals from resampling the clusters, and the length of context at which a
// model stops gaining.
//
// # Where a model stops gaining
//
// A model that uses no more than W tokens of context gains nothing from a past
// longer than W: I(ell; 2·ell), as it sees it, is the same for every ell ≥ W. So
// its estimates are fitted by a curve that is free up to some ell_k and constant
// from there on, and k is chosen to minimise
//
//	χ²_k + k·ln n,
//
// with χ²_k the misfit of the constant to the estimates from ell_k on, by
// generalised least squares with their covariance, and n the number of documents
// (BIC [Schwarz 1978]). As the covariance is itself estimated from n documents,
// the misfit of q differences is scaled by (n−q)/(n−1), as in Hotelling's T². k = last
// means that no end of the gain was found. Between ell_{k−1} and ell_k the place is
// where the line through the last two rising points, in ln I over ln ell, meets the
// constant. The interval comes from repeating all of it on resampled documents.
package compare

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
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

// FindStop locates the end of the gain in a series (ratio 2 by convention) that
// has a covariance and sums per cluster.
func FindStop(s mi.Series, o Bootstrap) result.Stop {
	out := result.Stop{Level: Level}
	n := len(s.Points)
	if n == 0 {
		out.Reason = "there are no estimates"
		return out
	}
	out.Longest = s.Points[n-1].Ell
	switch {
	case n < 4:
		out.Reason = fmt.Sprintf("%d lengths are too few", n)
		return out
	case s.Cov == nil || len(s.Sums) < n+4:
		out.Reason = fmt.Sprintf("%d documents are too few for %d lengths, whose errors are correlated", len(s.Sums), n)
		return out
	}
	ell, value := make([]float64, n), make([]float64, n)
	for i, p := range s.Points {
		ell[i], value[i] = float64(p.Ell), float64(p.Value)
	}
	tails, err := newTails(s.Cov, len(s.Sums))
	if err != nil {
		out.Reason = err.Error()
		return out
	}
	penalty := math.Log(float64(len(s.Sums)))
	k, plateau := tails.choose(value, penalty)
	if value[n-1] <= 0 || plateau <= 0 {
		out.Reason = "the model gains nothing that can be measured"
		return out
	}
	if k < n-1 {
		out.Found, out.At, out.Plateau = true, place(ell, value, k, plateau), plateau
	}
	sums := Sums{Totals: s.Sums, Counts: s.Counts}
	var at []float64
	found := 0
	resample(len(s.Sums), o, func(m []float64) {
		v := sums.means(m)
		k, plateau := tails.choose(v, penalty)
		if k < n-1 && plateau > 0 {
			found++
			at = append(at, place(ell, v, k, plateau))
		} else {
			at = append(at, math.Inf(1))
		}
	})
	out.Share = float64(found) / float64(len(at))
	if out.Found {
		slices.Sort(at)
		out.Lo = stats.Quantile(at, (1-Level)/2)
		if hi := stats.Quantile(at, (1+Level)/2); !math.IsInf(hi, 0) && !math.IsNaN(hi) {
			out.Hi = hi
		}
	}
	return out
}

// tails holds, for every k, the inverse covariance of the estimates from k on,
// scaled for the number of clusters that it was estimated from.
type tails []*mat.SymDense

func newTails(cov [][]float64, clusters int) (tails, error) {
	n := len(cov)
	t := make(tails, n)
	for k := range n - 1 {
		c := mat.NewSymDense(n-k, nil)
		for i := k; i < n; i++ {
			for j := i; j < n; j++ {
				c.SetSym(i-k, j-k, cov[i][j])
			}
		}
		var chol mat.Cholesky
		if !chol.Factorize(c) {
			return nil, errors.New("the estimates at different lengths cannot be told apart: more documents are needed")
		}
		t[k] = &mat.SymDense{}
		if err := chol.InverseTo(t[k]); err != nil {
			return nil, fmt.Errorf("the errors at different lengths are too strongly correlated: %w", err)
		}
		t[k].ScaleSym(float64(clusters-(n-1-k))/float64(clusters-1), t[k])
	}
	return t, nil
}

// choose returns the index from which on value is constant, and the constant.
func (t tails) choose(value []float64, penalty float64) (k int, plateau float64) {
	n := len(value)
	k, plateau = n-1, value[n-1]
	best := float64(n-1) * penalty
	for i := n - 2; i >= 0; i-- {
		level, chi := t.constant(i, value)
		if score := chi + float64(i)*penalty; score < best {
			best, k, plateau = score, i, level
		}
	}
	return k, plateau
}

// constant fits one level to value[k:].
func (t tails) constant(k int, value []float64) (level, chi float64) {
	w := t[k]
	n := w.SymmetricDim()
	var a, b, c float64 // 1'W1, 1'Wy, y'Wy
	for i := range n {
		for j := range n {
			x := w.At(i, j)
			a += x
			b += x * value[k+j]
			c += value[k+i] * x * value[k+j]
		}
	}
	return b / a, c - b*b/a
}

// place refines ell_k: where the rise before it meets the plateau.
func place(ell, value []float64, k int, plateau float64) float64 {
	if k < 2 || value[k-1] <= 0 || value[k-2] <= 0 || value[k-1] >= plateau || value[k-2] >= value[k-1] {
		return ell[k]
	}
	slope := math.Log(value[k-1]/value[k-2]) / math.Log(ell[k-1]/ell[k-2])
	return min(ell[k], ell[k-1]*math.Exp(math.Log(plateau/value[k-1])/slope))
}
