package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v ± %g", what, got, want, tolerance)
	}
}

// normals are rows of correlated normal numbers, one a cluster, and counts of 1.
func normals(rng *rand.Rand, clusters, n int) (sums, counts [][]float64) {
	for range clusters {
		row, z := make([]float64, n), rng.NormFloat64()
		for i := range row {
			row[i] = float64(i) + z + rng.NormFloat64()
		}
		sums, counts = append(sums, row), append(counts, slices.Repeat([]float64{1}, n))
	}
	return sums, counts
}

// TestShrunkIsPositiveDefinite: whatever the clusters, the weighing covariance
// keeps the variances and can be inverted.
func TestShrunkIsPositiveDefinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 13).Draw(t, "n")
		d := rapid.IntRange(2, 30).Draw(t, "clusters")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		sums, counts := make([][]float64, d), make([][]float64, d)
		common := rapid.Float64Range(0, 1).Draw(t, "common")
		for c := range sums {
			z := rng.NormFloat64()
			for i := range n {
				sums[c] = append(sums[c], math.Pow(10, float64(i%4))*(common*z+(1-common)*rng.NormFloat64()+1e-3*rng.NormFloat64()))
				counts[c] = append(counts[c], 1)
			}
		}
		theta, cov := make([]float64, n), NewSym(n)
		Covariance(sums, counts, nil, theta, cov)
		lambda := Shrinkage(sums, counts, theta, cov)
		if !(lambda >= 0 && lambda <= 1) {
			t.Fatalf("shrinkage %v", lambda)
		}
		s, ok := cov.Shrunk(lambda)
		if !ok {
			t.Fatal("a variance is not positive")
		}
		for i := range n {
			if math.Abs(s.At(i, i)/cov.At(i, i)-1) > 1e-12 {
				t.Fatalf("variance %d changed from %v to %v", i, cov.At(i, i), s.At(i, i))
			}
		}
		w, ok := s.Inverse()
		if !ok {
			t.Fatal("not positive definite")
		}
		for i := range n {
			for j := range n {
				x := 0.0
				for k := range n {
					x += w.At(i, k) * s.At(k, j)
				}
				want := 0.0
				if i == j {
					want = 1
				}
				if scale := math.Sqrt(s.At(j, j) / s.At(i, i)); math.Abs(x-want) > 1e-7*(1+scale) {
					t.Fatalf("W·S[%d][%d] = %v", i, j, x)
				}
			}
		}
	})
}

// TestCovarianceOfMeans: with counts of 1 it is gonum's covariance over the
// number of clusters.
func TestCovarianceOfMeans(t *testing.T) {
	const d, n = 7, 3
	sums, counts := normals(rand.New(rand.NewPCG(1, 1)), d, n)
	flat := mat.NewDense(d, n, slices.Concat(sums...))
	var want mat.SymDense
	stat.CovarianceMatrix(&want, flat, nil)
	theta, cov := make([]float64, n), NewSym(n)
	Covariance(sums, counts, nil, theta, cov)
	for i := range n {
		near(t, "mean", theta[i], stat.Mean(mat.Col(nil, i, flat), nil), 1e-12)
		for j := range n {
			near(t, "covariance", cov.At(i, j), want.At(i, j)/d, 1e-12)
		}
	}
}

// TestMultiplicitiesAreRepeats: multiplicities give what repeated rows give.
func TestMultiplicitiesAreRepeats(t *testing.T) {
	allSums, allCounts := normals(rand.New(rand.NewPCG(3, 3)), 6, 4)
	for c := range allCounts {
		for i := range allCounts[c] {
			allCounts[c][i] = float64(1 + c%3)
		}
	}
	m := []float64{0, 2, 1, 3, 0, 1}
	var sums, counts [][]float64
	for c, k := range m {
		for range int(k) {
			sums, counts = append(sums, allSums[c]), append(counts, allCounts[c])
		}
	}
	theta, want := make([]float64, 4), make([]float64, 4)
	cov, wantCov := NewSym(4), NewSym(4)
	Covariance(allSums, allCounts, m, theta, cov)
	Covariance(sums, counts, nil, want, wantCov)
	for i := range want {
		near(t, "estimate", theta[i], want[i], 1e-12)
		near(t, "estimate alone", RatioMeans(allSums, allCounts, m)[i], want[i], 1e-12)
	}
	for i := range cov.V {
		near(t, "covariance", cov.V[i], wantCov.V[i], 1e-12)
	}
}

// TestResample: every draw has as many clusters as there are, and each is as
// likely as the others.
func TestResample(t *testing.T) {
	const clusters, draws = 10, 20000
	seen := make([]float64, clusters)
	calls := 0
	Resample(rand.New(rand.NewPCG(1, 2)), clusters, draws, func(m []float64) {
		calls++
		total := 0.0
		for c, k := range m {
			total += k
			seen[c] += k / draws
		}
		if total != clusters {
			t.Fatalf("%v clusters drawn", total)
		}
	})
	if calls != draws {
		t.Errorf("%d draws", calls)
	}
	for _, k := range seen {
		near(t, "mean multiplicity", k, 1, 4.5*math.Sqrt((1-1.0/clusters)/draws))
	}
}

// TestQuantile: ranks q·(n+1), by hand for n = 3 and 4.
func TestQuantile(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		values  []float64
		q, want float64
	}{
		{[]float64{1, 2, 4}, 0.5, 2}, {[]float64{1, 2, 4}, 0.25, 1}, {[]float64{1, 2, 4}, 0.01, 1}, {[]float64{1, 2, 4}, 0.99, 4},
		{[]float64{1, 2, 4, 8}, 0.5, 3}, {[]float64{1, 2, 4, 8}, 0.3, 1.5}, {[]float64{7}, 0.5, 7},
	} {
		near(t, "quantile", Quantile(c.values, c.q), c.want, 1e-12)
	}
	if q := Quantile([]float64{1, inf, inf, inf}, 0.7); q != inf {
		t.Errorf("among infinities: %v", q)
	}
}

func TestMedian(t *testing.T) {
	near(t, "of none", Median(nil), 0, 0)
	near(t, "of three", Median([]float64{5, 1, 2}), 2, 0)
	near(t, "of four", Median([]float64{5, 1, 2, 3}), 2.5, 0)
}

// TestHalfWidth: the tables of Student's t and of the normal distribution.
func TestHalfWidth(t *testing.T) {
	near(t, "normal", HalfWidth(0.95, 0), 1.959964, 1e-6)
	near(t, "t, 1 degree of freedom", HalfWidth(0.95, 1), 12.7062, 1e-4)
	near(t, "t, 9 degrees of freedom", HalfWidth(0.99, 9), 3.2498, 1e-4)
}

func TestClopperPearson(t *testing.T) {
	// 9 of 10 at 95 %: 0.5550, 0.9975 (tabulated in many textbooks; checked with
	// binom.test of R).
	i := ClopperPearson(9, 10, 0.95)
	near(t, "lower end", i.Lo, 0.5550, 1e-4)
	near(t, "upper end", i.Hi, 0.9975, 1e-4)
	i = ClopperPearson(10, 10, 0.95)
	near(t, "lower end of all", i.Lo, math.Pow(0.025, 0.1), 1e-9)
	near(t, "upper end of all", i.Hi, 1, 0)
	near(t, "lower end of none", ClopperPearson(0, 10, 0.95).Lo, 0, 0)
}

// TestJackknife: of means, it is the standard error of the mean.
func TestJackknife(t *testing.T) {
	x := []float64{3, 1, 4, 1, 5, 9}
	without := make([]float64, len(x))
	for i := range x {
		without[i] = (stat.Mean(x, nil)*6 - x[i]) / 5
	}
	near(t, "of a mean", Jackknife(without), stat.StdErr(stat.StdDev(x, nil), 6), 1e-12)
}

// TestCriteria: by hand.
func TestCriteria(t *testing.T) {
	a, ok := AICc(10, 2, 7)
	near(t, "AICc", a, 10+4+12.0/4, 1e-12)
	if _, few := AICc(10, 2, 3); !ok || few {
		t.Errorf("%v and %v", ok, few)
	}
	w := AkaikeWeights([]float64{3, 3 + 2*math.Ln2, math.Inf(1)})
	for i, want := range []float64{2. / 3, 1. / 3, 0} {
		near(t, "weight", w[i], want, 1e-12)
	}
	near(t, "alone", AkaikeWeights([]float64{math.Inf(1)})[0], 1, 0)
}

// TestLeastSquares against gonum's solution of the whitened problem.
func TestLeastSquares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
		const n = 5
		sums, counts := normals(rng, 40, n)
		y, cov := make([]float64, n), NewSym(n)
		Covariance(sums, counts, nil, y, cov)
		w, ok := cov.Inverse()
		if !ok {
			t.Fatal("singular")
		}
		columns := [][]float64{make([]float64, n), make([]float64, n)}
		design := mat.NewDense(n, 2, nil)
		for i := range n {
			columns[0][i], columns[1][i] = 1, rng.NormFloat64()
			design.SetRow(i, []float64{1, columns[1][i]})
		}
		b, chi2, ok := w.LeastSquares(columns, y)
		if !ok {
			t.Fatal("not solved")
		}
		var chol mat.Cholesky
		chol.Factorize(mat.NewSymDense(n, w.V))
		var u mat.TriDense
		chol.UTo(&u)
		var x, z mat.Dense
		x.Mul(&u, design)
		z.Mul(&u, mat.NewDense(n, 1, y))
		var want, fitted mat.Dense
		if err := want.Solve(&x, &z); err != nil {
			t.Fatal(err)
		}
		fitted.Mul(&x, &want)
		fitted.Sub(&z, &fitted)
		for c := range b {
			if math.Abs(b[c]-want.At(c, 0)) > 1e-7 {
				t.Fatalf("coefficient %d: %v, want %v", c, b[c], want.At(c, 0))
			}
		}
		if least := mat.Norm(&fitted, 2); math.Abs(chi2-least*least) > 1e-7*(1+chi2) {
			t.Fatalf("χ² %v, want %v", chi2, least*least)
		}
	})
}
