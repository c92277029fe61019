package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
	"pgregory.net/rapid"
)

// TestListingsFitTheTerminal: no line is wider than the terminal unless a single word is,
// none ends in blanks, and no word is lost.
func TestListingsFitTheTerminal(t *testing.T) {
	t.Setenv("COLUMNS", "60")
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`([a-zα-ω]{1,12} ){0,20}[a-z]{1,12}`)
		l := newListing("name", "what it is", "cost")
		var words []string
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			a, b, c := rapid.StringMatching(`[a-z-]{1,12}`).Draw(t, "name"), cell.Draw(t, "what"), cell.Draw(t, "cost")
			l.add(a, b, c)
			words = append(words, a)
			words = append(words, strings.Fields(b+" "+c)...)
		}
		var out bytes.Buffer
		if err := l.print(&out); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if text.StringWidth(line) > 60 || strings.TrimRight(line, " ") != line {
				t.Fatalf("line %q of\n%s", line, &out)
			}
		}
		got := strings.Fields(out.String())
		for _, w := range words {
			found := false
			for i, g := range got {
				if g == w {
					got, found = append(got[:i:i], got[i+1:]...), true
					break
				}
			}
			if !found {
				t.Fatalf("%q is missing in\n%s", w, &out)
			}
		}
	})
}
