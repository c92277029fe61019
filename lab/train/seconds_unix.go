//go:build unix

package train

import (
	"syscall"
	"time"
)

// userSeconds is the time that the processor has spent in this process so far, without
// that of the kernel.
func userSeconds() float64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano()).Seconds()
}
