package l2m_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/l2m-lab/l2m"
)

// check ends an example that cannot go on.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// folder makes a folder for the files of an example.
func folder() string {
	dir, err := os.MkdirTemp("", "l2m-example-")
	check(err)
	return dir
}

// measured is the run directory of a quick measurement of a process.
func measured(dir, name string, cut int) string {
	run := filepath.Join(dir, name)
	_, err := l2m.Measure(context.Background(), l2m.MeasureOptions{
		Process: "powergauss:beta=0.76", Context: cut, Length: 64, MaxWindows: 60, Draws: 200, Seed: 1, Out: run, Figures: []string{},
	})
	check(err)
	return run
}

// A process of known law is measured: its exponent lies in the interval.
func ExampleMeasure() {
	dir := folder()
	defer os.RemoveAll(dir)
	r, err := l2m.Measure(context.Background(), l2m.MeasureOptions{
		Process: "powergauss:beta=0.76", Length: 256, MaxWindows: 200, Seed: 1, Out: filepath.Join(dir, "run"), Figures: []string{},
	})
	check(err)
	beta, _ := r.Series[0].Law.Power.Param("beta")
	fmt.Println(r.Series[0].Estimator, beta.Interval.Lo < 0.76 && 0.76 < beta.Interval.Hi)
	// Output: paired true
}

// How many pairs of bytes a text has at two distances.
func ExampleTwoPoint() {
	dir := folder()
	defer os.RemoveAll(dir)
	text := filepath.Join(dir, "text")
	check(os.WriteFile(text, []byte("to be or not to be, that is the question"), 0o644))
	r, err := l2m.TwoPoint(context.Background(), l2m.TwoPointOptions{
		Paths: []string{text}, Distances: []int{1, 2}, Blocks: -1, Out: filepath.Join(dir, "run"), Figures: []string{},
	})
	check(err)
	for _, p := range r.TwoPoint.Points {
		fmt.Println(p.Distance, p.Pairs)
	}
	// Output:
	// 1 39
	// 2 38
}

// What does a configuration keep of its past?
func ExampleAudit() {
	dir := folder()
	defer os.RemoveAll(dir)
	config := filepath.Join(dir, "config.json")
	check(os.WriteFile(config, []byte(`{"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024, "vocab_size": 50257}`), 0o644))
	a, err := l2m.Audit(context.Background(), l2m.AuditOptions{Paths: []string{config}, Lengths: []int64{1024}})
	check(err)
	// 12 layers, keys and values of 768 numbers for each of 1,024 tokens.
	fmt.Println(a.Models[0].States[0].Total, 12*2*768*1024)
	// Output: 18874368 18874368
}

// A model whose context is cut to 8 tokens stops gaining there.
func ExampleCompare() {
	dir := folder()
	defer os.RemoveAll(dir)
	c, err := l2m.Compare(context.Background(), l2m.CompareOptions{Runs: []string{measured(dir, "whole", 0), measured(dir, "cut", 8)}, Draws: 200, Seed: 1})
	check(err)
	fmt.Println(c.Paired, c.Runs[1].Stop.Found)
	// Output: true true
}

// How often do intervals contain the truth?
func ExampleCalibrate() {
	dir := folder()
	defer os.RemoveAll(dir)
	c, err := l2m.Calibrate(context.Background(), l2m.CalibrateOptions{
		Processes: []string{"powergauss:beta=0.5"}, Windows: []int{40}, Length: 64, Repetitions: 10, Draws: 99, Seed: 1, Out: filepath.Join(dir, "run"),
	})
	check(err)
	fmt.Println(c.Coverage.Of, "intervals of 3 estimators")
	// Output: 30 intervals of 3 estimators
}

// Samples of a process, for other programs.
func ExampleSample() {
	dir := folder()
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "samples.txt")
	check(l2m.Sample(context.Background(), l2m.SampleOptions{Process: "iid:symbols=2", Out: out, Length: 8, Count: 3, Seed: 1}))
	st, err := os.Stat(out)
	check(err)
	fmt.Println(st.Size() > 0)
	// Output: true
}

// The exact information of the paper's hierarchical Gaussian: ½ ln(9/5) · 2² nats at
// L = 64, for c = 2.
func ExampleTruth() {
	t, err := l2m.Truth(context.Background(), l2m.TruthOptions{Process: "hierarchical:c=2", Length: 64, Distances: -1})
	check(err)
	last := t.Bipartite[len(t.Bipartite)-1]
	fmt.Printf("%d %.4f\n", last.Length, float64(last.Value))
	// Output: 64 1.1756
}

// The built-in predictor, trained on some text and tried on it.
func ExampleTrainModel() {
	dir := folder()
	defer os.RemoveAll(dir)
	text, file := filepath.Join(dir, "text"), filepath.Join(dir, "model")
	var words []byte
	for i := range 4000 {
		words = fmt.Appendf(words, "%d ", i%17)
	}
	check(os.WriteFile(text, words, 0o644))
	_, err := l2m.TrainModel(context.Background(), l2m.ModelOptions{Paths: []string{text}, File: file, Seed: 1})
	check(err)
	e, err := l2m.EvaluateModel(context.Background(), l2m.ModelOptions{Paths: []string{text}, File: file, Length: 256, MaxWindows: 10, Seed: 1})
	check(err)
	fmt.Println(e.BitsPerSymbol < 1)
	// Output: true
}

// The page of a finished run is rendered again.
func ExampleRender() {
	dir := folder()
	defer os.RemoveAll(dir)
	run := measured(dir, "run", 0)
	check(os.Remove(filepath.Join(run, "report.html")))
	check(l2m.Render(run, []string{"svg"}))
	_, err := os.Stat(filepath.Join(run, "report.html"))
	fmt.Println(err)
	// Output: <nil>
}
