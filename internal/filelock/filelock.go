// Package filelock keeps a second process out of a folder that a first one
// writes to.
package filelock

import "errors"

// ErrHeld is wrapped by the error of Acquire when another process holds the lock;
// the error says which.
var ErrHeld = errors.New("in use")

// ErrUnsupported is the error of Try where the file system has no locks.
var ErrUnsupported = errors.New("the file system has no locks")
