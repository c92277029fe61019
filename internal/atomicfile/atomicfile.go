// Package atomicfile writes files atomically: readers of the path see the old content
// or the new, never part of it, whenever the writing process or the machine dies.
//
// The content goes to a temporary file in the same folder, which is synced, renamed to
// the path, and made durable by syncing the folder. A crash can leave a temporary file
// behind: the next WriteFile of the same path removes it, and RemoveTemps removes those
// of a whole folder.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/l2m-lab/l2m/internal/tempfile"
)

// tempPrefix begins the name of every temporary file.
const tempPrefix = ".l2m-unfinished-"

// WriteFile replaces the content of path with what write writes. After an error the old
// content is still there and nothing else is left behind; only after an error in the
// last step, syncing the folder, is the new content in place, though it might not
// survive a power cut. perm is applied before the umask, as by os.OpenFile; the
// permissions of a replaced file are not kept.
func WriteFile(path string, perm fs.FileMode, write func(io.Writer) error) (err error) {
	dir, suffix := filepath.Dir(path), "-"+filepath.Base(path)
	defer func() {
		if err != nil {
			err = Explain(fmt.Errorf("writing %s: %w", path, err))
		}
	}()
	if st, err := os.Lstat(path); err == nil && !st.Mode().IsRegular() && st.Mode()&fs.ModeSymlink == 0 {
		return errors.New("it exists and is not a file (remove it, or choose another place)")
	}
	tempfile.RemoveAbandoned(dir, tempPrefix, suffix)
	f, err := tempfile.Create(dir, tempPrefix, suffix, perm)
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err // its path is one that nobody has asked for
	} else if err != nil {
		return err
	}
	renamed := false
	defer func() {
		f.Close() // a second Close only returns an error
		if !renamed {
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // elsewhere its lock must hold until the rename
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	renamed = true
	return syncDir(dir)
}

// Explain adds what to do to an error of a place that is read-only or full, and
// returns other errors unchanged.
func Explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w (allow writing there, or choose another place)", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w (free some space, or choose another place)", err)
	}
	return err
}

// WriteBytes is WriteFile for content in memory.
func WriteBytes(path string, perm fs.FileMode, content []byte) error {
	return WriteFile(path, perm, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// IsTemp reports whether a file name (without folder) is that of a temporary file of
// this package.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

// RemoveTemps removes the temporary files that crashes left in dir. No other process
// may be writing there.
func RemoveTemps(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for unfinished files: %w", err)
	}
	for _, e := range entries {
		if !IsTemp(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an unfinished file: %w", err)
		}
	}
	return nil
}

// syncDir makes a rename durable. Windows cannot sync folders; its file system
// journals renames.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}
