package compare

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
)

// predictor is the best linear prediction of a Gaussian process of variance 1 from t
// values, t < length: coefficients on the last, second last, … value, and the variance
// of its error.
type predictor struct {
	on       [][]float64
	variance []float64
}

// powerLawProcess has I(ell; 2·ell) = b·(2 − 2^beta)·ell^beta at every ell: its partial
// autocorrelations a_k have −½·ln(1 − a_k²) = −b·[(k+1)^beta − 2k^beta + (k−1)^beta]
// (docs/processes.md). Durbin's recursion gives the predictors.
func powerLawProcess(b, beta float64, length int) predictor {
	p := predictor{on: [][]float64{nil}, variance: []float64{1}}
	pow := func(k int) float64 { return math.Pow(float64(k), beta) }
	for k := 1; k < length; k++ {
		a := math.Sqrt(-math.Expm1(2 * b * (pow(k+1) - 2*pow(k) + pow(k-1))))
		before := p.on[k-1]
		on := make([]float64, k)
		for j := range before {
			on[j] = before[j] - a*before[k-2-j]
		}
		on[k-1] = a
		p.on, p.variance = append(p.on, on), append(p.variance, p.variance[k-1]*(1-a*a))
	}
	return p
}

func (p predictor) mean(past []float64) (m float64) {
	for j, c := range p.on[len(past)] {
		m += c * past[len(past)-1-j]
	}
	return m
}

// logProbs are those of tokens in a model that shrinks every prediction by shrink and
// multiplies its variance by heat, 0 and 1 for the exact one.
func (p predictor) logProbs(tokens []float64, shrink, heat float64) []float32 {
	out := make([]float32, len(tokens))
	for t, x := range tokens {
		v, e := heat*p.variance[t], x-(1-shrink)*p.mean(tokens[:t])
		out[t] = float32(-0.5*math.Log(2*math.Pi*v) - e*e/(2*v))
	}
	return out
}

// sampledWindows are windows of one document each, scored by a model.
type sampledWindows struct {
	p            predictor
	tokens       [][]float64
	shrink, heat float64
}

func (s sampledWindows) Length() int { return len(s.tokens[0]) }

func (s sampledWindows) Each(yield func(mi.Window) error) error {
	for i, x := range s.tokens {
		w := mi.Window{Cluster: i, Joint: s.p.logProbs(x, s.shrink, s.heat), Marginal: map[int][]float32{}}
		for ell := 2; 2*ell <= len(x); ell *= 2 {
			w.Marginal[ell] = s.p.logProbs(x[ell:2*ell], s.shrink, s.heat)
		}
		if err := yield(w); err != nil {
			return err
		}
	}
	return nil
}

// sampleFamily scores windows of the process by several damaged models.
func sampleFamily(t *testing.T, seed uint64, p predictor, windows int, shrink, heat []float64) family {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	var tokens [][]float64
	for range windows {
		var x []float64
		for k := range p.variance {
			x = append(x, p.mean(x)+math.Sqrt(p.variance[k])*rng.NormFloat64())
		}
		tokens = append(tokens, x)
	}
	var all []*mi.Statistics
	var runs []int
	for i := range shrink {
		s, err := mi.Collect(t.Context(), sampledWindows{p, tokens, shrink[i], heat[i]}, mi.CollectOptions{Ratios: []int{2}})
		if err != nil {
			t.Fatal(err)
		}
		all, runs = append(all, s), append(runs, i)
	}
	f, err := newFamily(runs, all)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Models that shrink the exact prediction m_t of a power-law process by δ lose
// D(t) = δ²·(1 − v_t)/(2·v_t) nats, in which only δ² differs between them: one shape. The
// law at the exact loss is then the exact one, with intervals that hold it, though each
// model's own exponent is too small.
func TestLawAtTheExactLoss(t *testing.T) {
	const beta, b, length, windows, rounds = 0.7, 0.5, 64, 250, 24
	p := powerLawProcess(b, beta, length)
	ideal := 0.0 // nats per token
	for _, v := range p.variance {
		ideal += 0.5 * math.Log(2*math.Pi*math.E*v) / length
	}
	exact := b * (2 - math.Exp2(beta)) * math.Pow(length/2, beta)
	held, missed, mean, bias := 0, 0, 0.0, 0.0
	for round := range rounds {
		f := sampleFamily(t, uint64(round), p, windows, []float64{0.5, 0.9, 0.7}, []float64{1, 1, 1})
		e, err := f.extrapolate(ideal, Bootstrap{Draws: 300})
		if err != nil || e.Reason != "" {
			t.Fatal(err, e.Reason)
		}
		if e.Runs[0].Run != 1 || e.Runs[1].Run != 2 || e.Runs[2].Run != 0 {
			t.Fatalf("the models are not in order of their loss: %+v", e.Runs)
		}
		if e.Ideal.Beta.Interval.Contains(beta) {
			held++
		}
		if !e.Runs[2].Beta.Interval.Contains(beta) {
			missed++
		}
		mean += e.Ideal.Beta.Value / rounds
		bias += e.Runs[2].Beta.Value / rounds
		if math.Abs(e.Ideal.Nats.Value-exact) > 5*e.Ideal.Nats.SE {
			t.Errorf("%g nats at the exact loss, exactly %g", e.Ideal.Nats.Value, exact)
		}
	}
	t.Logf("β %.3f at the exact loss, %.3f for the best model, exactly %g; held in %d of %d, missed by the best model in %d", mean, bias, beta, held, rounds, missed)
	if math.Abs(mean-beta) > 0.02 || bias > beta-0.02 {
		t.Errorf("the mean exponent is %g at the exact loss and %g for the best model, exactly %g", mean, bias, beta)
	}
	// 95 % of 24, less four standard errors of 4.4 %.
	if held < rounds*77/100 {
		t.Errorf("the interval held the exponent in %d of %d", held, rounds)
	}
}

// Models that are too unsure by the same factor everywhere lose as much at every length
// of context: the line is flat, and nothing of the exponent is missing.
func TestLossThatTakesNothing(t *testing.T) {
	f := sampleFamily(t, 1, powerLawProcess(0.5, 0.7, 64), 120, []float64{0, 0, 0}, []float64{1.2, 1.5, 2})
	e, err := f.extrapolate(f[len(f)-1].loss-0.01, Bootstrap{Draws: 300})
	if err != nil || e.Reason != "" {
		t.Fatal(err, e.Reason)
	}
	for what, x := range map[string]info.Estimate{"gain": e.Gain, "missing": *e.Missing} {
		if !x.Interval.Contains(0) {
			t.Errorf("%s is %+v", what, x)
		}
	}
}

// Where there is no line, there is a reason.
func TestFamiliesThatAreNone(t *testing.T) {
	p := powerLawProcess(0.5, 0.7, 64)
	for want, f := range map[string]family{
		"needs 3":          sampleFamily(t, 1, p, 60, []float64{0, 0.5}, []float64{1, 1}),
		"equal within":     sampleFamily(t, 1, p, 60, []float64{0.2, 0.2, 0.2}, []float64{1, 1, 1}),
		"in one direction": sampleFamily(t, 1, p, 120, []float64{0.5, 0, 0.6}, []float64{1, 3, 4}),
	} {
		e, err := f.extrapolate(0, Bootstrap{Draws: 100})
		if err != nil || !strings.Contains(e.Reason, want) || e.Lowest != nil {
			t.Errorf("want %q: %v, %+v", want, err, e)
		}
	}
}
