package arch

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/law"
)

// TestCrossoverOfAConstantState: A·L^β = capacity·d has the solution
// L = (capacity·d/A)^(1/β).
func TestCrossoverOfAConstantState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.Int64Range(1, 1<<40).Draw(t, "d")
		l := law.PowerLaw{A: rapid.Float64Range(0.01, 100).Draw(t, "A"), Beta: rapid.Float64Range(0.05, 1.5).Draw(t, "beta"), Unit: "token"}
		c := rapid.Float64Range(1e-4, 20).Draw(t, "capacity")
		m := &Model{Layers: []Layer{{[]Part{{Kind: Recurrent, Rule: Fixed, Width: d}}}}}
		x := m.crossover(l, 0.95, func(Part) float64 { return c })
		want := math.Log(c*float64(d)/l.A) / l.Beta
		switch {
		case want > 709: // beyond the largest float64
			if x.At != nil {
				t.Fatalf("at %g, want beyond e^709", *x.At)
			}
		case x.At == nil:
			t.Fatalf("never, want e^%g", want)
		case math.Abs(math.Log(*x.At)-max(0, want)) > 1e-9*(1+math.Abs(want)):
			t.Fatalf("ln L = %.15g, want %.15g", math.Log(*x.At), max(0, want))
		}
	})
}

// TestMambaHoldsTheEnglishLawFor4e8Tokens is the worked figure: mamba-130m
// keeps 700,416 numbers; with all 16 bits used they hold 700,416·16·ln 2 =
// 7.768e6 nats, and (7.768e6/2.27)^(1/0.76) = 3.960e8.
func TestMambaHoldsTheEnglishLawFor4e8Tokens(t *testing.T) {
	m := &Model{Layers: []Layer{{[]Part{{Kind: Recurrent, Rule: Fixed, Width: 700_416}}}}}
	a, err := m.Audit(law.PublishedEnglish(), AuditOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x := a.Crossovers[0]
	if !x.Hard || math.Abs(x.Capacity-16*math.Ln2) > 1e-9 || x.At == nil || math.Abs(*x.At/3.960e8-1) > 1e-3 || x.Interval != nil {
		t.Errorf("%+v at %v", x, x.At)
	}
	if a.Verdict != FallsBehind {
		t.Error(a.Verdict)
	}
}

// TestCrossoverAgainstSearch: for any model, the state is too small just beyond
// the crossover and at every longer length, and large enough just before it.
func TestCrossoverAgainstSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		l := law.PowerLaw{A: rapid.Float64Range(0.1, 1e4).Draw(t, "A"), Beta: rapid.Float64Range(0.2, 1.3).Draw(t, "beta"), Unit: "token"}
		c := rapid.Float64Range(1e-4, 20).Draw(t, "capacity")
		weight := func(Part) float64 { return c }
		s, h := m.smooth(weight), newLine(l, 0)
		x := m.crossover(l, 0.95, weight)
		gap := func(x float64) float64 { return s.at(x) - h.at(x) }
		from, holds := 0.0, true
		switch {
		case x.At != nil:
			from, holds = math.Log(*x.At), false
		case x.From != nil:
			from = math.Log(*x.From)
		}
		if len(s) == 0 {
			if x.At == nil || *x.At != 1 {
				t.Fatalf("a model that keeps nothing: %+v", x)
			}
			return
		}
		for i := range 400 {
			at := from + 1e-6 + float64(i)*0.05
			if g := gap(at); (g >= 0) != holds && math.Abs(g) > 1e-9 {
				t.Fatalf("gap %g at ln L = %g, beyond %g", g, at, from)
			}
		}
		if from > 1e-3 {
			if g := gap(from - 1e-6); (g >= 0) == holds && math.Abs(g) > 1e-5 {
				t.Fatalf("gap %g just before ln L = %g", g, from)
			}
		}
	})
}

// TestCrossoverBesideABlockMemoryOfEverySlot: 16 fixed numbers and a block memory with
// b = 1, of which one number a token remains, at 1/16 nat each, against √L: the state is
// too small between the roots of 1 + L/16 = √L, that is √L = 8 ± √48.
func TestCrossoverBesideABlockMemoryOfEverySlot(t *testing.T) {
	m := &Model{Layers: []Layer{{[]Part{
		{Kind: Recurrent, Rule: Fixed, Width: 16},
		{Kind: KV, Rule: Fenwick, Width: 1, Beta: 1, Scale: 1},
	}}}}
	x := m.crossover(law.PowerLaw{A: 1, Beta: 0.5, Unit: "token"}, 0.95, func(Part) float64 { return 1. / 16 })
	want := math.Pow(8+math.Sqrt(48), 2)
	if x.At != nil || x.From == nil || math.Abs(*x.From/want-1) > 1e-9 {
		t.Fatalf("%+v, want large enough from L = %g", x, want)
	}
}

// TestCrossoverInterval: the ends are where a constant state meets the ends of
// the law's interval; the crossover lies between them; and a state that grows
// like L is open when the interval of β contains 1.
func TestCrossoverInterval(t *testing.T) {
	l := law.PowerLaw{A: 2, Beta: 0.75, Unit: "token", CovLogABeta: [2][2]float64{{0.01, -0.0014}, {-0.0014, 0.0002}}}
	m := &Model{Layers: []Layer{{[]Part{{Kind: Recurrent, Rule: Fixed, Width: 1_000_000}}}}}
	a, err := m.Audit(l, AuditOptions{Capacities: []float64{0.5}})
	if err != nil {
		t.Fatal(err)
	}
	x := a.Crossovers[1]
	if x.Interval == nil || x.Interval.Lo == nil || x.Interval.Hi == nil || !(*x.Interval.Lo < *x.At && *x.At < *x.Interval.Hi) {
		t.Fatalf("%+v", x)
	}
	if iv := l.Interval(*x.Interval.Lo, 0.95); math.Abs(iv.Hi/500_000-1) > 1e-9 {
		t.Errorf("at the lower end the law's interval ends at %g nats, want 500,000", iv.Hi)
	}
	if iv := l.Interval(*x.Interval.Hi, 0.95); math.Abs(iv.Lo/500_000-1) > 1e-9 {
		t.Errorf("at the upper end the law's interval starts at %g nats, want 500,000", iv.Lo)
	}
	attention := &Model{Layers: []Layer{{[]Part{{Kind: KV, Rule: PerToken, Width: 8}}}}}
	wide := l
	wide.Beta, wide.CovLogABeta[1][1] = 0.95, 0.01 // ± 0.196
	if a, err = attention.Audit(wide, AuditOptions{}); err != nil || a.Verdict != Open {
		t.Errorf("%s, %v", a.Verdict, err)
	}
	if a.Crossovers[0].At != nil || a.Crossovers[0].Interval.Lo == nil {
		t.Errorf("%+v: want never, but a length at the upper end of the law", a.Crossovers[0])
	}
}
