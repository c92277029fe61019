//go:build !unix

package cpu

import "time"

var started = time.Now()

func cpuTime() time.Duration { return time.Since(started) }
