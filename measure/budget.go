package measure

import (
	"context"
	"fmt"
	"math/bits"
	"time"

	"github.com/l2m-lab/l2m/lm/open"
	"github.com/l2m-lab/l2m/rundir"
	"github.com/l2m-lab/l2m/score"
	"github.com/l2m-lab/l2m/token"
)

const (
	// standardTime is how long scoring with a model on this machine takes by default.
	standardTime = 5 * time.Minute
	// trialLength is that of the windows on which the speed is measured.
	trialLength = 256
	// fewWindows and shortLength bound the length that is chosen: it is halved, down
	// to the second, while fewer windows than the first fit into the time.
	fewWindows, shortLength = 16, 512
)

// fitTime chooses the length and the number of windows for the time there is, from
// the measured speed of the model, where the options leave the number open. A run
// that goes on keeps what it chose when it started.
func fitTime(ctx context.Context, run *rundir.Dir, t text, e *open.Model, o Options) (Options, error) {
	if !e.Local || o.MaxWindows > 0 {
		return o, nil
	}
	var key score.Key
	known, err := run.Key(&key)
	if err != nil {
		return o, err
	}
	budget := o.Time
	o.Time = 0
	if known {
		o.MaxWindows = key.Count
		if o.Length == 0 {
			o.Length = key.Plan.Length
		}
		return o, nil
	}
	longest, err := t.split.SuggestLength(e.Longest())
	if err != nil {
		return o, err
	}
	speed, err := trial(ctx, t, e, o, min(longest, max(trialLength, o.Context)))
	if err != nil {
		return o, fmt.Errorf("measuring the speed of the model: %w", err)
	}
	tokens := speed * standardTime.Seconds()
	if budget > 0 {
		tokens = speed * budget.Seconds()
	} else {
		tokens = min(tokens, float64(e.Tokens))
	}
	if o.Length, o.MaxWindows, err = forTokens(tokens, o.Length, longest, *o.Cross); err != nil {
		return o, err
	}
	s, err := settle(ctx, t, e, &o)
	if err != nil {
		return o, err
	}
	if o.Chosen != nil {
		took := time.Duration(float64(s.plan.Tokens(len(s.windows))) / speed * float64(time.Second))
		o.Chosen(speed, took)
	}
	return o, nil
}

// trial measures the speed of the model, log-probabilities a second.
func trial(ctx context.Context, t text, e *open.Model, o Options, length int) (float64, error) {
	if o.Length > 0 {
		length = min(length, o.Length)
	}
	o.Length, o.MaxWindows = 1<<(bits.Len(uint(length))-1), 2
	s, err := drawSample(ctx, t, e, o)
	if err != nil {
		return 0, err
	}
	m, err := e.Load(ctx)
	if err != nil {
		return 0, err
	}
	return score.Speed(ctx, m, s.windows, s.partners, s.plan)
}

// forTokens is the length and number of windows for so many log-probabilities.
// A length that was given stays.
func forTokens(tokens float64, given, longest, cross int) (length, count int, err error) {
	for length = longest; ; length /= 2 {
		if given > 0 {
			length = given
		}
		plan, err := score.NewPlan(length, maxRatio, true, cross)
		if err != nil {
			return 0, 0, err
		}
		count = max(2, int(tokens/float64(plan.Tokens(1))))
		if given > 0 || count >= fewWindows || length <= shortLength {
			return length, count, nil
		}
	}
}

// settle lowers the number of windows to those that there are, so that the command
// with that number draws the same ones.
func settle(ctx context.Context, t text, e *open.Model, o *Options) (s sample[token.ID], err error) {
	for {
		if s, err = drawSample(ctx, t, e, *o); err != nil || len(s.windows) >= o.MaxWindows {
			return s, err
		}
		o.MaxWindows = len(s.windows)
	}
}
