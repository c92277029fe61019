package measure

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/result"
)

// small are options for a quick run; the law is not looked at where draws are few.
func small(t *testing.T, paths ...string) Options {
	t.Helper()
	return Options{
		Paths: paths, Out: filepath.Join(t.TempDir(), "run"), Length: 256, MaxWindows: 60, TrainingBytes: 100_000,
		Seed: 1, Draws: 200, Figures: []string{}, TwoPointBytes: -1,
	}
}

// texts writes documents of repeated made-up words, so that past and future
// share something.
func texts(t *testing.T, n, size int) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range n {
		var names []string
		for range 12 {
			b := make([]byte, 3+rng.IntN(6))
			for j := range b {
				b[j] = byte('a' + rng.IntN(26))
			}
			names = append(names, string(b))
		}
		var text strings.Builder
		for text.Len() < size {
			text.WriteString(names[rng.IntN(len(names))] + " ")
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPassesLeaveNoTrace: what is asked for besides the joint pass must not
// change the joint pass. A predictor that remembered other windows would show
// here.
func TestPassesLeaveNoTrace(t *testing.T) {
	dir := texts(t, 16, 3000)
	none, two := 0, 2
	o := small(t, dir)
	o.Cross = &none
	alone, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	o = small(t, dir)
	o.Cross = &two
	beside, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(alone.Loss) != fmt.Sprint(beside.Loss) {
		t.Errorf("losses differ:\nalone  %v\nbeside %v", alone.Loss, beside.Loss)
	}
	// The documents share nothing but letters; within one, twelve names recur.
	for _, s := range beside.Series {
		if s.Estimator == mi.Paired && s.Ratio == 2 {
			last := s.Points[len(s.Points)-1]
			if float64(last.Value) < 10*float64(last.SE) {
				t.Errorf("paired sees %g ± %g nats in texts of twelve recurring names", float64(last.Value), float64(last.SE))
			}
		}
	}
}

// TestRandomBytes: independent bytes carry no information about each other.
func TestRandomBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		b := make([]byte, 24_000)
		for j := range b {
			b[j] = byte(1 + rng.IntN(255))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := small(t, dir)
	o.Format = "bytes"
	o.MaxWindows, o.Draws, o.TrainingBytes = 120, 1000, 500_000
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	claims := 0
	for _, s := range r.Series {
		if s.Law.Verdict == law.PowerLawHolds {
			claims++
			t.Logf("%s at L/ℓ = %d claims a power law: %s", s.Estimator, s.Ratio, s.Law.Reason)
		}
		if s.Estimator != mi.Paired {
			continue
		}
		for _, p := range s.Points {
			// 4 standard errors: one in 16,000 by chance, for 19 estimates; and a
			// ten-thousandth of the future's loss, as the past does save a little, see below.
			if v := math.Abs(float64(p.Value)); v > 4*float64(p.SE)+1e-4*math.Log(255)*float64(p.Length)/2 {
				t.Errorf("paired: %.3g ± %.2g nats at L = %d of random bytes", v, float64(p.SE), p.Length)
			}
		}
	}
	// Within a window the predictor unlearns what it took for rules, so that the
	// past does save a little: less than a thousandth.
	if v := r.Series[0].Law.Verdict; v != law.NoInformation || len(r.Findings) > 0 {
		t.Errorf("the verdict on random bytes is %s, with the findings %v", v, r.Findings)
	}
}

// TestTextsWithoutInformation: independent digits tell nothing, and constant and
// periodic text say what they are.
func TestTextsWithoutInformation(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	rng := rand.New(rand.NewPCG(1, 3))
	for name, c := range map[string]struct {
		text  func(document, i int) byte
		found check.Code
	}{
		"unequal":  {func(int, int) byte { return "0000001112345678"[rng.IntN(16)] }, ""},
		"rare":     {func(int, int) byte { return "0000000001"[rng.IntN(10)] }, ""},
		"binary":   {func(int, int) byte { return byte('0' + rng.IntN(2)) }, ""},
		"constant": {func(int, int) byte { return 'a' }, check.Constant},
		"periodic": {func(document, i int) byte { return "abcdefghij"[(document+i)%10] }, check.Periodic},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for document := range 40 {
				b := make([]byte, 12_000+document) // equal documents are dropped
				for i := range b {
					b[i] = c.text(document, i)
				}
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(document)), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o := small(t, dir)
			o.MaxWindows, o.Draws, o.TrainingBytes = 100, 100, 100_000
			r, err := Run(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if c.found == "" {
				if v := r.Series[0].Law.Verdict; v != law.NoInformation || len(r.Findings) > 0 {
					t.Errorf("the verdict is %s, with the findings %v", v, r.Findings)
				}
			} else if len(r.Findings) != 1 || r.Findings[0].Code != c.found {
				t.Errorf("findings %v, want %s alone", r.Findings, c.found)
			}
		})
	}
}

// TestShortRange: information between neighbours alone is a tiny share of the loss of a
// long second part, as in DNA, but it is not nothing.
func TestShortRange(t *testing.T) {
	for _, c := range []struct {
		nats, se info.Nats // at L = 16
		want     law.Verdict
	}{{0.39, 0.06, law.PowerLawRejected}, {0.2, 0.06, law.NoInformation}, {0.0004, 0.00005, law.NoInformation}} {
		r := &result.Result{Series: []result.Series{{
			Series: mi.Series{Estimator: mi.Paired, Ratio: 2, Points: []mi.Point{{Ell: 8, Length: 16, Value: c.nats, SE: c.se}, {Ell: 8192, Length: 16384, Value: 2.2, SE: 2.4}}},
			Law:    &law.Analysis{Verdict: law.PowerLawRejected},
		}}}
		r.Loss.NatsPerToken = 1.3
		nothing(r, check.Observed{})
		if got := r.Series[0].Law.Verdict; got != c.want {
			t.Errorf("%g ± %g nats at L = 16: %s, want %s", float64(c.nats), float64(c.se), got, c.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := small(t, texts(t, 8, 3000))
	o.Progress = func(p info.Progress) {
		if p.Stage == "scoring" {
			cancel()
		}
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want a cancellation", err)
	}
	o.Progress = nil
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatalf("continuing: %v", err)
	}
}

func TestCommand(t *testing.T) {
	none := 0
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{Paths: []string{"books/"}, Seed: 1}, "l2m measure books/"},
		{Options{Paths: []string{"it's", "a b"}, Seed: 1, Length: 64}, `l2m measure --length 64 'it'\''s' 'a b'`},
		{Options{Paths: []string{"x"}, Seed: 7, Cross: &none, Range: [2]float64{16, 0}}, "l2m measure --cross 0 --seed 7 --range 16: x"},
		{Options{Process: "iid", Seed: 1}, "l2m measure --process iid"},
	} {
		if got := tc.o.Command(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

// A verdict that a check withdraws is withdrawn from the series that leads in the
// end, whichever finding moves it there.
func TestFindingsChangeTheHeadline(t *testing.T) {
	for _, findings := range [][]check.Finding{
		{{Code: check.LearningCurve, Severity: check.Withdraws}, {Code: check.DocumentStart, Severity: check.Qualifies}},
		{{Code: check.LearningCurve, Severity: check.Withdraws}},
		{{Code: check.DocumentStart, Severity: check.Qualifies}},
		{{Code: check.NotBlock, Severity: check.Qualifies}},
	} {
		r := &result.Result{Findings: findings}
		for _, e := range []mi.Estimator{mi.Paired, mi.Block, mi.Paired1Gram, mi.Paired2Gram} {
			r.Series = append(r.Series, result.Series{Series: mi.Series{Estimator: e, Ratio: 2}, Law: &law.Analysis{Verdict: law.PowerLawHolds}})
		}
		applyFindings(r, []mi.Estimator{mi.Paired2Gram, mi.Paired1Gram})
		lead, verdict := mi.Paired, law.PowerLawHolds
		for _, f := range findings {
			if f.Code == check.DocumentStart {
				lead = mi.Paired2Gram
			}
			if f.Severity == check.Withdraws {
				verdict = law.Undecided
			}
		}
		if head := r.Series[0]; head.Estimator != lead || head.Law.Verdict != verdict || len(r.Series) != 4 {
			t.Errorf("%v: %s leads with %s, want %s with %s", findings, head.Estimator, head.Law.Verdict, lead, verdict)
		}
	}
}
