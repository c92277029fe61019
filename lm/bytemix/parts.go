package bytemix

import (
	"fmt"
	"slices"
	"strings"
)

// Part is a part of the byte predictor that can be left out, to see what it contributes
// (docs/bytemix.md).
type Part string

const (
	Matches   Part = "matches"   // what followed the longest earlier occurrences
	Runs      Part = "runs"      // what followed long contexts last time, and how often in a row
	Words     Part = "words"     // every context made of words
	Orders5   Part = "orders5"   // contexts of five bytes and more
	Histories Part = "histories" // bit histories
	Direct    Part = "direct"    // direct probabilities, of orders 2 and up
	Column    Part = "column"    // the column
	Maps      Part = "maps"      // the adaptive maps of the mixture
	Restarts  Part = "restarts"  // training on beginnings
	Haste     Part = "haste"     // adapting faster to a request than in training
)

// Parts returns all parts.
func Parts() []Part {
	return []Part{Matches, Runs, Words, Orders5, Histories, Direct, Column, Maps, Restarts, Haste}
}

// lanesOf are the lanes that a part silences.
var lanesOf = map[Part][]int{
	Matches: {laneExpect + matchLong, laneExpect + matchShort, laneExpect + matchWords},
	Runs:    {laneExpect + nMatch + runO8, laneExpect + nMatch + runWord3, laneExpect + nMatch + runSkipWord, laneExpect + nMatch + runFarWord},
	Words: {ctxWord, ctxWord2, ctxWord3, laneDirect + dirWord, laneExpect + matchWords,
		laneExpect + nMatch + runWord3, laneExpect + nMatch + runSkipWord, laneExpect + nMatch + runFarWord},
	Orders5:   {ctxO5, ctxO6, ctxO8, laneDirect + dirO5, laneExpect + matchLong, laneExpect + matchShort, laneExpect + nMatch + runO8},
	Histories: {ctxO4, ctxO5, ctxO6, ctxO8, ctxWord, ctxWord2, ctxWord3, ctxColumn},
	Direct:    {laneDirect + dirO2, laneDirect + dirO3, laneDirect + dirO4, laneDirect + dirO5, laneDirect + dirWord},
	Column:    {ctxColumn},
}

// leaveOut silences parts permanently.
func (p *predictor) leaveOut(parts []Part) {
	for _, part := range parts {
		for _, lane := range lanesOf[part] {
			p.off |= 1 << lane
		}
		p.noMaps = p.noMaps || part == Maps
	}
}

func checkParts(a Alphabet, parts []Part) error {
	if len(parts) > 0 && a != Bytes {
		return fmt.Errorf("bytemix: only the predictor of bytes has parts that can be left out, not that of %s", a)
	}
	for _, part := range parts {
		if !slices.Contains(Parts(), part) {
			return fmt.Errorf("bytemix: there is no part %q to leave out (%s)", part, strings.Trim(fmt.Sprint(Parts()), "[]"))
		}
	}
	return nil
}
