package process

import (
	"math"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/info"
)

func frontier(t testing.TB, spec string, ell, L int) *Frontier {
	t.Helper()
	f, err := NewFrontier(mustParse[Covarier](t, spec), ell, L)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The canonical correlations add up to the closed form of the information.
func TestFrontierHoldsAllInformation(t *testing.T) {
	for _, spec := range []string{"powergauss:signs=random", "powergauss:beta=0.5", "hierarchical", "fgn", "arfima:phi=0.3", "hierarchical:addition=1024"} {
		p := mustParse[Covarier](t, spec)
		for _, s := range [][2]int{{64, 128}, {16, 80}, {80, 96}} {
			f, err := NewFrontier(p, s[0], s[1])
			if err != nil {
				t.Fatal(err)
			}
			if want := exact(t, p, s[0], s[1]); math.Abs(float64(f.Information())-want) > 1e-8*(1+want) {
				t.Errorf("%s: the frontier at (%d;%d) ends at %v nats, the information is %v", spec, s[0], s[1], f.Information(), want)
			}
		}
	}
}

// Exactly c^(l−1) canonical correlations of the mid cut are 2/3, the rest 0
// (theory notes): 3³ = 27 at L = 4⁴.
func TestHierarchicalFrontier(t *testing.T) {
	f := frontier(t, "hierarchical", 128, 256)
	for i, r := range f.Correlations {
		want := 0.0
		if i < 27 {
			want = 2.0 / 3
		}
		if math.Abs(r-want) > 1e-6 {
			t.Fatalf("canonical correlation %d is %v, want %v", i+1, r, want)
		}
	}
	if got := float64(f.Captured(10)); math.Abs(got-10*0.5*math.Log(9.0/5)) > 1e-9 {
		t.Errorf("10 numbers capture %v nats", got)
	}
	if got := f.Dimensions(0.999); got != 27 {
		t.Errorf("%d numbers for all of the information, want 27", got)
	}
}

// State dimensions that hold 90 % of I(1024;2048) at β = 0.76, B = 0.5, by the
// theory notes: 3 for all +, 3 for alternating, 472 for one draw of random
// signs. Here at a quarter of that length, and in full when asked.
func TestSignsDecideTheStateNeeded(t *testing.T) {
	ell, few, many, tol := 128, 3, 62, 8
	if os.Getenv("L2M_LONG") != "" {
		ell, few, many, tol = 1024, 3, 472, 25
	}
	plus, alternating := frontier(t, "powergauss", ell, 2*ell), frontier(t, "powergauss:signs=alternating", ell, 2*ell)
	random := frontier(t, "powergauss:signs=random", ell, 2*ell)
	if a, b := plus.Dimensions(0.9), alternating.Dimensions(0.9); a > few || b > few {
		t.Errorf("%d and %d numbers hold 90 %%, want at most %d", a, b, few)
	}
	if got := random.Dimensions(0.9); got < many-tol || got > many+tol {
		t.Errorf("random signs: %d numbers hold 90 %%, want %d ± %d", got, many, tol)
	}
	if a, b := float64(plus.Information()), float64(random.Information()); math.Abs(a-b) > 1e-4*a {
		t.Errorf("signs change the information from %v to %v", a, b)
	}
}

// The bottleneck curve: captured ≤ memory, ≤ information, increasing, concave,
// with slope 1/b; CapturedBy inverts it.
func TestBottleneck(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := &Frontier{Correlations: []float64{rapid.Float64Range(0.1, 0.999).Draw(r, "rho")}}
		for range rapid.IntRange(0, 6).Draw(r, "more") {
			last := f.Correlations[len(f.Correlations)-1]
			f.Correlations = append(f.Correlations, last*rapid.Float64Range(0, 1).Draw(r, "factor"))
		}
		f.Residuals = residuals(f.Correlations)
		b := 1 + math.Exp(rapid.Float64Range(-2, 8).Draw(r, "b"))
		m, c := f.Bottleneck(b)
		if c < 0 || c > m+1e-12 || c > f.Information()+1e-12 {
			t.Fatalf("memory %v captures %v of %v", m, c, f.Information())
		}
		if m == 0 {
			return
		}
		if got := f.CapturedBy(m); math.Abs(float64(got-c)) > 1e-9*(1+float64(c)) {
			t.Fatalf("CapturedBy(%v) = %v, the curve says %v", m, got, c)
		}
		m2, c2 := f.Bottleneck(b * 1.0001)
		if slope := float64((c2 - c) / (m2 - m)); m2-m > 1e-9 && math.Abs(slope-1/b) > 1e-3 {
			t.Fatalf("slope %v at trade-off %v", slope, b)
		}
	})
	f := &Frontier{Correlations: []float64{0.8}, Residuals: residuals([]float64{0.8})}
	if got := f.CapturedBy(1e6); math.Abs(float64(got-f.Information())) > 1e-12 {
		t.Errorf("unlimited memory captures %v of %v", got, f.Information())
	}
	// One pair, memory R: captured −½ ln(1 − ρ²(1 − e^(−2R))), the remote
	// source coding formula.
	for _, memory := range []float64{0.1, 1, 3} {
		want := -0.5 * math.Log(1-0.64*(1-math.Exp(-2*memory)))
		if got := f.CapturedBy(info.Nats(memory)); math.Abs(float64(got)-want) > 1e-9 {
			t.Errorf("%v nats of memory capture %v, want %v", memory, got, want)
		}
	}
}

func residuals(rho []float64) []float64 {
	out := make([]float64, len(rho))
	for i, r := range rho {
		out[i] = 1 - r*r
	}
	return out
}
