// Package tempfile makes temporary files that a later run can tell from those of a
// killed process: a running process holds a lock on each of its files.
package tempfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/l2m-lab/l2m/internal/filelock"
)

// randomDigits is the length of the random part of a name.
const randomDigits = 13

// Create creates a new file prefix + random letters + suffix in dir and locks it until
// it is closed, if the file system has locks. perm is applied before the umask, as by
// os.OpenFile.
func Create(dir, prefix, suffix string, perm fs.FileMode) (*os.File, error) {
	for tries := 0; ; tries++ {
		path := filepath.Join(dir, prefix+random()+suffix)
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) && tries < 100 {
			continue
		}
		if err != nil {
			return nil, err
		}
		held, err := filelock.Try(f)
		if held && exists(f, path) || errors.Is(err, filelock.ErrUnsupported) {
			return f, nil
		}
		// Between creation and locking, another process took it for abandoned.
		f.Close()
		if tries >= 100 {
			return nil, fmt.Errorf("locking %s: %w", path, errors.Join(err, filelock.ErrHeld))
		}
	}
}

// RemoveAbandoned removes the files in dir that Create made with the same prefix and
// suffix in a process that has ended. It ignores errors: nothing depends on them.
func RemoveAbandoned(dir, prefix, suffix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !made(e.Name(), prefix, suffix) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if held, _ := filelock.Try(f); held && exists(f, path) {
			os.Remove(path)
		}
		f.Close()
	}
}

// made reports whether a name is one of Create's.
func made(name, prefix, suffix string) bool {
	middle, ok := strings.CutPrefix(name, prefix)
	if ok {
		middle, ok = strings.CutSuffix(middle, suffix)
	}
	return ok && len(middle) == randomDigits && strings.Trim(middle, digits) == ""
}

const digits = "0123456789abcdefghijklmnopqrstuvwxyz"

func random() string {
	b := make([]byte, randomDigits)
	for i := range b {
		b[i] = digits[rand.IntN(len(digits))]
	}
	return string(b)
}

// exists reports whether path still names the open file.
func exists(f *os.File, path string) bool {
	have, err := os.Lstat(path)
	if err != nil {
		return false
	}
	open, err := f.Stat()
	return err == nil && os.SameFile(have, open)
}
