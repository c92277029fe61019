package screen

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// hostile are texts that would do something on a terminal, and how they may show.
var hostile = map[string]string{
	"plain β 漢字 👩‍🔬":    "plain β 漢字 👩‍🔬",
	"\x1b[2J\x1b[1;1Hx": "�[2J�[1;1Hx",
	"\u009b31m":         "�31m",
	"a\nl2m: done":      "a�l2m: done",
	"a\rb\bc\x7f":       "a�b�c�",
	"\x1b]0;title\a":    "�]0;title�",
	"\u202etxt.exe":     "�txt.exe",
	"\u2066a\u2069":     "�a�",
	"\xff\xfe":          "��",
	"a\u2028b":          "a�b",
}

func TestPrintable(t *testing.T) {
	for in, want := range hostile {
		if got := Printable(in); got != want {
			t.Errorf("%q shows as %q, want %q", in, got, want)
		}
	}
	if got := Lines("a\n\x1bb"); got != "a\n  �b" {
		t.Errorf("lines: %q", got)
	}
}

// Nothing that is written through a Writer holds a control character but its line
// breaks and tabs, and what is printable stays.
func TestWriter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		var out strings.Builder
		if n, err := (Writer{&out}).Write([]byte(in)); n != len(in) || err != nil {
			t.Fatal(n, err)
		}
		got := out.String()
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && r != '\t' && steers(r) }) {
			t.Fatalf("%q became %q", in, got)
		}
		if Printable(in) == in && got != in {
			t.Fatalf("%q became %q", in, got)
		}
	})
}

// JSON that is written through a JSON writer holds no control character but its line
// breaks, and stays the same value.
func TestJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]string{rapid.String().Draw(t, "key") + "\u009b": rapid.String().Draw(t, "value") + "\u202e"}
		var out strings.Builder
		e := json.NewEncoder(JSON{&out})
		e.SetIndent("", "\t")
		if err := e.Encode(want); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && r != '\t' && steers(r) }) {
			t.Fatalf("wrote %q", out.String())
		}
		var got map[string]string
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%q became %q, %v", want, got, err)
		}
	})
}
