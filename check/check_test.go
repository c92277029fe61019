package check_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/mi"
)

// length of the windows of the tests.
const length = 256

// made is one run: windows whose joint loss at position t (from 0) is loss(t), whose
// continuation costs start more nats without its context, and cross more after
// another one, all with noise of sd 0.3 a window.
type made struct {
	loss         func(t int) float64
	start, cross func(ell int) float64
	documents    int
	seed         uint64
}

func (m made) run(t *testing.T, change func(*check.Data)) []check.Finding {
	t.Helper()
	rng := rand.New(rand.NewPCG(m.seed, 1))
	var windows []mi.Window
	for c := range m.documents {
		w := mi.Window{Cluster: c, Marginal: map[int][]float32{}, Cross: map[int][][]float32{}}
		for i := range length {
			w.Joint = append(w.Joint, float32(-m.loss(i)+0.1*rng.NormFloat64()))
		}
		for ell := 2; 2*ell <= length; ell *= 2 {
			own, other := slices.Clone(w.Joint[ell:2*ell]), slices.Clone(w.Joint[ell:2*ell])
			own[0] -= float32(m.start(ell) + 0.3*rng.NormFloat64())
			other[0] -= float32(m.cross(ell) + 0.3*rng.NormFloat64())
			w.Marginal[ell], w.Cross[ell] = own, [][]float32{other}
		}
		windows = append(windows, w)
	}
	stats, err := mi.Collect(context.Background(), mi.InMemory(length, windows), mi.CollectOptions{Ratios: []int{2}})
	if err != nil {
		t.Fatal(err)
	}
	d := check.Data{Windows: len(windows)}
	for _, e := range []mi.Estimator{mi.Paired, mi.Block, mi.VCLUB} {
		s, err := stats.Series(e, 2)
		if err != nil {
			t.Fatal(err)
		}
		d.Series = append(d.Series, s)
	}
	d.LossSums, d.LossCounts = stats.LossSums()
	d.Starts = stats.StartLosses()
	if change != nil {
		change(&d)
	}
	return check.Run(d)
}

func codes(found []check.Finding) (out []check.Code) {
	for _, f := range found {
		out = append(out, f.Code)
	}
	return out
}

func flat(x float64) func(int) float64 { return func(int) float64 { return x } }

// learns makes the loss fall like the logarithm of the position.
func learns(start func(ell int) float64) func(*made) {
	return func(m *made) {
		m.loss = func(t int) float64 { return 3 - 0.4*float64(len(fmt.Sprintf("%b", t+1))) }
		m.start, m.cross = start, func(ell int) float64 { return 1 + 2*start(ell) }
	}
}

func linear(ell int) float64 { return 0.4 * float64(ell) }

func rising(ell int) float64 { return max(3, linear(ell)) }

// beat gives the simple predictor the losses of the model at ell = 8, less excesses on
// every window from a fresh start and after the first part.
func beat(d *check.Data, fresh, after float64) {
	for _, l := range d.Starts {
		if l.Ell != 8 {
			continue
		}
		p := d.Series[0]
		i := slices.IndexFunc(p.Points, func(q mi.Point) bool { return q.Ell == l.Ell })
		s := check.SimpleLoss{Ell: l.Ell}
		for c, v := range l.Sums {
			noise := 0.1 * math.Sin(float64(c))
			s.Fresh = append(s.Fresh, v-l.Counts[c]*(fresh+noise))
			s.After = append(s.After, v-p.Sums[c][i]-l.Counts[c]*(after+noise))
		}
		d.Simple = []check.SimpleLoss{s}
	}
}

// gaining are two mixtures, of which one gains so much in every window, but for noise.
func gaining(nats float64) []check.Mixture {
	m := []check.Mixture{{With: "nonsense", Ell: length / 2}, {With: "something better", Ell: length / 2}}
	for c := range 60 {
		for i, gain := range []float64{-1, nats} {
			m[i].Gains, m[i].Windows = append(m[i].Gains, gain+0.01*math.Sin(float64(c))), append(m[i].Windows, 1)
		}
	}
	return m
}

// TestSimplerBetterSays which way the estimates may be wrong.
func TestSimplerBetterSays(t *testing.T) {
	for _, c := range []struct {
		fresh, after float64
		want         string
	}{{0.5, 0, "too large"}, {0.5, 0.5, "as much with the past as without"}, {0.5, 0.9, "too small"}, {0, 0.5, "too small"}} {
		m := made{loss: flat(2), start: flat(1), cross: flat(2), documents: 60, seed: 1}
		found := m.run(t, func(d *check.Data) { beat(d, c.fresh, c.after) })
		i := slices.IndexFunc(found, func(f check.Finding) bool { return f.Code == check.SimplerBetter })
		if i < 0 || !strings.Contains(found[i].Sentence, c.want) {
			t.Errorf("%g without the past and %g with it: %v, want one that says %q", c.fresh, c.after, found, c.want)
		}
	}
}

// TestFindings: each sign of a wrong model is found when it is planted, and alone;
// a run that keeps the inequalities has none.
func TestFindings(t *testing.T) {
	grow := func(ell int) float64 { return 1 + 0.02*float64(ell) }
	good := made{loss: flat(2), start: grow, cross: func(ell int) float64 { return 2 * grow(ell) }, documents: 60, seed: 1}
	// Its block estimates are zero, since the loss is flat.
	noBlock := func(d *check.Data) {
		d.Series = slices.DeleteFunc(d.Series, func(s mi.Series) bool { return s.Estimator == mi.Block })
	}
	for _, c := range []struct {
		name   string
		change func(*made)
		data   func(*check.Data)
		want   []check.Code
	}{
		{"good", func(*made) {}, noBlock, nil},
		{"above vclub", func(m *made) { m.cross = func(ell int) float64 { return grow(ell) - 0.5 } }, noBlock, []check.Code{check.AboveVCLUB}},
		{"below zero", func(m *made) { m.start, m.cross = flat(-0.5), flat(1) }, noBlock, []check.Code{check.BelowZero}},
		{"falling", func(m *made) { m.start = func(ell int) float64 { return 3 - 0.02*float64(ell) }; m.cross = flat(6) }, noBlock, []check.Code{check.Falling}},
		{"not block", func(*made) {}, nil, []check.Code{check.NotBlock}},
		{"above entropy", func(*made) {}, func(d *check.Data) {
			noBlock(d)
			d.Entropy = []mi.EntropyEstimate{{Value: 0.1, SE: 0.001, N: 1e4, Distinct: 2}, {Value: 0.2, SE: 0.001, N: 1e4, Distinct: 4}}
		}, []check.Code{check.AboveEntropy}},
		{"leakage", func(*made) {}, func(d *check.Data) { noBlock(d); d.Copied = 0.3 }, []check.Code{check.Leakage}},
		{"learning curve", learns(rising), noBlock, []check.Code{check.LearningCurve}},
		{"learning curve at all lengths", learns(linear), func(d *check.Data) {
			noBlock(d)
			d.Beta = &info.Interval{Lo: 0.97, Hi: 1.02}
		}, []check.Code{check.LearningCurve}},
		{"a law of that exponent", learns(linear), func(d *check.Data) {
			noBlock(d)
			d.Beta = &info.Interval{Lo: 0.85, Hi: 1.02}
		}, nil},
		{"faster than length", learns(func(ell int) float64 { return 0.05 * math.Pow(float64(ell), 1.3) }), noBlock, []check.Code{check.LearningCurve}},
		{"exact", learns(rising), func(d *check.Data) { noBlock(d); d.Exact = true }, nil},
		{"short context", func(*made) {}, func(d *check.Data) { noBlock(d); d.Context = 16 }, []check.Code{check.ShortContext}},
		{"long context", func(*made) {}, func(d *check.Data) { noBlock(d); d.Context = length / 2 }, nil},
		{"starts badly", func(*made) {}, func(d *check.Data) { noBlock(d); beat(d, 0.5, 0) }, []check.Code{check.SimplerBetter}},
		{"goes on badly", func(*made) {}, func(d *check.Data) { noBlock(d); beat(d, 0, 0.5) }, []check.Code{check.SimplerBetter}},
		{"as badly either way", func(*made) {}, func(d *check.Data) { noBlock(d); beat(d, 0.5, 0.5) }, []check.Code{check.SimplerBetter}},
		{"gains from a mixture", func(*made) {}, func(d *check.Data) { noBlock(d); d.Mixtures = gaining(0.5) }, []check.Code{check.Improvable}},
		{"gains little", func(*made) {}, func(d *check.Data) { noBlock(d); d.Mixtures = gaining(0.02) }, nil},
		{"gains nothing", func(*made) {}, func(d *check.Data) { noBlock(d); d.Mixtures = gaining(-0.5) }, nil},
		{"beats a simple predictor", func(*made) {}, func(d *check.Data) { noBlock(d); beat(d, -0.5, -0.5) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := good
			c.change(&m)
			if got := codes(m.run(t, c.data)); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// TestBracketed: a headline above the bracket withdraws the verdict, once.
func TestBracketed(t *testing.T) {
	headline := mi.Series{Points: []mi.Point{{Ell: 4, Length: 8, Value: 9, SE: 1}, {Ell: 8, Length: 16, Value: 9, SE: 1}}}
	qualified, withdrawn := check.Finding{Code: "a", Severity: check.Qualifies}, check.Finding{Code: "b", Severity: check.Withdraws}
	for _, c := range []struct {
		upper *mi.End
		found []check.Finding
		want  []check.Code
	}{
		{&mi.End{By: "vclub", Limit: 7.5}, nil, []check.Code{check.AboveBracket}},
		{&mi.End{By: "vclub", Limit: 8.5}, nil, nil},
		{nil, nil, nil},
		{&mi.End{Limit: 7}, []check.Finding{qualified}, []check.Code{check.AboveBracket, "a"}},
		{&mi.End{Limit: 7}, []check.Finding{withdrawn}, []check.Code{"b"}},
	} {
		if got := codes(check.Bracketed(c.found, headline, &mi.Bracket{Ell: 8, Length: 16, Upper: c.upper})); !slices.Equal(got, c.want) {
			t.Errorf("%v, %v: %v, want %v", c.upper, c.found, got, c.want)
		}
	}
	if got := check.Bracketed(nil, headline, nil); got != nil {
		t.Error(got)
	}
}

// TestOrder: what withdraws the verdict comes before what qualifies it.
func TestOrder(t *testing.T) {
	m := made{loss: flat(2), start: flat(1), cross: flat(0), documents: 60, seed: 1}
	if got, want := codes(m.run(t, nil)), []check.Code{check.AboveVCLUB, check.NotBlock}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestSomeCopied: a little of the text in common qualifies the verdict.
func TestSomeCopied(t *testing.T) {
	m := made{loss: flat(2), start: flat(1), cross: flat(2), documents: 60, seed: 1}
	for share, want := range map[float64]check.Severity{0.07: check.Qualifies, 0.3: check.Withdraws} {
		found := m.run(t, func(d *check.Data) { d.Copied = share })
		if i := slices.IndexFunc(found, func(f check.Finding) bool { return f.Code == check.Leakage }); i < 0 || found[i].Severity != want {
			t.Errorf("%g copied: %v", share, found)
		}
	}
}

// TestNothing: without estimates there is nothing to find, and two documents do not
// make a check fail to compute.
func TestNothing(t *testing.T) {
	if got := check.Run(check.Data{Copied: 1}); got != nil {
		t.Error(got)
	}
	two := made{loss: flat(2), start: flat(1), cross: flat(2), documents: 2, seed: 3}
	two.run(t, nil)
}

// TestDocumentStart: a correction that exceeds the error is said.
// TestAboveVCLUBSays whether the excess grows with the window or is what a fresh start
// costs.
func TestAboveVCLUBSays(t *testing.T) {
	for _, c := range []struct {
		excess func(ell int) float64
		want   string
	}{
		{func(int) float64 { return 2 }, "starts afresh"},
		{func(ell int) float64 { return 0.1 * float64(ell) }, "learns within the window"},
	} {
		m := made{loss: flat(2), start: func(ell int) float64 { return 1 + c.excess(ell) }, cross: flat(1), documents: 60, seed: 3}
		found := m.run(t, func(d *check.Data) {
			d.Series = slices.DeleteFunc(d.Series, func(s mi.Series) bool { return s.Estimator == mi.Block })
		})
		if len(found) == 0 || found[0].Code != check.AboveVCLUB || !strings.Contains(found[0].Sentence, c.want) {
			t.Errorf("%v, want one that says %q", found, c.want)
		}
	}
}

func TestDocumentStart(t *testing.T) {
	m := made{loss: flat(2), start: flat(3), cross: flat(6), documents: 60, seed: 1}
	corrected := func(by info.Nats) func(*check.Data) {
		return func(d *check.Data) {
			s := d.Series[0]
			s.Estimator, s.Points = mi.Paired2Gram, slices.Clone(s.Points)
			for i := range s.Points {
				s.Points[i].Value -= by
			}
			d.Series = []mi.Series{d.Series[0], s}
		}
	}
	if got := codes(m.run(t, corrected(1))); !slices.Equal(got, []check.Code{check.DocumentStart}) {
		t.Errorf("a correction of 1 nat: %v", got)
	}
	// Noise that grows with length hides the correction at the longest lengths only.
	for name, from := range map[string]int{"at the shortest length": 1, "at none": 0} {
		got := codes(m.run(t, func(d *check.Data) {
			corrected(0.2)(d)
			for k := range d.Series {
				d.Series[k].Points = slices.Clone(d.Series[k].Points)
				for i := from; i < len(d.Series[k].Points); i++ {
					d.Series[k].Points[i].SE = 10
				}
			}
		}))
		if want := slices.Repeat([]check.Code{check.DocumentStart}, from); !slices.Equal(got, want) {
			t.Errorf("a correction that exceeds the error %s: %v", name, got)
		}
	}
	if got := codes(m.run(t, corrected(0.001))); got != nil {
		t.Errorf("a correction of 0.001 nats: %v", got)
	}
}

// TestCopied: a copy with every 400th symbol changed keeps the share of shingles
// that have none of them, (1 − 64/400); independent text and phrases that the
// training text has often count for nothing.
func TestCopied(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(rng.IntN(4))
		}
		return out
	}
	original := random(200_000)
	near := slices.Clone(original)
	for i := 0; i < len(near); i += 400 {
		near[i] ^= 1
	}
	periodic := slices.Repeat(random(16), 10_000)
	share := func(training, windows []byte) float64 {
		got, err := check.Copied(func(yield func([]byte, error) bool) { yield(training, nil) }, iter.Seq[[]byte](func(yield func([]byte) bool) { yield(windows) }))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got, want := share(original, near), 1-64./400; got < want-0.03 || got > want+0.03 {
		t.Errorf("near-duplicates: %.3f, want %.3f", got, want)
	}
	if got := share(original, random(200_000)); got != 0 {
		t.Errorf("independent: %g", got)
	}
	if got := share(periodic, periodic); got != 0 {
		t.Errorf("periodic: %g", got)
	}
	if got := share(original, original[:10]); got != 0 {
		t.Errorf("shorter than a shingle: %g", got)
	}
}
