//go:build unix

package main

import "syscall"

// leaveNoCore keeps the system from writing all memory to a file when the process is
// aborted.
func leaveNoCore() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		syscall.Setrlimit(syscall.RLIMIT_CORE, &limit) // at worst there is a file
	}
}
