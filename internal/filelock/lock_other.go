//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package filelock

import "os"

// Acquire does nothing on this system.
func Acquire(path string) (f *os.File, supported bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	return f, false, err
}

// Try fails on this system.
func Try(*os.File) (held bool, err error) { return false, ErrUnsupported }
