package arch

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
)

// drawModel makes a model of arbitrary parts.
func drawModel(t *rapid.T) *Model {
	m := &Model{Name: "drawn"}
	for range rapid.IntRange(1, 4).Draw(t, "layers") {
		var l Layer
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			l.Parts = append(l.Parts, Part{
				Kind:    rapid.SampledFrom(Kinds()).Draw(t, "kind"),
				Rule:    rapid.SampledFrom([]Rule{Fixed, PerToken, Bounded, PerBlock, Tail, After, Log, Slots, Fenwick, Segments, Beyond}).Draw(t, "rule"),
				Width:   rapid.Int64Range(1, 1<<20).Draw(t, "width"),
				N:       rapid.Int64Range(1, 1<<14).Draw(t, "n"),
				Beta:    rapid.OneOf(rapid.Float64Range(0.1, 1), rapid.SampledFrom([]float64{0.5, 0.9, 0.99, 0.999, 1})).Draw(t, "beta"),
				Scale:   rapid.Float64Range(0.5, 4).Draw(t, "scale"),
				Float32: rapid.Bool().Draw(t, "float32"),
			})
		}
		m.Layers = append(m.Layers, l)
	}
	return m
}

// TestSmoothFollowsTheExactState: the smooth state differs from the exact one by
// less than one entry of each part that it rounds or leaves out.
func TestSmoothFollowsTheExactState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		L := rapid.Int64Range(1, 1<<20).Draw(t, "L")
		s, err := m.State(L)
		if err != nil {
			t.Fatal(err)
		}
		slack := 1e-6 * float64(s.Total)
		for _, l := range m.Layers {
			for _, p := range l.Parts {
				switch p.Rule {
				case PerBlock, Log, Slots, Segments:
					slack += float64(p.Width)
				case Beyond:
					slack += float64(p.Width) * float64(p.N)
				case Fenwick: // between nothing of the smaller blocks and all of them
					slack += 2*float64(s.Total) + float64(p.Width)*(p.Scale*math.Pow(float64(L), p.Beta)*(2+1/(math.Pow(2, p.Beta)-1))+20)
				case Tail:
					slack += float64(p.Width) * float64(p.N)
				}
			}
		}
		got := math.Exp(m.smooth(one).at(math.Log(float64(L))))
		if math.Abs(got-float64(s.Total)) > slack*(1+1e-9) {
			t.Fatalf("smooth %g, exact %d, slack %g", got, s.Total, slack)
		}
	})
}

// TestStateProperties: kinds and layers sum to the total, float32 is a part of
// it, and without partly filled blocks nothing shrinks as L grows.
func TestStateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		tail := false
		for _, l := range m.Layers {
			for _, p := range l.Parts {
				tail = tail || p.Rule == Tail || p.Rule == Fenwick
			}
		}
		L := rapid.Int64Range(0, 1<<30).Draw(t, "L")
		a, err := m.State(L)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.State(L + rapid.Int64Range(0, 1<<20).Draw(t, "more"))
		if err != nil {
			t.Fatal(err)
		}
		if a.Elements.Total() != a.Total || a.Float32 > a.Total {
			t.Fatalf("%+v", a)
		}
		if !tail && b.Total < a.Total {
			t.Fatalf("%d after %d tokens, %d after %d", a.Total, a.Length, b.Total, b.Length)
		}
	})
}

func TestGrowth(t *testing.T) {
	part := func(r Rule, width, n int64, beta float64) Part {
		return Part{Kind: Other, Rule: r, Width: width, N: n, Beta: beta}
	}
	for _, c := range []struct {
		parts []Part
		want  Growth
		text  string
	}{
		{[]Part{part(Fixed, 5, 0, 0)}, Growth{Class: Constant, Fixed: 5}, "does not grow"},
		{nil, Growth{Class: Constant}, "does not grow"},
		{[]Part{part(Fixed, 5, 0, 0), part(Bounded, 2, 1024, 0)}, Growth{Class: Saturating, Fixed: 5, SaturateAt: 1024}, "stops growing at L = 1,024"},
		{[]Part{part(Log, 4096, 0, 0), part(Bounded, 2, 1024, 0)}, Growth{Class: Logarithmic, PerDouble: 4096, SaturateAt: 1024}, "grows by 4,096 elements per doubling of L"},
		{[]Part{part(Slots, 4, 0, 0.5), part(Fixed, 1, 0, 0)}, Growth{Class: Power, Exponent: 0.5, Fixed: 1}, "grows like L^0.5"},
		{[]Part{part(PerToken, 18432, 0, 0)}, Growth{Class: Linear, Exponent: 1, PerToken: 18432}, "grows by 18,432 elements per token"},
		{[]Part{part(PerToken, 6, 0, 0), part(PerBlock, 8, 4, 0), part(Fixed, 1, 0, 0)}, Growth{Class: Mixed, Exponent: 1, PerToken: 8, Fixed: 1}, "grows by 8 elements per token, the rest is bounded"},
	} {
		m := &Model{Layers: []Layer{{c.parts}}}
		if got := m.Growth(); got != c.want || got.String() != c.text {
			t.Errorf("%+v (%s), want %+v (%s)", got, got, c.want, c.text)
		}
	}
}

func TestVerdicts(t *testing.T) {
	model := func(r Rule, beta float64) *Model {
		return &Model{Name: "m", Layers: []Layer{{[]Part{{Kind: KV, Rule: r, Width: 8, N: 100, Beta: beta}}}}}
	}
	for _, c := range []struct {
		m    *Model
		beta float64
		want Verdict
	}{
		{model(PerToken, 0), 0.76, KeepsUp}, {model(PerToken, 0), 1, KeepsUp}, {model(PerToken, 0), 1.1, FallsBehind},
		{model(PerBlock, 0), 0.76, KeepsUp}, {model(Bounded, 0), 0.76, FallsBehind}, {model(Fixed, 0), 0.1, FallsBehind},
		{model(Log, 0), 0.1, FallsBehind}, {model(Slots, 0.76), 0.76, KeepsUp}, {model(Slots, 0.7), 0.76, FallsBehind},
		{model(Fixed, 0), 0, KeepsUp}, {model(Fixed, 0), -0.5, KeepsUp},
	} {
		a, err := c.m.Audit(law.PowerLaw{A: 1, Beta: c.beta, Unit: "token"}, AuditOptions{})
		if err != nil || a.Verdict != c.want || a.Reason == "" {
			t.Errorf("%s against L^%g: %s (%s), want %s (%v)", c.m.Growth().Class, c.beta, a.Verdict, a.Reason, c.want, err)
		}
		// At a capacity so high that small lengths do not matter, the crossovers
		// say the same.
		never := c.m.crossover(law.PowerLaw{A: 1, Beta: c.beta, Unit: "token"}, 0.95, func(Part) float64 { return 1e9 }).At == nil
		if never != (a.Verdict == KeepsUp) {
			t.Errorf("%s against L^%g: verdict %s, but never too small: %v", c.m.Growth().Class, c.beta, a.Verdict, never)
		}
	}
}

func TestAuditRefusals(t *testing.T) {
	m := &Model{Name: "m", Layers: []Layer{{[]Part{{Kind: KV, Rule: PerToken, Width: 8}}}}}
	good := law.PowerLaw{A: 1, Beta: 0.7, Unit: "token"}
	for _, c := range []struct {
		law  law.PowerLaw
		o    AuditOptions
		want string
	}{
		{law.PowerLaw{A: 1, Beta: 0.7, Unit: "byte"}, AuditOptions{}, "counts in bytes"},
		{law.PowerLaw{A: 0, Beta: 0.7, Unit: "token"}, AuditOptions{}, "is not a law"},
		{law.PowerLaw{A: 1, Beta: math.NaN(), Unit: "token"}, AuditOptions{}, "is not a law"},
		{good, AuditOptions{Capacities: []float64{0}}, "is not positive"},
		{good, AuditOptions{Level: 1}, "is not between 0 and 1"},
		{good, AuditOptions{Lengths: []int64{-1}}, "negative"},
		{good, AuditOptions{Lengths: []int64{math.MaxInt64}}, "exceeds"},
		{good, AuditOptions{Ask: []int64{0}}, "at least 1 token"},
	} {
		if _, err := m.Audit(c.law, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}

// TestLawPerToken: a law in bytes says the same about b·L bytes as the converted
// one about L tokens, interval included.
func TestLawPerToken(t *testing.T) {
	l := law.PowerLaw{A: 1.3, Beta: 0.7, Unit: "byte", CovLogABeta: [2][2]float64{{0.02, -0.003}, {-0.003, 0.0006}}}
	c, err := LawPerToken(l, 4.5)
	if err != nil || c.Unit != "token" {
		t.Fatal(err)
	}
	for _, L := range []float64{1, 10, 1e6} {
		want, got := l.Interval(4.5*L, 0.9), c.Interval(L, 0.9)
		for _, p := range [][2]float64{{float64(l.At(4.5 * L)), float64(c.At(L))}, {want.Lo, got.Lo}, {want.Hi, got.Hi}} {
			if math.Abs(p[0]/p[1]-1) > 1e-12 {
				t.Errorf("L = %g: %g per byte, %g per token", L, p[0], p[1])
			}
		}
	}
	if _, err := LawPerToken(c, 4.5); err == nil {
		t.Error("converted twice")
	}
	if _, err := LawPerToken(l, 0); err == nil {
		t.Error("zero bytes per token")
	}
}

// TestNeed checks the answers to "what would this length need" by hand: a model
// of 10 attention layers of 2·1·4 = 8 elements per token, law 1·L^0.5, at
// 10,000 tokens: 100 nats. At 0.0125 nats per element 8,000 elements are needed,
// the model keeps 800,000, 100 times as many.
func TestNeed(t *testing.T) {
	c := &config{faults: &faults{}}
	m := &Model{Name: "m", Layers: same(10, heads{1, 4, 4}.full(c))}
	l := law.PowerLaw{A: 1, Beta: 0.5, Unit: "token"}
	a, err := m.Audit(l, AuditOptions{Ask: []int64{10_000}, Capacities: []float64{0.0125}})
	if err != nil {
		t.Fatal(err)
	}
	n := a.Needs[0]
	at := n.At[1]
	if n.Information != 100 || n.State != 800_000 || math.Abs(n.PerTenfold-math.Sqrt(10)) > 1e-12 || math.Abs(at.Elements-8000) > 1e-9 || math.Abs(at.Factor-100) > 1e-9 {
		t.Errorf("%+v %+v", n, at)
	}
	// A window of w past tokens keeps 80·w: 8,000 from w = 100 on.
	if at.Window != 100 {
		t.Errorf("window %d, want 100", at.Window)
	}
	// k attention layers keep 8·k·L, the other 10 − k keep 4·4 each. With s = √L
	// that must reach 80·s elements at every length: 8s² − 80s + 144 is negative
	// between s = 2.4 and 7.6, so one layer is not enough, though it would be at
	// L = 10,000; 16s² − 80s + 128 is never negative.
	if at.Attention != 2 || at.Layers != 10 {
		t.Errorf("%d of %d layers, want 2 of 10", at.Attention, at.Layers)
	}
	if !strings.Contains(at.HybridBasis, "8 elements per token") {
		t.Error(at.HybridBasis)
	}
}

func TestPolicies(t *testing.T) {
	attention := func() *Model {
		c := &config{faults: &faults{}}
		h := heads{2, 4, 6}
		return &Model{Name: "m", Layers: []Layer{{[]Part{h.full(c)}}, {[]Part{h.window(c, 50)}}}}
	}
	recurrent := &Model{Name: "r", Layers: []Layer{{[]Part{memory(7, true, "state"), {Kind: Conv, Rule: Fixed, Width: 3}}}}}
	for _, c := range []struct {
		m      *Model
		policy string
		want   Elements // after 1,000 tokens
		class  Class
	}{
		{attention(), "full", Elements{KV: 20_000, Window: 20 * 49}, Mixed},
		{attention(), "window:64", Elements{Window: 20*64 + 20*49}, Saturating},  // of two layers, the window of 49 stays
		{attention(), "sinks:4+60", Elements{Window: 20*64 + 20*49}, Saturating}, // the window of 49 stays
		{attention(), "budget:10", Elements{Window: 20*10 + 20*10}, Saturating},
		// 2 heads × (4·6 + 4) beside a segment of 100.
		{attention(), "compressive:100", Elements{Window: 20*100 + 20*49, Recurrent: 56}, Saturating},
		{attention(), "power:0.5", Elements{KV: 20 * 63, Window: 20 * 49}, Power},   // ⌊√1000/0.5⌋ = 63
		{attention(), "pattern:k^2", Elements{KV: 20 * 31, Window: 20 * 49}, Power}, // ⌊√1000⌋ = 31
		{attention(), "pattern:k^1/0.5", Elements{KV: 20 * 31, Window: 20 * 49}, Power},
		// 1,000 = 512 + 256 + 128 + 64 + 32 + 8, of which blocks of 2^j keep ⌈2^(j/2)⌉: 23 + 16 + 12 + 8 + 6 + 3.
		{attention(), "fenwick:1,0.5", Elements{KV: 20 * 68, Window: 20 * 49}, Power},
		{attention(), "fenwick:1,0", Elements{KV: 20 * 6, Window: 20 * 49}, Logarithmic},
		{attention(), "fenwick:1,1", Elements{KV: 20_000, Window: 20 * 49}, Power}, // all of it
		{attention(), "quant:q4_0+30", Elements{KV: 20_000, Window: 20 * 49}, Mixed},
		{recurrent, "segments:300", Elements{Recurrent: 7 * 4, Conv: 3}, Mixed},  // three full segments and the running one
		{recurrent, "log-linear", Elements{Recurrent: 70, Conv: 3}, Logarithmic}, // ⌊log₂ 1000⌋ + 1 = 10
	} {
		p, err := ParsePolicy(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		under, err := c.m.With(p)
		if err != nil {
			t.Fatal(err)
		}
		s, err := under.State(1000)
		if err != nil || s.Elements != c.want || under.Growth().Class != c.class {
			t.Errorf("%s: %+v (%s), want %+v (%s), %v", c.policy, s.Elements, under.Growth().Class, c.want, c.class, err)
		}
	}
	for _, bad := range []string{"", "window", "window:0", "window:4+4", "sinks", "sinks:4", "sinks:-1+3", "budget:x", "budget:0", "power:2", "power:0", "compressive:", "log-linear:3", "other",
		"pattern:", "pattern:k^0.5", "pattern:k^1/2", "pattern:x^2", "fenwick:1", "fenwick:0,0.5", "fenwick:1,2", "fenwick:x,1", "quant:", "quant:q9", "quant:q4_0+x", "segments:0"} {
		if _, err := ParsePolicy(bad); err == nil {
			t.Errorf("policy %q accepted", bad)
		}
	}
	for policy, m := range map[string]*Model{"log-linear": attention(), "budget:3": recurrent} {
		p, err := ParsePolicy(policy)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.With(p); err == nil || !strings.Contains(err.Error(), "does not apply") {
			t.Errorf("%s on %s: %v", policy, m.Name, err)
		}
	}
	// A latent has no separate heads to make a memory of.
	latent := &Model{Name: "l", Layers: []Layer{{[]Part{{Kind: Latent, Rule: PerToken, Width: 576, What: "latent"}}}}}
	p, _ := ParsePolicy("compressive:100")
	if _, err := latent.With(p); err == nil || !strings.Contains(err.Error(), "separate heads") {
		t.Error(err)
	}
}

// TestQuantisedBytes: 4.5 bits a number in q4_0 (ggml block_q4_0: 18 bytes for 32),
// but for the last 30 tokens in full attention and in the window of 49.
func TestQuantisedBytes(t *testing.T) {
	c := &config{faults: &faults{}}
	h := heads{2, 16, 16}
	m := &Model{Name: "m", Layers: []Layer{{[]Part{h.full(c)}}, {[]Part{h.window(c, 50)}}}}
	p, err := ParsePolicy("quant:q4_0+30")
	if err != nil {
		t.Fatal(err)
	}
	under, err := m.With(p)
	if err != nil {
		t.Fatal(err)
	}
	for L, want := range map[int64]int64{
		10:   2 * 64 * 10 * 2,
		40:   2 * (64*30*2 + 64*10*18/32),
		1000: (64*30*2 + 64*970*18/32) + (64*30*2 + 64*19*18/32),
	} {
		s, err := under.State(L)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Bytes(BFloat16()); err != nil || got != want {
			t.Errorf("L = %d: %d bytes, want %d (%v)", L, got, want, err)
		}
	}
}

// TestEvidence: what the law rests on decides what may be said.
func TestEvidence(t *testing.T) {
	model := func(r Rule) *Model {
		return &Model{Name: "m", Layers: []Layer{{[]Part{{Kind: KV, Rule: r, Width: 8, N: 100}}}}}
	}
	l := law.PowerLaw{A: 2, Beta: 0.76, Unit: "token", CovLogABeta: [2][2]float64{{1e-4, 0}, {0, 1e-6}}}
	beta := func(lo, hi float64) *info.Interval { return &info.Interval{Lo: lo, Hi: hi, Level: 0.95} }
	for _, c := range []struct {
		name string
		rule Rule
		e    *Evidence
		want Verdict
		says string
	}{
		{"nothing known", PerToken, nil, KeepsUp, "L^0.76"},
		{"the run's own interval contains 1", PerToken, &Evidence{Beta: beta(0.5, 1.02)}, Open, "0.5 … 1.02"},
		{"and that of the covariance does not matter", PerToken, &Evidence{Beta: beta(0.7, 0.8)}, KeepsUp, ""},
		{"a logarithm fits as well", Fixed, &Evidence{Rivals: []Rival{{law.Logarithm, 0}}}, FallsBehind, ""},
		{"and a state that grows like it", Log, &Evidence{Rivals: []Rival{{law.Logarithm, 0}}}, Open, "also fit ln L"},
		{"a law that levels off fits as well", Fixed, &Evidence{Rivals: []Rival{{law.Saturation, 0}}}, Open, "also fit a law that levels off"},
		{"rejected, and nothing else holds", PerToken, &Evidence{To: 8192, Verdict: law.PowerLawRejected}, Open, "reject a single power law up to L = 8,192"},
		{"rejected, and the nearest law holds", PerToken, &Evidence{To: 8192, Verdict: law.PowerLawRejected, Rivals: []Rival{{law.OffsetPower, 0.6}}}, KeepsUp, "L^0.6 with an offset"},
		{"few documents", Fixed, &Evidence{Documents: 7}, FallsBehind, "from only 7 documents"},
	} {
		a, err := model(c.rule).Audit(l, AuditOptions{Evidence: c.e})
		if err != nil || a.Verdict != c.want || !strings.Contains(a.Reason, c.says) {
			t.Errorf("%s: %s, %q, want %s, %q (%v)", c.name, a.Verdict, a.Reason, c.want, c.says, err)
		}
	}
	// 800 elements at 1 nat hold 2·L^0.76 up to L = 400^(1/0.76) = 2,650.
	window := model(Bounded)
	for _, c := range []struct {
		e               *Evidence
		beyond, unknown bool
	}{
		{nil, false, false}, {&Evidence{To: 4096}, false, false}, {&Evidence{To: 2048}, true, false},
		{&Evidence{To: 4096, Verdict: law.PowerLawRejected}, false, false}, {&Evidence{To: 2048, Verdict: law.PowerLawRejected}, true, true},
	} {
		a, err := window.Audit(l, AuditOptions{Evidence: c.e, Capacities: []float64{1}})
		if err != nil {
			t.Fatal(err)
		}
		x := a.Crossovers[1]
		if x.Beyond != c.beyond || x.Unknown != c.unknown || (x.At == nil) != c.unknown {
			t.Errorf("%+v: %+v", c.e, x)
		}
	}
	if _, err := window.Audit(l, AuditOptions{Ask: []int64{4096}, Evidence: &Evidence{To: 2048, Verdict: law.PowerLawRejected}}); err == nil || !strings.Contains(err.Error(), "--range") {
		t.Errorf("a rejected law answered beyond what was measured: %v", err)
	}
	a, err := window.Audit(l, AuditOptions{Ask: []int64{1024, 4096}, Evidence: &Evidence{To: 2048}})
	if err != nil || a.Needs[0].Beyond || !a.Needs[1].Beyond {
		t.Errorf("%+v, %v", a, err)
	}
}
