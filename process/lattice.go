package process

import (
	"math"
	"math/rand/v2"
)

// lattice holds what every finite piece of a stationary Gaussian process needs:
// alpha[k] is the partial autocorrelation at lag k, v[k] the variance of a
// token given the k before it (Durbin–Levinson: v[k] = v[0]·Π(1 − α_j²)).
type lattice struct {
	alpha, v []float64 // equally long; alpha[0] is 0
}

// newLattice computes the variances. alpha[0] is not read.
func newLattice(variance float64, alpha []float64) *lattice {
	t := &lattice{alpha: alpha, v: make([]float64, len(alpha))}
	v := variance
	for k := range alpha {
		if k > 0 {
			v *= (1 - alpha[k]) * (1 + alpha[k])
		}
		t.v[k] = v
	}
	return t
}

// The lattice filter (Itakura–Saito) turns tokens into their innovations, the
// errors of the best linear prediction from all tokens before them. With
// forward errors f_0 = b_0 = w and
//
//	f_k(t) = f_{k−1}(t) − α_k·b_{k−1}(t−1)
//	b_k(t) = b_{k−1}(t−1) − α_k·f_{k−1}(t)
//
// the innovation of the token with t tokens before it is f_t(t). Running over
// t inside k needs two vectors and no predictor coefficients. b_k(t) is kept at
// index t−k, where b_{k−1}(t−1) stood.

// stage applies one lattice order to aligned stretches of f and b.
func stage(alpha float64, f, b []float64) {
	b = b[:len(f)]
	for i, x := range f {
		y := b[i]
		// The conversions forbid fused multiply-add, so that results do not
		// depend on the machine.
		f[i] = x - float64(alpha*y)
		b[i] = y - float64(alpha*x)
	}
}

// memory is the lattice state after the first n tokens of a sequence, from
// which it can be continued: state[k] = b_k of the last token, k < n.
type memory []float64

// innovations returns the innovations of tokens, and the memory at each of the
// positions at (ascending, each ≤ len(tokens)).
func (t *lattice) innovations(tokens []float64, at []int) (e []float64, states []memory) {
	n := len(tokens)
	f := append([]float64(nil), tokens...)
	b := append([]float64(nil), tokens...)
	states = make([]memory, len(at))
	for i, a := range at {
		states[i] = make(memory, a)
	}
	save := func(k int) {
		for i, a := range at {
			if k < a {
				states[i][k] = b[a-1-k]
			}
		}
	}
	save(0)
	for k := 1; k < n; k++ {
		if alpha := t.alpha[k]; alpha != 0 {
			stage(alpha, f[k:], b[:n-k])
		}
		save(k)
	}
	return f, states
}

// continued returns the innovations of tokens that follow a sequence whose
// memory is given. Token i has len(past)+i tokens before it.
func (t *lattice) continued(past memory, tokens []float64) []float64 {
	a, m := len(past), len(tokens)
	f := append([]float64(nil), tokens...)
	// b_k(t) at index t−k as above; index a−k holds b_{k−1} of the last token
	// of the past when order k begins.
	b := make([]float64, a+m)
	for k, y := range past {
		b[a-1-k] = y
	}
	copy(b[a:], tokens)
	for k := 1; k < a+m; k++ {
		alpha := t.alpha[k]
		if alpha == 0 {
			continue
		}
		if k <= a {
			stage(alpha, f, b[a-k:a-k+m])
		} else {
			stage(alpha, f[k-a:], b[:m-(k-a)])
		}
	}
	return f
}

// sample draws one sequence per generator with the predictors of
// Durbin–Levinson, whose rows are computed once for all of them:
//
//	φ_{t,t} = α_t,  φ_{t,j} = φ_{t−1,j} − α_t·φ_{t−1,t−j}
//
// Memory is O(length) for the row; time is O(length²) for the rows and for
// each sequence.
func (t *lattice) sample(rngs []*rand.Rand, length int) [][]float64 {
	// Sequences are kept in reverse so that row and past run the same way.
	reversed := make([][]float64, len(rngs))
	for i := range reversed {
		reversed[i] = make([]float64, length)
	}
	row := make([]float64, 0, length) // row[j−1] = φ_{n,j}
	for n := range length {
		if n > 0 {
			row = extendRow(row, t.alpha[n])
		}
		sd := math.Sqrt(t.v[n])
		at := length - 1 - n
		for i, w := range reversed {
			w[at] = dot(row, w[at+1:]) + float64(sd*rngs[i].NormFloat64())
		}
	}
	for _, w := range reversed {
		for i, j := 0, length-1; i < j; i, j = i+1, j-1 {
			w[i], w[j] = w[j], w[i]
		}
	}
	return reversed
}

// extendRow turns the predictor of order n−1 into that of order n, in place.
func extendRow(row []float64, alpha float64) []float64 {
	n := len(row) + 1
	for i, j := 0, n-2; i <= j; i, j = i+1, j-1 {
		p, q := row[i], row[j]
		row[i] = p - float64(alpha*q)
		if i != j {
			row[j] = q - float64(alpha*p)
		}
	}
	return append(row, alpha)
}

// dot is Σ a_i·b_i over the length of a, summed in four strands.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float64(a[0] * b[0])
		s1 += float64(a[1] * b[1])
		s2 += float64(a[2] * b[2])
		s3 += float64(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	for i, x := range a {
		s0 += float64(x * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// autocorrelations returns ρ_0 … ρ_n of the process with these partial
// autocorrelations (Durbin–Levinson run backwards), O(n²) time.
func (t *lattice) autocorrelations(n int) []float64 {
	rho := make([]float64, n+1)
	rho[0] = 1
	row := make([]float64, 0, n)
	for d := 1; d <= n; d++ {
		s := t.alpha[d] * t.v[d-1] / t.v[0]
		for j, phi := range row {
			s += phi * rho[d-1-j]
		}
		rho[d] = s
		row = extendRow(row, t.alpha[d])
	}
	return rho
}

// partialAutocorrelations is Durbin–Levinson: from autocovariances g_0 … g_n to
// α_0 = 0, α_1 … α_n, O(n²) time. bad is the first lag at which the sequence is
// no autocovariance (|α| ≥ 1, or not a number), 0 if there is none.
func partialAutocorrelations(g []float64) (alpha []float64, bad int) {
	alpha = make([]float64, len(g))
	row := make([]float64, 0, len(g))
	v := g[0]
	for n := 1; n < len(g); n++ {
		s := g[n]
		for j, phi := range row {
			s -= float64(phi * g[n-1-j])
		}
		a := s / v
		if !(math.Abs(a) < 1) {
			return alpha[:n], n
		}
		alpha[n] = a
		row = extendRow(row, a)
		v *= (1 - a) * (1 + a)
	}
	return alpha, 0
}
