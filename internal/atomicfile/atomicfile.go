// Package atomicfile writes files whole: whoever opens the path sees the old
// content or the new, never a part of it, whatever instant the writing process
// or the machine dies at.
//
// The content goes to a temporary file in the same folder, which is synced,
// renamed over the path, and made durable by syncing the folder. A crash can
// leave temporary files behind; their names are recognised by IsTemp, and
// RemoveTemps clears them away.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// tempPrefix starts the name of every temporary file.
const tempPrefix = ".l2m-unfinished-"

// WriteFile replaces path by what write writes, or leaves it untouched: after
// an error the old content is still there and nothing else is left behind.
// The one exception is an error of the last step, syncing the folder: the new
// content is in place then, but might not survive a power cut. perm is applied
// before the umask, as by os.OpenFile; the permissions of a replaced file are
// not kept.
func WriteFile(path string, perm fs.FileMode, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	f, err := create(dir, filepath.Base(path), perm)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	temp := f.Name()
	renamed := false
	defer func() {
		if !renamed {
			f.Close() // a second Close only returns an error
			os.Remove(temp)
		}
		if err != nil {
			err = fmt.Errorf("writing %s: %w", path, err)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	renamed = true
	return syncDir(dir)
}

// WriteBytes is WriteFile for content that is already in memory.
func WriteBytes(path string, perm fs.FileMode, content []byte) error {
	return WriteFile(path, perm, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// IsTemp reports whether a file name (without folder) is that of an unfinished
// file of this package.
func IsTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

// RemoveTemps removes the unfinished files that earlier crashes left in dir. No
// other process may be writing there at the same time.
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

// create opens a new file with an unused temporary name. os.CreateTemp would
// ignore the umask once the mode is widened from its 0600.
func create(dir, base string, perm fs.FileMode) (*os.File, error) {
	for tries := 0; ; tries++ {
		name := tempPrefix + strconv.FormatUint(rand.Uint64(), 36) + "-" + base
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) && tries < 100 {
			continue
		}
		return f, err
	}
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
