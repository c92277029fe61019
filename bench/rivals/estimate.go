package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
)

// estimate is an estimate of I(X;Y) in nats. Its standard error treats samples as
// independent contributions and is 0 where unknown: it says nothing about bias.
type estimate struct{ value, se float64 }

// mean of contributions, with the standard error of a mean.
func mean(terms []float64) estimate {
	m, sd := stat.MeanStdDev(terms, nil)
	return estimate{m, stat.StdErr(sd, float64(len(terms)))}
}

// check checks pairs of vectors.
func check(x, y [][]float64) error {
	if len(x) != len(y) {
		return fmt.Errorf("%d samples of x and %d of y", len(x), len(y))
	}
	if len(x) == 0 || len(x[0]) == 0 || len(y[0]) == 0 {
		return errors.New("there are no samples, or they have no coordinates")
	}
	for i := range x {
		if len(x[i]) != len(x[0]) || len(y[i]) != len(y[0]) {
			return fmt.Errorf("sample %d has %d and %d coordinates, the first %d and %d", i, len(x[i]), len(y[i]), len(x[0]), len(y[0]))
		}
		for _, part := range [][]float64{x[i], y[i]} {
			for _, v := range part {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return fmt.Errorf("sample %d holds %v", i, v)
				}
			}
		}
	}
	return nil
}

// ksg is the first estimator of Kraskov, Stögbauer and Grassberger (Phys. Rev.
// E 69, 066138, eq. 8):
//
//	ψ(k) + ψ(N) − ⟨ψ(n_x + 1) + ψ(n_y + 1)⟩
//
// where n_x counts the samples whose x is closer than the k-th neighbour in
// the joint space (maximum norm). k is usually 3 to 5. It looks at all pairs.
func ksg(ctx context.Context, x, y [][]float64, k int) (estimate, error) {
	if err := check(x, y); err != nil {
		return estimate{}, fmt.Errorf("KSG: %w", err)
	}
	n := len(x)
	if k < 1 || k >= n {
		return estimate{}, fmt.Errorf("KSG: k = %d neighbours among %d samples", k, n)
	}
	base := mathext.Digamma(float64(k)) + mathext.Digamma(float64(n))
	terms := make([]float64, n)
	dx, dy, joint := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range terms {
		if err := ctx.Err(); err != nil {
			return estimate{}, err
		}
		for j := range n {
			dx[j], dy[j] = floats.Distance(x[i], x[j], math.Inf(1)), floats.Distance(y[i], y[j], math.Inf(1))
			joint[j] = max(dx[j], dy[j])
		}
		slices.Sort(joint)
		r := joint[k] // joint[0] is the sample itself
		if r == 0 {
			return estimate{}, fmt.Errorf("KSG: sample %d occurs more than %d times (the estimator is for continuous variables)", i, k)
		}
		// Both counts include the sample itself, which is the + 1.
		terms[i] = base - mathext.Digamma(float64(below(dx, r))) - mathext.Digamma(float64(below(dy, r)))
	}
	return mean(terms), nil
}

func below(x []float64, r float64) int {
	return floats.Count(func(v float64) bool { return v < r }, x)
}

// cca is the Gaussian plug-in, −½ Σ ln(1 − r_i²) over the sample's canonical
// correlations: right for Gaussian vectors only. With corrected its bias for
// Gaussian samples is removed exactly, by
//
//	E ln det S = ln det Σ + Σ_{i=1}^d ψ((N−i)/2) + d·ln(2/(N−1))
//
// (S the sample covariance of N samples in d dimensions). It needs more samples
// than coordinates of x and y together.
func cca(x, y [][]float64, corrected bool) (estimate, error) {
	if err := check(x, y); err != nil {
		return estimate{}, fmt.Errorf("CCA: %w", err)
	}
	n, dx, dy := len(x), len(x[0]), len(y[0])
	if n <= dx+dy {
		return estimate{}, fmt.Errorf("CCA: %d samples cannot determine the covariance of %d coordinates (more than %d are needed)", n, dx+dy, dx+dy)
	}
	data := mat.NewDense(n, dx+dy, nil)
	for i := range x {
		for j, v := range x[i] {
			data.Set(i, j, v)
		}
		for j, v := range y[i] {
			data.Set(i, dx+j, v)
		}
	}
	for j := range dx + dy {
		m := 0.0
		for i := range n {
			m += data.At(i, j) / float64(n)
		}
		for i := range n {
			data.Set(i, j, data.At(i, j)-m)
		}
	}
	var s mat.SymDense
	s.SymOuterK(1/float64(n-1), data.T())
	logDet := func(from, to int) (float64, error) {
		var c mat.Cholesky
		if !c.Factorize(s.SliceSym(from, to)) {
			return 0, errors.New("CCA: the sample covariance is singular (coordinates are linearly dependent)")
		}
		v := c.LogDet()
		if corrected {
			for i := 1; i <= to-from; i++ {
				v -= mathext.Digamma(float64(n-i)/2) + math.Log(2/float64(n-1))
			}
		}
		return v, nil
	}
	a, err := logDet(0, dx)
	if err != nil {
		return estimate{}, err
	}
	b, err := logDet(dx, dx+dy)
	if err != nil {
		return estimate{}, err
	}
	c, err := logDet(0, dx+dy)
	if err != nil {
		return estimate{}, err
	}
	return estimate{value: (a + b - c) / 2}, nil
}

// contrastive returns InfoNCE (a lower bound, at most ln N) and leave-one-out
// (an upper bound when the critic is ln p(y|x)) from a batch of N pairs:
//
//	InfoNCE = (1/N) Σ_i [f(i,i) − ln (1/N) Σ_j e^f(j,i)]
//	LOO     = (1/N) Σ_i [f(i,i) − ln (1/(N−1)) Σ_{j≠i} e^f(j,i)]
//
// critic(j, i) is f(x_j, y_i), ln p(y_i|x_j) up to a term of y_i alone. [van den
// Oord et al. 2018; Poole et al. 2019]
func contrastive(ctx context.Context, n int, critic func(j, i int) float64) (nce, loo estimate, err error) {
	if n < 2 {
		return nce, loo, fmt.Errorf("contrastive bounds need at least 2 samples, not %d", n)
	}
	a, b := make([]float64, n), make([]float64, n)
	f := make([]float64, n)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nce, loo, err
		}
		for j := range f {
			f[j] = critic(j, i)
			if math.IsNaN(f[j]) || math.IsInf(f[j], 1) {
				return nce, loo, fmt.Errorf("contrastive bounds: the critic of samples %d and %d is %v", j, i, f[j])
			}
		}
		own := f[i]
		a[i] = own - floats.LogSumExp(f) + math.Log(float64(n))
		f[i] = math.Inf(-1)
		b[i] = own - floats.LogSumExp(f) + math.Log(float64(n-1))
	}
	return mean(a), mean(b), nil
}
