package stats

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Sym is a dense symmetric matrix of N rows, stored row by row in V. It is for
// small fits that a bootstrap repeats ten thousand times; for anything larger
// use gonum's mat.
type Sym struct {
	N int
	V []float64
}

// NewSym is the zero matrix.
func NewSym(n int) Sym { return Sym{n, make([]float64, n*n)} }

// At is the element of row i and column j.
func (s Sym) At(i, j int) float64 { return s.V[i*s.N+j] }

// Set sets the elements (i, j) and (j, i).
func (s Sym) Set(i, j int, x float64) { s.V[i*s.N+j], s.V[j*s.N+i] = x, x }

// Row is row i, not a copy.
func (s Sym) Row(i int) []float64 { return s.V[i*s.N : (i+1)*s.N] }

// Rows copies the matrix into a slice of rows.
func (s Sym) Rows() [][]float64 {
	out := make([][]float64, s.N)
	for i := range out {
		out[i] = append([]float64(nil), s.Row(i)...)
	}
	return out
}

// Quadratic is aᵀ S b.
func (s Sym) Quadratic(a, b []float64) float64 {
	total := 0.0
	for i := range s.N {
		row := 0.0
		for j := range s.N {
			row += s.V[i*s.N+j] * b[j]
		}
		total += a[i] * row
	}
	return total
}

// Correlation is the correlation of i and j when s is a covariance.
func (s Sym) Correlation(i, j int) float64 {
	return s.At(i, j) / math.Sqrt(s.At(i, i)*s.At(j, j))
}

// leastPivot is the smallest variance that a point may have given the points
// before it, as a fraction of its variance. Stronger correlations are damped:
// they are never estimated well enough to be used.
const leastPivot = 0.005

// Shrunk is the covariance with which to weight a fit: its variances are those
// of s, its correlations are shrunk towards their means over equal lags
// (Toeplitz) by the fraction lambda and damped until it is well conditioned. ok
// is false when a variance is not positive.
func (s Sym) Shrunk(lambda float64) (out Sym, ok bool) {
	p := s.N
	out = NewSym(p)
	sd := make([]float64, p)
	for i := range p {
		if sd[i] = math.Sqrt(s.At(i, i)); !(sd[i] > 0) {
			return out, false
		}
	}
	for lag := 1; lag < p; lag++ {
		mean := 0.0
		for i := lag; i < p; i++ {
			mean += s.At(i, i-lag) / (sd[i] * sd[i-lag]) / float64(p-lag)
		}
		for i := lag; i < p; i++ {
			r := s.At(i, i-lag) / (sd[i] * sd[i-lag])
			out.Set(i, i-lag, (1-lambda)*r+lambda*mean)
		}
	}
	for i := range p {
		out.Set(i, i, 1)
	}
	factor := NewSym(p)
	for damp := 0.005; ; damp *= 2 {
		try := NewSym(p)
		keep := max(0, 1-damp)
		for i := range p {
			for j := range i {
				try.Set(i, j, keep*out.At(i, j))
			}
			try.Set(i, i, 1)
		}
		if try.cholesky(factor) >= leastPivot || keep == 0 {
			out = try
			break
		}
	}
	for i := range p {
		for j := range i + 1 {
			out.Set(i, j, out.At(i, j)*sd[i]*sd[j])
		}
	}
	return out, true
}

// Diagonal is the diagonal of s as a matrix; ok is false when one of its
// elements is not positive.
func (s Sym) Diagonal() (out Sym, ok bool) {
	out = NewSym(s.N)
	ok = true
	for i := range s.N {
		out.Set(i, i, s.At(i, i))
		ok = ok && s.At(i, i) > 0
	}
	return out, ok
}

// cholesky fills the lower triangle of l with the factor of s and returns the
// smallest pivot (squared diagonal element), at most 0 when s is not positive
// definite. gonum's has no pivots, and allocates.
func (s Sym) cholesky(l Sym) (least float64) {
	least = math.Inf(1)
	n := s.N
	for i := range n {
		for j := range i + 1 {
			x := s.V[i*n+j]
			for k := range j {
				x -= l.V[i*n+k] * l.V[j*n+k]
			}
			if i == j {
				if !(x > 0) {
					return min(least, x, 0)
				}
				least = min(least, x)
				l.V[i*n+i] = math.Sqrt(x)
			} else {
				l.V[i*n+j] = x / l.V[j*n+j]
			}
		}
	}
	return least
}

// Inverse is the inverse of a positive definite matrix.
func (s Sym) Inverse() (out Sym, ok bool) {
	sym := mat.NewSymDense(s.N, s.V)
	var chol mat.Cholesky
	if !chol.Factorize(sym) {
		return Sym{}, false
	}
	var inv mat.SymDense
	if err := chol.InverseTo(&inv); err != nil {
		return Sym{}, false
	}
	out = NewSym(s.N)
	for i := range s.N {
		for j := range i + 1 {
			out.Set(i, j, inv.At(i, j))
		}
	}
	return out, true
}

// LeastSquares minimises (y − Σ_c b_c·columns_c)ᵀ W (y − …) over at most two
// coefficients by the normal equations, and returns them with the minimum χ².
// ok is false when the columns are collinear.
func (w Sym) LeastSquares(columns [][]float64, y []float64) (b []float64, chi2 float64, ok bool) {
	switch len(columns) {
	case 0:
	case 1:
		gg := w.Quadratic(columns[0], columns[0])
		if !(gg > 0) {
			return nil, math.Inf(1), false
		}
		b = []float64{w.Quadratic(columns[0], y) / gg}
	case 2:
		haa, hab, hbb := w.Quadratic(columns[0], columns[0]), w.Quadratic(columns[0], columns[1]), w.Quadratic(columns[1], columns[1])
		ga, gb := w.Quadratic(columns[0], y), w.Quadratic(columns[1], y)
		det := haa*hbb - hab*hab
		if !(det > 1e-10*haa*hbb) {
			return nil, math.Inf(1), false
		}
		b = []float64{(hbb*ga - hab*gb) / det, (haa*gb - hab*ga) / det}
	}
	residual := append([]float64(nil), y...)
	for c := range columns {
		for i := range residual {
			residual[i] -= b[c] * columns[c][i]
		}
	}
	return b, w.Quadratic(residual, residual), true
}
