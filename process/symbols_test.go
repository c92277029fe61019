package process

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// The information of an urn tends to (k−1)/2·ln n + c: a factor 4 of n adds
// (k−1)·ln 2, and at α = 1 and k = 2 the counts are uniform, so that H(n) is
// ln(n+1) + Σ ln C(n,j)/(n+1).
func TestUrnGrowsLikeALogarithm(t *testing.T) {
	for _, k := range []int{2, 4, 9} {
		p, err := NewUrn(k, 1)
		if err != nil {
			t.Fatal(err)
		}
		const n = 1 << 16
		got := exact(t, p, 4*n, 8*n) - exact(t, p, n, 2*n)
		if want := float64(k-1) * math.Ln2; math.Abs(got-want) > 2*float64(k*k)/n {
			t.Errorf("%d symbols: a factor 4 of the length adds %v nats, want %v", k, got, want)
		}
	}
	block := func(n int) float64 {
		h := math.Log(float64(n + 1))
		c := 0.0 // ln C(n, j)
		for j := range n {
			h += c / float64(n+1)
			c += math.Log(float64(n-j) / float64(j+1))
		}
		return h
	}
	p := mustParse[*Urn](t, "urn:symbols=2")
	for _, n := range []int{1, 5, 100} {
		if got, want := exact(t, p, n, 3*n), block(n)+block(2*n)-block(3*n); math.Abs(got-want) > 1e-10 {
			t.Errorf("I(%d;%d) = %.12f, by uniform counts %.12f", n, 3*n, got, want)
		}
	}
	// 4.5 nats at L = 256 with four symbols (theory notes).
	if got := exact(t, mustParse[*Urn](t, "urn:symbols=4,concentration=0.5"), 128, 256); math.Abs(got-4.5) > 0.05 {
		t.Errorf("I(128;256) = %v, want 4.5", got)
	}
	// The entropy rate is the limit of (H(2n) − H(n))/n, ½ ln 2/n away.
	if got, want := (block(100001)-block(50001))/50000, float64(p.EntropyRate()); math.Abs(got-want) > 1e-4 {
		t.Errorf("H(2n) − H(n) is %v per token, the entropy rate %v", got, want)
	}
}

// The information of a renewal process is bounded, and equals the double sum
// over ages and waits.
func TestRenewalInformation(t *testing.T) {
	if testing.Short() {
		t.Skip("short: seconds of one goroutine")
	}
	for _, spec := range []string{"renewal", "renewal:tail=1.2,scale=7", "renewal:tail=3,scale=0.5"} {
		p := mustParse[*Renewal](t, spec)
		for _, s := range [][2]int{{20, 40}, {3, 50}, {45, 50}} {
			m, n := s[0], s[1]-s[0]
			// Gaps up to g one by one; what remains is 1/mean·Σ of S beyond.
			joint := map[[2]int]float64{}
			const g = 500
			for a := range g {
				for r := 1; a+r <= g; r++ {
					joint[[2]int{min(a, m), min(r, n+1)}] += p.gap(float64(a+r)) / p.mean
				}
			}
			left := p.survival(g)*g + p.beyond(g) // Σ_{gap > g} gap·P(gap)
			joint[[2]int{m, n + 1}] += (left - p.survival(g)*float64(m+n)) / p.mean
			for a := range m {
				joint[[2]int{a, n + 1}] += p.survival(g) / p.mean
			}
			for r := 1; r <= n; r++ {
				joint[[2]int{m, r}] += p.survival(g) / p.mean
			}
			x, y := map[int]float64{}, map[int]float64{}
			total := 0.0
			for k, q := range joint {
				x[k[0]] += q
				y[k[1]] += q
				total += q
			}
			want := 0.0
			for k, q := range joint {
				want += q * math.Log(q/(x[k[0]]*y[k[1]]))
			}
			if got := exact(t, p, m, m+n); math.Abs(got-want) > 1e-9 || math.Abs(total-1) > 1e-9 {
				t.Errorf("%s: I(%d;%d) = %.12f, by the double sum %.12f (of probability %v)", spec, m, m+n, got, want, total)
			}
		}
	}
	if got := exact(t, mustParse[*Renewal](t, "renewal:tail=1.5"), 128, 256); math.Abs(got-0.375) > 5e-4 { // theory notes
		t.Errorf("I(128;256) = %v, want 0.375", got)
	}
	p := mustParse[*Renewal](t, "renewal:tail=2.5")
	if a, b := exact(t, p, 1<<14, 1<<15), exact(t, p, 1<<20, 1<<21); b-a > 1e-4 || b < a-1e-9 {
		t.Errorf("information goes from %v to %v between 2¹⁵ and 2²¹ tokens: not bounded", a, b)
	}
	// The entropy rate is the entropy of a gap over its mean: for S(k) = 1/(1+k)²
	// the sum over 10⁷ gaps, and the integral of 2·k^−3·ln(k³/2) beyond.
	q := mustParse[*Renewal](t, "renewal:tail=2")
	h := 0.0
	const top = 1e7
	for k := 1.0; k <= top; k++ {
		x := q.gap(k)
		h -= x * math.Log(x)
	}
	h += (3*math.Log(top) + 1.5 - math.Ln2) / (top * top)
	if got := float64(q.EntropyRate()); math.Abs(got-h/q.mean) > 1e-9 {
		t.Errorf("entropy rate %.12f, term by term %.12f", got, h/q.mean)
	}
}

// A word of P symbols is known once it has been seen twice: all the information
// is its entropy, P·ln k, less what coincidences of periods take away (at most
// one period, so none here), and up to P tokens blocks share nothing.
func TestRepeat(t *testing.T) {
	if testing.Short() {
		t.Skip("short: seconds of one goroutine")
	}
	p := mustParse[*Repeat](t, "repeat:symbols=5,shortest=8,longest=8")
	for _, n := range []int{8, 9, 100, 1 << 20} {
		if got, want := exact(t, p, n, 2*n), 8*math.Log(5); math.Abs(got-want) > 1e-9 {
			t.Errorf("I(%d;%d) = %v, want %v", n, 2*n, got, want)
		}
	}
	for n := 1; n <= 8; n++ { // the last 2n − 8 tokens repeat the first
		if got, want := exact(t, p, n, 2*n), float64(max(0, 2*n-8))*math.Log(5); math.Abs(got-want) > 1e-9 {
			t.Errorf("I(%d;%d) = %v, want %v", n, 2*n, got, want)
		}
	}
	// Sets of periods count every block once, at the largest size allowed.
	q := mustParse[*Repeat](t, "repeat:symbols=2,longest=63")
	for _, n := range []int{20, 40, 90} {
		total := 0.0
		sets := q.periodSets(n)
		for _, s := range sets {
			total += s.blocks
		}
		if math.Abs(total/math.Exp2(float64(n))-1) > 1e-12 {
			t.Errorf("blocks of %d tokens: %d sets of periods hold %v of them", n, len(sets), total)
		}
		t.Logf("n = %d: %d sets", n, len(sets))
	}
}

// Written in letters, samples are bytes, log-probabilities those of the
// symbols, and files hold the text.
func TestLetters(t *testing.T) {
	p, text := mustParse[*Renewal](t, "renewal"), mustParse[*Letters](t, `renewal:letters="\`)
	w := text.Sample(NewRand(3, 0), 60)
	symbols := p.Sample(NewRand(3, 0), 60)
	for i := range w {
		if w[i] != token.ID(`"\`[symbols[i]]) {
			t.Fatalf("token %d is byte %d, the symbol %d", i, w[i], symbols[i])
		}
	}
	a, b := scores(t, p.Model(), lm.Request[token.ID]{Tokens: symbols}), scores(t, text.Model(), lm.Request[token.ID]{Tokens: w})
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("symbols are scored %v, letters %v", a, b)
	}
	if got, want := exact(t, text, 9, 21), exact(t, p, 9, 21); got != want {
		t.Errorf("I(9;21) = %v in letters, %v in symbols", got, want)
	}
	for format, want := range map[SampleFormat]string{Text: `"\`, JSONLines: `\\\"`} {
		var out bytes.Buffer
		if err := WriteSamples(t.Context(), &out, text, SampleOptions{Format: format, Length: 500, Count: 1, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %q", format, out.String())
		}
	}
	if _, err := text.Model().LogProbs(t.Context(), lm.Request[token.ID]{Tokens: []token.ID{'x'}}); err == nil || !strings.Contains(err.Error(), "none of the letters") {
		t.Errorf("a byte that is no letter: %v", err)
	}
}

// The number of repetitions of every block is the power that it is said to be, both
// tokens of each lie in their halves, no token takes part in two, and the entropy rate
// is that of what is left. The law is the count times ln(symbols).
func TestEcho(t *testing.T) {
	for _, c := range []struct {
		growth float64
		first  int
	}{{0, 4}, {0.5, 8}, {0.75, 16}, {0.79, 16}, {0.95, 64}} {
		p, err := NewEcho(16, c.growth)
		if err != nil {
			t.Fatal(err)
		}
		const length = 1 << 15
		lags := p.lagsOf(length)
		taken, fresh := make([]bool, length), 0
		counts := map[int]int{} // repetitions by the size of their block
		for at, lag := range lags[:length] {
			if lag == 0 {
				fresh++
				continue
			}
			n := 2 * int(lag)
			source := at - int(lag)
			if at/n != source/n || at%n < n/2 || taken[at] || taken[source] {
				t.Fatalf("growth %g: token %d repeats %d", c.growth, at, source)
			}
			taken[at], taken[source] = true, true
			counts[n]++
		}
		for n := 2; n <= length; n *= 2 {
			want := 0.0
			if n >= c.first {
				want = math.Round(math.Pow(float64(n)/float64(c.first), c.growth))
			}
			if got := counts[n]; float64(got) != want*float64(length/n) {
				t.Errorf("growth %g: the %d blocks of %d tokens have %d repetitions, want %g each", c.growth, length/n, n, got, want)
			}
			if got := exact(t, p, n/2, n); math.Abs(got-want*math.Log(16)) > 1e-9 {
				t.Errorf("growth %g: I(%d;%d) = %g, want %g·ln 16", c.growth, n/2, n, got, want)
			}
		}
		// Blocks longer than these take (n/first)^growth/n of the tokens each way.
		beyond := math.Pow(length/float64(c.first), c.growth) / length / (math.Exp2(1-c.growth) - 1)
		if got, want := float64(p.EntropyRate())/math.Log(16), float64(fresh)/length-beyond; math.Abs(got-want) > 2e-4 {
			t.Errorf("growth %g: the entropy rate is %g of ln 16, want %g", c.growth, got, want)
		}
	}
}

// A cut anywhere has the repetitions across it, as the definition counts them.
func TestEchoAtAnyCut(t *testing.T) {
	p := mustParse[*Echo](t, "echo:symbols=4,growth=0.75")
	lags := p.lagsOf(256)
	for L := 2; L <= 200; L += 7 {
		for ell := 1; ell < L; ell++ {
			count := 0
			for at := range L {
				if lag := int(lags[at]); lag > 0 && at >= ell && at-lag < ell {
					count++
				}
			}
			if got, want := exact(t, p, ell, L), float64(count)*math.Log(4); math.Abs(got-want) > 1e-9 {
				t.Fatalf("I(%d;%d) = %g, want %g", ell, L, got, want)
			}
		}
	}
	if _, err := p.BipartiteMI(1, maxEcho+1); !IsNotExact(err) {
		t.Error(err)
	}
	if _, err := p.Model().LogProbs(t.Context(), lm.Request[token.ID]{Tokens: []token.ID{4}}); err == nil {
		t.Error("a symbol outside of the alphabet is scored")
	}
}

// What slots hold is the most that any choice of repetitions could: all of them are tried.
func TestHeldIsTheBestChoice(t *testing.T) {
	for _, spec := range []string{"echo:growth=0", "echo:growth=0.3", "echo:growth=0.5", "echo:growth=0.75", "echo:growth=0.9"} {
		p := mustParse[*Echo](t, spec)
		for _, length := range []int{15, 32, 40, 64} {
			type repetition struct{ lag, source int }
			var all []repetition
			for at, lag := range p.lagsOf(length)[:length] {
				if lag > 0 {
					all = append(all, repetition{int(lag), at - int(lag)})
				}
			}
			if len(all) > 16 {
				continue
			}
			for _, m := range []Memory{{Shape: Fenwick, A: 0.01, B: 0.2}, {Shape: Fenwick, A: 0.5, B: 0.2}, {Shape: Fenwick, A: 0.5, B: 0.5}, {Shape: Fenwick, A: 1, B: 0.2}, {Shape: Fenwick, A: 1, B: 1}} {
				best := 0
				for set := range 1 << len(all) {
					used, fits := map[[2]int]float64{}, true
					for i, r := range all {
						if set>>i&1 == 0 {
							continue
						}
						for n := 4; n <= r.lag; n *= 2 {
							block := [2]int{n, r.source / n}
							used[block]++
							fits = fits && used[block] <= math.Ceil(m.A*math.Pow(float64(n), m.B))
						}
					}
					if fits {
						best = max(best, bits.OnesCount(uint(set)))
					}
				}
				h, err := p.Held(m, length)
				if err != nil || h.Held != best || h.Repetitions != len(all) {
					t.Errorf("%s, %s, L = %d: %+v, %v; want %d of %d", spec, m, length, h, err, best, len(all))
				}
			}
		}
	}
	p := mustParse[*Echo](t, "echo:growth=0.75")
	// 255 is 128 + 64 + 32 + 16 + 8 + 4 and three tokens: ⌈√n/2⌉ = 6, 4, 3, 2, 2, 1.
	if h, err := p.Held(Memory{Shape: Fenwick, A: 0.5, B: 0.5}, 256); err != nil || h.Slots != 6+4+3+2+2+1+3 {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := p.Held(Memory{Shape: Window, Tokens: 4}, 64); err == nil {
		t.Error("a window is taken for blocks")
	}
}

// At an exponent of the law or above, the share held is the same at all lengths; below it
// falls.
func TestHeldHasItsKneeAtTheLaw(t *testing.T) {
	share := func(spec string, b float64, length int) float64 {
		h, err := mustParse[*Echo](t, spec).Held(Memory{Shape: Fenwick, A: 1, B: b}, length)
		if err != nil {
			t.Fatal(err)
		}
		return float64(h.Held) / float64(h.Repetitions)
	}
	for _, c := range []struct {
		spec string
		beta float64
	}{{"echo:growth=0.5", 0.5}, {"echo:growth=0.75", 0.75}} {
		for _, b := range []float64{0.2, 0.5, 0.75, 0.8} {
			short, long := share(c.spec, b, 1<<10), share(c.spec, b, 1<<16)
			if flat := long > short-0.03; flat != (b >= c.beta) {
				t.Errorf("%s, b = %g: a share of %.3f at 1,024 tokens and %.3f at 65,536", c.spec, b, short, long)
			}
		}
	}
}
