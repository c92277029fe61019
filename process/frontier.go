package process

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/info"
)

// Covarier is a Gaussian process, defined by the covariance of its tokens (Gaussian and
// Hierarchical).
type Covarier interface {
	Truth
	// Covariance returns the covariance of the first n tokens, row by row.
	Covariance(n int) ([][]float64, error)
}

// Frontier is the state–information frontier of a Gaussian process at one split: the
// most information about the future Y that a memory of the past X can hold, as a
// function of its size. It limits every model.
//
// In canonical coordinates, X and Y are independent pairs with correlations ρ_i, so the
// best state of k numbers keeps the first k, and memories that are limited in
// information rather than in numbers follow the Gaussian information bottleneck
// [chechik].
type Frontier struct {
	Ell          int       `json:"ell"`
	Length       int       `json:"length"`
	Correlations []float64 `json:"correlations"` // ρ_i, descending
	// Residuals are 1 − ρ_i², stored separately as ρ_i may round to 1.
	Residuals []float64 `json:"residuals"`
}

// NewFrontier computes the canonical correlations of w_1..w_ell and
// w_{ell+1}..w_L. O(L³) time, for L up to 4,096; the hierarchical process of
// base 2, 4, 8, … is first reduced to statistics of the size of its
// information, for L up to 16,384.
func NewFrontier(p Covarier, ell, L int) (*Frontier, error) {
	if err := checkSplit(ell, L); err != nil {
		return nil, err
	}
	c, err := coordinatesOf(p, L)
	if err != nil {
		return nil, err
	}
	past, future := blocksOf(0, ell), blocksOf(ell, L)
	joint := gather(c, append(past, future...), append(past, future...))
	n, _ := joint.Dims()
	m := 0
	for _, b := range past {
		m += c.size(b)
	}
	cov := make([][]float64, n)
	for i := range cov {
		cov[i] = joint.RawRowView(i)
	}
	f := &Frontier{Ell: ell, Length: L}
	if f.Correlations, f.Residuals, err = canonical(cov, m); err != nil {
		return nil, err
	}
	for len(f.Correlations) < min(ell, L-ell) { // of what was left out as fresh
		f.Correlations, f.Residuals = append(f.Correlations, 0), append(f.Residuals, 1)
	}
	// The factorization of a nearly predictable process loses digits, so compare with
	// the exact information.
	if mi, err := p.BipartiteMI(ell, L); err == nil && math.Abs(float64(f.Information()-mi)) > 1e-3*(1+float64(mi)) {
		return nil, notExact("the covariance of %d tokens is too close to singular: its canonical correlations add up to %.6g nats, not %.6g", L, float64(f.Information()), float64(mi))
	}
	return f, nil
}

// canonical returns the canonical correlations ρ_i of the first ell coordinates
// and the others, descending, and 1 − ρ_i²: the singular values of
// L_x⁻¹·Σ_xy·L_y⁻ᵀ with Cholesky factors L_x and L_y. Where ρ_i is close to 1
// they are taken from 1 − ρ_i², the squared singular values of L_y⁻¹·R with R
// the Cholesky factor of the covariance of Y given X, which keep their digits.
func canonical(cov [][]float64, ell int) (correlations, rest []float64, err error) {
	L := len(cov)
	whole, err := cholesky(cov, 0, L)
	if err != nil {
		return nil, nil, err
	}
	future, err := cholesky(cov, ell, L)
	if err != nil {
		return nil, nil, err
	}
	var l, ly mat.TriDense
	whole.LTo(&l)
	future.LTo(&ly)
	// The factor of the whole is [L_x 0; W R] with W = Σ_yx·L_x⁻ᵀ.
	n := L - ell
	w, r := mat.NewDense(n, ell, nil), mat.NewDense(n, n, nil)
	for i := range n {
		for j := range ell {
			w.Set(i, j, l.At(ell+i, j))
		}
		for j := range i + 1 {
			r.Set(i, j, l.At(ell+i, ell+j))
		}
	}
	rho, err := whitenedValues(&ly, w)
	if err != nil {
		return nil, nil, err
	}
	sigma, err := whitenedValues(&ly, r) // ascending ρ is descending σ
	if err != nil {
		return nil, nil, err
	}
	for i := range min(ell, n) {
		q, s := rho[i], sigma[n-1-i]
		residual := (1 - q) * (1 + q)
		if residual < 0.5 {
			residual = s * s
			q = math.Sqrt((1 - s) * (1 + s))
		}
		if !(residual > 0) {
			return nil, nil, fmt.Errorf("canonical correlation %d is 1: past and future are linearly dependent to rounding", i+1)
		}
		correlations = append(correlations, q)
		rest = append(rest, residual)
	}
	return correlations, rest, nil
}

// whitenedValues are the singular values of l⁻¹·m, descending.
func whitenedValues(l *mat.TriDense, m *mat.Dense) ([]float64, error) {
	var k mat.Dense
	if err := k.Solve(l, m); err != nil {
		return nil, fmt.Errorf("whitening the future: %w", err)
	}
	var svd mat.SVD
	if !svd.Factorize(&k, mat.SVDNone) {
		return nil, errors.New("the singular values of the canonical correlations did not converge")
	}
	return svd.Values(nil), nil
}

// Information is I(X;Y) = −½ Σ ln(1 − ρ_i²).
func (f *Frontier) Information() info.Nats { return f.Captured(len(f.Correlations)) }

// Captured is the information about Y in the best state of k numbers,
// −½ Σ_{i≤k} ln(1 − ρ_i²).
func (f *Frontier) Captured(k int) info.Nats {
	s := 0.0
	for _, v := range f.Residuals[:max(0, min(k, len(f.Residuals)))] {
		s -= 0.5 * math.Log(v)
	}
	return info.Nats(s)
}

// Dimensions is the smallest number of state numbers that captures the given
// fraction (0 to 1) of the information.
func (f *Frontier) Dimensions(fraction float64) int {
	want := fraction * float64(f.Information())
	s := 0.0
	for k, v := range f.Residuals {
		if s >= want*(1-1e-12) {
			return k
		}
		s -= 0.5 * math.Log(v)
	}
	return len(f.Correlations)
}

// Bottleneck is the point of the Gaussian information bottleneck at trade-off
// b > 1 (nats of memory worth spending per nat captured, at the margin):
// components with b > 1/ρ_i² are kept,
//
//	memory   = ½ Σ ln[(b−1)·ρ_i²/(1−ρ_i²)]   nats about the past
//	captured = memory − ½ Σ ln(b·ρ_i²)        nats about the future
func (f *Frontier) Bottleneck(b float64) (memory, captured info.Nats) {
	var m, c float64
	for i, v := range f.Residuals {
		q := f.Correlations[i] * f.Correlations[i]
		if !(b*q > 1) {
			break
		}
		// ln[(b−1)q/(1−q)], and less ln(bq), without loss when they are small.
		m += 0.5 * math.Log1p((b*q-1)/v)
		c += 0.5 * math.Log1p((b*q-1)/(b*v))
	}
	return info.Nats(m), info.Nats(c)
}

// CapturedBy is the most information about the future in any memory with at most the
// given information about the past, both in nats.
func (f *Frontier) CapturedBy(memory info.Nats) info.Nats {
	if memory <= 0 || len(f.Correlations) == 0 || f.Correlations[0] == 0 {
		return 0
	}
	at := func(x float64) float64 { m, _ := f.Bottleneck(1 + math.Exp(x)); return float64(m) }
	lo, hi := -50.0, 50.0
	if at(hi) < float64(memory) {
		_, c := f.Bottleneck(1 + math.Exp(hi))
		return c
	}
	for range 200 {
		mid := (lo + hi) / 2
		if at(mid) < float64(memory) {
			lo = mid
		} else {
			hi = mid
		}
	}
	_, c := f.Bottleneck(1 + math.Exp(hi))
	return c
}

// BottleneckPoint is a point of the information bottleneck curve.
type BottleneckPoint struct {
	Memory   info.Nats `json:"memory"`   // about the past
	Captured info.Nats `json:"captured"` // about the future
}

// Curve is the information bottleneck curve at the given memories.
func (f *Frontier) Curve(memories []info.Nats) []BottleneckPoint {
	out := make([]BottleneckPoint, len(memories))
	for i, m := range memories {
		out[i] = BottleneckPoint{m, f.CapturedBy(m)}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Memory < out[j].Memory })
	return out
}
