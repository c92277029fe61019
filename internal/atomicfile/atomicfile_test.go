package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/l2m-lab/l2m/internal/tempfile"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteFileReplacesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	for _, content := range []string{"first, rather long", "second", ""} {
		if err := WriteBytes(path, 0o644, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Fatalf("read %q, %v; want %q", got, err, content)
		}
	}
	if got := names(t, filepath.Dir(path)); len(got) != 1 || got[0] != "a.json" {
		t.Errorf("folder holds %q, want only a.json", got)
	}
}

func TestFailedWriteLeavesOldContent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("the caller ran out of luck")
	err := WriteFile(path, 0o644, func(w io.Writer) error {
		if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
			return err
		}
		return cause
	})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that wraps the cause and names the file", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("content %q after a failed write, want the old one", got)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("folder holds %q, want only the old file", got)
	}
}

func TestErrorsNameThePath(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing", "a")
	if err := WriteBytes(missing, 0o644, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("folder missing: %v", err)
	}
	// A folder cannot be replaced by a file.
	if err := WriteBytes(dir, 0o644, nil); err == nil {
		t.Error("writing over a folder succeeded")
	}
}

// TestReadersNeverSeeAPart reads while another goroutine replaces the file.
func TestReadersNeverSeeAPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	contents := [][]byte{bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("b"), 50_000)}
	if err := WriteBytes(path, 0o644, contents[0]); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := WriteBytes(path, 0o644, contents[i%2]); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 200 {
		got, err := os.ReadFile(path)
		if err != nil || (!bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1])) {
			t.Errorf("read %d bytes, error %v: neither version", len(got), err)
			break
		}
	}
	close(stop)
	wg.Wait()
}

func TestRemoveTemps(t *testing.T) {
	dir := t.TempDir()
	f, err := tempfile.Create(dir, tempPrefix, "-a", 0o644)
	if err != nil {
		t.Fatal(err)
	}
	f.Close() // as if the process had died here
	if !IsTemp(filepath.Base(f.Name())) {
		t.Errorf("IsTemp(%q) = false", f.Name())
	}
	if err := os.WriteFile(filepath.Join(dir, ".hidden"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := RemoveTemps(dir); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != ".hidden" {
		t.Errorf("left %q, want only .hidden", got)
	}
	if err := RemoveTemps(filepath.Join(dir, "missing")); err == nil {
		t.Error("no error for a missing folder")
	}
}

// What a killed WriteFile leaves is removed by the next one of the same path, and
// nothing else is: not what a living process writes, nor other paths' leftovers.
func TestNextWriteRemovesLeftovers(t *testing.T) {
	dir := t.TempDir()
	temp := func(suffix string) *os.File {
		f, err := tempfile.Create(dir, tempPrefix, suffix, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	left, alive, other := temp("-a"), temp("-a"), temp("-b")
	left.Close()
	other.Close()
	defer alive.Close()
	if err := WriteBytes(filepath.Join(dir, "a"), 0o644, []byte("x")); err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Base(alive.Name()), filepath.Base(other.Name()), "a"}
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}
