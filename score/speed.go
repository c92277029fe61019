package score

import (
	"context"
	"fmt"
	"time"

	"github.com/l2m-lab/l2m/lm"
)

// Tried is how many windows Speed scores.
const Tried = 2

// Speed scores Tried windows from number first on, one after the other, and returns
// how many log-probabilities of the plan the model gave in a second of the last one:
// on the first, models warm up. ask is the model's LogProbs.
func Speed[T any](ctx context.Context, ask func(context.Context, lm.Request[T]) (lm.Scores, error), m lm.Info, windows []Window[T], partners [][]int, plan Plan, first int) (float64, error) {
	jobs, err := newJobs(plan, windows, partners)
	if err != nil {
		return 0, err
	}
	speed := 0.0
	for j := first; j < first+Tried; j++ {
		start := time.Now()
		r := jobs.request(j)
		s, err := ask(ctx, r)
		if err == nil {
			err = checkAnswer(m, j, r, s)
		}
		if err != nil {
			return 0, fmt.Errorf("model %s, window %d: %w", m.Name, j, err)
		}
		speed = float64(jobs.tokens(j)) / time.Since(start).Seconds()
	}
	return speed, nil
}
