package law

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// square is a dense symmetric matrix, row by row.
type square struct {
	n int
	v []float64
}

func newSquare(n int) square             { return square{n, make([]float64, n*n)} }
func (s square) at(i, j int) float64     { return s.v[i*s.n+j] }
func (s square) set(i, j int, x float64) { s.v[i*s.n+j], s.v[j*s.n+i] = x, x }

// quadratic is aᵀ S b.
func (s square) quadratic(a, b []float64) float64 {
	total := 0.0
	for i := range s.n {
		row := 0.0
		for j := range s.n {
			row += s.v[i*s.n+j] * b[j]
		}
		total += a[i] * row
	}
	return total
}

// clusterCovariance is the covariance of the ratio estimates Σ m·sums/Σ m·counts
// with cluster multiplicities m (nil: one each), D/(D−1)·Σ m e eᵀ with e the
// residuals over the total counts; as mi.Series.Cov. It fills theta and cov.
func clusterCovariance(sums, counts [][]float64, m []float64, theta []float64, cov square) {
	p := cov.n
	total := make([]float64, p)
	residual := make([]float64, p)
	clear(theta)
	clear(cov.v)
	clusters := 0.0
	for c := range sums {
		k := 1.0
		if m != nil {
			k = m[c]
		}
		if k == 0 {
			continue
		}
		clusters += k
		for i := range p {
			theta[i] += k * sums[c][i]
			total[i] += k * counts[c][i]
		}
	}
	for i := range p {
		theta[i] /= total[i]
	}
	for c := range sums {
		k := 1.0
		if m != nil {
			k = m[c]
		}
		if k == 0 {
			continue
		}
		for i := range p {
			residual[i] = (sums[c][i] - theta[i]*counts[c][i]) / total[i]
		}
		for i := range p {
			x := k * residual[i]
			row := cov.v[i*p : i*p+i+1]
			for j := range row {
				row[j] += x * residual[j]
			}
		}
	}
	f := clusters / (clusters - 1)
	for i := range p {
		for j := range i + 1 {
			cov.set(i, j, f*cov.at(i, j))
		}
	}
}

// leastPivot is the smallest conditional variance, as a fraction of the
// variance, that a point may have given the points before it. Stronger
// correlations are damped: they are never estimated well enough to be used.
const leastPivot = 0.005

// shrunk is the covariance that weighs the fit: the variances as they are,
// the correlations moved towards their means over equal lags (Toeplitz) by the
// fraction lambda, and damped until well conditioned. ok is false when a
// variance is not positive.
func shrunk(cov square, lambda float64) (out square, ok bool) {
	p := cov.n
	out = newSquare(p)
	sd := make([]float64, p)
	for i := range p {
		if sd[i] = math.Sqrt(cov.at(i, i)); !(sd[i] > 0) {
			return out, false
		}
	}
	for lag := 1; lag < p; lag++ {
		mean := 0.0
		for i := lag; i < p; i++ {
			mean += cov.at(i, i-lag) / (sd[i] * sd[i-lag]) / float64(p-lag)
		}
		for i := lag; i < p; i++ {
			r := cov.at(i, i-lag) / (sd[i] * sd[i-lag])
			out.set(i, i-lag, (1-lambda)*r+lambda*mean)
		}
	}
	for i := range p {
		out.set(i, i, 1)
	}
	factor := newSquare(p)
	for damp := 0.005; ; damp *= 2 {
		try := newSquare(p)
		keep := max(0, 1-damp)
		for i := range p {
			for j := range i {
				try.set(i, j, keep*out.at(i, j))
			}
			try.set(i, i, 1)
		}
		if cholesky(try, factor) >= leastPivot || keep == 0 {
			out = try
			break
		}
	}
	for i := range p {
		for j := range i + 1 {
			out.set(i, j, out.at(i, j)*sd[i]*sd[j])
		}
	}
	return out, true
}

// diagonal is the covariance with the correlations left out.
func diagonal(cov square) (out square, ok bool) {
	out = newSquare(cov.n)
	ok = true
	for i := range cov.n {
		out.set(i, i, cov.at(i, i))
		ok = ok && cov.at(i, i) > 0
	}
	return out, ok
}

// cholesky fills the lower triangle of l with the factor of s and returns the
// smallest pivot (squared diagonal element), at most 0 when s is not positive
// definite.
func cholesky(s, l square) (least float64) {
	least = math.Inf(1)
	n := s.n
	for i := range n {
		for j := range i + 1 {
			x := s.v[i*n+j]
			for k := range j {
				x -= l.v[i*n+k] * l.v[j*n+k]
			}
			if i == j {
				if !(x > 0) {
					return min(least, x, 0)
				}
				least = min(least, x)
				l.v[i*n+i] = math.Sqrt(x)
			} else {
				l.v[i*n+j] = x / l.v[j*n+j]
			}
		}
	}
	return least
}

// inverse is the inverse of a positive definite matrix.
func inverse(s square) (out square, ok bool) {
	sym := mat.NewSymDense(s.n, s.v)
	var chol mat.Cholesky
	if !chol.Factorize(sym) {
		return square{}, false
	}
	var inv mat.SymDense
	if err := chol.InverseTo(&inv); err != nil {
		return square{}, false
	}
	out = newSquare(s.n)
	for i := range s.n {
		for j := range i + 1 {
			out.set(i, j, inv.At(i, j))
		}
	}
	return out, true
}

// shrinkage is how far the correlations are moved towards their means over
// equal lags: the sampling variance of the correlations over their squared
// distance from those means, Σ var(r_ij)/Σ (r_ij − t_ij)², at most 1 (Schäfer
// & Strimmer 2005, with a Toeplitz target). var(r_ij) is estimated from the
// products of standardised residuals of the clusters.
func shrinkage(sums, counts [][]float64, theta []float64, cov square) float64 {
	p, d := cov.n, float64(len(sums))
	total := make([]float64, p)
	for c := range counts {
		for i := range p {
			total[i] += counts[c][i]
		}
	}
	products := newSquare(p) // mean of squared products
	z := make([]float64, p)
	for c := range sums {
		for i := range p {
			z[i] = (sums[c][i] - theta[i]*counts[c][i]) / total[i] * math.Sqrt(d/cov.at(i, i))
		}
		for i := range p {
			for j := range i {
				products.v[i*p+j] += z[i] * z[i] * z[j] * z[j] / d
			}
		}
	}
	noise, distance := 0.0, 0.0
	for lag := 1; lag < p; lag++ {
		mean := 0.0
		for i := lag; i < p; i++ {
			mean += correlation(cov, i, i-lag) / float64(p-lag)
		}
		for i := lag; i < p; i++ {
			r := correlation(cov, i, i-lag)
			noise += max(0, products.at(i, i-lag)-r*r) / d
			distance += (r - mean) * (r - mean)
		}
	}
	if !(distance > noise) {
		return 1
	}
	return noise / distance
}

func correlation(cov square, i, j int) float64 {
	return cov.at(i, j) / math.Sqrt(cov.at(i, i)*cov.at(j, j))
}
