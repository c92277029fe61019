// Package shell writes words as a POSIX shell reads them, for commands that
// people copy.
package shell

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/l2m-lab/l2m/internal/screen"
)

// Quote returns the word, in quotes where a POSIX shell would otherwise take part
// of it for something else. A shell reads the result as exactly s; only a NUL, which
// no argument can hold, is beyond it. The result is text that can be stored as JSON
// and shown: bytes that are not, and control characters, are left to printf. Only
// line breaks at the end stay as they are, since a shell would remove them.
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

// escape writes a format of printf in which what cannot be shown, and what means
// something to printf or ends the quotes around it, is octal.
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

// Operand is Quote for a file name that stands on its own on the command line: one
// that begins with a dash would pass for an option. The dash alone, standard input,
// stays.
func Operand(path string) string {
	if len(path) > 1 && path[0] == '-' {
		path = "./" + path
	}
	return Quote(path)
}

// Number writes a number so that it reads back as the same one.
func Number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
