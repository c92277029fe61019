package mi

import (
	"fmt"
	"math"
)

// LagCovariance is the size of the covariance of the two ends of pairs.
type LagCovariance struct {
	// Norm is the operator norm (largest singular value) of the matrix
	// C_ab = P(w_i = a, w_{i+d} = b) − P(w_i = a)·P(w_{i+d} = b): the
	// covariance of the one-hot vectors of the two tokens. Unlike information
	// it is linear in the correlation [arXiv 2602.07488].
	Norm float64 `json:"norm"`
	// SE is the sampling standard error of Norm for independent pairs.
	SE float64 `json:"se"`
	// Floor is the largest norm to expect if the ends are independent: (√max_a P(a) +
	// √max_b P(b))/√N. It is Chevet's inequality for a Gaussian matrix with variances
	// P(a)·P(b)/N.
	Floor float64 `json:"floor"`
}

// Limit is twice the floor: below it, noise is a large part of the norm.
func (c LagCovariance) Limit() float64 { return 2 * c.Floor }

// Covariance returns the lag covariance of a table of pair counts, row by row:
// table[a·v+b] pairs (a, b). Cost: O(v²) per step of a power iteration.
func Covariance(table []int64, v int) (LagCovariance, error) {
	if v < 1 || len(table)/v != v || len(table)%v != 0 {
		return LagCovariance{}, fmt.Errorf("covariance: %d cells are not a table of %d × %d", len(table), v, v)
	}
	n := 0.0
	left, right := make([]float64, v), make([]float64, v)
	for i, c := range table {
		if c < 0 {
			return LagCovariance{}, fmt.Errorf("covariance: a cell of the table holds %d", c)
		}
		n += float64(c)
		left[i/v] += float64(c)
		right[i%v] += float64(c)
	}
	if n == 0 {
		return LagCovariance{}, fmt.Errorf("covariance: no pairs")
	}
	c := make([]float64, len(table))
	mostLeft, mostRight := 0.0, 0.0
	for i := range v {
		left[i] /= n
		right[i] /= n
		mostLeft, mostRight = max(mostLeft, left[i]), max(mostRight, right[i])
	}
	for i := range c {
		c[i] = float64(table[i])/n - left[i/v]*right[i%v]
	}
	norm, u, w := largestSingular(c, v)
	out := LagCovariance{Norm: norm, Floor: (math.Sqrt(mostLeft) + math.Sqrt(mostRight)) / math.Sqrt(n)}
	// Norm = uᵀCw is the covariance of u(w_i) and w(w_{i+d}).
	mu, mw := 0.0, 0.0
	for i := range v {
		mu += left[i] * u[i]
		mw += right[i] * w[i]
	}
	second := 0.0
	for i, k := range table {
		x := (u[i/v] - mu) * (w[i%v] - mw)
		second += float64(k) / n * x * x
	}
	out.SE = math.Sqrt(max(0, second-norm*norm) / n)
	return out, nil
}

// largestSingular returns the largest singular value of a v×v matrix with its
// left and right unit vectors, by power iteration from a generic start.
func largestSingular(c []float64, v int) (norm float64, left, right []float64) {
	left, right = make([]float64, v), make([]float64, v)
	for i := range left {
		left[i] = math.Cos(float64(i*i + 1))
	}
	last := 0.0
	for range 2000 {
		clear(right)
		for a, x := range left {
			for b, y := range c[a*v : (a+1)*v] {
				right[b] += x * y
			}
		}
		if normalise(right) == 0 {
			return 0, left, right
		}
		for a := range left {
			sum := 0.0
			for b, y := range c[a*v : (a+1)*v] {
				sum += y * right[b]
			}
			left[a] = sum
		}
		norm = normalise(left)
		if norm-last <= 1e-12*norm {
			break
		}
		last = norm
	}
	return norm, left, right
}

// normalise scales x to unit length and returns the length it had.
func normalise(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	length := math.Sqrt(sum)
	if length > 0 {
		for i := range x {
			x[i] /= length
		}
	}
	return length
}
