//go:build unix

package train

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/mixer"
)

// BenchmarkStep takes steps of 4,096 tokens on one worker: tokens per second of
// CPU, and the shares of the most expensive kinds of operations in a step. Other
// work on the machine slows it down all the same: take the best of a few.
func BenchmarkStep(b *testing.B) {
	attention := []string{"full_attention"}
	wide := mixer.Config{Hidden: 256, Layers: 4, Heads: 4, Inner: 1024, Place: "learned", State: 64}
	for _, c := range []struct {
		name   string
		model  mixer.Config
		types  []string
		copies string
		length int
	}{
		{"S", mixer.Config{Hidden: 128, Layers: 2, Heads: 4, Inner: 512, Place: "learned"}, attention, "64", 256},
		{"A", wide, attention, "64", 1024},
		{"C", mixer.Config{Hidden: 256, Layers: 4, Heads: 8, State: 64}, []string{"mamba2"}, "64", 1024},
		{"gated_delta", wide, []string{"gated_delta"}, "64", 1024},
		{"memory", wide, []string{"power_law_memory"}, "64", 1024},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.model.Types, c.model.Exponent = c.types, 0.8
			data, err := OpenData("hierarchical:copies=" + c.copies)
			if err != nil {
				b.Fatal(err)
			}
			const tokens = 4096
			r, err := Recipe{Model: c.model, Lengths: []int{c.length}, Steps: 1 << 20, Batch: tokens / c.length, Rate: 0.001, EvaluateOn: 1}.Settled(data)
			if err != nil {
				b.Fatal(err)
			}
			run := &Run{Recipe: r, layout: LayoutOf(r.Model)}
			run.params = make([]float32, run.layout.Size)
			params := r.Model.Params()
			for i, p := range params {
				at := run.layout.Tensors[i]
				p.Fill(run.params[at.Offset:at.Offset+at.Size()], newRand(1, streamBegin, uint64(i)))
			}
			t := &trainer{run: run, data: data, o: Options{Workers: 1, Set: cpu.Best()}, opt: newOptimiser(&run.Recipe, params, run.layout, cpu.Best())}
			if err := t.step(); err != nil { // compiles
				b.Fatal(err)
			}
			t.workers[0].Profile = map[string]time.Duration{}
			start := userTime()
			for b.Loop() {
				if err := t.step(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(tokens*b.N)/(userTime()-start).Seconds(), "tokens/cpu-s")
			report(b, t.workers[0].Profile)
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
