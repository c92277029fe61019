package process

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
)

// denseMI is ½ [ln det Σ_X + ln det Σ_Y − ln det Σ_XY] of a Gaussian vector
// split after ell coordinates, O(n³) time.
func denseMI(cov [][]float64, ell int) (info.Nats, error) {
	x, err := logDet(cov, 0, ell)
	if err != nil {
		return 0, err
	}
	y, err := logDet(cov, ell, len(cov))
	if err != nil {
		return 0, err
	}
	xy, err := logDet(cov, 0, len(cov))
	return info.Nats((x + y - xy) / 2), err
}

// leading is the covariance of the first n coordinates.
func leading(cov [][]float64, n int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = cov[i][:n]
	}
	return out
}

// symmetric copies coordinates from..to−1 of a covariance matrix.
func symmetric(cov [][]float64, from, to int) *mat.SymDense {
	s := mat.NewSymDense(to-from, nil)
	for i := from; i < to; i++ {
		for j := i; j < to; j++ {
			s.SetSym(i-from, j-from, cov[i][j])
		}
	}
	return s
}

func cholesky(cov [][]float64, from, to int) (*mat.Cholesky, error) {
	var c mat.Cholesky
	if !c.Factorize(symmetric(cov, from, to)) {
		return nil, fmt.Errorf("the covariance of tokens %d to %d is not positive definite", from, to-1)
	}
	return &c, nil
}

func logDet(cov [][]float64, from, to int) (float64, error) {
	c, err := cholesky(cov, from, to)
	if err != nil {
		return 0, err
	}
	return c.LogDet(), nil
}

// denseModel is the exact model of a Gaussian sequence of which only the
// covariance is known: innovations by forward substitution with its Cholesky
// factor, O(n³) once and O(n²) per sequence.
type denseModel struct {
	forward[float64]
	covariance func(n int) [][]float64
	mu         sync.Mutex
	factor     [][]float64 // lower Cholesky factor; only ever replaced
}

func newDenseModel(d Description, covariance func(n int) [][]float64) lm.Model[float64] {
	m := &denseModel{covariance: covariance}
	m.info = modelInfo(d)
	m.info.Context = min(d.MaxLength, maxDense)
	m.start = func() filter[float64] { return &denseFilter{m: m} }
	return m
}

// row is row t of the Cholesky factor. Factors of longer stretches begin with
// those of shorter ones.
func (m *denseModel) row(t int) ([]float64, error) {
	if t >= m.info.Context {
		return nil, fmt.Errorf("this process is modelled by dense matrices, for at most %d tokens", m.info.Context)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if t < len(m.factor) {
		return m.factor[t], nil
	}
	n := 64
	for n <= t {
		n *= 2
	}
	n = min(n, m.info.Context)
	c, err := cholesky(m.covariance(n), 0, n)
	if err != nil {
		return nil, err
	}
	var l mat.TriDense
	c.LTo(&l)
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, i+1)
		for j := range rows[i] {
			rows[i][j] = l.At(i, j)
		}
	}
	m.factor = rows
	return rows[t], nil
}

type denseFilter struct {
	m *denseModel
	z []float64 // standardised innovations
}

func (f *denseFilter) step(x float64) (float64, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%v is not a finite number", x)
	}
	t := len(f.z)
	row, err := f.m.row(t)
	if err != nil {
		return 0, err
	}
	e := x - dot(row[:t], f.z)
	f.z = append(f.z, e/row[t])
	return gaussianLogDensity(e, row[t]*row[t]), nil
}

func (f *denseFilter) fork() filter[float64] {
	return &denseFilter{m: f.m, z: f.z[:len(f.z):len(f.z)]}
}
