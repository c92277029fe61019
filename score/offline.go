package score

import (
	"fmt"

	"github.com/l2m-lab/l2m/lm"
)

// Offline is a run whose requests are answered elsewhere, in any order and in
// pieces.
type Offline[T any] struct {
	jobs  *jobs[T]
	info  lm.Info
	store *Store
	todo  []int
}

// NewOffline lists the requests that a run still lacks. The arguments are those of
// Run; info is that of the model that will answer.
func NewOffline[T any](info lm.Info, windows []Window[T], partners [][]int, plan Plan, store *Store) (*Offline[T], error) {
	jobs, todo, _, err := prepare(info, windows, partners, plan, store)
	if err != nil {
		return nil, fmt.Errorf("preparing to score: %w", err)
	}
	return &Offline[T]{jobs, info, store, todo}, nil
}

// Missing are the windows without scores, ascending.
func (o *Offline[T]) Missing() []int { return o.todo }

// Request is what must be asked for a window: the same whenever it is asked.
func (o *Offline[T]) Request(window int) lm.Request[T] { return o.jobs.request(window) }

// Store saves the answers that there are: answer returns the scores of a window, or
// false where some are still missing. It fails on scores that cannot be right,
// keeping those before, and may be called again with more.
func (o *Offline[T]) Store(answer func(window int) (lm.Scores, bool)) error {
	saver := newSaver(o.store, RunOptions{})
	defer saver.ticker.Stop()
	var left []int
	var failed error
	for i, j := range o.todo {
		s, ok := answer(j)
		if !ok {
			left = append(left, j)
			continue
		}
		if failed = checkAnswer(o.info, j, o.jobs.request(j), s); failed != nil {
			left = append(left, o.todo[i:]...)
			break
		}
		if err := saver.add(o.jobs.rows(j, s)); err != nil {
			return fmt.Errorf("saving scores: %w", err)
		}
	}
	if err := saver.flush(); err != nil {
		return fmt.Errorf("saving scores: %w", err)
	}
	o.todo = left
	return failed
}
