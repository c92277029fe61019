package process

import (
	"fmt"
	"math"
	"testing"
)

// I(L/2;L) = ½ ln(9/5)·c^(l−1) at L = 4^l, and every canonical correlation is
// 2/3 (theory notes; re-derived in docs/processes.md).
func TestHierarchicalClosedForm(t *testing.T) {
	for c := 1; c <= 3; c++ {
		p, err := NewHierarchical(HierarchicalOptions{Inherit: []int{c}})
		if err != nil {
			t.Fatal(err)
		}
		for l := 1; l <= 12; l++ {
			L := 1 << (2 * l)
			want := 0.5 * math.Log(9.0/5) * math.Pow(float64(c), float64(l-1))
			if got := exact(t, p, L/2, L); math.Abs(got-want) > 1e-9*want {
				t.Errorf("c = %d: I(L/2;L) at L = 4^%d is %v, want %v", c, l, got, want)
			}
		}
	}
	p := mustParse[*Hierarchical](t, "hierarchical:c=3/2")
	if got, want := exact(t, p, 512, 1024), 0.5*math.Log(9.0/5)*3*2*3*2; math.Abs(got-want) > 1e-9 {
		t.Errorf("c = 3, 2, 3, 2: %v, want %v", got, want)
	}
}

// The addition step of the paper: I(L/2;L) in sequences of L = 4, 16, … tokens (theory
// notes). Where rows meet, correlations are those of its Eq. C.23, and elsewhere
// variances stay 1, as do the correlations of tokens that do not meet.
func TestHierarchicalAddition(t *testing.T) {
	for c, want := range map[int][]float64{
		1: {0.2939, 0.318, 0.3422, 0.3669, 0.3918},
		3: {0.2939, 0.9013, 2.7301, 8.2165, 24.676},
	} {
		for l, nats := range want {
			L := 4 << (2 * l)
			p := mustParse[*Hierarchical](t, fmt.Sprintf("hierarchical:c=%d,addition=%d", c, L))
			if got := exact(t, p, L/2, L); math.Abs(got-nats) > 5e-4 {
				t.Errorf("c = %d: I(L/2;L) = %.4f at L = %d, want %.4f", c, got, L, nats)
			}
			cov, err := p.Covariance(L)
			if err != nil {
				t.Fatal(err)
			}
			// The step comes last: without it at the finest layer, correlations are
			// inherited from the layer above.
			above := p.covariance(1, L/4)
			m := func(i, j int) (total float64) { // of the inherited columns
				for k := range c {
					total += p.m[i*4+k] * p.m[j*4+k]
				}
				return total
			}
			for i := range L {
				if math.Abs(cov[i][i]-1) > 1e-12 {
					t.Fatalf("c = %d: token %d of %d has variance %v", c, i, L, cov[i][i])
				}
			}
			for i := range L/4 - 1 {
				if got, want := cov[4*i+3][4*i+4], 2.0/5*(-0.25-0.25)+m(3, 0)*above[i][i+1]/5; math.Abs(got-want) > 1e-12 {
					t.Errorf("c = %d: rows %d and %d of %d tokens meet with correlation %v, want %v", c, i, i+1, L, got, want)
				}
			}
			if got, want := math.Abs(cov[0][L-1]), 0.25*math.Pow(5.0/16, float64(l)); math.Abs(got-want) > 1e-12 {
				t.Errorf("c = %d: the ends of %d tokens have the correlation %v, want %v", c, L, got, want)
			}
			log, err := logDet(cov, 0, L)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := float64(p.EntropyRate()), log/2/float64(L)+float64(gaussianEntropy(1)); math.Abs(got-want) > 1e-12 {
				t.Errorf("c = %d: entropy per token %v of %d tokens, want %v", c, got, L, want)
			}
		}
	}
}

// The mixing matrix of the paper, g = √5/4, r = 1/4.
func TestHierarchicalMixingIsThePapers(t *testing.T) {
	g, r := math.Sqrt(5)/4, 0.25
	want := []float64{g, g, g, r, -g, g, -g, r, -g, -g, g, r, g, -g, -g, r}
	got := mustParse[*Hierarchical](t, "hierarchical").m
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-15 {
			t.Fatalf("mixing matrix %v, want %v", got, want)
		}
	}
}

// Dense Cholesky must agree to 1e-9 at L = 1,024, in information and in every
// conditional density.
func TestHierarchicalAgreesWithDenseMatrices(t *testing.T) {
	L := 1024
	if testing.Short() {
		L = 256
	}
	for _, spec := range []string{"hierarchical", "hierarchical:c=2"} {
		p := mustParse[*Hierarchical](t, spec)
		cov, err := p.Covariance(L)
		if err != nil {
			t.Fatal(err)
		}
		for _, ell := range []int{L / 2, L / 4, L/4 + 8} {
			want, err := denseMI(cov, ell)
			if err != nil {
				t.Fatal(err)
			}
			if got := exact(t, p, ell, L); math.Abs(got-float64(want)) > 1e-9 {
				t.Errorf("%s: I(%d;%d) = %.12f, dense %.12f", spec, ell, L, got, want)
			}
		}
		w := p.Sample(NewRand(1, 1), L)
		f := newHierarchicalFilter(p)
		dense := &denseFilter{m: newDenseModel(p.desc, func(n int) [][]float64 { return leading(cov, min(n, L)) }).(*denseModel)}
		for i, x := range w {
			a, err1 := f.step(x)
			b, err2 := dense.step(x)
			if err1 != nil || err2 != nil || math.Abs(a-b) > 1e-9 {
				t.Fatalf("%s: ln p of token %d is %.12f (%v), dense %.12f (%v)", spec, i, a, err1, b, err2)
			}
		}
	}
}

// A finite tree of l layers is the beginning of a taller one.
func TestHierarchicalPrefixes(t *testing.T) {
	p := mustParse[*Hierarchical](t, "hierarchical:c=2/3")
	whole := p.covariance(0, 300)
	for n := range 70 {
		part := p.covariance(0, n+1)
		for i := range part {
			for j := range part[i] {
				if math.Abs(part[i][j]-whole[i][j]) > 1e-12 {
					t.Fatalf("covariance of tokens %d and %d is %v among %d tokens, %v among 300", i, j, part[i][j], n+1, whole[i][j])
				}
			}
		}
	}
}

func TestHierarchicalEntropyRate(t *testing.T) {
	for _, spec := range []string{"hierarchical", "hierarchical:c=1", "hierarchical:base=3,c=1", "hierarchical:base=5,c=4,corr=0.1"} {
		p := mustParse[*Hierarchical](t, spec)
		f := newHierarchicalFilter(p)
		// −½ ln v averages to the rate less ½ ln(2πe); v does not depend on tokens.
		n := 1
		for n < 50000 {
			n *= p.b
		}
		total := 0.0
		for range n {
			f.predict(0)
			total += float64(gaussianEntropy(f.levels[0].variance))
			f.observe(0, []float64{0})
		}
		// H(b·n) = c·H'(n) + n·const, so that the distance to the rate shrinks by
		// exactly c/b with every layer (constant c), from ½ ln(2πe) − rate.
		rate := float64(p.EntropyRate())
		want := rate
		if c := p.inherit[0]; c > 0 {
			want += (float64(gaussianEntropy(1)) - rate) * math.Pow(float64(n), math.Log(float64(c)/float64(p.b))/math.Log(float64(p.b)))
		}
		if got := total / float64(n); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: entropy per token %.12f over %d tokens, want %.12f", spec, got, n, want)
		}
	}
}
