//go:build unix

package corpus

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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

// Waiting for a pipe to end can be interrupted.
func TestPipeThatNeverEnds(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	w, err := os.OpenFile(pipe, os.O_RDWR, 0) // a writer that stays
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Index(ctx, []string{pipe}, Options{SpoolDir: t.TempDir()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
