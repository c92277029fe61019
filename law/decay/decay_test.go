package decay

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/thorough"
	"github.com/l2m-lab/l2m/stats"
)

// decaying makes points on a curve at d = 1, 2, 4, …, with a relative scatter
// tau and a sampling error.
func decaying(rng *rand.Rand, n int, curve func(d float64) float64, tau, se float64) []Point {
	var points []Point
	for i := range n {
		d := 1 << i
		v := curve(float64(d))
		v += tau*v*rng.NormFloat64() + se*rng.NormFloat64()
		p := Point{Distance: d, Value: info.Nats(v), SE: info.Nats(se)}
		if v < 2*se {
			p.LeftOut = BelowFloor
		}
		points = append(points, p)
	}
	return points
}

func TestRecovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	fit, warnings := Fit(decaying(rng, 13, func(d float64) float64 { return 1.5*math.Pow(d, -0.9) + 0.01 }, 0, 1e-6), 0.95)
	if fit == nil {
		t.Fatal(warnings)
	}
	if math.Abs(fit.A-1.5) > 1e-3 || math.Abs(fit.Alpha-0.9) > 1e-3 || math.Abs(fit.Floor-0.01) > 1e-3 || fit.DoF != 10 {
		t.Errorf("%+v, want 1.5·d^−0.9 + 0.01", fit)
	}
	if fit.Chi2 > 40 {
		t.Errorf("χ² = %v for 10 degrees of freedom", fit.Chi2)
	}
	if _, err := json.Marshal(fit); err != nil {
		t.Error(err)
	}
}

// Each family is preferred on its own data: a power law never lacks weight where
// there is one, and nearly always does where there is another.
func TestFamilies(t *testing.T) {
	const runs = 40
	for _, c := range []struct {
		family string
		curve  func(d float64) float64
	}{
		{"power", func(d float64) float64 { return 2 * math.Pow(d, -0.8) }},
		{"exponential", func(d float64) float64 { return 2 * math.Exp(-d/40) }},
		{"broken-power", func(d float64) float64 { return 2 * math.Pow(d, -0.3) * math.Pow(max(1, d/32), -1.2) }},
	} {
		found := 0
		for r := range runs {
			rng := rand.New(rand.NewPCG(uint64(r), 6))
			fit, warnings := Fit(decaying(rng, 13, c.curve, 0.03, 1e-5), 0.95)
			if fit == nil {
				t.Fatalf("%s: %v", c.family, warnings)
			}
			family := "power"
			if better := fit.Better(); better != nil {
				family = better.Family
			}
			if family == c.family {
				found++
			}
		}
		t.Logf("%s: %d of %d", c.family, found, runs)
		if found < runs-4 {
			t.Errorf("%s: found in %d of %d runs", c.family, found, runs)
		}
	}
}

// TestCoverage: intervals of α hold the truth in about 95 % of cases, for
// scatter that swamps sampling errors, and for sampling errors alone.
func TestCoverage(t *testing.T) {
	runs := 40
	if !thorough.Tests() {
		runs = 12
	}
	for name, c := range map[string][2]float64{"scatter": {0.1, 1e-5}, "sampling": {0, 0.002}} {
		covered := 0
		for r := range runs {
			rng := rand.New(rand.NewPCG(uint64(r), 7))
			fit, warnings := Fit(decaying(rng, 12, func(d float64) float64 { return 2 * math.Pow(d, -0.8) }, c[0], c[1]), 0.95)
			if fit == nil {
				t.Fatal(warnings)
			}
			if fit.AlphaInterval != nil && fit.AlphaInterval.Contains(0.8) {
				covered++
			}
		}
		if covered < runs*83/100 {
			t.Errorf("%s: %d of %d intervals hold the truth", name, covered, runs)
		}
		t.Logf("%s: %d of %d", name, covered, runs)
	}
}

// Documents that decay at different paces move all distances together: value of
// block b at d is f(d)·(1 + ε_b·ln d), of mean f(d). Errors of single points say
// nothing of that; intervals over blocks hold the truth. L2M_LONG=1 takes 720 corpora.
func TestCoverageOfDocuments(t *testing.T) {
	runs := 60
	switch {
	case os.Getenv("L2M_LONG") != "":
		runs = 720
	case !thorough.Tests():
		runs = 20
	}
	const blocks, pace = 16, 0.06
	covered, alone := 0, 0
	for r := range runs {
		rng := rand.New(rand.NewPCG(uint64(r), 17))
		var points []Point
		eps := make([]float64, blocks)
		mean := 0.0
		for b := range eps {
			eps[b] = pace * rng.NormFloat64()
			mean += eps[b] / blocks
		}
		for i := range 12 {
			d := float64(int(1) << i)
			f := 2 * math.Pow(d, -0.8)
			p := Point{Distance: int(d), Value: info.Nats(f * (1 + mean*math.Log(d)))}
			var without []float64
			for b := range eps {
				v := f * (1 + (mean*blocks-eps[b])/(blocks-1)*math.Log(d))
				without = append(without, v)
				p.Without = append(p.Without, info.Nats(v))
			}
			p.SE = info.Nats(math.Hypot(stats.Jackknife(without), 1e-4*f))
			points = append(points, p)
		}
		contains := func() bool {
			fit, warnings := Fit(points, 0.95)
			if fit == nil || fit.AlphaInterval == nil || fit.AInterval == nil {
				t.Fatal(fit, warnings)
			}
			return fit.AlphaInterval.Contains(0.8)
		}
		if contains() {
			covered++
		}
		for i := range points {
			points[i].Without = nil
		}
		if contains() {
			alone++
		}
	}
	t.Logf("%d of %d intervals hold the truth, %d without blocks", covered, runs, alone)
	// Binomial: 95 % ± 3 % of 60.
	if covered < runs*86/100 {
		t.Errorf("%d of %d intervals hold the truth", covered, runs)
	}
	if thorough.Tests() && alone > runs*85/100 {
		t.Errorf("%d of %d intervals hold the truth without blocks: the test shows nothing", alone, runs)
	}
}

// TestPublishedPoints: two-point information of PG-19 read off the
// figure of the L²M repository (../shared/facts/published.md), where the fit
// with floor is 1.10·d^−0.91.
func TestPublishedPoints(t *testing.T) {
	y := []float64{2.05, .734, .213, .0970, .0739, .0404, .0250, .0157, .00891, .00453, .00194, .00079, .00075}
	var points []Point
	for i, v := range y {
		points = append(points, Point{Distance: 1 << i, Value: info.Nats(v), SE: 1e-5})
	}
	fit, warnings := Fit(points, 0.95)
	if fit == nil {
		t.Fatal(warnings)
	}
	if !fit.AlphaInterval.Contains(0.91) {
		t.Errorf("α = %v, interval %+v, published 0.91", fit.Alpha, fit.AlphaInterval)
	}
}

func TestEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	noise := decaying(rng, 10, func(float64) float64 { return 0 }, 0, 1)
	if fit, warnings := Fit(noise, 0.95); fit != nil || len(warnings) == 0 {
		t.Errorf("noise was fitted: %+v", fit)
	}
	if fit, warnings := Fit(nil, 0.95); fit != nil || len(warnings) == 0 {
		t.Errorf("nothing was fitted: %+v", fit)
	}
	points := decaying(rng, 10, func(d float64) float64 { return 1 / d }, 0, 1e-6)
	points[8].LeftOut, points[9].Value = BelowFloor, -0.1
	fit, _ := Fit(points, 0.95)
	if fit == nil || fit.Used[8] || fit.Used[9] || !fit.Used[0] || len(fit.Warnings) == 0 {
		t.Errorf("points under the floor: %+v", fit)
	}
	// All equal, exact zeros in errors, four points: nothing may break.
	for _, c := range []func(d float64) float64{func(float64) float64 { return 1 }, func(d float64) float64 { return 1 / d }} {
		for _, n := range []int{4, 5, 6, 13} {
			fit, _ := Fit(decaying(rng, n, c, 0, 0), 0.95)
			if fit == nil {
				continue
			}
			if _, err := json.Marshal(fit); err != nil {
				t.Errorf("%d points: %v", n, err)
			}
		}
	}
}

// A better rival is named, with its parameters, and follows the points; nothing
// is named where the law is the right one.
func TestBetter(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 0))
	broken := func(d float64) float64 { return 2 * math.Pow(min(d, 30), -1.5) * math.Pow(max(1, d/30), -0.3) }
	fit, _ := Fit(decaying(rng, 15, broken, 0.02, 1e-6), 0.95)
	r := fit.Better()
	if r == nil || r.Family != "broken-power" || !strings.HasPrefix(r.Name(), "a broken power law, d^−1.") {
		t.Fatalf("better is %+v", r)
	}
	if fit.AlphaInterval != nil || !slices.ContainsFunc(fit.Warnings, func(w info.Warning) bool { return w.Code == "rival" }) {
		t.Errorf("warnings %v, interval %v", fit.Warnings, fit.AlphaInterval)
	}
	for _, d := range []float64{1, 10, 30, 100, 10000} {
		if got, want := float64(r.At(d)), broken(d); math.Abs(got/want-1) > 0.1 {
			t.Errorf("at %g the rival is %g, want %g", d, got, want)
		}
	}
	wrong := 0
	for range 40 {
		fit, _ := Fit(decaying(rng, 15, func(d float64) float64 { return 2*math.Pow(d, -1.1) + 0.01 }, 0.05, 1e-6), 0.95)
		if fit.Better() != nil {
			wrong++
		}
	}
	if wrong > 4 { // 19 to 1 should be rarer than 1 in 20
		t.Errorf("a rival was better in %d of 40 samples of the law", wrong)
	}
	for x, want := range map[float64]string{17.43: "17", 1285: "1300", 0.0123: "0.012", 1: "1.0", 99.6: "100", 7: "7.0"} {
		if got := twoDigits(x); got != want {
			t.Errorf("%g is written %s, want %s", x, got, want)
		}
	}
}
