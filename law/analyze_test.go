package law

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func power(a, beta float64) func(float64) float64 {
	return func(l float64) float64 { return a * math.Pow(l, beta) }
}

func analyze(t *testing.T, d Data, o Options) *Analysis {
	t.Helper()
	a, err := Analyze(d, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Used) != len(d.L) || a.Reason == "" || a.Verdict == "" {
		t.Fatalf("incomplete analysis: %+v", a)
	}
	if _, err := json.Marshal(a); err != nil {
		t.Fatalf("cannot be written as JSON: %v", err)
	}
	return a
}

func TestDegenerateData(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	flat := func(float64) float64 { return 0 }
	constant := noisy(rng, 30, dyadic(8), power(0.3, 0.2), flat, 0) // aaaa…: every document the same
	zeros := noisy(rng, 30, dyadic(8), flat, flat, 0)
	one := noisy(rng, 1, dyadic(8), power(1, 0.5), power(1, 0.5), 0)
	short := noisy(rng, 30, dyadic(2), power(1, 0.5), power(0.1, 0.5), 0)
	negative := noisy(rng, 50, dyadic(8), power(-1, 0.5), power(0.5, 0.5), 0.3)
	identical := noisy(rng, 30, dyadic(8), power(1, 0.5), power(0.2, 0.5), 1) // perfectly correlated
	singular := Data{L: dyadic(4), I: []float64{1, 2, 3, 4}, Cov: [][]float64{{1, 2, 0, 0}, {2, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}}
	for _, c := range []struct {
		name string
		data Data
		want []Verdict
		code string
	}{
		{"constant text", constant, []Verdict{Undecided}, "no-spread"},
		{"zeros", zeros, []Verdict{NoInformation}, ""},
		{"one document", one, []Verdict{Undecided}, "one-cluster"},
		{"errors unknown", Data{L: dyadic(8), I: one.I}, []Verdict{Undecided}, "no-errors"},
		{"two lengths", short, []Verdict{Undecided}, "too-few-lengths"},
		{"no lengths", Data{}, []Verdict{Undecided}, "no-errors"},
		{"negative", negative, []Verdict{NoInformation}, ""},
		{"perfectly correlated", identical, []Verdict{PowerLawHolds, PowerLawRejected, Undecided}, ""},
		{"impossible covariance", singular, []Verdict{PowerLawHolds, PowerLawRejected, NoInformation, Undecided}, ""},
	} {
		a := analyze(t, c.data, Options{Draws: 200})
		if !slices.Contains(c.want, a.Verdict) {
			t.Errorf("%s: verdict %s (%s), want %v", c.name, a.Verdict, a.Reason, c.want)
		}
		found := c.code == ""
		for _, w := range a.Warnings {
			found = found || w.Code == c.code
		}
		if !found {
			t.Errorf("%s: no warning %s among %+v", c.name, c.code, a.Warnings)
		}
	}
	if a := analyze(t, negative, Options{Draws: 100}); !strings.Contains(a.Reason, "below zero") {
		t.Errorf("negative estimates: %s", a.Reason)
	}
}

func TestBadData(t *testing.T) {
	nan := math.NaN()
	for name, d := range map[string]Data{
		"counts":       {L: []float64{1, 2}, I: []float64{1}},
		"order":        {L: []float64{2, 1}, I: []float64{1, 1}},
		"zero length":  {L: []float64{0, 1}, I: []float64{1, 1}},
		"nan":          {L: []float64{1, 2}, I: []float64{1, nan}},
		"cov shape":    {L: []float64{1, 2}, I: []float64{1, 1}, Cov: [][]float64{{1, 0}}},
		"cov row":      {L: []float64{1, 2}, I: []float64{1, 1}, Cov: [][]float64{{1}, {0, 1}}},
		"cov nan":      {L: []float64{1, 2}, I: []float64{1, 1}, Cov: [][]float64{{1, nan}, {0, 1}}},
		"sums alone":   {L: []float64{1, 2}, I: []float64{1, 1}, Sums: [][]float64{{1, 1}}},
		"sums, counts": {L: []float64{1, 2}, I: []float64{1, 1}, Sums: [][]float64{{1, 1}, {1, 1}}, Counts: [][]float64{{1, 1}}},
	} {
		if _, err := Analyze(d, Options{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := Analyze(Data{}, Options{Level: 1}); err == nil {
		t.Error("level 1 was accepted")
	}
}

// Documents that all but one have nothing leave a variance of nothing, of which
// rounding once made a negative one.
func TestNoVariance(t *testing.T) {
	data := Data{
		L: dyadic(3), I: make([]float64, 3),
		Sums:   [][]float64{{0, 0.08570244183411546, -4.1382008930668235e-10}, {1, 1, 1}, {0, -2.63599119194475e-15, 0}},
		Counts: [][]float64{{2, 2, 2}, {3, 3, 3}, {3, 3, 3}},
	}
	for _, sums := range data.Sums {
		for i, x := range sums {
			data.I[i] += x / 8
		}
	}
	a, err := Analyze(data, Options{Draws: 30})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(a); err != nil {
		t.Error(err)
	}
}

// TestNothingBreaks: no finite data lead to an error, a panic, or a number
// that JSON cannot hold.
func TestNothingBreaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(0, 7).Draw(t, "lengths"), rapid.IntRange(0, 24).Draw(t, "clusters")
		value := rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Float64Range(-1e-9, 1e-9), rapid.Just(0.0), rapid.Just(1.0))
		data := Data{L: dyadic(n), I: make([]float64, n), Sums: [][]float64{}, Counts: [][]float64{}}
		total := 0.0
		for range d {
			w := float64(rapid.IntRange(1, 5).Draw(t, "windows"))
			total += w
			sums := rapid.SliceOfN(value, n, n).Draw(t, "sums")
			counts := make([]float64, n)
			for i := range n {
				counts[i] = w
				data.I[i] += sums[i]
			}
			data.Sums, data.Counts = append(data.Sums, sums), append(data.Counts, counts)
		}
		for i := range n {
			data.I[i] /= max(1, total)
		}
		a, err := Analyze(data, Options{Draws: 30})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(a); err != nil {
			t.Fatalf("%v: %+v", err, a)
		}
	})
}

// TestScaling: information in another unit multiplies A, lengths in another
// unit multiply A by the unit to the power −β; β, χ² and weights stay.
func TestScaling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		d := noisy(rng, rapid.IntRange(5, 60).Draw(t, "clusters"), dyadic(9), power(1, 0.7), power(0.5, 0.7), 0.6)
		c, u := rapid.Float64Range(0.1, 10).Draw(t, "nats"), rapid.Float64Range(0.2, 5).Draw(t, "tokens")
		e := Data{Counts: d.Counts}
		for i := range d.L {
			e.L, e.I = append(e.L, u*d.L[i]), append(e.I, c*d.I[i])
		}
		for _, row := range d.Sums {
			scaled := slices.Clone(row)
			for i := range scaled {
				scaled[i] *= c
			}
			e.Sums = append(e.Sums, scaled)
		}
		a, err := Analyze(d, Options{Draws: 50})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Analyze(e, Options{Draws: 50})
		if err != nil {
			t.Fatal(err)
		}
		same := func(what string, x, y float64) {
			if math.Abs(x-y) > 1e-5*(1+math.Abs(x)) {
				t.Fatalf("%s: %v and %v", what, x, y)
			}
		}
		same("β", a.Law.Beta, b.Law.Beta)
		same("A", a.Law.A*c*math.Pow(u, -a.Law.Beta), b.Law.A)
		same("χ²", a.Power.Chi2, b.Power.Chi2)
		same("lower end of β", a.Power.Params[1].Interval.Lo, b.Power.Params[1].Interval.Lo)
		same("weight", a.Power.Weight, b.Power.Weight)
		if a.Verdict != b.Verdict {
			t.Fatalf("verdicts %s and %s", a.Verdict, b.Verdict)
		}
	})
}

// TestClusterOrder: the fit does not depend on the order of the clusters.
func TestClusterOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	d := noisy(rng, 40, dyadic(9), power(1, 0.7), power(1, 0.7), 0.6)
	a := analyze(t, d, Options{Draws: 100})
	e := d
	e.Sums, e.Counts = slices.Clone(d.Sums), slices.Clone(d.Counts)
	slices.Reverse(e.Sums)
	slices.Reverse(e.Counts)
	b := analyze(t, e, Options{Draws: 100})
	near(t, "β", b.Law.Beta, a.Law.Beta, 1e-9)
	near(t, "SE", b.Power.Params[1].SE, a.Power.Params[1].SE, 1e-9)
}

// TestSameSeedSameBytes also checks that data are not changed.
func TestSameSeedSameBytes(t *testing.T) {
	d := noisy(rand.New(rand.NewPCG(6, 6)), 300, dyadic(9), power(1, 0.7), power(1, 0.7), 0.6)
	before, _ := json.Marshal(d)
	encode := func(seed uint64) []byte {
		b, err := json.Marshal(analyze(t, d, Options{Draws: 200, Seed: seed}))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := encode(1)
	if !bytes.Equal(first, encode(1)) {
		t.Error("the same seed gave other bytes")
	}
	if bytes.Equal(first, encode(2)) {
		t.Error("another seed gave the same bytes: the seed is not used")
	}
	if after, _ := json.Marshal(d); !bytes.Equal(before, after) {
		t.Error("the data were changed")
	}
}

// TestRange: points outside the range are not used and do not matter.
func TestRange(t *testing.T) {
	d := noisy(rand.New(rand.NewPCG(7, 7)), 40, dyadic(10), power(1, 0.7), power(0.3, 0.7), 0.6)
	a := analyze(t, d, Options{Draws: 50, Range: [2]float64{16, 512}})
	if want := []bool{false, false, true, true, true, true, true, true, false, false}; !slices.Equal(a.Used, want) {
		t.Errorf("used %v, want %v", a.Used, want)
	}
	e := d
	e.I = slices.Clone(d.I)
	e.I[0], e.I[9] = -100, 1e5
	if b := analyze(t, e, Options{Draws: 50, Range: [2]float64{16, 512}}); b.Law.Beta != a.Law.Beta {
		t.Errorf("points out of range changed β from %v to %v", a.Law.Beta, b.Law.Beta)
	}
}

// TestNonPositiveEstimatesStay: an estimate below zero keeps its weight.
func TestNonPositiveEstimatesStay(t *testing.T) {
	d := noisy(rand.New(rand.NewPCG(8, 8)), 60, dyadic(9), power(0.02, 1), func(float64) float64 { return 5 }, 0)
	if d.I[0] > 0 && d.I[1] > 0 && d.I[2] > 0 {
		t.Fatalf("the example has no estimate below zero: %v", d.I)
	}
	a := analyze(t, d, Options{Draws: 200})
	if slices.Contains(a.Used, false) {
		t.Errorf("points were dropped: %v", a.Used)
	}
	p, _ := a.Power.Param("beta")
	if !p.Interval.Contains(1) {
		t.Errorf("interval of β %+v does not hold 1", p.Interval)
	}
}

func TestLocalExponents(t *testing.T) {
	d := noisy(rand.New(rand.NewPCG(9, 9)), 200, dyadic(6), power(1, 0.6), power(0.2, 0.6), 0.5)
	a := analyze(t, d, Options{Draws: 50})
	if len(a.Local) != 5 {
		t.Fatalf("%d local exponents, want 5", len(a.Local))
	}
	for _, l := range a.Local {
		if math.Abs(l.Exponent-0.6) > 5*l.SE || !(l.SE > 0) || l.To != 2*l.From {
			t.Errorf("%+v: expected 0.6 within five errors", l)
		}
		near(t, "middle of the interval", (l.Interval.Lo+l.Interval.Hi)/2, l.Exponent, 1e-9)
	}
}

// A curve that levels off is called so once it is near its limit, whichever family
// describes it.
func TestLevel(t *testing.T) {
	near := Fit{Family: OffsetPower, Params: []Param{param("A", -1), param("beta", -0.5), param("c", 3)}}
	rising := Fit{Family: OffsetPower, Params: []Param{param("A", 1), param("beta", 0.4), param("c", 3)}}
	far := Fit{Family: Saturation, Params: []Param{param("a", 1), param("L0", 1e6), param("gamma", 1)}}
	there := Fit{Family: Saturation, Params: []Param{param("a", 1), param("L0", 10), param("gamma", 1)}}
	for i, c := range []struct {
		fit  Fit
		want bool
	}{{near, true}, {rising, false}, {far, false}, {there, true}} {
		if got := c.fit.level(1000); got != c.want {
			t.Errorf("curve %d: %v", i, got)
		}
	}
}

// Estimates that grow faster than length are not zero because the short lengths
// are: residues of 200 yeast proteins in random order, whose shares the built-in
// predictor learns (3.3 ± 0.6 nats at L = 1,024, the atlas in docs).
func TestSteepGrowthIsMeasurable(t *testing.T) {
	d := Data{
		L: []float64{32, 64, 128, 256, 512, 1024}, I: []float64{0.023, 0.0398, 0.1553, 0.5904, 1.3623, 3.2698},
		Cov: [][]float64{
			{0.000303, 6.01e-05, 0.000253, 0.000518, 0.0013, 0.00239},
			{6.01e-05, 0.000525, 0.000718, 0.00153, 0.0039, 0.00741},
			{0.000253, 0.000718, 0.00356, 0.0067, 0.0168, 0.031},
			{0.000518, 0.00153, 0.0067, 0.0189, 0.0432, 0.0806},
			{0.0013, 0.0039, 0.0168, 0.0432, 0.116, 0.209},
			{0.00239, 0.00741, 0.031, 0.0806, 0.209, 0.409},
		},
		Unit: "token", Source: "test",
	}
	a, err := Analyze(d, Options{Draws: -1})
	if err != nil {
		t.Fatal(err)
	}
	if a.Verdict != PowerLawRejected {
		t.Errorf("%s: %s", a.Verdict, a.Reason)
	}
}
