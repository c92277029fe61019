package law

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/stats"
)

// scipyCase was fitted with SciPy 1.17.1 curve_fit(sigma=covariance,
// absolute_sigma=True, tolerances 1e-14).
func scipyCase() (lengths, y []float64, cov stats.Sym) {
	lengths, y = []float64{4, 8, 16, 32, 64}, []float64{0.9, 1.3, 2.4, 3.6, 6.5}
	cov = stats.NewSym(5)
	for i := range 5 {
		for j := range i + 1 {
			cov.Set(i, j, 0.04*math.Pow(0.8, float64(i-j))*float64((1+i)*(1+j)))
		}
	}
	return lengths, y, cov
}

func TestPowerAgainstSciPy(t *testing.T) {
	lengths, y, cov := scipyCase()
	w, ok := cov.Inverse()
	if !ok {
		t.Fatal("not positive definite")
	}
	q := newProblem(lengths, y, w)
	fit, ok := q.power()
	if !ok || !fit.interior {
		t.Fatalf("no fit: %+v", fit)
	}
	near(t, "A", fit.a*math.Pow(q.scale, -fit.beta), 0.34383303, 1e-7)
	near(t, "β", fit.beta, 0.71322521, 1e-7)
	near(t, "χ²", fit.chi2, 1.6684800672607194, 1e-7)
	near(t, "SE of β", math.Sqrt(cov.Quadratic(fit.u[1], fit.u[1])), 0.07305623, 1e-6)
}

// TestAnalyzeStatesUnscaledErrors: with the same covariance the law's joint
// covariance of ln A and β is SciPy's (of A: 0.10133542, with β:
// −0.0065399309), up to the damping of correlations (0.5 %).
func TestAnalyzeStatesUnscaledErrors(t *testing.T) {
	lengths, y, cov := scipyCase()
	rows := make([][]float64, 5)
	for i := range rows {
		rows[i] = cov.V[5*i : 5*i+5]
	}
	a, err := Analyze(Data{L: lengths, I: y, Cov: rows}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := a.Power.Param("A")
	near(t, "A", p.Value, 0.34383303, 0.01)
	near(t, "SE of A", p.SE, 0.10133542, 0.003)
	near(t, "covariance of ln A and β", a.Law.CovLogABeta[0][1], -0.0065399309/0.34383303, 0.001)
	if a.Power.Params[1].Interval.Method != "normal" {
		t.Errorf("without sums the interval is by %q", a.Power.Params[1].Interval.Method)
	}
}

// TestPowerAgainstGrid compares with the slow reference: χ² on a fine grid of
// β with A in closed form.
func TestPowerAgainstGrid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(3, 12).Draw(t, "n")
		lengths := dyadic(n)
		cov, y := stats.NewSym(n), make([]float64, n)
		beta, noise := 1.2*rng.Float64(), 0.3*rng.Float64()
		for i := range n {
			sd := noise * math.Pow(lengths[i], beta)
			cov.Set(i, i, sd*sd+1e-12)
			y[i] = math.Pow(lengths[i], beta) + sd*rng.NormFloat64()
		}
		w, _ := cov.Inverse()
		q := newProblem(lengths, y, w)
		fit, ok := q.power()
		g := make([]float64, n)
		least := math.Inf(1)
		for b := betaRange[0]; b <= betaRange[1]; b += 0.001 {
			if a, gain := q.profile(b, g); !math.IsInf(gain, -1) {
				r := make([]float64, n)
				for i := range r {
					r[i] = y[i] - a*g[i]
				}
				least = min(least, w.Quadratic(r, r))
			}
		}
		if math.IsInf(least, 1) {
			return // nowhere is A positive
		}
		if !ok || fit.chi2 > least+1e-6*(1+least) {
			t.Fatalf("χ² = %v (ok %v), on the grid %v", fit.chi2, ok, least)
		}
	})
}

// TestFamiliesRecover fits points that lie exactly on each family: its own χ²
// must vanish, it must have the lowest AICc, and its parameters come back.
func TestFamiliesRecover(t *testing.T) {
	for _, c := range []struct {
		family Family
		curve  func(l float64) float64
		want   map[string]float64
	}{
		{Power, func(l float64) float64 { return 0.7 * math.Pow(l, 0.6) }, map[string]float64{"A": 0.7, "beta": 0.6}},
		{OffsetPower, func(l float64) float64 { return 3 + 0.2*math.Pow(l, 0.8) }, map[string]float64{"A": 0.2, "beta": 0.8, "c": 3}},
		{Logarithm, func(l float64) float64 { return 1 + 2*math.Log(l) }, map[string]float64{"a": 1, "b": 2}},
		{Saturation, func(l float64) float64 { return 2 * (1 - math.Pow(1+l/50, -1.5)) }, map[string]float64{"a": 2, "L0": 50, "gamma": 1.5}},
	} {
		d := Data{L: dyadic(11)}
		d.Cov = make([][]float64, len(d.L))
		for i, l := range d.L {
			d.I = append(d.I, c.curve(l))
			d.Cov[i] = make([]float64, len(d.L))
			d.Cov[i][i] = 1e-4 * c.curve(l) * c.curve(l)
		}
		a, err := Analyze(d, Options{})
		if err != nil {
			t.Fatal(err)
		}
		fits := append([]Fit{*a.Power}, a.Rivals...)
		var own *Fit
		for i := range fits {
			if fits[i].Family == c.family {
				own = &fits[i]
			}
		}
		if own == nil {
			t.Errorf("%s was not fitted", c.family)
			continue
		}
		near(t, string(c.family)+": χ²", own.Chi2, 0, 1e-4)
		for name, want := range c.want {
			p, ok := own.Param(name)
			if !ok {
				t.Errorf("%s has no parameter %s", c.family, name)
			}
			near(t, string(c.family)+": "+name, p.Value, want, 0.02*math.Abs(want))
			if !(p.SE > 0) {
				t.Errorf("%s: no standard error of %s", c.family, name)
			}
		}
		for _, f := range fits {
			if f.Family != c.family && f.Weight > own.Weight {
				t.Errorf("%s has weight %v, the true %s %v", f.Family, f.Weight, c.family, own.Weight)
			}
		}
		// Exact multiples of L are power laws with β = 1.
		if c.family == Power != (a.Verdict == PowerLawHolds) {
			t.Errorf("%s: verdict %s: %s", c.family, a.Verdict, a.Reason)
		}
	}
}
