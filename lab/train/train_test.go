package train

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/mixer"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/process"
	"github.com/l2m-lab/l2m/token"
)

// small is a recipe that takes a fraction of a second.
func small(data string) Recipe {
	return Recipe{
		Model: mixer.Config{Hidden: 8, Layers: 1, Heads: 2, Inner: 16, Types: []string{"full_attention"}, Place: "learned"},
		Data:  data, Lengths: []int{16}, Steps: 12, Batch: 192, Rate: 0.01, WarmUp: 2, Seed: 3, EvaluateOn: 8, WeightDecay: 0.01,
	}
}

func start(t *testing.T, r Recipe) (Recipe, Data) {
	t.Helper()
	d, err := OpenData(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	r, err = r.Settled(d)
	if err != nil {
		t.Fatal(err)
	}
	return r, d
}

func run(t *testing.T, r Recipe, o Options) *Run {
	t.Helper()
	r, d := start(t, r)
	o.Set = cpu.Best()
	out, err := Train(context.Background(), r, d, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const gaussianData = "hierarchical:copies=2"

func TestWorkersDoNotChangeTheWeights(t *testing.T) {
	for _, optimiser := range []string{"adamw", "muon"} {
		r := small(gaussianData)
		r.Optimiser = optimiser
		one := run(t, r, Options{Workers: 1})
		three := run(t, r, Options{Workers: 3})
		if !slices.Equal(one.params, three.params) || !slices.Equal(one.Loss, three.Loss) {
			t.Errorf("%s: one worker and three give different weights", optimiser)
		}
		r.Seed++
		if slices.Equal(run(t, r, Options{}).params, one.params) {
			t.Errorf("%s: another seed gives the same weights", optimiser)
		}
	}
}

// TestInterruptedRunsGoOn stops a run after every step and lets it go on from
// what its checkpoint holds.
func TestInterruptedRunsGoOn(t *testing.T) {
	r := small(gaussianData)
	r.EvaluateEach = 5
	whole := run(t, r, Options{})
	r, d := start(t, r)
	file := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	seconds := 0.0
	for attempts := 0; ; attempts++ {
		ctx, cancel := context.WithCancel(context.Background())
		got, err := Train(ctx, r, d, Options{Set: cpu.Best(), Checkpoint: file, Progress: func(int, int, int64, float64) { cancel() }})
		cancel()
		if errors.Is(err, context.Canceled) {
			if attempts > r.Steps {
				t.Fatal("no progress")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if attempts < r.Steps-1 {
			t.Errorf("the run ended after %d interruptions", attempts)
		}
		if !slices.Equal(got.params, whole.params) || !slices.Equal(got.Loss, whole.Loss) || len(got.Evaluations) != len(whole.Evaluations) {
			t.Error("the interrupted run differs from the whole one")
		}
		seconds = got.Seconds
		break
	}
	again, err := Train(context.Background(), r, d, Options{Set: cpu.Best(), Checkpoint: file})
	if err != nil || !slices.Equal(again.params, whole.params) || again.Seconds != seconds {
		t.Errorf("a finished run that is started again took %v s, not %v s: %v", again.Seconds, seconds, err)
	}
	if known := userSeconds() > 0; known != (seconds > whole.Seconds/4) || known != (whole.Seconds > 0) || seconds > userSeconds() {
		t.Errorf("in parts the run took %v s, as a whole %v s, all of this process %v s", seconds, whole.Seconds, userSeconds())
	}
	r.Rate *= 2
	if _, err := Train(context.Background(), r, d, Options{Checkpoint: file}); err == nil || !strings.Contains(err.Error(), "another recipe") {
		t.Errorf("another recipe went on: %v", err)
	}
}

func TestDamagedCheckpointsAreRefused(t *testing.T) {
	r, d := start(t, small(gaussianData))
	file := filepath.Join(t.TempDir(), "c")
	if _, err := Train(context.Background(), r, d, Options{Checkpoint: file}); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(good); n += 1 + len(good)/50 {
		if err := os.WriteFile(file, good[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Train(context.Background(), r, d, Options{Checkpoint: file}); err == nil {
			t.Fatalf("a checkpoint cut after %d of %d bytes was taken", n, len(good))
		}
	}
}

func TestDivergedRunsSayWhen(t *testing.T) {
	r := small(gaussianData)
	r.Steps, r.Rate, r.WarmUp, r.Clip = 60, 9.9, 0, 1e30
	r, d := start(t, r)
	file := filepath.Join(t.TempDir(), "c")
	_, err := Train(context.Background(), r, d, Options{Set: cpu.Best(), Checkpoint: file, SaveEach: time.Nanosecond})
	var diverged *DivergedError
	if !errors.As(err, &diverged) {
		t.Fatalf("error %v", err)
	}
	if diverged.Step < 2 || diverged.Saved != diverged.Step-1 || !strings.Contains(err.Error(), "lower the rate") {
		t.Errorf("%+v: %v", diverged, err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestBadRecipesGetOneLine(t *testing.T) {
	for _, c := range []struct {
		change func(r *Recipe)
		says   string
	}{
		{func(r *Recipe) { r.Lengths = nil }, "lengths is empty"},
		{func(r *Recipe) { r.Lengths = []int{16, 100000} }, "length 100000"},
		{func(r *Recipe) { r.Model.Longest = 8 }, "length 16 is beyond max_position_embeddings, 8"},
		{func(r *Recipe) { r.Model.Heads = 3 }, "width 8 is not a multiple of 3 heads"},
		{func(r *Recipe) { r.Steps = 0 }, "steps is 0"},
		{func(r *Recipe) { r.Batch = -1 }, "batch is -1"},
		{func(r *Recipe) { r.Rate = math.NaN() }, "rate is NaN"},
		{func(r *Recipe) { r.Optimiser = "sgd" }, `optimiser is "sgd"; want adamw or muon`},
		{func(r *Recipe) { r.StopAt = 2 }, "stop_at"},
	} {
		r := small(gaussianData)
		d, err := OpenData(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		c.change(&r)
		if _, err := r.Settled(d); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, c.says)
		}
	}
	for spec, says := range map[string]string{
		"recall:pairs=9000": "do not fit", "copy:symbols=x": "want a whole number above 0", "recall:colour=3": "not a setting of recall", "nonsense": "nonsense",
		"recall:every=3": "every is at least 4", "recall:pairs=4,every=4": "takes the place", "recall:every=4,vocabulary=2": "do not fit",
		"recall:growth=1": `growth is "1"; want a number between 0 and 1`, "recall:growth=0": "between 0 and 1", "recall:growth=0.5,every=4": "takes the place",
		"recall:growth=NaN": "between 0 and 1", "recall:pairs=2.5": `pairs is "2.5"; want a whole number`, "recall:vocabulary=Inf": "want a whole number",
	} {
		if _, err := OpenData(spec); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("data %q: error %v, want %q", spec, err, says)
		}
	}
	if _, err := ReadRecipe(strings.NewReader(`{"name":"x","speed":3}`)); err == nil {
		t.Error("an unknown key was taken")
	}
}

func TestBuiltInRecipesFit(t *testing.T) {
	for _, r := range Recipes() {
		if r.About == "" || r.Cost == "" {
			t.Errorf("%s: about and cost are missing", r.Name)
		}
		if r.Data == "bytes" {
			continue
		}
		d, err := OpenData(r.Data)
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		if _, err := r.Settled(d); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
}

// TestDivergenceIsExpectedDifference holds the exact divergence of a model
// against the mean of ln p − ln q over samples, by way of the saved model and of
// the exact model of the process.
func TestDivergenceIsExpectedDifference(t *testing.T) {
	r := small(gaussianData)
	r.EvaluateOn = 400
	got := run(t, r, Options{})
	_, d := start(t, r)
	dir := t.TempDir()
	if err := got.Save(dir, d); err != nil {
		t.Fatal(err)
	}
	_, q, err := Open(dir, cpu.Best())
	if err != nil {
		t.Fatal(err)
	}
	truth, err := process.Parse(gaussianData)
	if err != nil {
		t.Fatal(err)
	}
	p := truth.(process.Process[[]float64])
	sum, squares, n := 0.0, 0.0, 0.0
	err = process.Samples(t.Context(), p, 5, 16, 4000, 1, func(_ int, x [][]float64) error {
		a, err := p.Model().LogProbs(t.Context(), lm.Request[[]float64]{Tokens: x})
		if err != nil {
			return err
		}
		b, err := q.LogProbs(t.Context(), lm.Request[[]float64]{Tokens: x[:10], Branches: []lm.Branch[[]float64]{{At: 10, Tokens: x[10:]}}})
		if err != nil {
			return err
		}
		diff := 0.0
		for i, lp := range append(b.Tokens, b.Branches[0]...) {
			diff += float64(a.Tokens[i]) - float64(lp)
		}
		diff /= 2 * 16
		sum, squares, n = sum+diff, squares+diff*diff, n+1
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mean := sum / n
	se := math.Sqrt((squares/n - mean*mean) / n)
	// The evaluation's own error is far smaller: it takes exact expectations.
	if e := got.Evaluations[0]; math.Abs(mean-e.Loss) > 5*se {
		t.Errorf("mean of ln p − ln q %.5f ± %.5f, divergence %.5f", mean, se, e.Loss)
	}
}

func TestSymbolsAreLearned(t *testing.T) {
	r := small("sticky:states=3,stay=0.95,clear=0.9")
	r.Steps, r.Rate = 150, 0.02
	got := run(t, r, Options{})
	_, d := start(t, r)
	e := got.Evaluations[0]
	loss, exact := 0.0, 0.0
	for i := range e.ByPosition {
		loss, exact = loss+e.ByPosition[i]/16, exact+e.Exact[i]/16
	}
	if math.Abs(loss-e.Loss) > 1e-6 || loss < exact-0.02 || loss > exact+0.1 || float64(got.Loss[0]) < exact+0.2 {
		t.Errorf("%s: loss %v from %v, exact %v", r.Data, loss, got.Loss[0], exact)
	}
	dir := t.TempDir()
	if err := got.Save(dir, d); err != nil {
		t.Fatal(err)
	}
	m, _, err := Open(dir, cpu.Best())
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for id := range m.Info().Vocabulary {
		s, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: []token.ID{0, 1}, Branches: []lm.Branch[token.ID]{{At: 2, Tokens: []token.ID{token.ID(id)}}}})
		if err != nil {
			t.Fatal(err)
		}
		total += math.Exp(float64(s.Branches[0][0]))
	}
	if total > 1+1e-5 || total < 0.99 { // the rest is on the symbol that starts a sequence
		t.Errorf("probabilities sum to %v", total)
	}
	if _, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: make([]token.ID, 17)}); err == nil {
		t.Error("17 tokens were scored with 16 learned positions")
	}
	if _, err := m.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: []token.ID{99}}); err == nil {
		t.Error("an unknown symbol was scored")
	}
}

// TestAdamIsItsDefinition takes two steps by the formulas of the paper
// (algorithm 2 of arXiv 1711.05101) in float64.
func TestAdamIsItsDefinition(t *testing.T) {
	r := small(gaussianData)
	r.Schedule, r.WarmUp, r.Beta2, r.Optimiser = "cosine", 0, 0.98, "adamw"
	layout := &cpu.Layout{}
	layout.Add("w", 2)
	o := newOptimiser(&r, []mixer.Param{{Name: "w", Shape: []int{2}, Decay: true}}, layout, cpu.Plain)
	p := []float32{1, -2}
	want := []float64{1, -2}
	m, v := make([]float64, 2), make([]float64, 2)
	for step, g := range [][]float32{{0.5, -1}, {0.25, 3}} {
		if err := o.update(p, g, step); err != nil {
			t.Fatal(err)
		}
		rate := r.Rate * (1 + math.Cos(math.Pi*float64(step)/12)) / 2
		for i := range want {
			x := float64(g[i])
			m[i], v[i] = 0.9*m[i]+0.1*x, 0.98*v[i]+0.02*x*x
			mh, vh := m[i]/(1-math.Pow(0.9, float64(step+1))), v[i]/(1-math.Pow(0.98, float64(step+1)))
			want[i] -= rate * (mh/(math.Sqrt(vh)+1e-8) + 0.01*want[i])
			if math.Abs(float64(p[i])-want[i]) > 1e-6 {
				t.Errorf("step %d: number %d is %v, want %v", step, i, p[i], want[i])
			}
		}
	}
}

// TestMuonStepsAreNearlyOrthogonal: the coefficients bring singular values into
// 0.7 … 1.2 (Jordan et al. 2024).
func TestMuonStepsAreNearlyOrthogonal(t *testing.T) {
	r := small(gaussianData)
	o := newOptimiser(&r, nil, &cpu.Layout{}, cpu.Plain)
	rng := rand.New(rand.NewPCG(1, 1))
	m, err := o.whitener(6, 3)
	if err != nil {
		t.Fatal(err)
	}
	in, err := m.Input("gradient")
	if err != nil {
		t.Fatal(err)
	}
	for i := range in {
		in[i] = float32(rng.NormFloat64())
	}
	if err := m.Run(nil); err != nil {
		t.Fatal(err)
	}
	x := m.Output(0)
	for i := range 3 {
		for j := range 3 {
			dot := 0.0
			for k := range 6 {
				dot += float64(x[k*3+i]) * float64(x[k*3+j])
			}
			if i == j && (dot < 0.45 || dot > 1.5) || i != j && math.Abs(dot) > 0.35 {
				t.Errorf("columns %d and %d have the product %v", i, j, dot)
			}
		}
	}
}
