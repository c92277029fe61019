//go:build unix

package corpus

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A shell gives <(command) as a pipe, which can be read once; a corpus is read
// more often.
func TestNamedPipe(t *testing.T) {
	for name, text := range map[string]string{"plain": "from a pipe", "gzip": gz("from a pipe")} {
		pipe, spool := filepath.Join(t.TempDir(), "pipe"), t.TempDir()
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Skip(err)
		}
		go os.WriteFile(pipe, []byte(text), 0o600)
		c := index(t, Options{SpoolDir: spool}, pipe)
		for range 2 {
			if got := contents(t, c, ""); got[strings.TrimPrefix(pipe, "/")] != "from a pipe" {
				t.Errorf("%s: read %q", name, got)
			}
		}
		c.Close()
		if left, _ := os.ReadDir(spool); len(left) > 0 {
			t.Errorf("%s: %v is left", name, left)
		}
	}
}

// Waiting can be interrupted: for a pipe to end, for somebody to write to it, and
// for standard input. What was kept of it goes.
func TestInterruptedWaiting(t *testing.T) {
	held, unopened := filepath.Join(t.TempDir(), "held"), filepath.Join(t.TempDir(), "unopened")
	for _, pipe := range []string{held, unopened} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Skip(err)
		}
	}
	w, err := os.OpenFile(held, os.O_RDWR, 0) // a writer that stays
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	stdin, writer := io.Pipe()
	defer writer.Close()
	for _, path := range []string{held, unopened, "-"} {
		spool := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := Index(ctx, []string{path}, Options{Stdin: stdin, SpoolDir: spool})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v", path, err)
		}
		if left, _ := os.ReadDir(spool); len(left) > 0 {
			t.Errorf("%s: %v is left", path, left)
		}
	}
}

// What a killed process kept of standard input goes with the next run; what
// belongs to a living one, or to somebody else, stays.
func TestSpoolOfKilledProcess(t *testing.T) {
	spool := t.TempDir()
	alive := index(t, Options{Stdin: strings.NewReader("a"), SpoolDir: spool}, "-")
	defer alive.Close()
	for _, name := range []string{"l2m-stdin-0123456789abc", "l2m-stdin-notes"} {
		if err := os.WriteFile(filepath.Join(spool, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	index(t, Options{Stdin: strings.NewReader("b"), SpoolDir: spool}, "-").Close()
	if got := contents(t, alive, ""); got["standard input"] != "a" {
		t.Errorf("the living one reads %q", got)
	}
	left, _ := filepath.Glob(filepath.Join(spool, "*"))
	want := []string{alive.spooled[0].Name(), filepath.Join(spool, "l2m-stdin-notes")}
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
}
