package lab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/lab"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/token/vocabulary"
)

// textFolder writes documents of a first-order chain over two letters.
func textFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 6 {
		var b bytes.Buffer
		letter := byte('a')
		for range 4000 {
			if rng.IntN(10) == 0 {
				letter ^= 'a' ^ 'b'
			}
			b.WriteByte(letter)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".txt")), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestTextIsLearned trains on bytes. The chain has an entropy rate of
// −0.1·ln 0.1 − 0.9·ln 0.9 = 0.325 nats; a uniform guess loses ln 257 = 5.5.
func TestTextIsLearned(t *testing.T) {
	recipe := filepath.Join(t.TempDir(), "chain.json")
	if err := os.WriteFile(recipe, []byte(`{"model":{"model_type":"","hidden_size":16,"num_hidden_layers":1,"layer_types":["mamba2"],"num_attention_heads":2,"state_size":4},
		"data":"bytes","lengths":[32],"steps":150,"batch":16,"rate":0.02,"warm_up":10,"seed":1,"evaluate":[32,64]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	doc, err := lab.Train(context.Background(), lab.Options{Recipe: recipe, Out: out, Paths: []string{textFolder(t)}, Rates: []float64{0.02, 0.001}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range doc.Evaluations {
		if e.Loss < 0.3 || e.Loss > 0.5 {
			t.Errorf("at length %d the loss is %v", e.Length, e.Loss)
		}
	}
	if len(doc.Rates) != 2 || !strings.Contains(string(doc.Recipe), `"rate":0.02,`) || doc.Rates[0].Loss >= doc.Rates[1].Loss {
		t.Errorf("rates %+v; recipe %s", doc.Rates, doc.Recipe)
	}
	// A run does not go on with another text.
	other := textFolder(t)
	if err := os.WriteFile(filepath.Join(other, "5.txt"), bytes.Repeat([]byte("c"), 4000), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := lab.Train(context.Background(), lab.Options{Recipe: recipe, Out: out, Paths: []string{other}, Rates: []float64{0.02, 0.001}}); err == nil || !strings.Contains(err.Error(), "it belongs to another text") {
		t.Error(err)
	}
	if doc.Name != "chain" || doc.Corpus == "" || len(doc.Evaluations) != 2 {
		t.Errorf("%+v", doc)
	}
}

func TestInterruptedRunsGoOn(t *testing.T) {
	o := func(out string) lab.Options {
		return lab.Options{Recipe: "gaussian-small", Out: out, Steps: 20, Batch: 4, Layers: 1, Hidden: 16, Workers: 1}
	}
	whole, parts := t.TempDir(), t.TempDir()
	if _, err := lab.Train(context.Background(), o(whole)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopped := o(parts)
	stopped.Progress = func(p info.Progress) {
		if p.Done >= 7*4*64 {
			cancel()
		}
	}
	if _, err := lab.Train(ctx, stopped); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(parts, "lab.json")); err == nil {
		t.Error("an unfinished run has a document")
	}
	if _, err := lab.Train(context.Background(), o(parts)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model.safetensors", "curve.csv", "loss.csv", "config.json"} {
		a, err1 := os.ReadFile(filepath.Join(whole, name))
		b, err2 := os.ReadFile(filepath.Join(parts, name))
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v)", name, err)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, c := range []struct {
		o    lab.Options
		says string
	}{
		{lab.Options{}, "name a recipe"},
		{lab.Options{Recipe: "gaussian-small", Data: "bytes"}, "name files or folders"},
		{lab.Options{Recipe: "gaussian-small", Data: "recall:pairs=0"}, `pairs is "0"; want a whole number above 0`},
		{lab.Options{Recipe: "gaussian-small", Types: []string{"memory_caching"}, Memory: []float64{1, 2}}, "--memory 1,2: want A above 0 and B from 0 to 1"},
		{lab.Options{Recipe: "gaussian-small", Types: []string{"power_law_memory"}, Memory: []float64{0, 0.5}}, "--memory 0,0.5: want A above 0"},
		{lab.Options{Recipe: "gaussian-small", Lengths: []int{1 << 20}}, "length 1048576"},
	} {
		c.o.Out = filepath.Join(t.TempDir(), "run")
		if _, err := lab.Train(context.Background(), c.o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want %q", err, c.says)
		}
		if _, err := os.Stat(c.o.Out); err == nil {
			t.Errorf("%q left a directory behind", c.says)
		}
	}
	if _, err := lab.Evaluate(context.Background(), t.TempDir(), nil, lab.Options{}); err == nil || !strings.Contains(err.Error(), "not the directory of a finished run") {
		t.Error(err)
	}
}

// A text in the tokens of a vocabulary: the model reads them in measure, too, and no
// others.
func TestTokensOfAVocabulary(t *testing.T) {
	const words, other = "../token/vocabulary/testdata/gpt2.json", "../token/vocabulary/testdata/roberta.json"
	recipe := filepath.Join(t.TempDir(), "words.json")
	if err := os.WriteFile(recipe, []byte(`{"model":{"model_type":"","hidden_size":16,"num_hidden_layers":1,"layer_types":["mamba2"],"num_attention_heads":2,"state_size":4},
		"data":"bytes","lengths":[32],"steps":100,"batch":16,"rate":0.02,"warm_up":10,"seed":1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	out, text := filepath.Join(t.TempDir(), "run"), textFolder(t)
	o := lab.Options{Recipe: recipe, Out: out, Paths: []string{text}, Tokenizer: words}
	doc, err := lab.Train(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vocabulary.Open(words)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`"vocab_size":%d}`, v.Size()+1); doc.Data != "tokens" || !strings.Contains(string(doc.Recipe), want) {
		t.Errorf("data %s, want %s in the recipe %s", doc.Data, want, doc.Recipe)
	}
	if again, err := lab.Evaluate(t.Context(), out, nil, lab.Options{Paths: []string{text}, Tokenizer: words}); err != nil || again.Evaluations[0].Loss != doc.Evaluations[0].Loss {
		t.Errorf("evaluated again: %+v, %v", again, err)
	}
	m := measure.Options{Paths: []string{text}, Model: out, Tokenizer: words, Length: 32, MaxWindows: 40, Draws: 50, Seed: 1, Out: t.TempDir()}
	r, err := measure.Run(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if loss := doc.Evaluations[0].Loss; math.Abs(float64(r.Loss.NatsPerToken)-loss) > 0.1 {
		t.Errorf("measure finds a loss of %v, training of %v", r.Loss.NatsPerToken, loss)
	}
	o.Tokenizer = other
	if _, err := lab.Train(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("a run went on in other tokens: %v", err)
	}
	for tokenizer, says := range map[string]string{"": "name the file of their vocabulary (--tokenizer FILE)", other: "tokens of another vocabulary"} {
		m.Tokenizer, m.Out = tokenizer, filepath.Join(t.TempDir(), "m")
		if _, err := measure.Run(t.Context(), m); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("measured with --tokenizer %q: %v", tokenizer, err)
		}
	}
	o = lab.Options{Recipe: "gaussian-small", Tokenizer: words, Out: filepath.Join(t.TempDir(), "g")}
	if _, err := lab.Train(t.Context(), o); err == nil || !strings.Contains(err.Error(), "do not fit") {
		t.Error(err)
	}
}
