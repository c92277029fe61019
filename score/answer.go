package score

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/lm"
)

// checkAnswer checks a model's answer: the number of values, and that every one is a
// number and the logarithm of a probability above zero and at most one. Invalid values
// must not be stored, because they would silently spoil every mean.
func checkAnswer[T any](m lm.Info, window int, r lm.Request[T], s lm.Scores) error {
	fail := func(err error) error {
		return fmt.Errorf("model %s, window %d: %w (this is an error of the model or its engine; this window was not saved)", m.Name, window, err)
	}
	if err := checkValues(m, len(r.Tokens), s.Tokens); err != nil {
		return fail(fmt.Errorf("the window itself: %w", err))
	}
	if len(s.Branches) != len(r.Branches) {
		return fail(fmt.Errorf("%d branches returned instead of %d", len(s.Branches), len(r.Branches)))
	}
	for i, b := range r.Branches {
		if err := checkValues(m, len(b.Tokens), s.Branches[i]); err != nil {
			return fail(fmt.Errorf("branch %d at token %d: %w", i, b.At, err))
		}
	}
	return nil
}

// checkValues checks the log-probabilities of one pass.
func checkValues(m lm.Info, want int, values []float32) error {
	if len(values) != want {
		return fmt.Errorf("%d log-probabilities returned for %d tokens", len(values), want)
	}
	if finiteNonPositive(values) {
		return nil
	}
	for i, v := range values {
		switch x := float64(v); {
		case math.IsNaN(x):
			return fmt.Errorf("the log-probability of token %d is not a number", i)
		case math.IsInf(x, 0):
			return fmt.Errorf("the log-probability of token %d is %v", i, v)
		case x > lm.RoundingTolerance && !m.Density:
			return fmt.Errorf("the log-probability of token %d is %v, above 0", i, v)
		}
	}
	return nil
}

// finiteNonPositive is the fast path of checkValues.
func finiteNonPositive(values []float32) bool {
	for _, v := range values {
		if !(v <= 0 && v >= -math.MaxFloat32) {
			return false
		}
	}
	return true
}
