package mi

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"pgregory.net/rapid"
)

// TestGrassbergerG: values of ψ(n) + ½(−1)ⁿ[ψ((n+1)/2) − ψ(n/2)] by SciPy
// 1.17.1 digamma.
func TestGrassbergerG(t *testing.T) {
	for n, want := range map[int64]float64{
		1: -1.2703628454614782, 2: 0.7296371545385218, 3: 0.7296371545385218, 4: 1.3963038212051884,
		5: 1.3963038212051884, 10: 2.304240329141696, 11: 2.3042403291416966, 100: 4.605186851488337,
		1001: 6.907755445648688, 1000000: 13.81551055796444,
	} {
		if got := grassbergerG(n); math.Abs(got-want) > 1e-13 {
			t.Errorf("G(%d) = %v, want %v", n, got, want)
		}
	}
}

// TestEntropyAgainstSciPy: the formulas of the estimators evaluated with NumPy
// and SciPy 1.17.1 (digamma) on three tables of counts.
func TestEntropyAgainstSciPy(t *testing.T) {
	type want struct{ grassberger, plugIn, miller, chao, se, plugInSE float64 }
	for _, c := range []struct {
		counts []int64
		want   want
	}{
		{[]int64{4, 2, 1, 1, 7, 30}, want{1.1595655265276417, 1.082467727573624, 1.1380232831291797, 1.2046622222395789, 0.18113436840841232, 0.15434890357674771}},
		{[]int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, want{3.572947938455524, 2.3025850929940455, 2.7525850929940456, 4.8162205845945, 0, 0}},
		{[]int64{1, 1, 1, 2, 2, 3, 5, 8, 13, 1000}, want{0.22014149444304465, 0.21353673931268097, 0.2178803686563103, 0.2323872343993741, 0.030900227233752752, 0.029562993824672753}},
	} {
		h := HistogramOf(append(c.counts, 0))
		for e, w := range map[EntropyEstimator][2]float64{
			Grassberger: {c.want.grassberger, c.want.se}, PlugIn: {c.want.plugIn, c.want.plugInSE},
			MillerMadow: {c.want.miller, c.want.plugInSE}, ChaoShen: {c.want.chao, c.want.plugInSE},
		} {
			got, err := Entropy(h, e)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(float64(got.Value)-w[0]) > 1e-12 || math.Abs(float64(got.SE)-w[1]) > 1e-8 {
				t.Errorf("%s of %v: %v ± %v, want %v ± %v", e, c.counts, got.Value, got.SE, w[0], w[1])
			}
			if got.Distinct != int64(len(c.counts)) || got.N != h.Total() {
				t.Errorf("%s: %d distinct of %d", e, got.Distinct, got.N)
			}
		}
	}
}

func TestEntropyEdges(t *testing.T) {
	for _, e := range EntropyEstimators() {
		one, err := Entropy(Histogram{{Count: 1000, Times: 1}}, e)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(one.Value)) > 1e-5 || one.SE > 1e-5 {
			t.Errorf("%s of a constant: %v ± %v", e, one.Value, one.SE)
		}
		single, err := Entropy(Histogram{{Count: 1, Times: 1}}, e)
		if err != nil || math.IsNaN(float64(single.Value)) || math.IsInf(float64(single.Value), 0) {
			t.Errorf("%s of one observation: %v, %v", e, single.Value, err)
		}
		for _, h := range []Histogram{nil, {{Count: 0, Times: 3}}, {{Count: -1, Times: 1}}, {{Count: 1, Times: -1}}, {{Count: 5, Times: 0}}} {
			if _, err := Entropy(h, e); err == nil {
				t.Errorf("%s: histogram %v was accepted", e, h)
			}
		}
	}
	if _, err := Entropy(Histogram{{Count: 1, Times: 2}}, "magic"); err == nil {
		t.Error("an unknown estimator was accepted")
	}
}

// TestHistogramOrder: bins in any order and split in two give the same, and
// the histogram is not changed.
func TestHistogramOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.Int64Range(1, 50), 1, 30).Draw(t, "counts")
		h := HistogramOf(counts)
		back := Histogram{}
		for i := len(h) - 1; i >= 0; i-- {
			back = append(back, h[i])
		}
		for _, e := range EntropyEstimators() {
			a, _ := Entropy(h, e)
			b, _ := Entropy(back, e)
			if a != b {
				t.Fatalf("%s: %+v and %+v", e, a, b)
			}
		}
		if len(back) > 1 && back[0].Count < back[1].Count {
			t.Fatal("the histogram was sorted in place")
		}
	})
}

// TestEntropyBias: 200 draws from 500 equal symbols (truth ln 500 = 6.2146).
// The corrected estimators must come far closer than plug-in.
func TestEntropyBias(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	truth := math.Log(500)
	mean := map[EntropyEstimator]float64{}
	const repeats = 200
	for range repeats {
		counts := make([]int64, 500)
		for range 200 {
			counts[rng.IntN(500)]++
		}
		for _, e := range EntropyEstimators() {
			h, err := Entropy(HistogramOf(counts), e)
			if err != nil {
				t.Fatal(err)
			}
			mean[e] += float64(h.Value) / repeats
		}
	}
	plain := truth - mean[PlugIn]
	if plain < 1 {
		t.Fatalf("plug-in is off by %v only", plain)
	}
	for e, least := range map[EntropyEstimator]float64{MillerMadow: 0.25, Grassberger: 0.5, ChaoShen: 0.7} {
		if off := math.Abs(truth - mean[e]); off > (1-least)*plain {
			t.Errorf("%s is off by %.3f, plug-in by %.3f", e, off, plain)
		}
	}
}

// pairs counts n pairs of which a fraction copy has equal ends, from a
// vocabulary of v equal symbols.
func pairs(rng *rand.Rand, v, n int, copies float64) PairCounts {
	left, right, both, shuffled := make([]int64, v), make([]int64, v), make([]int64, v*v), make([]int64, v*v)
	lefts, rights := make([]int, n), make([]int, n)
	for i := range n {
		a, b := rng.IntN(v), rng.IntN(v)
		if rng.Float64() < copies {
			b = a
		}
		lefts[i], rights[i] = a, b
		left[a]++
		right[b]++
		both[a*v+b]++
	}
	for i, j := range rng.Perm(n) {
		shuffled[lefts[i]*v+rights[j]]++
	}
	return PairCounts{Left: HistogramOf(left), Right: HistogramOf(right), Pairs: HistogramOf(both), Shuffled: HistogramOf(shuffled)}
}

// TestTwoPoint: a share c of copies among v equal symbols has the information
// ln v + p₁ ln p₁ + (1−p₁) ln((1−p₁)/(v−1)), p₁ = c + (1−c)/v.
func TestTwoPoint(t *testing.T) {
	const v, copies = 20, 0.3
	p := copies + (1-copies)/v
	truth := math.Log(v) + p*math.Log(p) + (1-p)*math.Log((1-p)/(v-1))
	rng := rand.New(rand.NewPCG(2, 2))
	for _, e := range EntropyEstimators() {
		got, err := TwoPoint(pairs(rng, v, 40000, copies), TwoPointOptions{Estimator: e})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(got.Value)-truth) > 4*float64(got.SE) || got.Below || got.Pairs != 40000 || got.Method != "bound" {
			t.Errorf("%s: %+v, want %v", e, got, truth)
		}
	}
}

// TestIndependentPairs: with nothing to find, the floor is what plug-in reads,
// the difference is zero within FloorSE, and few are taken for information.
func TestIndependentPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	const repeats = 200
	below, square := 0, 0.0
	for range repeats {
		got, err := TwoPoint(pairs(rng, 12, 3000, 0), TwoPointOptions{Estimator: PlugIn, SubtractFloor: true})
		if err != nil {
			t.Fatal(err)
		}
		// (12−1)²/2N = 0.0202 is the bias of plug-in.
		if math.Abs(float64(got.Floor)-0.0202) > 0.02 {
			t.Errorf("floor %v", got.Floor)
		}
		z := float64(got.Value / got.FloorSE)
		square += z * z / repeats
		if got.Below {
			below++
		}
	}
	if below < repeats*9/10 {
		t.Errorf("%d of %d independent cases are below the floor", below, repeats)
	}
	// The noise of the shuffled reading adds to that of the estimate: up to 2.
	if square > 2.6 {
		t.Errorf("mean squared departure is %.2f floor errors", square)
	}
}

func TestTwoPointJackknife(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const v, blocks, n = 5, 10, 2000
	// Blocks of documents that copy to different degrees.
	table := make([][]int64, blocks)
	for b := range table {
		table[b] = make([]int64, v*v)
		for range n {
			x, y := rng.IntN(v), rng.IntN(v)
			if rng.Float64() < 0.05*float64(b) {
				y = x
			}
			table[b][x*v+y]++
		}
	}
	sum := func(without int) PairCounts {
		left, right, both := make([]int64, v), make([]int64, v), make([]int64, v*v)
		for b := range table {
			if b == without {
				continue
			}
			for i, k := range table[b] {
				left[i/v] += k
				right[i%v] += k
				both[i] += k
			}
		}
		return PairCounts{Left: HistogramOf(left), Right: HistogramOf(right), Pairs: HistogramOf(both)}
	}
	c := sum(-1)
	for b := range blocks {
		c.Without = append(c.Without, sum(b))
	}
	got, err := TwoPoint(c, TwoPointOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Method != "jackknife" || !(got.SE > 0) {
		t.Errorf("%+v", got)
	}
	// By hand for the values 1, 2, 4: mean 7/3, Σ(θ−θ̄)² = 14/3, times 2/3.
	if se := jackknife([]float64{1, 2, 4}); math.Abs(se-math.Sqrt(28.0/9)) > 1e-12 {
		t.Errorf("jackknife of 1, 2, 4 is %v", se)
	}
}

func TestTwoPointRefuses(t *testing.T) {
	two := Histogram{{Count: 1, Times: 2}}
	three := Histogram{{Count: 1, Times: 3}}
	for name, c := range map[string]PairCounts{
		"empty":    {},
		"left":     {Left: three, Right: two, Pairs: two},
		"right":    {Left: two, Right: three, Pairs: two},
		"shuffled": {Left: two, Right: two, Pairs: two, Shuffled: three},
		"bad":      {Left: two, Right: two, Pairs: Histogram{{Count: 2, Times: 2}, {Count: -1, Times: 2}}},
		"without":  {Left: two, Right: two, Pairs: two, Without: []PairCounts{{}, {}}},
	} {
		if _, err := TwoPoint(c, TwoPointOptions{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// decaying makes points on a curve at d = 1, 2, 4, …, with a relative scatter
// tau and a sampling error.
func decaying(rng *rand.Rand, n int, curve func(d float64) float64, tau, se float64) []DecayPoint {
	var points []DecayPoint
	for i := range n {
		d := 1 << i
		v := curve(float64(d))
		v += tau*v*rng.NormFloat64() + se*rng.NormFloat64()
		points = append(points, DecayPoint{Distance: d, Value: info.Nats(v), SE: info.Nats(se), Below: v < 2*se})
	}
	return points
}

func TestDecayRecovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	fit, warnings := FitDecay(decaying(rng, 13, func(d float64) float64 { return 1.5*math.Pow(d, -0.9) + 0.01 }, 0, 1e-6), 0.95)
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

// TestDecayFamilies: each family is preferred on its own data.
func TestDecayFamilies(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for want, curve := range map[string]func(d float64) float64{
		"power":       func(d float64) float64 { return 2 * math.Pow(d, -0.8) },
		"exponential": func(d float64) float64 { return 2 * math.Exp(-d/40) },
		"broken-power": func(d float64) float64 {
			return 2 * math.Pow(d, -0.3) * math.Pow(max(1, d/32), -1.2)
		},
	} {
		fit, warnings := FitDecay(decaying(rng, 13, curve, 0.03, 1e-5), 0.95)
		if fit == nil {
			t.Errorf("%s: %v", want, warnings)
			continue
		}
		if fit.Rivals[0].Family != want || fit.Weight > fit.Rivals[0].Weight {
			t.Errorf("%s: weight %.3f with floor; rivals %+v", want, fit.Weight, fit.Rivals)
		}
	}
}

// TestDecayCoverage: intervals of α hold the truth in about 95 % of cases, for
// scatter that swamps sampling errors, and for sampling errors alone.
func TestDecayCoverage(t *testing.T) {
	runs := 40
	if testing.Short() {
		runs = 12
	}
	for name, c := range map[string][2]float64{"scatter": {0.1, 1e-5}, "sampling": {0, 0.002}} {
		covered := 0
		for r := range runs {
			rng := rand.New(rand.NewPCG(uint64(r), 7))
			fit, warnings := FitDecay(decaying(rng, 12, func(d float64) float64 { return 2 * math.Pow(d, -0.8) }, c[0], c[1]), 0.95)
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

// TestDecayOfPublishedPoints: two-point information of PG-19 read off the
// figure of the L²M repository (../shared/facts/published.md), where the fit
// with floor is 1.10·d^−0.91.
func TestDecayOfPublishedPoints(t *testing.T) {
	y := []float64{2.05, .734, .213, .0970, .0739, .0404, .0250, .0157, .00891, .00453, .00194, .00079, .00075}
	var points []DecayPoint
	for i, v := range y {
		points = append(points, DecayPoint{Distance: 1 << i, Value: info.Nats(v), SE: 1e-5})
	}
	fit, warnings := FitDecay(points, 0.95)
	if fit == nil {
		t.Fatal(warnings)
	}
	if !fit.AlphaInterval.Contains(0.91) {
		t.Errorf("α = %v, interval %+v, published 0.91", fit.Alpha, fit.AlphaInterval)
	}
}

func TestDecayEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	noise := decaying(rng, 10, func(float64) float64 { return 0 }, 0, 1)
	if fit, warnings := FitDecay(noise, 0.95); fit != nil || len(warnings) == 0 {
		t.Errorf("noise was fitted: %+v", fit)
	}
	if fit, warnings := FitDecay(nil, 0.95); fit != nil || len(warnings) == 0 {
		t.Errorf("nothing was fitted: %+v", fit)
	}
	points := decaying(rng, 10, func(d float64) float64 { return 1 / d }, 0, 1e-6)
	points[8].Below, points[9].Value = true, -0.1
	fit, _ := FitDecay(points, 0.95)
	if fit == nil || fit.Used[8] || fit.Used[9] || !fit.Used[0] || len(fit.Warnings) == 0 {
		t.Errorf("points under the floor: %+v", fit)
	}
	// All equal, exact zeros in errors, four points: nothing may break.
	for _, c := range []func(d float64) float64{func(float64) float64 { return 1 }, func(d float64) float64 { return 1 / d }} {
		for _, n := range []int{4, 5, 6, 13} {
			fit, _ := FitDecay(decaying(rng, n, c, 0, 0), 0.95)
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
func TestBetterDecay(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 0))
	broken := func(d float64) float64 { return 2 * math.Pow(min(d, 30), -1.5) * math.Pow(max(1, d/30), -0.3) }
	fit, _ := FitDecay(decaying(rng, 15, broken, 0.02, 1e-6), 0.95)
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
		fit, _ := FitDecay(decaying(rng, 15, func(d float64) float64 { return 2*math.Pow(d, -1.1) + 0.01 }, 0.05, 1e-6), 0.95)
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
