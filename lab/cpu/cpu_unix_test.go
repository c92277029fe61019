//go:build unix

package cpu

import (
	"syscall"
	"time"
)

// cpuTime is the user time of the process: it depends little on what else the
// machine does.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano())
}
