//go:build unix

package train

import (
	"cmp"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/mixer"
)

// torchSteps are taken in torch, the first two of them to compile.
const torchSteps = 6

// BenchmarkStep takes steps of 4,096 tokens on one worker: tokens per second of
// CPU in the best of them, and the shares of the most expensive kinds of
// operations. Other work on the machine slows all of them down: take the best of
// a few. See bench/torch/README.md for torch beside it.
func BenchmarkStep(b *testing.B) {
	attention := []string{"full_attention"}
	wide := mixer.Config{Hidden: 256, Layers: 4, Heads: 4, Inner: 1024, Place: "learned", State: 64}
	small := mixer.Config{Hidden: 64, Layers: 2, Heads: 4, Inner: 128, Place: "learned"} // as in the study memory
	for _, c := range []struct {
		name   string
		model  mixer.Config
		types  []string
		copies string
		length int
		torch  bool // beside it in torch, where L2M_TORCH names a Python that has it
	}{
		{"S", mixer.Config{Hidden: 128, Layers: 2, Heads: 4, Inner: 512, Place: "learned"}, attention, "64", 256, true},
		{"A", wide, attention, "64", 1024, true},
		{"C", mixer.Config{Hidden: 256, Layers: 4, Heads: 8, State: 64}, []string{"mamba2"}, "64", 1024, true},
		{"gated_delta", wide, []string{"gated_delta"}, "64", 1024, false},
		{"memory", wide, []string{"power_law_memory"}, "64", 1024, false},
		{"small", small, attention, "4", 256, false},
		{"small-memory", small, []string{"power_law_memory"}, "4", 256, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.model.Types, c.model.Exponent = c.types, 0.8
			data, err := OpenData("hierarchical:copies=" + c.copies)
			if err != nil {
				b.Fatal(err)
			}
			const tokens = 4096
			r, err := Recipe{Model: c.model, Lengths: []int{c.length}, Steps: torchSteps, Batch: tokens / c.length, Rate: 0.001, EvaluateOn: 1}.Settled(data)
			if err != nil {
				b.Fatal(err)
			}
			run := newRun(r)
			t := &trainer{run: run, data: data, o: Options{Workers: 1, Set: cpu.Best()}, opt: newOptimiser(&run.Recipe, r.Model.Params(), run.layout, cpu.Best())}
			if err := t.step(); err != nil { // compiles
				b.Fatal(err)
			}
			t.workers[c.length][0].Profile = map[string]time.Duration{}
			best := time.Duration(math.MaxInt64)
			for b.Loop() {
				start := userTime()
				if err := t.step(); err != nil {
					b.Fatal(err)
				}
				best = min(best, userTime()-start)
			}
			b.ReportMetric(tokens/best.Seconds(), "tokens/cpu-s")
			report(b, t.workers[c.length][0].Profile)
			if python := os.Getenv("L2M_TORCH"); python != "" && c.torch {
				file := filepath.Join(b.TempDir(), "steps.safetensors")
				writeSteps(b, file, r, data)
				var theirs map[string]float64
				torch(b, &theirs, python, "speed.py", file)
				for name, speed := range theirs {
					b.ReportMetric(speed, "torch-"+name+"-tokens/cpu-s")
				}
			}
		})
	}
}

// report gives the shares of a step's time that the five most expensive kinds
// of operations took.
func report(b *testing.B, profile map[string]time.Duration) {
	var total time.Duration
	for _, d := range profile {
		total += d
	}
	names := slices.SortedFunc(maps.Keys(profile), func(x, y string) int { return cmp.Compare(profile[y], profile[x]) })
	for _, n := range names[:min(5, len(names))] {
		b.ReportMetric(100*float64(profile[n])/float64(total), "%"+strings.ReplaceAll(n, " ", "_"))
	}
}

// userTime is the user time of the process.
func userTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano())
}
