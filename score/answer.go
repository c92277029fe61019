package score

import (
	"fmt"
	"math"

	"github.com/l2m-lab/l2m/lm"
)

// roundingTolerance is how far above 0 the logarithm of a probability may lie
// by rounding in an engine's softmax (nats).
const roundingTolerance = 1e-5

// checkAnswer says what is wrong with a model's answer: a wrong number of
// values, a value that is no number, a probability of zero or above one. Such
// values must never be stored, for they would poison every mean silently.
func checkAnswer[T any](m lm.Info, window int, r lm.Request[T], s lm.Scores) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("model %s, window %d: %s (a defect of the model or its engine; nothing of this window was saved)",
			m.Name, window, fmt.Sprintf(format, args...))
	}
	check := func(where string, want int, values []float32) error {
		if len(values) != want {
			return fail("%s: %d log-probabilities returned for %d tokens", where, len(values), want)
		}
		for i, v := range values {
			switch x := float64(v); {
			case math.IsNaN(x):
				return fail("%s: the log-probability of token %d is not a number", where, i)
			case math.IsInf(x, 0):
				return fail("%s: the log-probability of token %d is %v", where, i, v)
			case x > roundingTolerance && !m.Density:
				return fail("%s: the log-probability of token %d is %v, above 0", where, i, v)
			}
		}
		return nil
	}
	if err := check("the window itself", len(r.Tokens), s.Tokens); err != nil {
		return err
	}
	if len(s.Branches) != len(r.Branches) {
		return fail("%d branches returned, %d asked for", len(s.Branches), len(r.Branches))
	}
	for i, b := range r.Branches {
		if len(s.Branches[i]) == len(b.Tokens) && finiteNonPositive(s.Branches[i]) {
			continue
		}
		if err := check(fmt.Sprintf("branch %d at token %d", i, b.At), len(b.Tokens), s.Branches[i]); err != nil {
			return err
		}
	}
	return nil
}

// finiteNonPositive is the common case of check, without the words.
func finiteNonPositive(values []float32) bool {
	for _, v := range values {
		if !(v <= 0 && v >= -math.MaxFloat32) {
			return false
		}
	}
	return true
}
