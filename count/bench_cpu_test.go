//go:build unix

package count_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is the processor time of the process so far: unlike the time on the
// wall, it means something on a machine that others use too.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
