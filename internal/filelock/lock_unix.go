//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package filelock

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Acquire locks the file at path, until the file is closed or the process dies.
// supported is false on file systems without locks.
func Acquire(path string) (f *os.File, supported bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, false, err
	}
	held, err := Try(f)
	switch {
	case errors.Is(err, ErrUnsupported):
		return f, false, nil
	case err != nil:
		f.Close()
		return nil, false, err
	case !held:
		holder := make([]byte, 32)
		n, _ := f.ReadAt(holder, 0)
		f.Close()
		who := "another l2m process"
		if pid, err := strconv.Atoi(strings.TrimSpace(string(holder[:n]))); err == nil {
			who = fmt.Sprintf("another l2m process (pid %d)", pid)
		}
		return nil, true, fmt.Errorf("%w: %s", ErrHeld, who)
	}
	// The process id is only for the message above, so a failure to write it does not
	// matter.
	if f.Truncate(0) == nil {
		f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return f, true, nil
}

// Try locks an open file until it is closed or the process dies. held is false if
// another process, or another open file of this one, holds the lock.
func Try(f *os.File) (held bool, err error) {
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return false, nil
	case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOLCK):
		return false, ErrUnsupported
	}
	return false, err
}
