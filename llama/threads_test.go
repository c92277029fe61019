package llama

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestPhysicalCores(t *testing.T) {
	dir := t.TempDir()
	if n := physicalCores(dir); n != 0 {
		t.Errorf("%d cores where nothing is known", n)
	}
	for cpu, siblings := range []string{"0,2\n", "1,3\n", "0,2\n", "1,3\n"} {
		d := filepath.Join(dir, fmt.Sprint("cpu", cpu), "topology")
		os.MkdirAll(d, 0o755)
		os.WriteFile(filepath.Join(d, "thread_siblings_list"), []byte(siblings), 0o644)
	}
	if n := physicalCores(dir); n != 2 {
		t.Errorf("%d cores of two threads, want 2", n)
	}
}

// The number of threads changes nothing, not even the rounding: a run may be
// continued on another machine's processors.
func TestThreads(t *testing.T) {
	needLibrary(t)
	for _, arch := range []string{"llama", "gemma3", "mamba"} {
		path, _ := randomModel(t, arch, small)
		rng := rand.New(rand.NewPCG(6, 6))
		tokens := randomTokens(rng, 200)
		branches := []Branch{{0, randomTokens(rng, 100)}, {90, randomTokens(rng, 120)}, {200, randomTokens(rng, 2)}}
		var first []float32
		for threads := 1; threads <= 2; threads++ {
			m := open(t, Options{Path: path, Threads: threads, Batch: 64})
			along, off, err := m.LogProbs(t.Context(), tokens, branches)
			if err != nil {
				t.Fatal(err)
			}
			all := slices.Concat(along, off[0], off[1], off[2])
			if first == nil {
				first = all
			}
			if !slices.Equal(all, first) {
				t.Errorf("%s: %d threads have other log-probabilities than 1", arch, threads)
			}
		}
	}
}
