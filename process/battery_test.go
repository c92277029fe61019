package process

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// everyProcess is what the battery runs over.
var everyProcess = []string{
	"powergauss:beta=0.76", "powergauss:beta=0.5,signs=alternating", "powergauss:beta=0.9,b=2,signs=random@7,variance=3", "powergauss:signs=+--",
	"hierarchical", "hierarchical:c=2", "hierarchical:c=1", "hierarchical:base=2,c=1", "hierarchical:base=3,c=2/1", "hierarchical:c=2/3,corr=0.2",
	"hierarchical:base=2,c=1,mixing=0.6/0.8/1/0", "hierarchical:addition=64", "hierarchical:base=2,c=1,addition=128", "hierarchical:c=2/1,mixing=0.6/0.8/0/0/0/0.6/0.8/0/0/0/0.6/0.8/0.8/0/0/-0.6,addition=256",
	"hierarchical:copies=3", "powergauss:beta=0.6,signs=random,copies=2",
	"fgn:hurst=0.8", "fgn:hurst=0.3", "arfima:d=0.3", "arfima:d=0.2,phi=0.5,theta=-0.3", "arfima:d=-0.3,variance=2", "pacf:alpha=0.5/-0.2/0.1", "pacf", "acf:gamma=2/0.7/0.1",
	"santafe:beta=0.5,facts=6", "santafe:beta=0.75", "hmm", "sticky:states=3,stay=0.8,clear=0.7", "markov", "iid:symbols=3", "iid:p=0.7/0.2/0.1",
	"urn:symbols=3", "urn:symbols=2,concentration=0.3", "urn:symbols=12,concentration=40", "urn:symbols=1",
	"renewal", "renewal:tail=1.2,scale=3", "renewal:tail=6,scale=20", "renewal:letters=a ", "urn:symbols=2,letters= b",
	"repeat:symbols=2,longest=5", "repeat:symbols=3,shortest=2,longest=9", "repeat:symbols=2,shortest=4,longest=6", "repeat:symbols=2,longest=12,letters=xy",
	"echo:symbols=2", "echo:symbols=2,growth=0", "echo:symbols=3,growth=0.5", "echo:growth=0.9",
	"grammar:symbols=3,rules=2,variant=5", "grammar:symbols=4,rules=2,variant=1",
}

func TestBattery(t *testing.T) {
	for _, spec := range everyProcess {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && strings.Contains(spec, ":") {
				t.Skip("short: one process of each kind")
			}
			p, err := Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			switch p := p.(type) {
			case Process[token.ID]:
				battery(t, p)
				if p.Describe().Alphabet <= 14 {
					discreteBattery(t, p)
				}
			case Process[float64]:
				battery(t, p)
				gaussianBattery(t, p)
			case Process[[]float64]:
				battery(t, p)
			default:
				t.Fatalf("%T is no process", p)
			}
		})
	}
}

// exact is BipartiteMI where it must exist.
func exact(t testing.TB, p Truth, ell, L int) float64 {
	t.Helper()
	mi, err := p.BipartiteMI(ell, L)
	if err != nil {
		t.Fatalf("I(%d;%d): %v", ell, L, err)
	}
	return float64(mi)
}

func scores[T any](t testing.TB, m lm.Model[T], r lm.Request[T]) lm.Scores {
	t.Helper()
	s, err := m.LogProbs(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// near allows for the rounding of float32 log-probabilities.
func near(a, b float32) bool {
	return math.Abs(float64(a)-float64(b)) <= 2e-5*(1+math.Abs(float64(a)))
}

// battery is what holds for every process.
func battery[T any](t *testing.T, p Process[T]) {
	d := p.Describe()
	again, err := Parse(d.Spec)
	if err != nil {
		t.Fatalf("the canonical name is not understood: %v", err)
	}
	if diff := cmp.Diff(d, again.Describe()); diff != "" {
		t.Errorf("the canonical name makes another process:\n%s", diff)
	}
	const length = 32
	m := p.Model()
	w := p.Sample(NewRand(1, 0), length)
	joint := scores(t, m, lm.Request[T]{Tokens: w})
	branched := lm.Request[T]{Tokens: w}
	for _, at := range []int{32, 0, 5, 16, 5, 17} {
		branched.Branches = append(branched.Branches, lm.Branch[T]{At: at, Tokens: w[at:]})
	}
	branched.Branches = append(branched.Branches, lm.Branch[T]{At: 4, Tokens: w[:9]}, lm.Branch[T]{At: 16})
	s := scores(t, m, branched)
	for i, b := range branched.Branches[:6] {
		if !slices.EqualFunc(s.Branches[i], joint.Tokens[b.At:], near) {
			t.Errorf("a branch at %d with the sequence's own tokens is scored %v, the sequence %v", b.At, s.Branches[i], joint.Tokens[b.At:])
		}
	}
	spliced := append(slices.Clone(w[:4]), w[:9]...)
	if whole := scores(t, m, lm.Request[T]{Tokens: spliced}); !math.IsInf(sum32(whole.Tokens), -1) && !slices.EqualFunc(whole.Tokens[4:], s.Branches[6], near) {
		t.Errorf("a branch is scored %v, the same tokens in sequence %v", s.Branches[6], whole.Tokens[4:])
	}
	if prefix := scores(t, m, lm.Request[T]{Tokens: w[:11]}); !slices.EqualFunc(prefix.Tokens, joint.Tokens[:11], near) {
		t.Error("later tokens change the log-probabilities of earlier ones")
	}
	if _, err := m.LogProbs(t.Context(), lm.Request[T]{Tokens: w, Branches: []lm.Branch[T]{{At: 33}}}); err == nil {
		t.Error("a branch beyond the sequence is accepted")
	}

	for ell := 1; ell < 16; ell++ {
		for L := ell + 1; L <= 20; L++ {
			mi, err := p.BipartiteMI(ell, L)
			if IsNotExact(err) {
				continue
			}
			if err != nil || !(mi > -1e-9) {
				t.Fatalf("I(%d;%d) = %v, %v", ell, L, mi, err)
			}
			if more, err := p.BipartiteMI(ell, L+1); err == nil && float64(more) < float64(mi)-1e-9 {
				t.Errorf("I(%d;%d) = %v falls to %v with one more token", ell, L, mi, more)
			}
			if d.Shift == Stationary {
				if other := exact(t, p, L-ell, L); math.Abs(other-float64(mi)) > 1e-9*(1+other) {
					t.Errorf("stationary, but I(%d;%d) = %v and I(%d;%d) = %v", ell, L, mi, L-ell, L, other)
				}
			}
		}
	}
	for _, bad := range [][2]int{{0, 4}, {4, 4}, {5, 4}, {-1, 4}} {
		if _, err := p.BipartiteMI(bad[0], bad[1]); err == nil || IsNotExact(err) {
			t.Errorf("I(%d;%d) exists", bad[0], bad[1])
		}
	}
	sameOnAnyWorkers(t, p)
	seedsMatter(t, p)
	if d.Shift == Stationary {
		entropyRateIsALimit(t, p)
	}
	if d.Shift != NotStationary {
		pairedAgrees(t, p)
	}
}

func sum32(x []float32) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v)
	}
	return s
}

func sameOnAnyWorkers[T any](t *testing.T, p Process[T]) {
	collect := func(workers int) (out [][]T) {
		err := Samples(t.Context(), p, 3, 40, 7, workers, func(i int, w []T) error {
			if i != len(out) {
				t.Errorf("sample %d comes as number %d", i, len(out))
			}
			out = append(out, w)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	one, three := collect(1), collect(3)
	if diff := cmp.Diff(one, three); diff != "" || len(one) != 7 {
		t.Errorf("samples differ between 1 and 3 workers:\n%s", diff)
	}
	stop := fmt.Errorf("enough")
	if err := Samples(t.Context(), p, 3, 40, 7, 2, func(i int, _ []T) error { return stop }); err != stop {
		t.Errorf("the error of yield comes back as %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Samples(ctx, p, 3, 40, 7, 2, func(int, []T) error { return nil }); err == nil {
		t.Error("sampling goes on after it was cancelled")
	}
}

// seedsMatter demands that samples, and samples of other seeds, differ; only
// one symbol leaves no choice.
func seedsMatter[T any](t *testing.T, p Process[T]) {
	a, b, c := p.Sample(NewRand(1, 0), 40), p.Sample(NewRand(1, 1), 40), p.Sample(NewRand(2, 0), 40)
	if one := p.Describe().Alphabet == 1; (cmp.Equal(a, b) || cmp.Equal(a, c) || cmp.Equal(b, c)) != one {
		t.Errorf("samples under seeds 1, 1 and 2 are %v, %v and %v", a, b, c)
	}
}

// entropyRateIsALimit demands that the entropy of a token given 39 others is
// not below the entropy rate.
func entropyRateIsALimit[T any](t *testing.T, p Process[T]) {
	const n = 200
	var s, ss float64
	for i := range n {
		w := scores(t, p.Model(), lm.Request[T]{Tokens: p.Sample(NewRand(7, i), 40)})
		x := -float64(w.Tokens[39])
		s, ss = s+x, ss+x*x
	}
	mean := s / n
	se := math.Sqrt(max(0, ss/n-mean*mean) / n)
	if rate := float64(p.EntropyRate()); mean+4.5*se+1e-5 < rate {
		t.Errorf("a token given 39 others has an entropy of %.5f ± %.5f, the entropy rate is %.5f", mean, se, rate)
	}
}

// entropyAgrees demands that −ln p of samples has the mean given (one false
// alarm in 150,000).
func entropyAgrees[T any](t *testing.T, p Process[T], length int, want float64) {
	const n = 300
	var s, ss float64
	for i := range n {
		w := scores(t, p.Model(), lm.Request[T]{Tokens: p.Sample(NewRand(13, i), length)})
		x := -sum32(w.Tokens)
		s, ss = s+x, ss+x*x
	}
	mean := s / n
	se := math.Sqrt(max(0, ss/n-mean*mean) / n)
	if math.Abs(mean-want) > 4.5*se+1e-4 {
		t.Errorf("samples of %d tokens have −ln p = %.5f ± %.5f, their entropy is %.5f", length, mean, se, want)
	}
}

// pairedAgrees runs the estimator paired by hand, with the exact model, at
// ell = 8, L = 16, and demands the exact information within 4.5 standard
// errors (one false alarm in 150,000 per process).
func pairedAgrees[T any](t *testing.T, p Process[T]) {
	const ell = 8
	n := 1500
	if testing.Short() {
		n = 300
	}
	truth := exact(t, p, ell, 2*ell)
	m := p.Model()
	var s, ss float64
	err := Samples(t.Context(), p, 11, 2*ell, n, 0, func(_ int, w []T) error {
		a := scores(t, m, lm.Request[T]{Tokens: w, Branches: []lm.Branch[T]{{Tokens: w[ell:]}}})
		x := sum32(a.Tokens[ell:]) - sum32(a.Branches[0])
		s += x
		ss += x * x
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mean := s / float64(n)
	se := math.Sqrt((ss/float64(n) - mean*mean) / float64(n))
	if math.Abs(mean-truth) > 4.5*se+1e-5 {
		t.Errorf("paired with the exact model: %.5f ± %.5f, exact %.5f", mean, se, truth)
	}
}

// discreteBattery compares with the sum over all sequences.
func discreteBattery(t *testing.T, p Process[token.ID]) {
	v := p.Describe().Alphabet
	length := int(math.Log(20000) / math.Log(max(2, float64(v))))
	m := p.Model()
	// block[n] maps w_1..w_n to its probability, later[n] the last n.
	var walk func(w []token.ID, lp float64)
	total := 0.0
	h := make([]map[string]float64, length) // prefix ending before each cut, and suffix after it
	g := make([]map[string]float64, length)
	for i := range h {
		h[i], g[i] = map[string]float64{}, map[string]float64{}
	}
	whole := 0.0
	walk = func(w []token.ID, lp float64) {
		if math.IsInf(lp, -1) {
			return
		}
		if len(w) == length {
			q := math.Exp(lp)
			total += q
			whole -= q * lp
			for cut := 1; cut < length; cut++ {
				h[cut][fmt.Sprint(w[:cut])] += q
				g[cut][fmt.Sprint(w[cut:])] += q
			}
			return
		}
		r := lm.Request[token.ID]{Tokens: w}
		for a := range v {
			r.Branches = append(r.Branches, lm.Branch[token.ID]{At: len(w), Tokens: []token.ID{token.ID(a)}})
		}
		s := scores(t, m, r)
		sum := 0.0
		for a := range v {
			sum += math.Exp(float64(s.Branches[a][0]))
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Fatalf("after %v the probabilities of the symbols sum to %v", w, sum)
		}
		for a := range v {
			walk(append(slices.Clone(w), token.ID(a)), lp+float64(s.Branches[a][0]))
		}
	}
	walk(nil, 0)
	if math.Abs(total-1) > 1e-4 {
		t.Fatalf("all sequences of %d symbols have the probability %v", length, total)
	}
	sum := func(m map[string]float64) float64 {
		e := 0.0
		for _, q := range m {
			e -= q * math.Log(q)
		}
		return e
	}
	for cut := 1; cut < length; cut++ {
		want := sum(h[cut]) + sum(g[cut]) - whole
		if got := exact(t, p, cut, length); math.Abs(got-want) > 3e-5*(1+want) {
			t.Errorf("I(%d;%d) = %.7f, by enumeration %.7f", cut, length, got, want)
		}
	}
	entropyAgrees(t, p, length, whole)
	for n := 1; n < length; n++ {
		if p.Describe().Shift == Stationary || p.Describe().Shift == DyadicShift && 2*n == length && n&(n-1) == 0 {
			if diff := cmp.Diff(h[n], g[length-n], cmpopts.EquateApprox(0, 1e-6)); diff != "" {
				t.Errorf("%s, but the first and the last %d tokens differ in law:\n%s", p.Describe().Shift, n, diff)
			}
		}
	}
	if _, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: []token.ID{token.ID(v)}}); err == nil {
		t.Errorf("symbol %d of an alphabet of %d is accepted", v, v)
	}
	if mi, ok := p.TwoPointMI(1); ok {
		joint, one := map[string]float64{}, map[string]float64{}
		for w, q := range h[2] {
			joint[w] += q
		}
		for w, q := range h[1] {
			one[w] += q
		}
		if want := 2*sum(one) - sum(joint); math.Abs(float64(mi)-want) > 3e-5 {
			t.Errorf("two-point information of neighbours %v, by enumeration %v", mi, want)
		}
	}
}

// gaussianBattery compares with dense matrices.
func gaussianBattery(t *testing.T, p Process[float64]) {
	c, err := p.(interface {
		Covariance(int) ([][]float64, error)
	}).Covariance(40)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range [][2]int{{1, 2}, {2, 4}, {3, 7}, {8, 16}, {16, 32}, {13, 39}, {10, 40}} {
		want, err := denseMI(leading(c, s[1]), s[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := exact(t, p, s[0], s[1]); math.Abs(got-float64(want)) > 1e-9 {
			t.Errorf("I(%d;%d) = %.12f, by determinants %.12f", s[0], s[1], got, want)
		}
	}
	// The model's log-density of a sequence is that of N(0, C).
	w := p.Sample(NewRand(2, 0), 40)
	chol, err := cholesky(c, 0, 40)
	if err != nil {
		t.Fatal(err)
	}
	want := -0.5 * (40*math.Log(2*math.Pi) + chol.LogDet() + quadratic(chol, w))
	got := sum32(scores(t, p.Model(), lm.Request[float64]{Tokens: w}).Tokens)
	if math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
		t.Errorf("ln p of a sequence is %v, by its covariance %v", got, want)
	}
	// The sampler has that covariance: wᵀC⁻¹w has mean 40, variance 80.
	const n = 600
	total := 0.0
	err = Samples(t.Context(), p, 5, 40, n, 0, func(_ int, w []float64) error {
		total += quadratic(chol, w)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	entropyAgrees(t, p, 40, 0.5*(40*math.Log(2*math.Pi*math.E)+chol.LogDet()))
	for i := range 30 {
		for j := range 30 {
			if p.Describe().Shift == Stationary && math.Abs(c[i][j]-c[i+10][j+10]) > 1e-12 {
				t.Fatalf("stationary, but tokens %d and %d have covariance %v, ten later %v", i, j, c[i][j], c[i+10][j+10])
			}
		}
	}
	if z := (total/n - 40) / math.Sqrt(80.0/n); math.Abs(z) > 4.5 {
		t.Errorf("samples have a mean square of %.3f in the metric of their covariance, not 40 (z = %.1f)", total/n, z)
	}
	if mi, ok := p.TwoPointMI(3); ok {
		r := c[0][3] / c[0][0]
		if want := info.Nats(-0.5 * math.Log(1-r*r)); math.Abs(float64(mi-want)) > 1e-9 {
			t.Errorf("two-point information at 3 is %v, by the covariance %v", mi, want)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		if _, err := p.Model().LogProbs(t.Context(), lm.Request[float64]{Tokens: []float64{0, bad}}); err == nil {
			t.Errorf("token %v is accepted", bad)
		}
	}
}
