package tempfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/l2m-lab/l2m/internal/filelock"
)

// locks skips where an abandoned file cannot be told from one in use.
func locks(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := filelock.Try(f); errors.Is(err, filelock.ErrUnsupported) {
		t.Skip(err)
	}
}

// Only files of that prefix and suffix go, and only where nobody holds them. A
// closed file is as one of a dead process: the lock is of the open file.
func TestRemoveAbandoned(t *testing.T) {
	locks(t)
	dir := t.TempDir()
	create := func(prefix, suffix string) *os.File {
		f, err := Create(dir, prefix, suffix, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	dead, alive, other := create("p-", "-s"), create("p-", "-s"), create("q-", "-s")
	dead.Close()
	other.Close()
	defer alive.Close()
	keep := []string{filepath.Base(alive.Name()), filepath.Base(other.Name())}
	for _, name := range []string{"p-notes-s", "p-0123456789ab-s", "p-0123456789abcd-s", "p-0123456789abc", "p-0123456789aBc-s"} {
		keep = append(keep, name)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, link := "p-0000000000000-s", "p-0000000000001-s"
	keep = append(keep, folder, link)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, folder), 0o700), os.Symlink(other.Name(), filepath.Join(dir, link))); err != nil {
		t.Skip(err)
	}
	RemoveAbandoned(dir, "p-", "-s")
	RemoveAbandoned(filepath.Join(dir, "missing"), "p-", "-s")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(keep)
	if !slices.Equal(got, keep) {
		t.Errorf("left\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(keep, "\n"))
	}
}

// However often others clean up meanwhile, a file that was created is there until
// its owner renames it.
func TestCleaningSparesTheLiving(t *testing.T) {
	locks(t)
	dir := t.TempDir()
	done := make(chan struct{})
	var cleaners, writers sync.WaitGroup
	for range 2 {
		cleaners.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					RemoveAbandoned(dir, "p-", "")
				}
			}
		})
	}
	for w := range 2 {
		writers.Go(func() {
			for i := range 300 {
				f, err := Create(dir, "p-", "", 0o600)
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.Rename(f.Name(), filepath.Join(dir, fmt.Sprint("whole", w))); err != nil {
					t.Errorf("after %d: %v", i, err)
				}
				f.Close()
			}
		})
	}
	writers.Wait()
	close(done)
	cleaners.Wait()
}
