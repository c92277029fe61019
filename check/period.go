package check

import (
	"fmt"
	"iter"
)

// repeats is how often a window must repeat itself to count as periodic.
const repeats = 4

// Period is the largest of the periods of windows, 0 if one of them does not repeat
// itself four times. Time and memory are linear in their length.
func Period[T comparable](windows iter.Seq[[]T]) int {
	period := 0
	for w := range windows {
		p := smallestPeriod(w)
		if repeats*p > len(w) {
			return 0
		}
		period = max(period, p)
	}
	return period
}

// smallestPeriod is the length of w less that of its longest border, which the failure
// function has [Knuth, Morris & Pratt 1977].
func smallestPeriod[T comparable](w []T) int {
	border := make([]int, len(w)+1)
	for i, k := 1, 0; i < len(w); i++ {
		for k > 0 && w[i] != w[k] {
			k = border[k]
		}
		if w[i] == w[k] {
			k++
		}
		border[i+1] = k
	}
	return len(w) - border[len(w)]
}

// periodic says what constant and periodic text is: estimates of it are errors of the
// model, or the entropy of what is repeated.
func (d Data) periodic() *Finding {
	switch {
	case d.Exact || d.Period == 0:
		return nil
	case len(d.Entropy) > 0 && d.Entropy[0].Distinct == 1:
		return &Finding{
			Code: Constant, Severity: Withdraws,
			Sentence: "The text is constant: all its tokens are the same, so that the past tells nothing",
			Detail:   fmt.Sprintf("a single token in all %d windows", d.Windows),
			Fix:      "measure text that varies",
		}
	}
	what := "one token"
	if d.Period > 1 {
		what = fmt.Sprintf("%d tokens or fewer", d.Period)
	}
	return &Finding{
		Code: Periodic, Severity: Withdraws,
		Sentence: "The text is periodic: the past tells what is repeated, and nothing more as it gets longer",
		Detail:   fmt.Sprintf("each of %d windows repeats %s", d.Windows, what),
		Fix:      "measure text that varies",
	}
}
