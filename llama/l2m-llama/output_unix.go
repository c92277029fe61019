//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// ownOutput returns standard output, and redirects what libraries write there to
// standard error: it would mix with the messages.
func ownOutput() (*os.File, error) {
	fd, err := unix.Dup(1)
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(fd)
	if err := unix.Dup2(2, 1); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "standard output"), nil
}
