package score

import (
	"fmt"
	"math/bits"
	"slices"
)

// maxLength keeps positions within the 32-bit columns of the file format.
const maxLength = 1 << 30

// maxCross is far above any real use; it keeps products of counts within an int.
const maxCross = 1 << 20

// Plan says which log-probabilities of each window are scored. Positions are
// from 0: X = w[:ell], Y = w[ell:Ratio(ell)·ell].
type Plan struct {
	Length    int   `json:"length"`    // tokens per window
	Splits    []int `json:"splits"`    // ell: powers of two from 2, ascending, 2·ell ≤ Length
	MaxRatio  int   `json:"max_ratio"` // largest L/ell in use; ratios 2 … MaxRatio where ratio·ell ≤ Length
	Marginals bool  `json:"marginals"` // per split: ln q(Y) from a fresh start
	Cross     int   `json:"cross"`     // per split: ln q(Y|X') for this many contexts X' from other windows
}

// NewPlan plans all dyadic splits 2, 4, 8, … of windows of length tokens.
func NewPlan(length, maxRatio int, marginals bool, cross int) (Plan, error) {
	p := Plan{Length: length, MaxRatio: maxRatio, Marginals: marginals, Cross: cross}
	for ell := 2; 2*ell <= min(length, maxLength); ell *= 2 {
		p.Splits = append(p.Splits, ell)
	}
	return p, p.Validate()
}

// Validate says what is wrong with a plan.
func (p Plan) Validate() error {
	switch {
	case p.Length < 4:
		return fmt.Errorf("window length %d is below 4 tokens, the shortest that has a split (choose --length 4 or more)", p.Length)
	case p.Length > maxLength:
		return fmt.Errorf("window length %d is above %d tokens, the longest that can be stored", p.Length, maxLength)
	case p.MaxRatio < 2:
		return fmt.Errorf("largest ratio L/ℓ %d is below 2", p.MaxRatio)
	case p.Cross < 0:
		return fmt.Errorf("number of cross contexts %d is negative", p.Cross)
	case p.Cross > maxCross:
		return fmt.Errorf("number of cross contexts %d is above %d", p.Cross, maxCross)
	case len(p.Splits) == 0:
		return fmt.Errorf("the plan has no splits")
	}
	for i, ell := range p.Splits {
		if ell < 2 || bits.OnesCount(uint(ell)) != 1 {
			return fmt.Errorf("split %d is not a power of two from 2", ell)
		}
		if 2*ell > p.Length {
			return fmt.Errorf("split %d is more than half of the window length %d", ell, p.Length)
		}
		if i > 0 && ell <= p.Splits[i-1] {
			return fmt.Errorf("splits %v are not in ascending order", p.Splits)
		}
	}
	return nil
}

// Ratio is the largest ratio r ≤ MaxRatio with r·ell ≤ Length.
func (p Plan) Ratio(ell int) int { return min(p.MaxRatio, p.Length/ell) }

// Continuation is the number of tokens of Y that are scored at split ell:
// (Ratio(ell)−1)·ell.
func (p Plan) Continuation(ell int) int { return (p.Ratio(ell) - 1) * ell }

// Tokens is the number of log-probabilities for that many windows: joint, marginal and
// cross passes. Engines that share prefixes compute no more than that.
func (p Plan) Tokens(windows int) int64 {
	var y int64
	for _, ell := range p.Splits {
		y += int64(p.Continuation(ell))
	}
	per := int64(p.Length) + int64(p.Cross)*y
	if p.Marginals {
		per += y
	}
	return int64(windows) * per
}

// PromptTokens is the number of tokens, without BOS, that are sent to a model that
// cannot fork its state, such as a server: every pass is a separate prompt, a cross
// pass with its context before it. Prompts is their number.
func (p Plan) PromptTokens(windows int) int64 {
	context := int64(0)
	for _, ell := range p.Splits {
		context += int64(ell)
	}
	return p.Tokens(windows) + int64(windows)*int64(p.Cross)*context
}

// Prompts is the number of passes: see PromptTokens.
func (p Plan) Prompts(windows int) int64 { return int64(windows) * int64(p.slots()) }

// NaiveTokens is the cost of the same passes if every marginal and cross pass is scored
// over the full length, as in the code of the L²M paper.
func (p Plan) NaiveTokens(windows int) int64 {
	passes := int64(1) + int64(p.Cross*len(p.Splits))
	if p.Marginals {
		passes += int64(len(p.Splits))
	}
	return int64(windows) * passes * int64(p.Length)
}

// equal compares plans field by field.
func (p Plan) equal(q Plan) bool {
	return p.Length == q.Length && slices.Equal(p.Splits, q.Splits) &&
		p.MaxRatio == q.MaxRatio && p.Marginals == q.Marginals && p.Cross == q.Cross
}

// pass is the kind of a scored sequence, as in the file format.
type pass string

const (
	passJoint    pass = "joint"
	passMarginal pass = "marginal"
	passCross    pass = "cross"
)

// slots is the number of passes of one window, numbered from the joint pass, the
// marginals by split, and the cross passes by context and split.
func (p Plan) slots() int {
	n := 1 + p.Cross*len(p.Splits)
	if p.Marginals {
		n += len(p.Splits)
	}
	return n
}

// slot is the number of a pass of a window; ok is false if the plan does not have it.
func (p Plan) slot(kind pass, split, k int) (n int, ok bool) {
	if kind == passJoint {
		return 0, split == 0 && k == -1
	}
	s, found := slices.BinarySearch(p.Splits, split)
	if !found {
		return 0, false
	}
	n = 1
	switch kind {
	case passMarginal:
		return n + s, p.Marginals && k == -1
	case passCross:
		if p.Marginals {
			n += len(p.Splits)
		}
		return n + k*len(p.Splits) + s, 0 <= k && k < p.Cross
	}
	return 0, false
}

// slotTokens is the number of values in a slot.
func (p Plan) slotTokens(slot int) int {
	if slot == 0 {
		return p.Length
	}
	return p.Continuation(p.Splits[(slot-1)%len(p.Splits)])
}
