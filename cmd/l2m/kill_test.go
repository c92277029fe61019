package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/internal/killtest"
)

// TestKilledRunsContinue kills a run at random instants with SIGKILL and
// continues it: nothing is lost, nothing is counted twice, and the result is
// that of an undisturbed run, byte for byte.
func TestKilledRunsContinue(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	dir := t.TempDir()
	src := filepath.Join(goroot(t), "src")
	measure := func(out string) *exec.Cmd {
		return l2mCommand("measure", filepath.Join(src, "strings"), filepath.Join(src, "bytes"),
			"--length", "256", "--windows", "80", "--draws", "200", "--figures", "svg", "--training-bytes", "50k", "--two-point-bytes", "20000", "-o", filepath.Join(dir, out))
	}
	begin := time.Now()
	if out, err := measure("whole").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(begin)
	killtest.Loop(t, 1, killtest.Kills(4), whole, func(int) *exec.Cmd { return measure("killed") }, func(_ int, done bool) {
		if done { // start the work again from nothing
			compareFiles(t, dir, "results.json")
			if err := os.RemoveAll(filepath.Join(dir, "killed")); err != nil {
				t.Fatal(err)
			}
		}
	})
	if out, err := measure("killed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	compareFiles(t, dir, "results.json")
	compareFiles(t, dir, "estimates.csv")
	compareFiles(t, dir, "report.html")
}

// compareFiles compares a file of the undisturbed and of the killed run.
func compareFiles(t *testing.T, dir, name string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(dir, "whole", name))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "killed", name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s of the killed run differs from that of the whole one", name)
	}
}
