package shell

import (
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/internal/screen"
)

// The reference is a shell: what it makes of a quoted word is the word.
func TestQuoteIsReadBack(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh on this machine")
	}
	words := []string{"", "plain", "a b", "it's", "'", "''", `\`, `"$HOME"`, "`id`", "~", "*", "a\nb", "\n", "a\n\n", "\xff\n", "!x", "#", "-n", "β", "a;b", "=x", "{a,b}",
		"caf\xe9", "\xff'%d\\n$(id)", "\x1b[2J", "\u202etxt", "\xe2\x82", "\ufffd", "1\xff2", "\xff" + "7"}
	syntax := rapid.StringOf(rapid.RuneFrom([]rune(" '\"\\$`~*?[]{}();&|<>!#=%^\n\tabβ\x1b7")))
	bytes := rapid.Map(rapid.SliceOf(rapid.ByteRange(1, 255)), func(b []byte) string { return string(b) })
	for i := range 200 {
		words = append(words, syntax.Example(i), bytes.Example(i))
	}
	script := "printf '%s\\0'"
	for _, w := range words {
		q := Quote(w)
		if strings.TrimRight(w, "\n") == w && screen.Printable(q) != q {
			t.Errorf("%q is quoted as %q, which cannot be shown", w, q)
		}
		script += " " + q
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

func TestOperand(t *testing.T) {
	for in, want := range map[string]string{"-": "-", "-x": "./-x", "--length": "./--length", "./-x": "./-x", "a-b": "a-b", "- x": "'./- x'", "-\xff": `"$(printf './-\377')"`, "": "''"} {
		if got := Operand(in); got != want {
			t.Errorf("%q becomes %s, want %s", in, got, want)
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
