// Package shell writes words as a POSIX shell reads them, for commands that
// people copy.
package shell

import (
	"strconv"
	"strings"
)

// Quote returns the word, in single quotes where a POSIX shell would otherwise
// take part of it for something else. A shell reads the result as exactly s;
// only a NUL, which no argument can hold, is beyond it.
func Quote(s string) string {
	special := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,+@%", r))
	}
	if s != "" && strings.IndexFunc(s, special) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Number writes a number so that it reads back as the same one.
func Number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
