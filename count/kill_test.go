package count

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const childEnv = "L2M_COUNT_CHILD"

func killOptions(dir string) Options {
	o := Options{Distances: []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}, Blocks: 4, Workers: 2, SpillDir: dir, Key: "killed"}
	o.Memory = leastMemory(o)
	return o
}

func killCorpus() Documents { return skewed(77, 50, 300_000, 20_000) }

// A process that is killed at any instant, again and again, leaves a folder in
// which the next one continues, and the counts are what one undisturbed call
// counts.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(childEnv); dir != "" {
		if _, err := Pairs(t.Context(), killCorpus(), killOptions(dir)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	o := killOptions("")
	o.Key = ""
	want, err := Pairs(t.Context(), killCorpus(), o)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rng := seeded(uint64(time.Now().UnixNano()), 0)
	kills := 0
	for range 12 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), childEnv+"="+dir)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(20+rng.IntN(300))*time.Millisecond, func() { child.Process.Kill() })
		err := child.Wait()
		timer.Stop()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == -1 {
			kills++
		} else if err != nil {
			t.Fatalf("the child failed by itself: %v", err)
		}
	}
	t.Logf("%d of 12 processes were killed before they were done", kills)
	got, err := Pairs(t.Context(), killCorpus(), killOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, sameCounts); diff != "" {
		t.Errorf("(-undisturbed +killed):\n%s", diff)
	}
}

// A full disk is one clear error, and what was spilled before it is used again.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a Linux tmpfs for a disk that fills up")
	}
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	mounted := true
	defer func() {
		if mounted {
			exec.Command("umount", dir).Run()
		}
	}()
	o := killOptions(dir)
	_, err := Pairs(t.Context(), killCorpus(), o)
	if err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "the same call continues") {
		t.Fatalf("error %v does not say that the disk is full and what to do", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "chunk-000000.runs")); err != nil {
		t.Fatalf("nothing was kept: %v", err)
	}
	if out, err := exec.Command("mount", "-o", "remount,size=200m", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var resumed int64
	o.Progress = func(p Progress) { resumed = max(resumed, p.Resumed) }
	got, err := Pairs(t.Context(), killCorpus(), o)
	if err != nil {
		t.Fatal(err)
	}
	if resumed == 0 {
		t.Error("what was spilled before the disk was full was not used")
	}
	o.SpillDir, o.Memory = "", 64<<20
	want, err := Pairs(t.Context(), killCorpus(), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, sameCounts); diff != "" {
		t.Errorf("(-undisturbed +after a full disk):\n%s", diff)
	}
}
