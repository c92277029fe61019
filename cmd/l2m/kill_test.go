package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/internal/killtest"
	"github.com/l2m-lab/l2m/result"
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
		"measure":   "SRC/strings SRC/bytes --length 256 --windows 80 --draws 200 --figures svg --training-bytes 15k --two-point-bytes 20000",
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

// TestKilledStudyContinues kills a study at random instants: continued, it finds what
// an undisturbed one does.
func TestKilledStudyContinues(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "small.json")
	put(t, file, `{"question": "Which?", "about": "A test.", "recipe": {"model": {"model_type": "", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2},
		"data": "hierarchical:copies=2", "lengths": [16], "steps": 60, "batch": 8, "rate": 0.01, "seed": 1},
		"models": [{"name": "m", "change": {"layer_types": ["full_attention"]}}, {"name": "n", "change": {"layer_types": ["linear_attention"]}}],
		"panels": [{"name": "p", "label": "P", "change": {}, "models": ["m", "n"]}], "seeds": [1, 2, 3], "figures": [{"id": "f", "title": "F", "x": "state", "panels": ["p"]}]}`)
	run := func(out string) *exec.Cmd {
		return l2mCommand("lab", "study", file, "-q", "--figures", "svg", "-o", filepath.Join(dir, out))
	}
	found := func(out string) []result.StudyCell {
		f, err := os.Open(filepath.Join(dir, out, "study.json"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s, err := result.Read[result.Study](f, f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Cells {
			s.Cells[i].Seconds = 0
		}
		return s.Cells
	}
	begin := time.Now()
	if said, err := run("whole").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	whole := time.Since(begin)
	killtest.Loop(t, 1, killtest.Kills(4), whole, func() *exec.Cmd { return run("killed") }, func(bool) {})
	if said, err := run("killed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if got, want := found("killed"), found("whole"); len(got) != 6 || !reflect.DeepEqual(got, want) {
		t.Errorf("killed, the study found %+v, and otherwise %+v", got, want)
	}
}
