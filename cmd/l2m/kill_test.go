package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/internal/killtest"
)

// TestKilledRunsContinue kills runs at random instants with SIGKILL and continues
// them: nothing is lost, nothing is counted twice, and every file is that of an
// undisturbed run, byte for byte. Only how scores are cut into parts depends on time.
func TestKilledRunsContinue(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	src := filepath.Join(goroot(t), "src")
	for verb, args := range map[string]string{
		"measure":   "SRC/strings SRC/bytes --length 256 --windows 80 --draws 200 --figures svg --training-bytes 50k --two-point-bytes 20000",
		"twopoint":  "SRC/strings SRC/bytes --tokens words --memory 30M --figures svg",
		"calibrate": "powergauss:beta=0.6 --windows 30 --length 128 --repetitions 20 --draws 99",
	} {
		t.Run(verb, func(t *testing.T) {
			dir := t.TempDir()
			run := func(out string) *exec.Cmd {
				return l2mCommand(append(words(verb+" "+strings.ReplaceAll(args, "SRC", src)), "-o", filepath.Join(dir, out))...)
			}
			begin := time.Now()
			if out, err := run("whole").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			whole := time.Since(begin)
			same := func() {
				t.Helper()
				want, got := snapshot(t, filepath.Join(dir, "whole")), snapshot(t, filepath.Join(dir, "killed"))
				for _, files := range []map[string]string{want, got} {
					maps.DeleteFunc(files, func(name, _ string) bool { return strings.Contains(name, "/scores/") })
				}
				for name := range want {
					if got[name] != want[name] {
						t.Errorf("%s of the killed run differs from that of the whole one", name)
					}
					delete(got, name)
				}
				for name := range got {
					t.Errorf("%s is left", name)
				}
			}
			killtest.Loop(t, 1, killtest.Kills(4), whole, func() *exec.Cmd { return run("killed") }, func(done bool) {
				if done { // start the work again from nothing
					same()
					if err := os.RemoveAll(filepath.Join(dir, "killed")); err != nil {
						t.Fatal(err)
					}
				}
			})
			if out, err := run("killed").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			same()
		})
	}
}
