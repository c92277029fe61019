package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/internal/thorough"
)

// TestMemoryIsLimited counts the words of the Go source tree with a limit that is far
// too small for their pairs: the whole command keeps to it. 150 MiB are enough for Go
// 1.26; the rest is for the words of later releases.
func TestMemoryIsLimited(t *testing.T) {
	if !thorough.Tests() {
		t.Skip("counts for a third of a minute: set L2M_THOROUGH=1")
	}
	const limit = 170 // MiB
	out := filepath.Join(t.TempDir(), "run")
	cmd := l2mCommand("twopoint", "--tokens", "words", "--distances", ":16", "--figures", "svg", "--quiet",
		"--memory", fmt.Sprintf("%dM", limit), "--out", out, filepath.Join(goroot(t), "src"))
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	peak, chunks := 0, 0
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, output.Bytes())
			}
			running = false
		case <-time.After(10 * time.Millisecond):
			peak = max(peak, peakMemory(cmd.Process.Pid))
			files, _ := filepath.Glob(filepath.Join(out, "counting", "chunk-*"))
			chunks = max(chunks, len(files))
		}
	}
	t.Logf("the peak is %.1f MiB, with %d chunks", float64(peak)/1024, chunks)
	if peak == 0 || peak > limit<<10 {
		t.Errorf("--memory %dM: the peak is %.1f MiB", limit, float64(peak)/1024)
	}
	if chunks < 2 {
		t.Error("all pairs fitted into the memory")
	}
}

// peakMemory is the largest resident memory of a process so far, in KiB; 0 if it has
// ended. What the system adds up at the end is no use: it has that of this process, of
// which the other began as a copy.
func peakMemory(pid int) (kib int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Sscan(after, &kib)
	return kib
}

// Where the system has no more memory to give, the exit code is not that of wrong
// usage.
func TestOutOfMemoryIsNotWrongUsage(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector memory runs out in another way")
	}
	limited := func(args ...string) *exec.Cmd {
		cmd := l2mCommand(args...)
		// 1.9 GiB: the process below needs 2 GiB for its 2²⁸ numbers alone.
		cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `ulimit -v 2000000 && exec "$@"`, "sh"}, cmd.Args...)
		return cmd
	}
	if said, err := limited("version").CombinedOutput(); err != nil {
		t.Skipf("this binary cannot start with so little: %v\n%s", err, said)
	}
	said, err := limited("process", "truth", "powergauss", "--length", "268435456").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(said), "out of memory") {
		t.Fatalf("it ended with %v\n%.500s", err, said)
	}
	status := exit.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGABRT || status.CoreDump() {
		t.Errorf("it ended with %v, not an abort without a core\n%.500s", err, said)
	}
}
