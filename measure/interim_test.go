package measure

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

// What a run that was stopped gives so far is what its windows say, no file of the run
// changes, and the run goes on to the end.
func TestInterim(t *testing.T) {
	o := small(t, texts(t, 24, 3000))
	o.Workers = 1
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Progress = func(p info.Progress) {
		if p.Stage == "scoring" && 2*p.Done > p.Total {
			cancel()
		}
	}
	if _, err := Run(ctx, o); err == nil {
		t.Fatal("the run was not stopped")
	}
	part, of, err := Interim(t.Context(), o.Out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if of != 60 || part.Windows.Count < 20 || part.Windows.Count >= 60 || part.Corpus.Documents < 8 {
		t.Errorf("%d of %d windows, of %d documents", part.Windows.Count, of, part.Corpus.Documents)
	}
	o.Progress = nil
	whole, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(part.Loss.NatsPerToken - whole.Loss.NatsPerToken); d == 0 || d > 4*part.Loss.SE {
		t.Errorf("a loss of %g ± %g nats so far, of %g in the end", part.Loss.NatsPerToken, part.Loss.SE, whole.Loss.NatsPerToken)
	}
	if len(part.Series) != len(whole.Series) || part.Command != whole.Command {
		t.Errorf("%d series so far, %d in the end; commands %q and %q", len(part.Series), len(whole.Series), part.Command, whole.Command)
	}
	if all, of, err := Interim(t.Context(), o.Out, nil); err != nil || all.Windows.Count != of || all.Loss.NatsPerToken != whole.Loss.NatsPerToken {
		t.Errorf("in the end, %v of %d windows (%v)", all, of, err)
	}
	if _, _, err := Interim(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "not the directory of a run") {
		t.Errorf("an empty folder: %v", err)
	}
}

// counting counts the tokens that a model computes.
type counting struct {
	lm.Model[token.ID]
	computed int64
}

func (m *counting) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	m.computed += int64(len(r.Tokens))
	for _, b := range r.Branches {
		m.computed += int64(len(b.Tokens))
	}
	return m.Model.LogProbs(ctx, r)
}

// What is announced for a cut context is what the model computes.
func TestComputed(t *testing.T) {
	for _, c := range [][2]int{{8, 4}, {9, 4}, {5, 1}, {40, 0}, {200, 0}} {
		o := Options{Context: c[0], ContextStep: c[1]}.withDefaults()
		plan, err := score.NewPlan(64, maxRatio, true, 1)
		if err != nil {
			t.Fatal(err)
		}
		s := sample[token.ID]{plan: plan, partners: [][]int{{1}, {0}}}
		for i := range 2 {
			s.windows = append(s.windows, score.Window[token.ID]{Cluster: i, Tokens: make([]token.ID, 64)})
		}
		m := &counting{Model: &slow{speed: math.Inf(1)}}
		cut, err := lm.Restrict(lm.Model[token.ID](m), o.Context, o.model().Step())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := score.Speed(t.Context(), cut.LogProbs, cut.Info(), s.windows, s.partners, plan, 0); err != nil {
			t.Fatal(err)
		}
		if got := s.computed(o); got != m.computed {
			t.Errorf("context %v: %d tokens announced, %d computed", c, got, m.computed)
		}
	}
}
