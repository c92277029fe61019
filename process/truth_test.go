package process

import (
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// quadratic is wᵀ·C⁻¹·w.
func quadratic(c *mat.Cholesky, w []float64) float64 {
	var x mat.VecDense
	v := mat.NewVecDense(len(w), append([]float64(nil), w...))
	if err := c.SolveVecTo(&x, v); err != nil {
		return math.NaN()
	}
	return mat.Dot(&x, v)
}

func mustParse[P Truth](t testing.TB, spec string) P {
	t.Helper()
	p, err := Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p.(P)
}

// I(ell; 2·ell) = B(2 − 2^β)·ell^β exactly at every ell (theory of the process).
func TestPowerGaussianIsAPowerLawAtEveryLength(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		beta := rapid.Float64Range(0.05, 0.95).Draw(r, "beta")
		b := rapid.Float64Range(0.01, 3).Draw(r, "b")
		p, err := NewPowerGaussian(PowerGaussianOptions{Beta: beta, B: b, Signs: Signs{Rule: RandomSigns, Seed: rapid.Uint64().Draw(r, "seed")}})
		if err != nil {
			t.Fatal(err)
		}
		ell := rapid.IntRange(1, 5000).Draw(r, "ell")
		want := b * (2 - math.Exp2(beta)) * math.Pow(float64(ell), beta)
		mi, err := p.BipartiteMI(ell, 2*ell)
		if err != nil || math.Abs(float64(mi)-want) > 1e-9*want {
			t.Fatalf("I(%d;%d) = %v (%v), the law says %v", ell, 2*ell, mi, err, want)
		}
	})
}

// The autocorrelations at d = 64 for β = 0.76, B = 0.5 are those of the table
// in the project's theory notes: 0.497 for all +, 0.000 for alternating signs.
// (The third, −0.092, is for another draw of random signs.)
func TestSignsChangeTwoPointInformationOnly(t *testing.T) {
	plus := mustParse[*Gaussian](t, "powergauss")
	alternating := mustParse[*Gaussian](t, "powergauss:signs=alternating")
	for _, c := range []struct {
		p    *Gaussian
		want float64
	}{{plus, 0.497}, {alternating, 0.000}} {
		rho, err := c.p.Autocorrelations(64)
		if err != nil || math.Abs(rho[64]-c.want) > 5e-4 {
			t.Errorf("%s: autocorrelation %v (%v), want %v", c.p.desc.Spec, rho[64], err, c.want)
		}
	}
	if a, b := exact(t, plus, 1000, 2000), exact(t, alternating, 1000, 2000); a != b {
		t.Errorf("signs change the bipartite information from %v to %v", a, b)
	}
}

// The entropy rate is ½ ln(2πe·v∞), v∞ the limit of the prediction variance.
func TestGaussianEntropyRates(t *testing.T) {
	for _, c := range []struct {
		spec string
		tol  float64 // v_n − v∞ falls like n^(β−1), or like d²/n
	}{
		{"powergauss:beta=0.3", 1e-3}, {"powergauss:beta=0.5,variance=4", 1e-2},
		{"fgn:hurst=0.8", 1e-4}, {"fgn:hurst=0.2", 1e-4}, {"fgn:hurst=0.95", 1e-4}, {"arfima:d=0.3", 1e-4}, {"arfima:d=0.4,phi=0.5,theta=0.2,variance=2", 1e-4}, {"pacf:alpha=0.5/0.3", 1e-12},
	} {
		p := mustParse[*Gaussian](t, c.spec)
		const n = 4096
		got, want := float64(p.EntropyRate()), float64(gaussianEntropy(p.known(n).v[n-1]))
		if !(got <= want+1e-12 && want-got < c.tol) {
			t.Errorf("%s: entropy rate %v, entropy given %d tokens %v", c.spec, got, n, want)
		}
	}
}

// ARFIMA(0,d,0) has α_k = d/(k−d) in closed form (Hosking 1981); the general
// code must arrive at it from autocovariances.
func TestARFIMAByConvolution(t *testing.T) {
	pure := mustParse[*Gaussian](t, "arfima:d=0.3")
	gamma := arfimaCovariance(ARFIMAOptions{D: 0.3, Variance: 1}, pure.variance, 200)
	alpha, bad := partialAutocorrelations(gamma)
	if bad != 0 {
		t.Fatal(bad)
	}
	for k := 1; k <= 200; k++ {
		if math.Abs(alpha[k]-0.3/(float64(k)-0.3)) > 1e-12 {
			t.Fatalf("α_%d = %v", k, alpha[k])
		}
	}
	// AR(1): γ_h = φ^h/(1−φ²).
	gamma = arfimaCovariance(ARFIMAOptions{Phi: 0.9, Variance: 1}, 1, 5)
	for h, g := range gamma {
		if want := math.Pow(0.9, float64(h)) / (1 - 0.81); math.Abs(g-want) > 1e-12*want {
			t.Errorf("AR(1): γ_%d = %v, want %v", h, g, want)
		}
	}
}

// Values of the theory notes, in bits, for m = n = 256; 4,096; 65,536.
func TestSantaFeTable(t *testing.T) {
	for _, c := range []struct {
		beta string
		bits [3]float64
	}{
		{"0.5", [3]float64{12.467, 51.314, 206.744}},
		{"0.75", [3]float64{27.784, 225.488, 1807.26}},
		{"0.8", [3]float64{29.174, 271.840, 2501.99}},
	} {
		p := mustParse[*SantaFe](t, "santafe:beta="+c.beta)
		for i, n := range []int{256, 4096, 65536} {
			mi, err := p.BipartiteMI(n, 2*n)
			if err != nil || math.Abs(mi.Bits()/c.bits[i]-1) > 5e-5 {
				t.Errorf("β = %s, n = %d: %v bits (%v), want %v", c.beta, n, mi.Bits(), err, c.bits[i])
			}
		}
	}
	// The asymptote is reached to 1 % at n = 10⁸ for β = 0.5.
	p := mustParse[*SantaFe](t, "santafe:beta=0.5")
	if got, want := exact(t, p, 1e8, 2e8), float64(p.Asymptote(1e8)); math.Abs(got/want-1) > 0.01 {
		t.Errorf("I(10⁸;2·10⁸) = %v, asymptote %v", got, want)
	}
}

// The sum of the smooth part must not depend on where it begins.
func TestSmoothSum(t *testing.T) {
	f := func(k float64) float64 { return math.Pow(k, -1.25) }
	direct := 0.0
	for k := 2000000.0; k >= 5000; k-- {
		direct += f(k)
	}
	if got := smoothSum(f, 5000, 2000000); math.Abs(got-direct) > 1e-9*direct {
		t.Errorf("Σ = %.15f, term by term %.15f", got, direct)
	}
}

// A Santa Fe sequence tells a fact once: repeated facts cost ln 2 less.
func TestSantaFeModel(t *testing.T) {
	p := mustParse[*SantaFe](t, "santafe:beta=0.5")
	s := scores(t, p.Model(), lm.Request[token.ID]{
		Tokens:   []token.ID{2, 2, 3, 2},
		Branches: []lm.Branch[token.ID]{{At: 0, Tokens: []token.ID{3, 3}}, {At: 1, Tokens: []token.ID{3, 0, 0}}},
	})
	p2 := -math.Log(4 * math.Pi * math.Pi / 6) // P(K = 2) = 2^−2/ζ(2)
	p1 := -math.Log(math.Pi * math.Pi / 6)
	want := lm.Scores{
		Tokens:   []float32{float32(p2 - math.Ln2), float32(p2), float32(math.Inf(-1)), float32(p2)},
		Branches: [][]float32{{float32(p2 - math.Ln2), float32(p2)}, {float32(math.Inf(-1)), float32(p1 - math.Ln2), float32(p1)}},
	}
	for i, v := range want.Tokens {
		if !near(v, s.Tokens[i]) && v != s.Tokens[i] {
			t.Errorf("token %d: %v, want %v", i, s.Tokens[i], v)
		}
	}
	for b := range want.Branches {
		for i, v := range want.Branches[b] {
			if !near(v, s.Branches[b][i]) && v != s.Branches[b][i] {
				t.Errorf("branch %d token %d: %v, want %v", b, i, s.Branches[b][i], v)
			}
		}
	}
}

// Two ways to the truth of a hidden chain of two states: enumeration of blocks
// of 20 with geometric continuation, and transport of beliefs.
func TestHiddenMarkovTwoWays(t *testing.T) {
	for _, spec := range []string{"sticky:states=2,stay=0.9,clear=0.9", "hmm", "hmm:transition=0.7/0.3;0.4/0.6,emission=0.5/0.3/0.2;0.1/0.1/0.8"} {
		h := mustParse[*HiddenMarkov](t, spec)
		h.blocks.compute()
		other := blockEntropies{h: h}
		other.enumerate()
		if h.blocks.err > 1e-7 || other.err > 1e-4 {
			t.Errorf("%s: error bounds %v and %v", spec, h.blocks.err, other.err)
		}
		for _, n := range []int{1, 4, 8, 20, 100, 1000} {
			a := exact(t, h, n, 2*n)
			b := 2*other.sum(n) - other.sum(2*n)
			if math.Abs(a-b) > 1e-8+other.err {
				t.Errorf("%s: I(%d;%d) = %.10f by beliefs, %.10f by enumeration", spec, n, 2*n, a, b)
			}
		}
	}
	// Too sticky and too blurred to be enumerated: refused, not guessed.
	slow := mustParse[*HiddenMarkov](t, "sticky:states=3,stay=0.999,clear=0.4")
	if _, err := slow.BipartiteMI(500, 1000); !IsNotExact(err) {
		t.Errorf("a chain that forgets slowly has I = … and error %v", err)
	}
}

// ln(v/m) between siblings (docs/processes.md).
func TestGrammarSiblings(t *testing.T) {
	p := mustParse[*Grammar](t, "grammar:symbols=16,rules=3,variant=9")
	for _, ell := range []int{1, 2, 64, 4096} {
		if got := exact(t, p, ell, 2*ell); math.Abs(got-math.Log(16.0/3)) > 1e-12 {
			t.Errorf("I(%d;%d) = %v, want ln(16/3)", ell, 2*ell, got)
		}
	}
}

func TestTooLong(t *testing.T) {
	for _, spec := range []string{"powergauss", "fgn", "hierarchical:addition=1024", "fgn:copies=3", "markov"} {
		p := mustParse[Truth](t, spec)
		err := WriteSamples(t.Context(), io.Discard, p, SampleOptions{Format: NPY, Length: p.Describe().MaxLength + 1, Count: 1})
		if err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("%s: error %v", spec, err)
		}
	}
	if _, err := mustParse[Truth](t, "powergauss").BipartiteMI(1<<29, 1<<30); !IsNotExact(err) {
		t.Errorf("I(2²⁹;2³⁰): %v", err)
	}
}

// BenchmarkHierarchical scores 4¹⁰ tokens.
func BenchmarkHierarchical(b *testing.B) {
	p := mustParse[*Hierarchical](b, "hierarchical")
	w := p.Sample(NewRand(1, 1), 1<<20)
	for b.Loop() {
		if _, err := p.Model().LogProbs(b.Context(), lm.Request[float64]{Tokens: w}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(w)), "ns/token")
}

// BenchmarkGaussian samples and scores 4,096 tokens.
func BenchmarkGaussian(b *testing.B) {
	p := mustParse[*Gaussian](b, "powergauss:signs=random")
	w := p.Sample(NewRand(1, 1), 4096)
	b.Run("sample 16", func(b *testing.B) {
		rngs := make([]*rand.Rand, 16)
		for b.Loop() {
			for i := range rngs {
				rngs[i] = NewRand(1, i)
			}
			p.sampleBatch(rngs, len(w))
		}
	})
	b.Run("score", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.Model().LogProbs(b.Context(), lm.Request[float64]{Tokens: w}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestParseErrors(t *testing.T) {
	for spec, want := range map[string]string{
		"":                                 `unknown process "" (choose from powergauss`,
		"powergaus:beta=0.5":               "unknown process",
		"powergauss:beta":                  "not of the form name=value",
		"powergauss:beta=1":                "not between 0 and 1",
		"powergauss:beta=x":                "not a number",
		"powergauss:b=0":                   "not positive",
		"powergauss:b=-1":                  "not positive",
		"powergauss:beta=NaN":              "not between 0 and 1",
		"powergauss:b=400":                 "double precision",
		"powergauss:gamma=1":               `no parameter "gamma" (it has beta, b, signs`,
		"powergauss:beta=0.5,beta=0.6":     "given twice",
		"powergauss:signs=maybe":           "none of plus, alternating",
		"hierarchical:c=4":                 "one column of each row must be fresh",
		"hierarchical:c=1.5":               "not a whole number",
		"hierarchical:base=1":              "not between 2 and 64",
		"hierarchical:mixing=1/2/3":        "no square",
		"hierarchical:mixing=1/0/0/2,c=1":  "not 1",
		"hierarchical:mixing=1/0/1/0,c=1":  "cannot be inverted",
		"hierarchical:corr=-0.9":           "not above",
		"hierarchical:copies=0":            "not between 1 and 4096",
		"santafe:copies=2":                 "only processes of numbers take copies",
		"santafe:beta=1":                   "not between 0.05 and 0.95",
		"santafe:facts=0.5":                "not a whole number",
		"fgn:hurst=1":                      "not between 0.01 and 0.99",
		"arfima:d=0.5":                     "not between -0.5 and 0.5",
		"pacf:alpha=1":                     "not between -1 and 1",
		"pacf:alpha=a":                     "not a list",
		"acf":                              "no autocovariances",
		"acf:gamma=1/2":                    "not positive definite from lag 1",
		"hmm:transition=1/0;0/1":           "no unique stationary distribution",
		"hmm:transition=0.5/0.6;1/0":       "sums to 1.1",
		"hmm:transition=0.5/0.5":           "has 2 entries, not 1",
		"hmm:transition=-1/2;1/0":          "not a probability",
		"hmm:file=/nonexistent/chain.json": "opening the description",
		"iid:p=0.5":                        "sums to 0.5",
		"iid:symbols=0":                    "not between 1 and",
		"markov:transition=x":              "not a matrix",
		"grammar:symbols=4,rules=5":        "not between 1 and 4",
		"sticky:stay=1":                    "strictly between 0 and 1",
		"urn:symbols=0":                    "not between 1 and 1024",
		"urn:concentration=0":              "not between 0.001 and 1e6",
		"urn:letters=ab":                   "2 letters for 4 symbols",
		"urn:symbols=2,letters=aa":         "same letter",
		"urn:symbols=2,letters=a\n":        "not a printable ASCII character",
		"powergauss:letters=ab":            "only processes of symbols",
		"santafe:letters=ab":               "letters for 2147483650 symbols",
		"renewal:tail=1":                   "not between 1.01 and 20",
		"renewal:scale=0":                  "not between 0.01 and 1e6",
		"repeat:symbols=1":                 "not between 2 and 1024",
		"repeat:shortest=9,longest=8":      "words of 9 to 8 tokens",
		"repeat:longest=64":                "longest ≤ 63",
		"echo:symbols=1":                   "not between 2 and 1024",
		"echo:growth=1":                    "not between 0 and 0.95",
		"echo:growth=-0.1":                 "not between 0 and 0.95",
	} {
		_, err := Parse(spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one that says %q", spec, err, want)
		}
	}
}

func TestReadHiddenMarkov(t *testing.T) {
	h, err := ReadHiddenMarkov(strings.NewReader(`{"transition": [[0.9, 0.1], [0.2, 0.8]], "emission": [[1, 0, 0], [0, 0.5, 0.5]]}`), "chain.json")
	if err != nil {
		t.Fatal(err)
	}
	if h.desc.Alphabet != 3 || math.Abs(h.stationary[0]-2.0/3) > 1e-12 {
		t.Errorf("alphabet %d, stationary distribution %v", h.desc.Alphabet, h.stationary)
	}
	for text, want := range map[string]string{
		"{\n\"transition\": [[1]],\n\"emision\": [[1]]}": `chain.json: line 3: unknown key "emision"`,
		"": "chain.json: the file is empty", `{"transition": [[2]]}`: "not a probability", `{}`: "empty",
	} {
		if _, err := ReadHiddenMarkov(strings.NewReader(text), "chain.json"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one that says %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, spec := range everyProcess {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		if len(spec) > 200 || strings.Contains(spec, "file=") {
			return
		}
		p, err := Parse(spec)
		if err != nil {
			return
		}
		if again, err := Parse(p.Describe().Spec); err != nil || again.Describe().Spec != p.Describe().Spec {
			t.Errorf("%q has the canonical name %q, which reads as %v, %v", spec, p.Describe().Spec, again, err)
		}
	})
}

func FuzzReadHiddenMarkov(f *testing.F) {
	f.Add(`{"transition": [[0.9, 0.1], [0.2, 0.8]], "emission": [[1, 0, 0], [0, 0.5, 0.5]]}`)
	f.Add(`{"transition": [[1]]}`)
	f.Add(`{"name": "x/../../../../trav/pwned", "transition": [[1]], "emission": [[1]]}`)
	f.Add(`{"transition": [[0.5, 0.5], []]}`)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ReadHiddenMarkov(strings.NewReader(text), "chain.json")
		if err != nil {
			return
		}
		w := h.Sample(NewRand(1, 1), 5)
		s, err := h.Model().LogProbs(t.Context(), lm.Request[token.ID]{Tokens: w})
		if err != nil || math.IsNaN(sum32(s.Tokens)) || math.IsInf(sum32(s.Tokens), 0) {
			t.Errorf("%q: a sample %v is scored %v, %v", text, w, s.Tokens, err)
		}
	})
}
