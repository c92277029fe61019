// Package screen makes text from files and servers safe to print on a terminal.
package screen

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Printable returns text as one printable line: control characters (including line
// breaks and escapes), characters that change the direction of writing, and bytes that
// are not UTF-8 become U+FFFD.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// steers reports whether a character controls the terminal or the direction of writing
// (Bidi_Control in UAX #9, section 2).
func steers(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// Lines is Printable for each line of a text. Lines after the first are indented, so
// that none looks like a separate message.
func Lines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Printable(l)
	}
	return strings.Join(lines, "\n  ")
}

// Writer makes what is written printable, line by line; line breaks and tabs stay.
// Characters must not be split between calls.
type Writer struct{ W io.Writer }

func (w Writer) Write(p []byte) (int, error) {
	clean := strings.Map(func(r rune) rune {
		if steers(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, string(p))
	if _, err := io.WriteString(w.W, clean); err != nil {
		return 0, err
	}
	return len(p), nil
}

// JSON writes JSON with the characters that steer a terminal escaped: it stays the
// same value. Each call must end between two characters.
type JSON struct{ W io.Writer }

func (w JSON) Write(p []byte) (int, error) {
	var b strings.Builder
	for _, r := range string(p) {
		if steers(r) && !strings.ContainsRune("\n\r\t", r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	if _, err := io.WriteString(w.W, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
