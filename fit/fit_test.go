package fit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"

	"github.com/l2m-lab/l2m/law"
)

func put(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A fit with a covariance in the order of the table's rows is that of package law.
func TestRunIsAnalyze(t *testing.T) {
	cov := [][]float64{{4e-4, 2e-4, 1e-4, 0}, {2e-4, 9e-4, 3e-4, 1e-4}, {1e-4, 3e-4, 25e-4, 8e-4}, {0, 1e-4, 8e-4, 1e-2}}
	want, err := law.Analyze(law.Data{L: []float64{8, 16, 32, 64}, I: []float64{1, 1.52, 2.2, 3.4}, Cov: cov}, law.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := put(t, "t.csv", "length,nats\n64,3.4\n8,1\n32,2.2\n16,1.52\n")
	matrix := ""
	for _, i := range []int{3, 0, 2, 1} {
		for k, j := range []int{3, 0, 2, 1} {
			matrix += fmt.Sprint(map[bool]string{true: ",", false: ""}[k > 0], cov[i][j])
		}
		matrix += "\n"
	}
	r, err := Run(context.Background(), Options{Table: table, Covariance: put(t, "c.csv", matrix)})
	if err != nil {
		t.Fatal(err)
	}
	got := r.Series[0].Law
	if got.Law.Beta != want.Law.Beta || got.Law.A != want.Law.A || got.Power.Chi2 != want.Power.Chi2 || got.Verdict != want.Verdict {
		t.Errorf("%v, want %v", got.Law, want.Law)
	}
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
}

func TestCovarianceIsChecked(t *testing.T) {
	table := put(t, "t.csv", "length,nats,se\n8,1,0.1\n16,2,0.1\n32,4,0.1\n")
	for matrix, want := range map[string]string{
		"0.01,0\n0,0.01\n":                            "2 × 2 numbers for 3 estimates",
		"0.01,0.005,0\n0,0.01,0\n0,0,0.01\n":          "not symmetric: 0.005 in row 1, column 2, and 0 in row 2, column 1",
		"0.01,0,0\n0,0.04,0\n0,0,0.01\n":              "at length 16 is 0.2 nats by the matrix and 0.1 by the table",
		"0.01,0,0\n0,-1,0\n0,0,0.01\n":                "the variance in row 2 is -1",
		"0.01,0,0\n0,x,0\n0,0,0.01\n":                 "line 2: column 2: \"x\" is not a number",
		"0.01,0.01,0.01\n0.01,0.01,0.01\n0.01,0.01,x": "line 3",
	} {
		_, err := Run(context.Background(), Options{Table: table, Covariance: put(t, "c.csv", matrix)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", matrix, err, want)
		}
	}
}

// Intervals of the exponent hold the truth 95 times in 100 when the covariance is
// given, here one of estimates that move together.
func TestCoverage(t *testing.T) {
	const runs, A, beta, relative, correlation = 400, 0.5, 0.7, 0.04, 0.8
	L := []float64{8, 16, 32, 64, 128, 256}
	n := len(L)
	truth, cov := make([]float64, n), mat.NewSymDense(n, nil)
	for i, l := range L {
		truth[i] = A * math.Pow(l, beta)
	}
	var matrix strings.Builder
	for i := range n {
		for j := range n {
			c := relative * relative * truth[i] * truth[j] * math.Pow(correlation, math.Abs(float64(i-j)))
			if j >= i {
				cov.SetSym(i, j, c)
			}
			fmt.Fprintf(&matrix, "%g ", c)
		}
		matrix.WriteString("\n")
	}
	covariance := put(t, "c.txt", matrix.String())
	draw, _ := distmv.NewNormal(truth, cov, rand.NewPCG(3, 4))
	held := 0
	for range runs {
		x := draw.Rand(nil)
		text := "L I\n"
		for i := range L {
			text += fmt.Sprintf("%g %.9g\n", L[i], x[i])
		}
		r, err := Run(context.Background(), Options{Table: "-", Stdin: strings.NewReader(text), Covariance: covariance})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := r.Series[0].Law.Power.Param("beta")
		if p.Interval.Lo <= beta && beta <= p.Interval.Hi {
			held++
		}
	}
	// Four standard errors of a share of 0.95 of 400: 0.044.
	if share := float64(held) / runs; math.Abs(share-0.95) > 0.044 {
		t.Errorf("the interval holds the exponent in %.3f of runs", share)
	}
}
