package law

import (
	"math"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, tolerance)
	}
}

// TestPublishedEnglish: the value at the longest window that the paper
// measured, 2.27·2^8.36 = 745.8245 (Python 3), beside the 752.3 nats
// read off its figure (../shared/facts/published.md).
func TestPublishedEnglish(t *testing.T) {
	p := PublishedEnglish()
	near(t, "I(2048)", float64(p.At(2048)), 745.8245, 0.0001)
	i := p.Interval(2048, 0.95)
	if i.Lo != i.Hi || i.Level != 0 {
		t.Errorf("a law of unknown uncertainty has the interval %+v; want its value at level 0", i)
	}
}

func TestInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := PowerLaw{A: rapid.Float64Range(0.01, 100).Draw(t, "A"), Beta: rapid.Float64Range(0.05, 2).Draw(t, "beta")}
		l := rapid.Float64Range(1, 1e6).Draw(t, "L")
		if got := p.Inverse(p.At(l)); math.Abs(got/l-1) > 1e-9 {
			t.Fatalf("Inverse(At(%v)) = %v", l, got)
		}
	})
	for _, c := range []struct {
		p    PowerLaw
		i    info.Nats
		want float64
	}{
		{PowerLaw{A: 1, Beta: 0.5}, 0, 0},
		{PowerLaw{A: 1, Beta: 0.5}, -1, 0},
		{PowerLaw{A: 1, Beta: 0.5}, 3, 9},
		{PowerLaw{A: 0, Beta: 0.5}, 1, math.Inf(1)},
		{PowerLaw{A: 1, Beta: 0}, 2, math.Inf(1)},
		{PowerLaw{A: 1, Beta: -1}, 2, math.Inf(1)},
	} {
		if got := c.p.Inverse(c.i); got != c.want && math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v.Inverse(%v) = %v, want %v", c.p, c.i, got, c.want)
		}
	}
}

// TestLawInterval uses quantiles of SciPy 1.17.1: norm.ppf(0.975) =
// 1.959963984540054, t.ppf(0.975, 24) = 2.0638985616280245.
func TestLawInterval(t *testing.T) {
	p := PowerLaw{A: 2, Beta: 0.5, CovLogABeta: [2][2]float64{{0.04, -0.005}, {-0.005, 0.001}}}
	x := math.Log(100)
	se := math.Sqrt(0.04 - 2*0.005*x + 0.001*x*x)
	i := p.Interval(100, 0.95)
	near(t, "upper end", i.Hi, 20*math.Exp(1.959963984540054*se), 1e-9)
	near(t, "lower end", i.Lo, 20*math.Exp(-1.959963984540054*se), 1e-9)
	p.DoF = 24
	i = p.Interval(100, 0.95)
	near(t, "upper end of t", i.Hi, 20*math.Exp(2.0638985616280245*se), 1e-9)
	// The length at which 20 nats are reached is 100, with error se/β.
	i = p.InverseInterval(20, 0.95)
	near(t, "upper length", i.Hi, 100*math.Exp(2.0638985616280245*se/0.5), 1e-6)
	if i := (PowerLaw{A: 1, Beta: -1, CovLogABeta: p.CovLogABeta}).InverseInterval(2, 0.95); !math.IsInf(i.Lo, 1) {
		t.Errorf("a law that never reaches 2 nats has the interval %+v", i)
	}
}
