package shell

import (
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The reference is a shell: what it makes of a quoted word is the word.
func TestQuoteIsReadBack(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh on this machine")
	}
	words := []string{"", "plain", "a b", "it's", "'", "''", `\`, `"$HOME"`, "`id`", "~", "*", "a\nb", "\n", "!x", "#", "-n", "β", "a;b", "=x", "{a,b}"}
	some := rapid.StringOf(rapid.RuneFrom([]rune(" '\"\\$`~*?[]{}();&|<>!#=%^\n\tabβ")))
	for i := range 200 {
		words = append(words, some.Example(i))
	}
	script := "printf '%s\\0'"
	for _, w := range words {
		script += " " + Quote(w)
	}
	out, err := exec.Command(sh, "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(out), "\x00")
	if len(got) != len(words)+1 {
		t.Fatalf("%d words became %d", len(words), len(got)-1)
	}
	for i, w := range words {
		if got[i] != w {
			t.Errorf("%q is quoted as %s, which a shell reads as %q", w, Quote(w), got[i])
		}
	}
}

func TestQuoteLeavesPlainWords(t *testing.T) {
	for _, w := range []string{"books/", "--length", "0.5", "a=b,c", "l2m-run-1f2e3d4c", "powergauss:beta=0.76", "x@y%z+w"} {
		if Quote(w) != w {
			t.Errorf("%q is quoted: %s", w, Quote(w))
		}
	}
}
