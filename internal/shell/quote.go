// Package shell quotes words for a POSIX shell, for commands that people copy.
package shell

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/internal/screen"
)

// Quote returns the word, quoted if a POSIX shell would interpret any of it. A shell
// reads the result as exactly s, except for NUL, which arguments cannot contain. The
// result is printable and can be stored as JSON: control characters and invalid UTF-8
// are written with printf. Only trailing line breaks stay, since a shell would remove
// them.
func Quote(s string) string {
	special := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,+@%", r))
	}
	body := strings.TrimRight(s, "\n")
	switch end := s[len(body):]; {
	case screen.Printable(body) != body:
		word := `"$(printf '` + escape(body) + `')"`
		if end != "" {
			word += "'" + end + "'"
		}
		return word
	case s != "" && strings.IndexFunc(s, special) < 0:
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// escape returns a printf format in which everything that cannot be printed, is special
// to printf, or would end the quotes around it is octal.
func escape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		_, n := utf8.DecodeRuneInString(s)
		if c := s[:n]; screen.Printable(c) == c && !strings.Contains(`'%\`, c) {
			b.WriteString(c)
		} else {
			for _, x := range []byte(c) {
				fmt.Fprintf(&b, `\%03o`, x)
			}
		}
		s = s[n:]
	}
	return b.String()
}

// Operand is Quote for a file name among the arguments of a command: one that begins
// with a dash would be taken for an option. A single dash, standard input, stays.
func Operand(path string) string {
	if len(path) > 1 && path[0] == '-' {
		path = "./" + path
	}
	return Quote(path)
}

// Number formats a number exactly.
func Number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
