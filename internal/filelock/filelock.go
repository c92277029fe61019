// Package filelock prevents two processes from writing to a folder at the same time.
package filelock

import "errors"

// ErrHeld is wrapped by the error of Acquire when another process holds the lock;
// the error says which.
var ErrHeld = errors.New("in use")

// ErrUnsupported is the error of Try if the file system has no locks.
var ErrUnsupported = errors.New("the file system has no locks")
