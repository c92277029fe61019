package llama

import (
	"fmt"
	"math"
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
		branches := []Branch{{At: 0, Tokens: randomTokens(rng, 100)}, {At: 90, Tokens: randomTokens(rng, 120)}, {At: 200, Tokens: randomTokens(rng, 2)}}
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

// Where one thread is faster, because another program is on the other cores, the
// tuner finds it, and it goes back when the other program ends; where all cores
// are fastest, trials cost little.
func TestTunerFindsTheFastest(t *testing.T) {
	run := func(tuner *tuner, batches int, seconds func(threads int) float64) (total float64) {
		for i := range batches {
			tuner.choose()
			s := seconds(tuner.choices[tuner.at]) * (1 + 0.05*math.Sin(float64(i)))
			tuner.took(s)
			total += s
		}
		return total
	}
	alone := func(threads int) float64 { return 4 / float64(threads) }
	crowded := func(threads int) float64 { return 4 + float64(threads-1) }
	tuner := newTuner(4)
	const batches = 2000
	if spent, best := run(tuner, batches, alone), batches*alone(4); spent > 1.04*best {
		t.Errorf("alone: %.0f s, %.0f with all threads from the start", spent, best)
	}
	if spent, best := run(tuner, batches, crowded), batches*crowded(1); spent > 1.08*best {
		t.Errorf("beside other programs: %.0f s, %.0f with one thread", spent, best)
	}
	if spent, best := run(tuner, batches, alone), batches*alone(4); spent > 1.10*best {
		t.Errorf("alone again: %.0f s, %.0f with all threads", spent, best)
	}
}
