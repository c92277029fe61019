package lm

import (
	"fmt"
	"math"
	"strconv"

	"github.com/l2m-lab/l2m/token"
)

// BOSRule says how a model conditions the first token of a sequence.
type BOSRule string

const (
	// NoBOS: the model starts as if in the middle of a text; windows that start at
	// random positions are scored without bias.
	NoBOS BOSRule = "none"
	// BOSPrepended: a beginning-of-sequence token precedes every sequence, so
	// the model believes that a document starts.
	BOSPrepended BOSRule = "prepended"
	// FirstUniform: nothing precedes a sequence, and the model cannot predict its
	// first token, which has the probability 1/Vocabulary.
	FirstUniform BOSRule = "uniform"
)

// BOSChoice is the token that is to precede every sequence, as a person names
// it: the id of a token; the name of a special one, such as <|endoftext|>;
// BOSNone; or "" to leave the choice to the engine.
type BOSChoice string

// BOSNone asks for nothing before a sequence: see FirstUniform.
const BOSNone BOSChoice = "none"

// ID is the id that a choice names by its number.
func (c BOSChoice) ID() (id token.ID, ok bool) {
	n, err := strconv.ParseUint(string(c), 10, 32)
	return token.ID(n), err == nil && n <= math.MaxInt32
}

// Check finds choices that cannot be meant.
func (c BOSChoice) Check() error {
	if _, ok := c.ID(); ok {
		return nil
	}
	if n, err := strconv.ParseFloat(string(c), 64); err == nil {
		return fmt.Errorf("%v is not the id of a token (0, 1, 2, …; the name of a special token; or none)", n)
	}
	return nil
}
