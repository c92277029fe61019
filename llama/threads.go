package llama

import (
	"os"
	"path/filepath"
	"runtime"
)

// defaultThreads is the number of cores that this process may use: as many as
// the Go runtime grants itself, which heeds the limits of a container, but no
// more than there are physical ones, where the system says so. Threads of
// llama.cpp wait for each other by spinning, so that a single one too many holds
// up all of them.
func defaultThreads() int {
	n := runtime.GOMAXPROCS(0)
	if cores := physicalCores("/sys/devices/system/cpu"); cores > 0 {
		n = min(n, cores)
	}
	return n
}

// physicalCores counts the cores of a Linux system; 0 means unknown.
func physicalCores(dir string) int {
	lists, _ := filepath.Glob(filepath.Join(dir, "cpu[0-9]*", "topology", "thread_siblings_list"))
	cores := map[string]bool{}
	for _, name := range lists {
		if b, err := os.ReadFile(name); err == nil {
			cores[string(b)] = true
		}
	}
	return len(cores)
}
