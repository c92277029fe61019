package rival

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"

	"github.com/l2m-lab/l2m/info"
)

// check says what is wrong with pairs of vectors.
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

// KSG is the first estimator of Kraskov, Stögbauer and Grassberger (Phys. Rev.
// E 69, 066138, eq. 8):
//
//	ψ(k) + ψ(N) − ⟨ψ(n_x + 1) + ψ(n_y + 1)⟩
//
// where n_x counts the samples whose x is closer than the k-th neighbour in
// the joint space (maximum norm). k is usually 3 to 5. With a k-d tree it takes
// O(N log N) in few dimensions and O(N²) in many, where it fails anyway: it
// cannot say much more than ψ(N) − ψ(k) nats.
func KSG(ctx context.Context, x, y [][]float64, k int) (Estimate, error) {
	if err := check(x, y); err != nil {
		return Estimate{}, fmt.Errorf("KSG: %w", err)
	}
	n := len(x)
	if k < 1 || k >= n {
		return Estimate{}, fmt.Errorf("KSG: k = %d neighbours among %d samples", k, n)
	}
	joint := make([][]float64, n)
	for i := range joint {
		joint[i] = append(append(make([]float64, 0, len(x[i])+len(y[i])), x[i]...), y[i]...)
	}
	tx, ty, txy := newTree(x), newTree(y), newTree(joint)
	terms := make([]float64, n)
	base := mathext.Digamma(float64(k)) + mathext.Digamma(float64(n))
	for i := range terms {
		if err := ctx.Err(); err != nil {
			return Estimate{}, err
		}
		r := txy.neighbour(i, k)
		if r == 0 {
			return Estimate{}, fmt.Errorf("KSG: sample %d occurs more than %d times (the estimator is for continuous variables)", i, k)
		}
		terms[i] = base - mathext.Digamma(float64(tx.within(i, r)+1)) - mathext.Digamma(float64(ty.within(i, r)+1))
	}
	return mean(terms), nil
}

// mean of contributions, with the standard error of a mean.
func mean(terms []float64) Estimate {
	n := float64(len(terms))
	m, ss := 0.0, 0.0
	for _, t := range terms {
		m += t / n
	}
	for _, t := range terms {
		ss += (t - m) * (t - m)
	}
	e := Estimate{Value: info.Nats(m), Samples: len(terms)}
	if len(terms) > 1 {
		e.SE = info.Nats(math.Sqrt(ss / (n - 1) / n))
	}
	return e
}

// CCA is the Gaussian plug-in, −½ Σ ln(1 − r_i²) over the sample's canonical
// correlations: right for Gaussian vectors only. With corrected its bias for
// Gaussian samples is removed exactly, by
//
//	E ln det S = ln det Σ + Σ_{i=1}^d ψ((N−i)/2) + d·ln(2/(N−1))
//
// (S the sample covariance of N samples in d dimensions). It needs more samples
// than coordinates of x and y together.
func CCA(x, y [][]float64, corrected bool) (Estimate, error) {
	if err := check(x, y); err != nil {
		return Estimate{}, fmt.Errorf("CCA: %w", err)
	}
	n, dx, dy := len(x), len(x[0]), len(y[0])
	if n <= dx+dy {
		return Estimate{}, fmt.Errorf("CCA: %d samples cannot determine the covariance of %d coordinates (more than %d are needed)", n, dx+dy, dx+dy)
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
		return Estimate{}, err
	}
	b, err := logDet(dx, dx+dy)
	if err != nil {
		return Estimate{}, err
	}
	c, err := logDet(0, dx+dy)
	if err != nil {
		return Estimate{}, err
	}
	return Estimate{Value: info.Nats((a + b - c) / 2), Samples: n}, nil
}

// Contrastive returns InfoNCE (a lower bound, at most ln N) and leave-one-out
// (an upper bound when the critic is ln p(y|x)) from a batch of N pairs:
//
//	InfoNCE = (1/N) Σ_i [f(i,i) − ln (1/N) Σ_j e^f(j,i)]
//	LOO     = (1/N) Σ_i [f(i,i) − ln (1/(N−1)) Σ_{j≠i} e^f(j,i)]
//
// critic(j, i) is f(x_j, y_i), ln p(y_i|x_j) up to a term of y_i alone. [van den
// Oord et al. 2018; Poole et al. 2019]
func Contrastive(ctx context.Context, n int, critic func(j, i int) float64) (nce, loo Estimate, err error) {
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
		a[i] = own - logSumExp(f) + math.Log(float64(n))
		f[i] = math.Inf(-1)
		b[i] = own - logSumExp(f) + math.Log(float64(n-1))
	}
	return mean(a), mean(b), nil
}

func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, v)
	}
	if math.IsInf(top, -1) {
		return top
	}
	s := 0.0
	for _, v := range x {
		s += math.Exp(v - top)
	}
	return top + math.Log(s)
}
