package compare

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/stats"
)

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

// place is the length W from which on a model takes nothing more, given the index from
// which on the estimates are constant: what is free before is a power law up to W/2
// through the last two rising points, as the package comment derives. Where these do
// not rise towards the constant, W is ell[k].
func place(ell, value []float64, k int, plateau float64) float64 {
	if k < 2 || value[k-2] <= 0 || value[k-1] <= value[k-2] || plateau <= value[k-1] {
		return ell[k]
	}
	// The exponent that takes the law from value[k-2] through value[k-1], which lies in
	// the bend if ell[k-1] > W/2; end and miss follow from an exponent.
	step := math.Log(ell[k-1] / ell[k-2])
	rise := math.Log(value[k-1] / value[k-2])
	total := math.Log(plateau / value[k-2])
	end := func(beta float64) float64 { return ell[k-2] * math.Exp((total-math.Log(bend(1, beta)))/beta) }
	miss := func(beta float64) float64 {
		return beta*step + math.Log(bend(ell[k-1]/end(beta), beta)) - rise
	}
	lo, hi := leastSlope, 1-leastSlope
	for range 40 {
		if mid := (lo + hi) / 2; miss(mid) < 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	next := 2 * ell[k]
	if k+1 < len(ell) {
		next = ell[k+1]
	}
	return min(max(end(lo), ell[k-1]), next)
}

// leastSlope keeps the exponent of place off 0 and 1, where the law is no power.
const leastSlope = 0.01

// bend is I(ell; 2·ell) of a model that uses W tokens over the same without the
// limit, A·ell^beta, at x = ell/W: 1 up to 1/2, then less (package comment, ★).
func bend(x, beta float64) float64 {
	free := math.Pow(x, beta) * (2 - math.Exp2(beta)) / beta
	switch {
	case x <= 0.5:
		return 1
	case x >= 1:
		return (1/beta - 1) / free
	}
	return ((2*math.Pow(x, beta)-1)/beta - (2*x - 1)) / free
}
