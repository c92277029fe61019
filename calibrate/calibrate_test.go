package calibrate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/check"
	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/pagetest"
	"github.com/l2m-lab/l2m/law"
	"github.com/l2m-lab/l2m/mi"
	"github.com/l2m-lab/l2m/report"
	"github.com/l2m-lab/l2m/result"
	"github.com/l2m-lab/l2m/rundir"
)

// small is a calibration of a second.
func small(t *testing.T) Options {
	return Options{
		Processes: []string{"powergauss:beta=0.5,b=1,signs=random", "hierarchical:c=3", "iid:symbols=3", "hierarchical:base=3,c=2"},
		Windows:   []int{40}, Length: 256, Repetitions: 23, Draws: 99, Seed: 5, Out: t.TempDir(), Workers: 1, Faces: report.CalibrationFaces,
	}
}

func calibrated(t *testing.T, o Options) *result.Calibration {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// checkPage holds the numbers of a run's page against its document.
func checkPage(t *testing.T, dir, document string, least int) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, document))
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, rundir.Report))
	if err != nil {
		t.Fatal(err)
	}
	if n := pagetest.Numbers(t, string(page), doc); n < least {
		t.Errorf("only %d numbers of the page have a place in %s", n, document)
	}
}

func TestCalibrate(t *testing.T) {
	if testing.Short() {
		t.Skip("one worker: nothing for the race detector")
	}
	o := small(t)
	o.Processes = o.Processes[:3]
	r := calibrated(t, o)
	if len(r.Cells) != 3 {
		t.Fatalf("%d cells", len(r.Cells))
	}
	for i, c := range r.Cells[:2] {
		for _, e := range c.Estimators {
			if e.Repetitions != 23 || e.Beta == nil || !e.Beta.Exact {
				t.Fatalf("%s, %s: %+v", c.Process.Spec, e.Estimator, e)
			}
			// log_4 3, and 0.5 by construction.
			if want := []float64{0.5, math.Log(3) / math.Log(4)}[i]; math.Abs(e.Beta.Truth-want) > 1e-12 {
				t.Errorf("%s: true exponent %v, want %v", c.Process.Spec, e.Beta.Truth, want)
			}
			for _, p := range e.Points {
				// Unbiased at every length: 4.5 standard errors of 23 repetitions.
				if math.Abs(p.Bias) > 4.5*p.BiasSE+1e-6 {
					t.Errorf("%s, %s, L = %d: bias %v ± %v", c.Process.Spec, e.Estimator, p.Length, p.Bias, p.BiasSE)
				}
				if ratio := p.MeanSE / p.Spread; ratio < 0.5 || ratio > 2 {
					t.Errorf("%s, %s, L = %d: stated error %v, spread %v", c.Process.Spec, e.Estimator, p.Length, p.MeanSE, p.Spread)
				}
			}
		}
		if paired := c.Estimators[0]; paired.Estimator != mi.Paired || math.Abs(paired.Beta.Bias) > 0.05 {
			t.Errorf("%s: %s has bias %v of β", c.Process.Spec, paired.Estimator, paired.Beta.Bias)
		}
	}
	for _, e := range r.Cells[2].Estimators {
		if e.Beta != nil || e.Verdicts[law.PowerLawHolds] > 2 {
			t.Errorf("independent symbols: %s has verdicts %v and exponent %v", e.Estimator, e.Verdicts, e.Beta)
		}
	}
	if len(r.Cells[1].Notes) != 1 || !strings.Contains(r.Cells[1].Notes[0], "halves") {
		t.Errorf("notes of the hierarchical process: %v", r.Cells[1].Notes)
	}
	data, err := os.ReadFile(filepath.Join(o.Out, "calibration.json"))
	var again result.Calibration
	if err != nil || json.Unmarshal(data, &again) != nil {
		t.Fatalf("calibration.json: %v", err)
	}
	if diff := cmp.Diff(*r, again); diff != "" {
		t.Errorf("calibration.json says something else:\n%s", diff)
	}
	page, err := os.ReadFile(filepath.Join(o.Out, "report.html"))
	if err != nil || !bytes.Contains(page, []byte("contain the truth")) {
		t.Errorf("report.html: %v", err)
	}
	checkPage(t, o.Out, rundir.Calibrate.Document, 100)
}

// An interrupted run continues, with more workers, to the same bytes; nothing
// is simulated twice.
func TestCalibrateContinues(t *testing.T) {
	o := small(t)
	o.Processes = o.Processes[:1]
	want := calibrated(t, o)
	o.Out = t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(p info.Progress) {
		if p.Done >= 10 {
			cancel()
		}
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	resumed := int64(-1)
	o.Workers = 4
	o.Progress = func(p info.Progress) { resumed = p.Resumed }
	got := calibrated(t, o)
	if resumed < 10 {
		t.Errorf("%d repetitions were resumed", resumed)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the continued run differs:\n%s", diff)
	}
	files, err := filepath.Glob(filepath.Join(o.Out, rundir.Repetitions, "*.json"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), files[0]) {
		t.Errorf("a damaged file: %v", err)
	}
}

// Block does not apply where the process is not stationary, and says so.
func TestCalibrateNotStationary(t *testing.T) {
	o := small(t)
	o.Processes, o.Length, o.Repetitions = []string{"hierarchical:addition=64"}, 64, 3
	r := calibrated(t, o)
	for _, e := range r.Cells[0].Estimators {
		if e.Estimator == mi.Block {
			t.Error("block ran")
		}
	}
	if len(r.Cells[0].Notes) == 0 || !strings.Contains(r.Cells[0].Notes[0], "block does not apply") {
		t.Errorf("notes %v", r.Cells[0].Notes)
	}
}

// A context cut to k tokens cannot see what lies farther back: information
// stops growing at about k, and the exponent falls.
func TestCalibrateDamage(t *testing.T) {
	if testing.Short() {
		t.Skip("one worker: nothing for the race detector")
	}
	o := small(t)
	o.Processes, o.Damages, o.Estimators = []string{"powergauss:beta=0.76,signs=random"}, []string{"none", "order=4"}, []mi.Estimator{mi.Paired}
	r := calibrated(t, o)
	exact, cut := r.Cells[0].Estimators[0], r.Cells[1].Estimators[0]
	if exact.Beta == nil || cut.Beta == nil || cut.Beta.Bias > -0.2 {
		t.Fatalf("exact %+v, cut to 4 tokens %+v", exact.Beta, cut.Beta)
	}
	for i, p := range cut.Points {
		if i > 1 && p.Mean > 0.8*p.Truth {
			t.Errorf("cut to 4 tokens, L = %d: %v of %v nats", p.Length, p.Mean, p.Truth)
		}
	}
	checkPage(t, o.Out, rundir.Calibrate.Document, 20)
}

// A headline counts what runs say first: nothing is found where the model is exact,
// the built-in predictor's learning curve is, and so is a context cut to four tokens. vclub is infinite on santafe, and noted.
func TestCalibrateHeadline(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute under the race detector, which other tests serve")
	}
	o := small(t)
	o.Processes, o.Damages = []string{"urn:symbols=4,letters=acgt", "santafe"}, []string{"none", "order=4", "model=bytemix"}
	o.Estimators, o.Repetitions, o.Windows = []mi.Estimator{mi.Paired, mi.VCLUB}, 6, []int{80}
	r := calibrated(t, o)
	if len(r.Cells) != 5 { // santafe has too many symbols for bytemix
		t.Fatalf("%d cells", len(r.Cells))
	}
	exact, cut, learning, facts := r.Cells[0].Headline, r.Cells[1].Headline, r.Cells[2].Headline, r.Cells[3]
	if exact.Flagged > 0 || exact.Silent > 2 || exact.Length != 256 || exact.Of != 6 {
		t.Errorf("exact: %+v", exact)
	}
	if cut.Findings[check.ShortContext] != 6 || cut.Silent > 0 || cut.Mean > cut.Truth/2 {
		t.Errorf("cut to four tokens: %+v", cut)
	}
	if learning.Findings[check.LearningCurve] < 5 || learning.Silent > 0 || learning.Mean < 2*learning.Truth || learning.Verdicts[law.PowerLawHolds] > 0 {
		t.Errorf("built-in predictor: %+v", learning)
	}
	if len(facts.Estimators) != 1 || len(facts.Notes) == 0 || !strings.Contains(facts.Notes[0], "no vclub") {
		t.Errorf("santafe: %d estimators, notes %v", len(facts.Estimators), facts.Notes)
	}
	checkPage(t, o.Out, rundir.Calibrate.Document, 40)
}

// TestImprovable: models that hedge or forget, which nothing in their own scores shows, are
// found by what others add to them; the exact model is not.
func TestImprovable(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute under the race detector, which other tests serve")
	}
	o := small(t)
	o.Processes = []string{"powergauss:beta=0.9,signs=random", "santafe:beta=0.75", "urn:symbols=4"}
	o.Damages = []string{"none", "smoothing=0.2", "memory=4"}
	o.Estimators, o.Repetitions, o.Windows = []mi.Estimator{mi.Paired}, 3, []int{100}
	for _, c := range calibrated(t, o).Cells {
		want := 0
		if c.Damage != "none" {
			want = 3
		}
		if got := c.Headline.Findings[check.Improvable]; got != want {
			t.Errorf("%s, %s: found in %d of 3 runs, want %d", c.Process.Spec, c.Damage, got, want)
		}
	}
}

func TestCalibrateErrors(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"not a power of two":    func(o *Options) { o.Length = 100 },
		"no run directory":      func(o *Options) { o.Out = "" },
		"unknown process":       func(o *Options) { o.Processes = []string{"x"} },
		"unknown estimator":     func(o *Options) { o.Estimators = []mi.Estimator{"x"} },
		"unknown kind":          func(o *Options) { o.Damages = []string{"x=1"} },
		"no --damage applies":   func(o *Options) { o.Processes, o.Damages = []string{"iid"}, []string{"memory=1"} },
		"none of the processes": func(o *Options) { o.Damages = []string{"none", "model=bytemix"} },
		"below 4":               func(o *Options) { o.Windows = []int{3} },
		"too few for":           func(o *Options) { o.Estimators, o.Cross = []mi.Estimator{mi.VCLUB}, 40 },
		"lengths at which":      func(o *Options) { o.Processes = []string{"hierarchical:base=3,c=2"} },
		"too few for an interv": func(o *Options) { o.Draws = 3 },
	} {
		o := small(t)
		o.Processes = o.Processes[:1]
		change(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}
