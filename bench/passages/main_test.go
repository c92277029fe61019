package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("one two three\n", 10_000)), 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if err := write(out, 3, 50_000, []string{text}); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(out, "*.txt"))
	if len(files) != 3 {
		t.Fatalf("%d documents", len(files))
	}
	seen := map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < 50_000 || seen[string(b)] {
			t.Errorf("%s: %d bytes, or a copy", f, len(b))
		}
		seen[string(b)] = true
		for _, w := range strings.Fields(string(b)) {
			if w != "one" && w != "two" && w != "three" {
				t.Fatalf("%s: %q is no word of the text", f, w)
			}
		}
	}
	dense := filepath.Join(dir, "dense.txt")
	if err := os.WriteFile(dense, []byte(strings.Repeat("x\n", 10_000)), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{filepath.Join(dir, "none"), dense} {
		if err := write(out, 1, 1, []string{bad}); err == nil {
			t.Errorf("%s gave no error", bad)
		}
	}
}
