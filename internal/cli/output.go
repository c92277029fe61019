package cli

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// terminalWidth is the width for tables: the terminal's, or 100 columns for a file or a
// pipe.
func terminalWidth(w io.Writer) int {
	if c, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && c >= 40 {
		return c
	}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= 40 {
			return width
		}
	}
	return 100
}

// wantColor reports whether to use ANSI colours on w: on a terminal, unless NO_COLOR is
// set (no-color.org).
func wantColor(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
}
