package process

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/l2m-lab/l2m/lm"
)

func damaged(t testing.TB, g *Gaussian, text string, horizon int) lm.Model[float64] {
	t.Helper()
	d, err := ParseDamage(text)
	if err != nil {
		t.Fatal(err)
	}
	if d.String() != text {
		t.Errorf("%q is printed %q", text, d.String())
	}
	d.Horizon = horizon
	m, err := g.Damaged(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every damaged model is still a density: its predictions integrate to 1
// (trapezia over the next token).
func TestDamagedModelsAreDensities(t *testing.T) {
	g := mustParse[*Gaussian](t, "powergauss:signs=random")
	w := g.Sample(NewRand(1, 1), 20)
	for _, text := range []string{"none", "order=3", "memory=2", "temperature=1.7", "smoothing=0.05", "bos=1", "order=4,temperature=0.5,smoothing=0.2,bos=3"} {
		m := damaged(t, g, text, 24)
		for _, at := range []int{0, 1, 7, 20} {
			r := lm.Request[float64]{Tokens: w}
			const h = 0.02
			for x := -12.0; x <= 12; x += h {
				r.Branches = append(r.Branches, lm.Branch[float64]{At: at, Tokens: []float64{x}})
			}
			total := 0.0
			for _, b := range scores(t, m, r).Branches {
				total += h * math.Exp(float64(b[0]))
			}
			if math.Abs(total-1) > 1e-4 {
				t.Errorf("%s: predictions of token %d integrate to %v", text, at, total)
			}
		}
	}
}

// Order k is the exact law of the last k tokens.
func TestTruncatedContext(t *testing.T) {
	g := mustParse[*Gaussian](t, "powergauss:signs=random")
	w := g.Sample(NewRand(1, 1), 40)
	cut := scores(t, damaged(t, g, "order=5", 0), lm.Request[float64]{Tokens: w, Branches: []lm.Branch[float64]{{At: 12, Tokens: w[12:]}}})
	for i := range w {
		from := max(0, i-5)
		want := scores(t, g.Model(), lm.Request[float64]{Tokens: w[from : i+1]}).Tokens[i-from]
		if !near(want, cut.Tokens[i]) || i >= 12 && !near(want, cut.Branches[0][i-12]) {
			t.Errorf("token %d: %v, given its last 5 tokens %v", i, cut.Tokens[i], want)
		}
	}
}

// A memory of k numbers loses about the rest of the window exactly what the
// frontier says: E ln q(Y | state at the cut) for Y as a whole. Checked at
// the first token after the cut, where the error's variance must be that of
// regression on the canonical coordinates, and for k as large as the past, where
// nothing is lost.
func TestLimitedMemory(t *testing.T) {
	g := mustParse[*Gaussian](t, "powergauss:signs=random@4")
	const T = 32
	w := g.Sample(NewRand(1, 1), T)
	all := scores(t, damaged(t, g, "memory=31", T), lm.Request[float64]{Tokens: w, Branches: []lm.Branch[float64]{{At: 9, Tokens: w[9:20]}}})
	want := scores(t, g.Model(), lm.Request[float64]{Tokens: w})
	for i := range w {
		if !near(all.Tokens[i], want.Tokens[i]) || i >= 9 && i < 20 && !near(all.Branches[0][i-9], want.Tokens[i]) {
			t.Fatalf("token %d: %v with all of the past, exact %v", i, all.Tokens[i], want.Tokens[i])
		}
	}
	// Independent: canonical vectors from generalised eigenvectors of dense
	// matrices, Σ_xy Σ_yy⁻¹ Σ_yx a = ρ² Σ_xx a.
	const at, k = 12, 3
	m, err := newLimitedMemory(g, k, T)
	if err != nil {
		t.Fatal(err)
	}
	cov, _ := g.Covariance(T)
	full := symmetric(cov, 0, T)
	xx, yy := mat.NewDense(at, at, nil), mat.NewDense(T-at, T-at, nil)
	xy := mat.NewDense(at, T-at, nil)
	xx.Copy(full.SliceSym(0, at))
	yy.Copy(full.SliceSym(at, T))
	for i := range at {
		for j := range T - at {
			xy.Set(i, j, full.At(i, at+j))
		}
	}
	var b, c, a mat.Dense
	if err := b.Solve(yy, xy.T()); err != nil {
		t.Fatal(err)
	}
	c.Mul(xy, &b)
	if err := a.Solve(xx, &c); err != nil { // Σ_xx⁻¹ Σ_xy Σ_yy⁻¹ Σ_yx
		t.Fatal(err)
	}
	var eig mat.Eigen
	if !eig.Factorize(&a, mat.EigenRight) {
		t.Fatal("no eigenvectors")
	}
	values := eig.Values(nil)
	var vectors mat.CDense
	eig.VectorsTo(&vectors)
	variance := full.At(at, at)
	for range k { // subtract the part explained by each canonical variable, largest first
		best := 0
		for i := range values {
			if real(values[i]) > real(values[best]) {
				best = i
			}
		}
		values[best] = -1
		var num, den float64
		for i := range at {
			x := real(vectors.At(i, best))
			num += x * xy.At(i, 0)
			for j := range at {
				den += x * xx.At(i, j) * real(vectors.At(j, best))
			}
		}
		variance -= num * num / den
	}
	if math.Abs(m.v[at]-variance) > 1e-9 {
		t.Errorf("variance of token %d from %d canonical variables is %v, by regression %v", at, k, m.v[at], variance)
	}
}

func TestParseDamageErrors(t *testing.T) {
	for _, text := range []string{"order", "order=0", "order=1.5", "memory=-1", "order=2,memory=2", "temperature=-1", "smoothing=1", "bos=-1", "noise=1", "temperature=NaN"} {
		if _, err := ParseDamage(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	g := mustParse[*Gaussian](t, "powergauss")
	if _, err := g.Damaged(Damage{Memory: 3}); err == nil {
		t.Error("memory without a horizon is accepted")
	}
	if _, err := g.Damaged(Damage{Memory: 3, Horizon: 16}); err != nil {
		t.Error(err)
	}
}
