package recorded

import (
	"fmt"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/lm"
)

// check returns an error for values that cannot be log-probabilities, and converts bits
// to nats.
func check(name string, x floats, o Options) error {
	width := 1
	if n := len(x.shape); n > 1 {
		width = max(1, x.shape[n-1])
	}
	negative := false
	first := -1 // value above 0
	for i, v := range x.values {
		switch {
		case math.IsNaN(float64(v)):
			if width > 1 && i == 0 && firstColumnNaN(x, width) {
				return fmt.Errorf("the first column of %s is NaN in every row: without a token before it a model gives the first token no probability (put the beginning-of-sequence token before every window and keep the next log-probability, or leave the column out)", name)
			}
			return fmt.Errorf("%s is NaN", place(name, i, width))
		case math.IsInf(float64(v), 0):
			return fmt.Errorf("%s is %v: a probability of 0, or a number too large for float32", place(name, i, width), v)
		case v < 0:
			negative = true
		case v > lm.RoundingTolerance && first < 0:
			first = i
		case v > 0 && v <= lm.RoundingTolerance && !o.Density:
			x.values[i] = 0
		}
	}
	if first >= 0 && !o.Density {
		return above(name, x, first, width, negative)
	}
	if o.Bits {
		for i := range x.values {
			x.values[i] *= math.Ln2
		}
	}
	return nil
}

func firstColumnNaN(x floats, width int) bool {
	for i := 0; i < len(x.values); i += width {
		if !math.IsNaN(float64(x.values[i])) {
			return false
		}
	}
	return true
}

// above explains values above 0.
func above(name string, x floats, first, width int, negative bool) error {
	why := "the logarithm of a probability is never above 0 (--density if they are densities of a continuous variable)"
	switch {
	case !negative && slices.Max(x.values) <= 1:
		why = "no value is below 0 and none above 1, as if they were probabilities: give their natural logarithms"
	case !negative:
		why = "no value is below 0, as if they were losses: give log-probabilities, which have the other sign"
	}
	return fmt.Errorf("%s is %v: %s", place(name, first, width), x.values[first], why)
}

// place names the position of a value; rows and columns count from 0, as in Python.
func place(name string, i, width int) string {
	if width == 1 {
		return fmt.Sprintf("%s[%d]", name, i)
	}
	return fmt.Sprintf("%s[%d, %d]", name, i/width, i%width)
}
