package count

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/l2m-lab/l2m/internal/killtest"
	"github.com/l2m-lab/l2m/token"
)

const childEnv = "L2M_COUNT_CHILD"

func killOptions(dir string) Options {
	o := Options{Distances: []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}, Blocks: 4, Workers: 2, SpillDir: dir, Key: "killed"}
	o.Memory = leastMemory(o)
	return o
}

func killCorpus() Documents { return skewed(77, 50, 300_000, 12_000) }

func denseKillOptions(dir string) Options {
	return Options{Distances: []int{1, 3, 700}, Vocabulary: 40, Blocks: 4, Workers: 2, SpillDir: dir, Key: "killed"}
}

// A process that is killed at any instant, again and again, leaves a folder in
// which the next one continues, and the counts are what one undisturbed call
// counts.
func TestKilled(t *testing.T) {
	testKilled(t, killCorpus(), killOptions)
}

// So it is with tables.
func TestKilledDense(t *testing.T) {
	chunk, every, share := denseChunk, keepEvery, keepShare
	defer func() { denseChunk, keepEvery, keepShare = chunk, every, share }()
	denseChunk, keepEvery, keepShare = 4096, time.Millisecond, 0.5
	testKilled(t, skewed(78, 50, 400_000, 40), denseKillOptions)
}

func testKilled(t *testing.T, docs Documents, options func(dir string) Options) {
	// Reading takes its time, so that a process can be killed meanwhile.
	slow := SourceFunc(func(yield func(int, []token.ID) error) error {
		return docs.Each(func(doc int, tokens []token.ID) error {
			time.Sleep(4 * time.Millisecond)
			return yield(doc, tokens)
		})
	})
	if dir := os.Getenv(childEnv); dir != "" {
		if _, err := Pairs(t.Context(), slow, options(dir)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	o := options("")
	o.Key = ""
	want, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	killtest.Loop(t, 79, killtest.Kills(4), 150*time.Millisecond, func() *exec.Cmd {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), childEnv+"="+dir)
		return child
	}, func(bool) {})
	o = options(dir)
	runs, _ := filepath.Glob(filepath.Join(dir, "chunk-*.runs"))
	tables, _ := filepath.Glob(filepath.Join(dir, "tables.bin"))
	counted, resumed := false, false
	o.Progress = func(p Progress) { counted, resumed = true, resumed || p.Resumed > 0 }
	got, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs)+len(tables) > 0 && counted && !resumed {
		t.Error("nothing was resumed")
	}
	if diff := cmp.Diff(want, got, sameCounts); diff != "" {
		t.Errorf("(-undisturbed +killed):\n%s", diff)
	}
}

// A source that fails, or a call that is interrupted, loses no chunk that was
// counted in tables, and a copy that is damaged is an error.
func TestDenseContinues(t *testing.T) {
	chunk := denseChunk
	defer func() { denseChunk = chunk }()
	denseChunk = 4096
	docs := skewed(79, 20, 100_000, 40)
	o := denseKillOptions(t.TempDir())
	want, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := Clean(o.SpillDir); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is gone")
	_, err = Pairs(t.Context(), SourceFunc(func(yield func(int, []token.ID) error) error {
		for i, d := range docs[:15] {
			if err := yield(i, d); err != nil {
				return err
			}
		}
		return broken
	}), o)
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var first, last Progress
	o.Progress = func(p Progress) {
		if first.Stage == "" {
			first = p
		}
		if last = p; p.Done > p.Resumed {
			cancel()
		}
	}
	if _, err = Pairs(ctx, docs, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	if first.Resumed == 0 || last.Resumed == 0 {
		t.Errorf("nothing was resumed: %+v, %+v", first, last)
	}
	o.Progress = nil
	got, err := Pairs(t.Context(), docs, o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, sameCounts); diff != "" {
		t.Errorf("(-undisturbed +interrupted):\n%s", diff)
	}

	path := filepath.Join(o.SpillDir, "tables.bin")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{data[:len(data)/2], append(data, 0), {}} {
		if err := os.WriteFile(path, damaged, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Pairs(t.Context(), docs, o); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%d bytes of %d: error %v does not name the file", len(damaged), len(data), err)
		}
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
	if err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "repeat the call") {
		t.Fatalf("error %v does not say that the disk is full and what to do", err)
	}
	only(t, filepath.Join(dir, "chunk-000000-*.runs")) // something was kept
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

// What is read from a copy of tables is never more than the tables, and what was
// written is read again.
func FuzzTables(f *testing.F) {
	o := Options{Distances: []int{1, 2}, Vocabulary: 3, Blocks: 2}
	empty := func() *dense {
		t, err := loadDense(nil, o)
		if err != nil {
			f.Fatal(err)
		}
		return t
	}
	full := empty()
	full.chunks, full.tokens, full.used[1], full.unigrams[2], full.tables[1][0][4] = 3, 700, true, 1<<40, 1
	for _, t := range []*dense{empty(), full} {
		var b bytes.Buffer
		w := bufio.NewWriter(&b)
		if err := t.write(w); err != nil {
			f.Fatal(err)
		}
		w.Flush()
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:b.Len()-1])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		one := empty()
		if one.read(bufio.NewReader(bytes.NewReader(data))) != nil {
			return
		}
		var b bytes.Buffer
		w := bufio.NewWriter(&b)
		if err := one.write(w); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		again := empty()
		if err := again.read(bufio.NewReader(&b)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(one, again, cmp.AllowUnexported(dense{})); diff != "" {
			t.Errorf("(-read +read again):\n%s", diff)
		}
	})
}
