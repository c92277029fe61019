package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/l2m-lab/l2m/lab/mixer"
)

// TestTorchTakesTheSameSteps takes ten steps here and in torch, from the same
// weights on the same batches. L2M_TORCH names a Python that has torch,
// transformers and safetensors; see bench/torch/README.md.
func TestTorchTakesTheSameSteps(t *testing.T) {
	python := os.Getenv("L2M_TORCH")
	if python == "" {
		t.Skip("L2M_TORCH names no Python with torch")
	}
	base := mixer.Config{Hidden: 32, Layers: 2, Heads: 4, Inner: 64, Place: "learned", State: 8, Kernel: 4, Chunk: 16, Window: 12, Exponent: 0.8}
	models := map[string]mixer.Config{}
	for _, name := range mixer.Mechanisms() {
		c := base
		c.Types = []string{name}
		models[name] = c
	}
	change := func(name, as string, f func(c *mixer.Config)) {
		c := models[name]
		f(&c)
		models[as] = c
	}
	change("full_attention", "rotary positions, RMS norm, gated MLP", func(c *mixer.Config) { c.Place, c.Norm, c.MLP = "rope", "rmsnorm", "gated" })
	change("sliding_attention", "window with sinks", func(c *mixer.Config) { c.Sinks = 2 })
	change("power_law_memory", "memory merged by attention", func(c *mixer.Config) { c.Merge = "attention" })
	change("power_law_memory", "memory with dense merges", func(c *mixer.Config) { c.Merge = "dense" })
	change("full_attention", "digits of positions", func(c *mixer.Config) { c.Place = "digits" })
	change("full_attention", "head tied to the symbols", func(c *mixer.Config) { c.Tied = true })
	dir := t.TempDir()
	var names, files []string
	var ours [][]float32
	for _, name := range slices.Sorted(maps.Keys(models)) {
		data := []string{"hierarchical:copies=8"}
		if name == "full_attention" {
			data = append(data, "recall:pairs=4,vocabulary=64")
		}
		if models[name].Tied { // of symbols alone
			data = []string{"recall:pairs=4,vocabulary=64"}
		}
		for _, spec := range data {
			r, d := start(t, Recipe{Model: models[name], Data: spec, Lengths: []int{64}, Steps: 10, Batch: 16, Rate: 0.003, WarmUp: 3, WeightDecay: 0.01, Seed: 5, EvaluateOn: 1})
			file := filepath.Join(dir, fmt.Sprint(len(files), ".safetensors"))
			writeSteps(t, file, r, d)
			names, files = append(names, name+" on "+spec), append(files, file)
			ours = append(ours, run(t, r, Options{}).Loss)
		}
	}
	var theirs [][]float64
	torch(t, &theirs, python, "steps.py", files...)
	if len(theirs) != len(ours) {
		t.Fatalf("torch gave losses of %d models, want %d", len(theirs), len(ours))
	}
	for i, name := range names {
		if len(theirs[i]) != len(ours[i]) {
			t.Fatalf("%s: torch took %d steps, want %d", name, len(theirs[i]), len(ours[i]))
		}
		worst := 0.0
		for j, x := range ours[i] {
			worst = max(worst, math.Abs(float64(x)-theirs[i][j]))
		}
		t.Logf("%-70s loss %.5f … %.5f, largest difference %.1e", name, ours[i][0], ours[i][9], worst)
		if !(worst < 1e-5) {
			t.Errorf("%s: losses differ by %v:\n%v\n%v", name, worst, ours[i], theirs[i])
		}
	}
}

// torch runs a script of bench/torch and decodes the JSON that it prints.
func torch(tb testing.TB, out any, python, script string, args ...string) {
	tb.Helper()
	cmd := exec.Command(python, append([]string{filepath.Join("..", "..", "bench", "torch", script)}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	printed, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%s: %v\n%s", script, err, stderr.String())
	}
	if err := json.Unmarshal(printed, out); err != nil {
		tb.Fatalf("%s printed %q: %v", script, printed, err)
	}
}

// writeSteps writes the weights and batches of a recipe for bench/torch.
func writeSteps(tb testing.TB, file string, r Recipe, d Data) {
	tb.Helper()
	var tensors []tensor
	var decays []string
	for i, p := range r.Model.Params() {
		size := 1
		for _, n := range p.Shape {
			size *= n
		}
		x := make([]float32, size)
		p.Fill(x, newRand(r.Seed, streamBegin, uint64(i)))
		tensors = append(tensors, tensor{"param." + p.Name, p.Shape, x})
		if p.Decay {
			decays = append(decays, p.Name)
		}
	}
	length, width := r.Lengths[0], max(1, r.Model.Vector)
	if g, ok := d.(*gaussian); ok {
		f, err := g.factor(length)
		if err != nil {
			tb.Fatal(err)
		}
		tensors = append(tensors, tensor{"lower", []int{length, length}, f.lower})
	}
	var rates []float64
	for step := range r.Steps {
		rates = append(rates, r.Rate*r.RateAt(step))
		inputs := map[string][]float32{}
		input := func(name string) []float32 {
			if inputs[name] == nil {
				inputs[name] = make([]float32, r.Batch*length*width)
			}
			return inputs[name]
		}
		for k := range r.Batch {
			rng := newRand(r.Seed, streamTrain, uint64(step*r.Batch+k))
			if _, ok := d.(*task); ok {
				for name, x := range filled(d, rng, length) {
					copy(input(name)[k*length:], x)
				}
				continue
			}
			d.draw(rng, k, length, input)
		}
		for name, x := range inputs {
			shape := []int{r.Batch, length}
			if r.Model.Vector > 0 {
				shape = append(shape, width)
			}
			tensors = append(tensors, tensor{fmt.Sprintf("step.%d.%s", step, name), shape, x})
		}
	}
	recipe, err := json.Marshal(map[string]any{"model": r.Model, "rates": rates, "weight_decay": r.WeightDecay, "beta2": r.Beta2, "clip": r.Clip, "decays": decays})
	if err != nil {
		tb.Fatal(err)
	}
	if err := writeTensors(file, tensors, map[string]string{"recipe": string(recipe)}); err != nil {
		tb.Fatal(err)
	}
}
