//go:build unix

package main

import (
	"os"
	"time"

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

// spent is what this process, llama.cpp included, has had of the processors.
func spent() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return time.Since(started)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
