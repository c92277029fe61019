package score

import (
	"context"
	"fmt"
	"time"

	"github.com/l2m-lab/l2m/lm"
)

// Speed scores the first windows one after the other, keeps nothing, and returns
// how many log-probabilities of the plan the model gave in a second of the last
// one: on the first, models warm up.
func Speed[T any](ctx context.Context, model lm.Model[T], windows []Window[T], partners [][]int, plan Plan) (float64, error) {
	jobs, err := newJobs(plan, windows, partners)
	if err != nil {
		return 0, err
	}
	speed := 0.0
	for j := range min(2, len(windows)) {
		start := time.Now()
		if _, err := model.LogProbs(ctx, jobs.request(j)); err != nil {
			return 0, fmt.Errorf("model %s, window %d: %w", model.Info().Name, j, err)
		}
		speed = float64(jobs.tokens(j)) / time.Since(start).Seconds()
	}
	return speed, nil
}
