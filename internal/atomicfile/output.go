package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// headLen is the number of leading bytes that a Mark sees.
const headLen = 4096

// Mark reports from the first bytes of a file (all, or 4,096) whether it was written by
// the same command, which may then replace it.
type Mark func(head []byte) bool

// Contains marks files whose first bytes contain a text.
func Contains(text string) Mark {
	return func(head []byte) bool { return bytes.Contains(head, []byte(text)) }
}

// StartsWith marks files that start with a text.
func StartsWith(text string) Mark {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(text)) }
}

// errEnough ends a writer of which only the first bytes are needed.
var errEnough = errors.New("enough was written")

// StartsAs marks files that start like the output of write, for formats that do not say
// who wrote them: such a file can only be overwritten by the same command.
func StartsAs(write func(io.Writer) error) Mark {
	return func(head []byte) bool {
		start := &prefix{limit: len(head)}
		err := write(start)
		return (err == nil || errors.Is(err, errEnough)) && bytes.Equal(start.content, head)
	}
}

// prefix keeps the first bytes written to it, and then fails.
type prefix struct {
	content []byte
	limit   int
}

func (p *prefix) Write(b []byte) (int, error) {
	n := min(len(b), p.limit-len(p.content))
	p.content = append(p.content, b[:n]...)
	if n < len(b) {
		return n, errEnough
	}
	return n, nil
}

// CheckOutput reports, before long work, whether WriteOutput would write to path.
func CheckOutput(path string, ours Mark) error {
	_, err := target(path, ours)
	return err
}

// WriteOutput is WriteFile for a path from the command line: links are followed, and
// devices and pipes are written to directly. An existing file is replaced only if it is
// empty or ours.
func WriteOutput(path string, perm fs.FileMode, ours Mark, write func(io.Writer) error) error {
	file, err := target(path, ours)
	if err != nil {
		return err
	}
	if st, err := os.Stat(file); err == nil && !st.Mode().IsRegular() {
		return writeThrough(file, write)
	}
	return WriteFile(file, perm, write)
}

// target is the file at the end of the links at path, or an error if it is not ours.
func target(path string, ours Mark) (string, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return "", fmt.Errorf("writing %s: it is a link to a file that does not exist (remove it, or choose another name)", path)
		}
	}
	if err == nil && st.IsDir() {
		return "", fmt.Errorf("writing %s: it is a folder (choose another name, such as that of a file in it)", path)
	}
	if err != nil || !st.Mode().IsRegular() { // opening it for writing reports the error
		return path, nil
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("writing %s: the file exists and cannot be read: %w (remove it, or choose another name)", path, err)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headLen))
	if err != nil {
		return "", fmt.Errorf("writing %s: checking the existing file: %w", path, err)
	}
	if len(head) > 0 && !ours(head) {
		return "", fmt.Errorf("writing %s: the file exists and was not written by this command (remove it, or choose another name)", path)
	}
	return file, nil
}

func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		err = errors.Join(write(f), f.Close())
	}
	if err != nil {
		return Explain(fmt.Errorf("writing %s: %w", path, err))
	}
	return nil
}
