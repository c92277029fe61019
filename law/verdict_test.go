package law

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
)

// effort is the number of runs of a simulation: short by default, long for the
// tables of docs/law.md (L2M_LONG=1).
func effort(short, long int) int {
	if os.Getenv("L2M_LONG") != "" {
		return long
	}
	return short
}

// TestVerdicts: what is said of processes that follow no power law, and of such
// that do, from documents of one window each, scored by their own exact law
// under paired. L2M_LONG=1 makes the table of docs/law.md.
func TestVerdicts(t *testing.T) {
	runs, windows := effort(12, 400), effort(400, 30000)
	half, most := newGaussian(0.5, 0.5, 512, true, 1), newGaussian(0.76, 0.5, 512, true, 1)
	for _, c := range []struct {
		name    string
		gain    func(rng *rand.Rand, length int) []float64
		length  int
		power   bool
		notSaid string // a name that the truth does not bear
	}{
		{"urn of 4 symbols (logarithmic)", urn(4), 1024, false, "levels off"},
		{"urn of 20 symbols (logarithmic)", urn(20), 1024, false, "levels off"},
		{"renewal, P(gap > k) = (1+k)^−1.5 (bounded)", renewal(1.5), 1024, false, "a logarithm"},
		{"renewal, P(gap > k) = (1+k)^−2.5 (bounded)", renewal(2.5), 1024, false, "a logarithm"},
		{"power-law Gaussian, β = 0.5", half.gain, 512, true, "levels off"},
		{"power-law Gaussian, β = 0.76", most.gain, 512, true, "levels off"},
	} {
		p := newPool(1, windows, c.length, c.gain)
		for _, n := range []int{12, 20, 60, 200} {
			verdicts, named, from := map[Verdict]int{}, 0, 0
			for r := range runs {
				a := analyze(t, p.documents(rand.New(rand.NewPCG(uint64(r), 5)), n), Options{Draws: 99, Seed: uint64(r)})
				verdicts[a.Verdict]++
				if a.From > 0 && a.Verdict == PowerLawHolds {
					from++
				}
				if strings.Contains(a.Reason, c.notSaid) {
					named++
				}
			}
			what := fmt.Sprintf("%s, %d documents", c.name, n)
			t.Logf("%s: %v, of the power laws %d from some length on; said %q %d times", what, verdicts, from, c.notSaid, named)
			law := float64(verdicts[PowerLawHolds]) / float64(runs)
			switch {
			case n < manyClusters:
				within(t, what+": power law", law, runs, 0, 0)
			case !c.power:
				within(t, what+": power law", law, runs, 0, 0.05)
			case n == 60:
				within(t, what+": power law", law, runs, 0.85, 1)
			}
			if n >= manyClusters {
				within(t, what+": "+c.notSaid, float64(named)/float64(runs), runs, 0, 0.05)
			}
		}
	}
}

// TestVague: an exponent that is not known to within a half is no law; one that is, is.
func TestVague(t *testing.T) {
	power := func(l float64) float64 { return 0.2 * math.Pow(l, 0.7) }
	said := map[bool]map[Verdict]int{true: {}, false: {}}
	for r := range 60 {
		spread := []float64{1, 8}[r%2] // of documents, in units of the information
		d := noisy(rand.New(rand.NewPCG(uint64(r), 13)), 60, dyadic(6), power, func(l float64) float64 { return spread * power(l) }, 0.3)
		a := analyze(t, d, Options{Draws: 99})
		if a.Verdict == NoInformation {
			continue
		}
		beta, _ := a.Power.Param("beta")
		said[beta.Interval.Hi-beta.Interval.Lo > 0.5][a.Verdict]++
	}
	t.Log(said)
	if vague := said[true]; vague[PowerLawHolds] > 0 || vague[Undecided] < 10 || said[false][PowerLawHolds] < 10 {
		t.Errorf("vague exponents %v, others %v", vague, said[false])
	}
}

// TestNames: growth is called by its name where the data show it.
func TestNames(t *testing.T) {
	level := func(l float64) float64 { return 3 * (1 - math.Pow(1+l/8, -1.5)) }
	for _, c := range []struct {
		curve func(l float64) float64
		want  string
	}{
		{func(l float64) float64 { return 1 + 0.8*math.Log(l) }, "A logarithm"},
		{level, "A curve that levels off"},
		{func(l float64) float64 { return 2 + 0.1*math.Pow(l, 0.8) }, "A power law with an offset"},
	} {
		said := 0
		const runs = 20
		for r := range runs {
			d := noisy(rand.New(rand.NewPCG(uint64(r), 9)), 100, dyadic(10), c.curve, func(l float64) float64 { return 0.2 * c.curve(l) }, 0.8)
			if a := analyze(t, d, Options{Draws: 19}); strings.Contains(strings.ToLower(a.Reason), strings.ToLower(c.want)) {
				said++
			} else if a.Verdict == PowerLawHolds {
				t.Errorf("%s: %s", c.want, a.Reason)
			}
		}
		if said < runs/2 {
			t.Errorf("%q was said in %d of %d runs", c.want, said, runs)
		}
	}
}

// bent is a power law of exponent 0.7 that shorter lengths, of a few bytes, do
// not follow.
func bent(l float64) float64 { return math.Pow(l, 0.7) * (1 - math.Exp(-l/20)) }

// TestScalingRange: the range from which on a power law holds is found, and the
// interval of the exponent, which counts that choice, holds the truth.
func TestScalingRange(t *testing.T) {
	runs := effort(20, 500)
	for _, n := range []int{25, 60, 200} {
		found, covered, laws := 0, 0, 0
		chosen := map[float64]int{}
		for r := range runs {
			d := noisy(rand.New(rand.NewPCG(uint64(r), 11)), n, dyadic(12), bent, func(l float64) float64 { return 0.5 * bent(l) }, 0.9)
			a := analyze(t, d, Options{Draws: effort(99, 999), Seed: uint64(r)})
			if a.From == 0 {
				continue
			}
			found++
			chosen[a.From]++
			if a.Verdict == PowerLawHolds {
				laws++
			}
			if used := slices.Index(a.Used, true); d.L[used] != a.From || !strings.Contains(a.Reason, "From L = ") {
				t.Fatalf("from %g, used %v: %s", a.From, a.Used, a.Reason)
			}
			if beta, _ := a.Power.Param("beta"); beta.Interval.Contains(0.7) {
				covered++
			}
		}
		name := fmt.Sprintf("%d documents: found in %d of %d, a law in %d, from %v, coverage %.3f", n, found, runs, laws, chosen, float64(covered)/float64(found))
		t.Log(name)
		if found < runs/3 {
			t.Error(name)
		}
		within(t, name, float64(covered)/float64(found), found, 0.92, 1)
	}
	d := noisy(rand.New(rand.NewPCG(1, 11)), 60, dyadic(12), bent, func(l float64) float64 { return 0.2 * bent(l) }, 0.9)
	if a := analyze(t, d, Options{Draws: 19, Range: [2]float64{4, 1e6}}); a.From != 0 || slices.Contains(a.Used, false) {
		t.Errorf("a range that the user chose was changed: from %g", a.From)
	}
}

// heavy draws documents whose information differs by a factor that is
// exp(sigma·normal), of 1 to most windows each.
func heavy(rng *rand.Rand, n int, sigma float64, most int) Data {
	lengths := dyadic(9)
	d := Data{L: lengths, I: make([]float64, len(lengths))}
	total := 0.0
	for range n {
		size := float64(1 + rng.IntN(most))
		factor := math.Exp(sigma*rng.NormFloat64() - sigma*sigma/2)
		sums, counts, z := make([]float64, len(lengths)), make([]float64, len(lengths)), rng.NormFloat64()
		for i, l := range lengths {
			z = 0.8*z + 0.6*rng.NormFloat64()
			sums[i], counts[i] = size*math.Pow(l, 0.7)*(factor*(1+0.15*z)), size
			d.I[i] += sums[i]
		}
		total += size
		d.Sums, d.Counts = append(d.Sums, sums), append(d.Counts, counts)
	}
	for i := range d.I {
		d.I[i] /= total
	}
	return d
}

// TestFewDocuments: the interval of the exponent holds the truth in at least
// 92 % of runs from five documents on, in 93 % from twenty on, on light- and
// heavy-tailed documents of equal and of unequal size; below five there is none.
func TestFewDocuments(t *testing.T) {
	runs := effort(20, 1000)
	for _, c := range []struct {
		sigma float64
		most  int
	}{{0.2, 1}, {0.2, 24}, {1, 1}, {1, 24}} {
		for _, n := range []int{5, 10, 20, 60} {
			covered, given := 0, 0
			for r := range runs {
				a := analyze(t, heavy(rand.New(rand.NewPCG(uint64(r), 13)), n, c.sigma, c.most), Options{Draws: effort(99, 499), Seed: uint64(r)})
				if a.Power == nil {
					continue
				}
				given++
				if beta, _ := a.Power.Param("beta"); beta.Interval.Contains(0.7) {
					covered++
				}
				if a.Verdict == PowerLawHolds && n < manyClusters {
					t.Fatalf("%d documents: %s", n, a.Reason)
				}
			}
			least := 0.92
			if n >= manyClusters {
				least = 0.93
			}
			name := fmt.Sprintf("σ = %g, 1 to %d windows, %d documents", c.sigma, c.most, n)
			t.Logf("%s: %.3f of %d", name, float64(covered)/float64(given), given)
			within(t, name, float64(covered)/float64(given), given, least, 1)
			within(t, name+": given", float64(given)/float64(runs), runs, 0.99, 1)
		}
	}
	a := analyze(t, heavy(rand.New(rand.NewPCG(1, 13)), 4, 0.2, 1), Options{Draws: 19})
	if beta, _ := a.Power.Param("beta"); beta.Interval != nil || !slices.ContainsFunc(a.Warnings, func(w info.Warning) bool { return w.Code == "no-interval" }) {
		t.Errorf("four documents: %+v, %v", beta, a.Warnings)
	}
}

// TestNoSpreadAtOneLength excludes that length, not the fit.
func TestNoSpreadAtOneLength(t *testing.T) {
	d := noisy(rand.New(rand.NewPCG(3, 3)), 40, dyadic(9), power(1, 0.7), power(0.3, 0.7), 0.6)
	d.I[0] = 1
	for c := range d.Sums {
		d.Sums[c][0] = 1
	}
	a := analyze(t, d, Options{Draws: 99})
	if a.Used[0] || !a.Used[1] || a.Power == nil || !slices.ContainsFunc(a.Warnings, func(w info.Warning) bool { return w.Code == "no-spread" }) {
		t.Errorf("used %v, warnings %v", a.Used, a.Warnings)
	}
}
