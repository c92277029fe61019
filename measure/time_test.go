package measure

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// What is chosen fits into the time, one window more would not, and it is the
// longest length of which enough windows fit.
func TestForTokens(t *testing.T) {
	for _, c := range []struct {
		name           string
		tokens         float64
		given, longest int
		length         int
	}{
		{"much time", 1e6, 0, 2048, 2048},
		{"five minutes at 200 a second", 60000, 0, 2048, 512},
		{"five minutes at 140 a second", 42000, 0, 2048, 256},
		{"short documents", 42000, 0, 256, 256},
		{"a length that was given", 42000, 1024, 2048, 1024},
	} {
		length, count, err := forTokens(always(c.tokens), c.given, c.longest, 1)
		if err != nil || length != c.length {
			t.Fatalf("%s: length %d, want %d (%v)", c.name, length, c.length, err)
		}
		plan, err := score.NewPlan(length, maxRatio, true, 1)
		if err != nil {
			t.Fatal(err)
		}
		if float64(plan.Tokens(count)) > c.tokens || float64(plan.Tokens(count+1)) <= c.tokens {
			t.Errorf("%s: %d windows are %d tokens, for a budget of %g", c.name, count, plan.Tokens(count), c.tokens)
		}
		if longer, err := score.NewPlan(2*length, maxRatio, true, 1); err == nil && c.given == 0 && length < c.longest && float64(longer.Tokens(fewWindows)) <= c.tokens {
			t.Errorf("%s: %d windows of %d fit as well", c.name, fewWindows, 2*length)
		}
	}
	if _, count, err := forTokens(always(1), 0, 2048, 1); count != 2 || err != nil {
		t.Errorf("no time: %d windows, want 2, the fewest that a law is estimated from (%v)", count, err)
	}
}

func always(tokens float64) func(int) float64 { return func(int) float64 { return tokens } }

// slow is a model on this machine that gives so many log-probabilities a second, and
// fails after so many requests.
type slow struct {
	speed    float64
	failAt   int
	requests int
	asked    int64
}

func (m *slow) Info() lm.Info {
	return lm.Info{Name: "slow", Vocabulary: 256, BOS: lm.NoBOS, Fingerprint: "slow", Context: 4096}
}

func (m *slow) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	if m.requests++; m.requests == m.failAt {
		return lm.Scores{}, errors.New("killed")
	}
	n := len(r.Tokens)
	s := lm.Scores{Tokens: make([]float32, len(r.Tokens))}
	for _, b := range r.Branches {
		n += len(b.Tokens)
		s.Branches = append(s.Branches, make([]float32, len(b.Tokens)))
	}
	m.asked += int64(n)
	time.Sleep(time.Duration(float64(n) / m.speed * float64(time.Second)))
	return s, nil
}

// timed plans and scores a run of m in o.Out, as Run does.
func timed(t *testing.T, text text, m *slow, o Options) (Options, error) {
	t.Helper()
	o = o.withDefaults()
	run, err := rundir.Open(o.Out, rundir.Measure, rundir.Options{Command: o.Command()})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	e := &open.Model{
		Info: m.Info(), Tokenizer: open.Tokenizer{Fingerprint: "bytes"}, Tokens: open.LanguageTokens, MaxLength: open.LanguageLength,
		InFlight: 1, Local: true, Load: func(context.Context) (lm.Model[token.ID], error) { return m, nil },
	}
	if o, err = fitTime(t.Context(), run, text, e, o); err != nil {
		return o, err
	}
	s, err := drawSample(t.Context(), text, e, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.windows) != o.MaxWindows {
		t.Errorf("%d windows drawn, %d chosen", len(s.windows), o.MaxWindows)
	}
	load := func() (lm.Model[token.ID], error) { return e.Load(t.Context()) }
	_, err = scoreSample(t.Context(), run, text, e, s, load, o)
	return o, err
}

// scoredTokens is how many log-probabilities the run that o describes holds.
func scoredTokens(t *testing.T, o Options) int64 {
	t.Helper()
	s, err := score.Read(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Complete() {
		t.Errorf("%d of %d windows are scored", s.Done(), s.Key().Count)
	}
	return s.Key().Plan.Tokens(s.Key().Count)
}

// Scoring takes the time that there is, with the windows that are scored to measure
// the speed; a run that was killed keeps its number of windows; one that is given more
// time, or more windows, scores what it lacks.
func TestTimeIsKept(t *testing.T) {
	all, err := readText(t.Context(), Options{Paths: []string{texts(t, 60, 30_000)}, EvaluationFraction: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer all.corpus.Close()
	o := Options{Paths: []string{"x"}, Model: "x.gguf", Out: filepath.Join(t.TempDir(), "run"), EvaluationFraction: 1}
	synctest.Test(t, func(t *testing.T) {
		m := &slow{speed: 200, failAt: 9}
		start := time.Now()
		if _, err := timed(t, all, m, o); err == nil {
			t.Fatal("the model failed, and nothing was said")
		}
		first, err := timed(t, all, m, o)
		if err != nil {
			t.Fatal(err)
		}
		// 200 a second for 5 minutes, and 2,548 for a window of 512: 23 windows.
		if first.Length != 512 || first.MaxWindows != 23 || m.asked != scoredTokens(t, first) {
			t.Errorf("%d windows of %d, %d log-probabilities asked for", first.MaxWindows, first.Length, m.asked)
		}
		if took := time.Since(start); took > StandardTime || took < StandardTime*19/20 {
			t.Errorf("scoring took %v, want about %v", took, StandardTime)
		}
		if first.Llama.Context != 4096 || !strings.Contains(first.Command(), "--length 512 --windows 23") {
			t.Errorf("the command to record is %s", first.Command())
		}
		longer := o
		longer.Time = 20 * time.Minute
		second, err := timed(t, all, m, longer)
		if err != nil {
			t.Fatal(err)
		}
		// Some windows are asked for again, as cross contexts of windows that came later.
		more := m.asked - scoredTokens(t, second)
		if second.MaxWindows != 94 || second.Length != 512 || more < 0 || more > 3*2548 {
			t.Errorf("%d windows of %d in 20 minutes, %d log-probabilities asked for twice", second.MaxWindows, second.Length, more)
		}
		if took := time.Since(start); took > longer.Time+time.Minute {
			t.Errorf("scoring took %v in all, want about %v", took, longer.Time)
		}
		asked := m.asked
		for _, again := range []Options{longer, o} {
			if third, err := timed(t, all, m, again); err != nil || third.MaxWindows != second.MaxWindows || m.asked != asked {
				t.Errorf("a run that has all goes on to %d windows (%v)", third.MaxWindows, err)
			}
		}
		o.MaxWindows = 130
		if last, err := timed(t, all, m, o); err != nil || last.Length != 512 || m.asked-asked > (36+3)*2548 {
			t.Errorf("36 windows more of %d took %d log-probabilities (%v)", last.Length, m.asked-asked, err)
		}
	})
}

// Where windows of the length on which the speed is measured are not chosen, the time
// that they took is left out of the time there is.
func TestTimeSpentOnTheSpeed(t *testing.T) {
	all, err := readText(t.Context(), Options{Paths: []string{texts(t, 60, 30_000)}, EvaluationFraction: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer all.corpus.Close()
	synctest.Test(t, func(t *testing.T) {
		start, m := time.Now(), &slow{speed: 60}
		o, err := timed(t, all, m, Options{Paths: []string{"x"}, Model: "x.gguf", Out: filepath.Join(t.TempDir(), "run"), EvaluationFraction: 1})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); o.Length != 256 || took > StandardTime || took < StandardTime*19/20 {
			t.Errorf("%d windows of %d took %v, want about %v", o.MaxWindows, o.Length, took, StandardTime)
		}
	})
}

// A time that nothing is chosen by is refused.
func TestTimeIsRefused(t *testing.T) {
	for _, o := range []Options{
		{Model: "x.gguf", Time: 1, MaxWindows: 3},
		{Model: "x.gguf", Time: -1},
		{Model: "bytemix", Time: 1},
	} {
		o.Paths, o.Out = []string{"x"}, "run"
		if err := o.withDefaults().validate(); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
