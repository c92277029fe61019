package score

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

func TestRunEqualsReference(t *testing.T) {
	for _, c := range []struct {
		n, length, cross int
		marginals        bool
	}{
		{6, 4, 0, false}, {6, 4, 1, true}, {9, 37, 2, true}, {12, 64, 1, true}, {5, 64, 3, false}, {7, 50, 0, true},
	} {
		plan, windows, partners := example(t, uint64(c.n), c.n, c.length, c.cross, c.marginals)
		want := reference(plan, windows, partners)
		for _, workers := range []int{1, 2, 7} {
			t.Run(fmt.Sprintf("%+v workers %d", c, workers), func(t *testing.T) {
				m := newModel()
				s := open(t, t.TempDir(), keyOf(m, plan, windows, partners))
				var last Progress
				o := RunOptions{Workers: workers, FlushBytes: 3000, Progress: func(p Progress) {
					if p.Windows < last.Windows || p.Tokens < last.Tokens {
						t.Errorf("progress went back from %+v to %+v", last, p)
					}
					last = p
				}}
				if err := Run(t.Context(), m, windows, partners, plan, s, o); err != nil {
					t.Fatal(err)
				}
				mustEqual(t, content(t, s.Source()), want)
				if got, want := m.asked.Load(), plan.Tokens(c.n); got != want || last.Tokens != want || last.TokensTotal != want {
					t.Errorf("%d tokens asked for, progress %+v; the plan says %d", got, last, want)
				}
				if last.Windows != c.n || last.WindowsTotal != c.n || last.WindowsStored != 0 {
					t.Errorf("progress ended at %+v of %d windows", last, c.n)
				}
				r, err := Read(s.Dir())
				if err != nil {
					t.Fatal(err)
				}
				mustEqual(t, content(t, r.Source()), want)
			})
		}
	}
}

// TestContinue stops a run by errors at every request and goes on.
func TestContinue(t *testing.T) {
	plan, windows, partners := example(t, 3, 12, 32, 2, true)
	dir := t.TempDir()
	boom := errors.New("boom")
	var asked int64
	for call := 0; ; call++ {
		m := newModel()
		m.fail, m.failAt = boom, 1
		s, err := openIn(dir, keyOf(m, plan, windows, partners), false)
		if err != nil {
			t.Fatal(err)
		}
		if s.Done() != call {
			t.Fatalf("%d requests saved after %d answers", s.Done(), call)
		}
		err = Run(t.Context(), m, windows, partners, plan, s, RunOptions{Workers: 1, Progress: func(p Progress) {
			if p.WindowsStored != call || p.TokensStored != asked {
				t.Errorf("progress %+v, want %d windows and %d tokens stored", p, call, asked)
			}
		}})
		asked += m.asked.Load()
		if call == len(windows)-1 {
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, content(t, s.Source()), reference(plan, windows, partners))
			if asked != plan.Tokens(len(windows)) {
				t.Errorf("%d tokens asked for in all, want each of %d once", asked, plan.Tokens(len(windows)))
			}
			break
		}
		if !errors.Is(err, boom) || !strings.Contains(err.Error(), "history") || !strings.Contains(err.Error(), fmt.Sprintf("window %d", call+1)) {
			t.Fatalf("error %v, want boom with the model's name and the window", err)
		}
		var incomplete *IncompleteError
		if err := s.Source().Each(nil); !errors.As(err, &incomplete) || incomplete.Done != call+1 {
			t.Fatalf("source of an incomplete run: %v", err)
		}
		s.run.Close()
	}
}

func TestCancelKeepsWhatIsFinished(t *testing.T) {
	plan, windows, partners := example(t, 4, 30, 16, 1, true)
	m := newModel()
	m.delay = time.Millisecond
	s := open(t, t.TempDir(), keyOf(m, plan, windows, partners))
	ctx, cancel := context.WithCancel(t.Context())
	answered := 0
	err := Run(ctx, m, windows, partners, plan, s, RunOptions{Workers: 3, Progress: func(p Progress) {
		if answered = p.Windows; answered == 10 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if answered < 10 || answered == len(windows) || s.Done() != answered {
		t.Errorf("%d requests saved, %d answered of %d", s.Done(), answered, len(windows))
	}
	if err := Run(t.Context(), m, windows, partners, plan, s, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, content(t, s.Source()), reference(plan, windows, partners))
}

func TestBadAnswersAreRefused(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, c := range []struct {
		name  string
		spoil func(s *lm.Scores)
		want  string
	}{
		{"too few", func(s *lm.Scores) { s.Tokens = s.Tokens[1:] }, "15 log-probabilities returned for 16 tokens"},
		{"branch missing", func(s *lm.Scores) { s.Branches = s.Branches[1:] }, "branches returned"},
		{"branch too long", func(s *lm.Scores) { s.Branches[1] = append(s.Branches[1], -1) }, "branch 1 at token 0: 13 log-probabilities returned for 12 tokens"},
		{"NaN", func(s *lm.Scores) { s.Tokens[5] = nan }, "token 5 is not a number"},
		{"probability zero", func(s *lm.Scores) { s.Branches[0][3] = inf }, "branch 0 at token 0: the log-probability of token 3 is -Inf"},
		{"above one", func(s *lm.Scores) { s.Tokens[0] = 2e-5 }, "above 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, windows, partners := example(t, 5, 8, 16, 1, true)
			m := newModel()
			m.spoil = func(call int64, s *lm.Scores) {
				if call == 4 {
					c.spoil(s)
				}
			}
			s := open(t, t.TempDir(), keyOf(m, plan, windows, partners))
			err := Run(t.Context(), m, windows, partners, plan, s, RunOptions{Workers: 1})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "model history, window 3") {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			if s.Done() != 3 || s.Scored(3) {
				t.Errorf("%d requests saved, want the 3 good ones", s.Done())
			}
		})
	}
}

func TestPositiveValues(t *testing.T) {
	plan, windows, partners := example(t, 5, 4, 16, 0, true)
	for _, c := range []struct {
		density bool
		value   float32
		ok      bool
	}{{false, 1e-6, true}, {false, 0.5, false}, {true, 0.5, true}} {
		m := newModel()
		m.info.Density = c.density
		m.spoil = func(_ int64, s *lm.Scores) { s.Branches[1][2] = c.value }
		s := open(t, t.TempDir(), keyOf(m, plan, windows, partners))
		err := Run(t.Context(), m, windows, partners, plan, s, RunOptions{})
		if (err == nil) != c.ok {
			t.Errorf("density %v, log-probability %v: error %v", c.density, c.value, err)
		}
		if err == nil {
			if got := content(t, s.Source())[0].Marginal[4][2]; got != c.value {
				t.Errorf("stored %v, want %v as it was", got, c.value)
			}
		}
	}
}

func TestRunRefusesWhatDoesNotFit(t *testing.T) {
	plan, windows, partners := example(t, 6, 6, 16, 1, true)
	m := newModel()
	same := append([][]int{{1}}, partners[1:]...)
	outside := append([][]int{{6}}, partners[1:]...)
	short := append([]Window[token.ID]{{Tokens: windows[0].Tokens[:15]}}, windows[1:]...)
	otherPlan := plan
	otherPlan.Cross = 2
	otherModel := newModel()
	otherModel.info.Fingerprint = "h2"
	smallModel := newModel()
	smallModel.info.Context = 8
	for _, c := range []struct {
		name     string
		model    *historyModel
		windows  []Window[token.ID]
		partners [][]int
		plan     Plan
		want     string
	}{
		{"plan", m, windows, partners, otherPlan, "the plan differs"},
		{"number of windows", m, windows[:5], partners, plan, "5 windows, but the run"},
		{"model", otherModel, windows, partners, plan, "fingerprint"},
		{"context", smallModel, windows, partners, plan, "--length 8"},
		{"short window", m, short, partners, plan, "window 0 has 15 tokens"},
		{"same cluster", m, windows, same, plan, "same cluster"},
		{"no such partner", m, windows, outside, plan, "not a window"},
		{"no partners", m, windows, nil, plan, "partners for 0 windows"},
	} {
		s := open(t, t.TempDir(), keyOf(m, plan, windows, partners))
		err := Run(t.Context(), c.model, c.windows, c.partners, c.plan, s, RunOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	// Partners that are not those of the stored requests.
	s := open(t, t.TempDir(), keyOf(m, plan, windows, partners))
	if err := Run(t.Context(), m, windows, partners, plan, s, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	changed := append([][]int{{2 + (partners[0][0]+1-2)%4}}, partners[1:]...)
	if err := Run(t.Context(), m, windows, changed, plan, s, RunOptions{}); err == nil || !strings.Contains(err.Error(), "context 0 of window 0") {
		t.Errorf("changed partners: %v", err)
	}
}
