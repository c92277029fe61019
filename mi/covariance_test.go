package mi

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Against gonum's singular value decomposition on random tables.
func TestCovarianceNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, v := range []int{1, 2, 3, 17} {
		table := make([]int64, v*v)
		n := 0.0
		for i := range table {
			table[i] = rng.Int64N(50)
			n += float64(table[i])
		}
		c := mat.NewDense(v, v, nil)
		for a := range v {
			for b := range v {
				row, col := 0.0, 0.0
				for k := range v {
					row += float64(table[a*v+k])
					col += float64(table[k*v+b])
				}
				c.Set(a, b, float64(table[a*v+b])/n-row*col/n/n)
			}
		}
		var svd mat.SVD
		if !svd.Factorize(c, mat.SVDNone) {
			t.Fatal("no singular values")
		}
		got, err := Covariance(table, v)
		if err != nil {
			t.Fatal(err)
		}
		if want := svd.Values(nil)[0]; math.Abs(got.Norm-want) > 1e-9+1e-6*want {
			t.Errorf("%d × %d: norm %g, want %g", v, v, got.Norm, want)
		}
	}
}

// A symmetric chain of two states that flips with probability f has
// C = ¼(1−2f)^d·[[1, −1], [−1, 1]], of norm ½(1−2f)^d. Pairs drawn from it have
// that norm within its errors, and independent ones stay under the floor.
func TestCovarianceOfAChain(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	const n = 200_000
	for _, correlation := range []float64{0.9, 0.3, 0.01, 0} {
		table := make([]int64, 4)
		for range n {
			a := rng.IntN(2)
			b := a
			if rng.Float64() < (1-correlation)/2 {
				b = 1 - a
			}
			table[2*a+b]++
		}
		got, err := Covariance(table, 2)
		if err != nil {
			t.Fatal(err)
		}
		want := correlation / 2
		if want > got.Floor && math.Abs(got.Norm-want) > 4*got.SE {
			t.Errorf("norm %g ± %g, want %g", got.Norm, got.SE, want)
		}
		if want == 0 && got.Norm > 2*got.Floor {
			t.Errorf("independent pairs have norm %g over the floor %g", got.Norm, got.Floor)
		}
	}
}
