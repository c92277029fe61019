package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

const (
	// StandardTime is how long scoring with a GGUF file takes, about, if Options.Time is 0.
	StandardTime = 5 * time.Minute
	// trialLength is that of the windows on which the speed is measured: the length
	// that is chosen most often, so that they need not be scored again.
	trialLength = 512
	// fewWindows and shortLength bound the length that is chosen: it is halved, down
	// to the second, while fewer windows than the first fit into the time. A verdict
	// needs as many documents, and each gives one window before any gives two.
	fewWindows, shortLength = 20, 256
)

// fitTime chooses the length and the number of windows for the time there is, from
// the measured speed of the model, where the options leave the number open. A run
// that goes on keeps its length, and its number of windows unless it is given another
// time. Windows scored for the speed are not scored again.
func fitTime(ctx context.Context, run *rundir.Dir, t text, e *open.Model, o Options) (Options, error) {
	if !e.Local {
		return o, nil
	}
	var key score.Key
	known, err := run.Key(&key)
	if err != nil {
		return o, err
	}
	if o.Length == 0 && o.Llama.Context == 0 && (known || o.MaxWindows == 0) {
		// The recorded command has the length, for which alone less would be taken.
		o.Llama.Context = e.Info.Context
	}
	if known && o.Length == 0 {
		o.Length = key.Plan.Length
	}
	if o.MaxWindows > 0 {
		return o, nil
	}
	budget, typed := o.Time, o.Command()
	o.Time = 0
	if known && (budget == 0 || typed == run.Command()) {
		o.MaxWindows = key.Count
		return o, nil
	}
	longest, err := t.split.SuggestLength(e.Longest())
	if err != nil {
		return o, err
	}
	tried := o.Length
	if tried == 0 {
		tried = min(longest, trialLength)
		for tried < 2*o.Context && 2*tried <= longest {
			tried *= 2 // long enough for the context to be cut, which costs time
		}
	}
	start := time.Now()
	speed, err := trial(ctx, t, e, o, tried, key.Count)
	if err != nil {
		return o, fmt.Errorf("measuring the speed of the model: %w", err)
	}
	most, spent := e.Tokens, time.Since(start)
	if budget == 0 {
		budget = StandardTime
	} else {
		most = 1 << 62
	}
	tokens := func(length int) float64 {
		left := budget
		if length != tried {
			left -= spent // the windows tried are of no use then
		}
		return min(speed*left.Seconds(), float64(most))
	}
	if o.Length, o.MaxWindows, err = forTokens(tokens, o.Length, longest, *o.Cross); err != nil {
		return o, err
	}
	s, err := drawSample(ctx, t, e, o)
	if err != nil {
		return o, err
	}
	o.MaxWindows = max(len(s.windows), key.Count)
	if o.Chosen != nil {
		took := time.Duration(float64(s.plan.Tokens(o.MaxWindows-key.Count)) / speed * float64(time.Second))
		o.Chosen(speed, took)
	}
	return o, run.SetCommand(typed)
}

// trial measures the speed of the model, log-probabilities a second, on the first
// windows after so many that a run has. The model then knows their scores.
func trial(ctx context.Context, t text, e *open.Model, o Options, length, after int) (float64, error) {
	// The request of a window includes it as cross context of some that come next.
	o.Length, o.MaxWindows = length, after+score.Tried*(1+*o.Cross)
	s, err := drawSample(ctx, t, e, o)
	if err != nil {
		return 0, err
	}
	m, err := e.Load(ctx)
	if err != nil {
		return 0, err
	}
	known := &remembering{Model: m}
	e.Load = func(context.Context) (lm.Model[token.ID], error) { return known, nil }
	return score.Speed(ctx, known.remember, m.Info(), s.windows, s.partners, s.plan, min(after, len(s.windows)-score.Tried))
}

// remembering is a model that does not compute again what it remembers.
type remembering struct {
	lm.Model[token.ID]
	requests []lm.Request[token.ID]
	answers  []lm.Scores
}

// remember asks the model and keeps the answer. It must not be called concurrently.
func (m *remembering) remember(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	s, err := m.Model.LogProbs(ctx, r)
	if err == nil {
		m.requests, m.answers = append(m.requests, r), append(m.answers, s)
	}
	return s, err
}

// LogProbs implements lm.Model.
func (m *remembering) LogProbs(ctx context.Context, r lm.Request[token.ID]) (lm.Scores, error) {
	i := slices.IndexFunc(m.requests, func(known lm.Request[token.ID]) bool {
		return slices.Equal(known.Tokens, r.Tokens) && slices.EqualFunc(known.Branches, r.Branches, func(a, b lm.Branch[token.ID]) bool {
			return a.At == b.At && slices.Equal(a.Tokens, b.Tokens)
		})
	})
	if i >= 0 {
		return m.answers[i], nil
	}
	return m.Model.LogProbs(ctx, r)
}

// forTokens is the length and number of windows for so many log-probabilities, which
// may depend on the length. A length that was given stays.
func forTokens(tokens func(length int) float64, given, longest, cross int) (length, count int, err error) {
	for length = longest; ; length /= 2 {
		if given > 0 {
			length = given
		}
		plan, err := score.NewPlan(length, maxRatio, true, cross)
		if err != nil {
			return 0, 0, err
		}
		count = max(2, int(tokens(length)/float64(plan.Tokens(1))))
		if given > 0 || count >= fewWindows || length <= shortLength {
			return length, count, nil
		}
	}
}
