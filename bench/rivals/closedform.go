package main

import (
	"math"
	"math/rand/v2"
)

// closedForm is a distribution of pairs (x, y) with known mutual information.
type closedForm struct {
	name     string
	truth    float64 // nats
	gaussian bool
	draw     func(rng *rand.Rand) (x, y []float64)
}

// closedForms are tasks of the benchmark cbg-ethz/bmi [bmi] with known mutual
// information in closed form.
func closedForms() []closedForm {
	return []closedForm{
		{"bivariate normal, ρ = 0.75", pairInformation(0.75), true, normalPairs(1, 0.75)},
		{"two pairs of ρ = 0.8", 2 * pairInformation(0.8), true, normalPairs(2, 0.8)},
		// All correlations ½ among 100 coordinates: with n of them the
		// determinant is ½ⁿ·(n + 1).
		{"dense multinormal 50×50", 0.5 * math.Log(51*51.0/101), true, func(rng *rand.Rand) (x, y []float64) {
			common := rng.NormFloat64() * math.Sqrt(0.5)
			v := make([]float64, 100)
			for i := range v {
				v[i] = common + rng.NormFloat64()*math.Sqrt(0.5)
			}
			return v[:50], v[50:]
		}},
		// Y = X + N, X uniform on (0, 1) and N on (−ε, ε), ε ≥ ½: 1/(4ε).
		{"uniform noise, ε = 0.75", 1 / (4 * 0.75), false, func(rng *rand.Rand) (x, y []float64) {
			a := rng.Float64()
			return []float64{a}, []float64{a + 1.5*(rng.Float64()-0.5)}
		}},
	}
}

// pairInformation is −½ ln(1 − ρ²).
func pairInformation(rho float64) float64 { return -0.5 * math.Log1p(-rho*rho) }

func normalPairs(n int, rho float64) func(rng *rand.Rand) (x, y []float64) {
	return func(rng *rand.Rand) (x, y []float64) {
		for range n {
			a, b := rng.NormFloat64(), rng.NormFloat64()
			x, y = append(x, a), append(y, rho*a+math.Sqrt(1-rho*rho)*b)
		}
		return x, y
	}
}

// sample draws n pairs.
func (t closedForm) sample(rng *rand.Rand, n int) (x, y [][]float64) {
	for range n {
		a, b := t.draw(rng)
		x, y = append(x, a), append(y, b)
	}
	return x, y
}
