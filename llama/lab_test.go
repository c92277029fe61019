package llama

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/mixer"
	"github.com/l2m-lab/l2m/lab/train"
	"github.com/l2m-lab/l2m/lm"
	"github.com/l2m-lab/l2m/token"
)

// TestExportedModels: a model that the lab trained gives, as a GGUF file, the log-probabilities
// that it gives by itself.
func TestExportedModels(t *testing.T) {
	const close = 1e-4
	const closeGELU = 1e-3 // llama.cpp looks GELU up in a table of 16-bit floats (ggml/src/ggml-cpu/vec.h)
	for name, c := range map[string]struct {
		model mixer.Config
		close float64
	}{
		"llama with shared keys":  {mixer.Config{Hidden: 32, Layers: 2, Heads: 4, KVHeads: 2, Inner: 48, Types: []string{"full_attention"}, Place: "rope", Norm: "rmsnorm", MLP: "gated"}, close},
		"llama":                   {mixer.Config{Hidden: 32, Layers: 2, Heads: 2, Inner: 48, Types: []string{"full_attention"}, Place: "rope", Norm: "rmsnorm", MLP: "gated"}, close},
		"gpt2":                    {mixer.Config{Hidden: 32, Layers: 2, Heads: 2, Inner: 48, Types: []string{"full_attention"}, Place: "learned", Norm: "layernorm", MLP: "gelu"}, closeGELU},
		"mamba2":                  {mixer.Config{Hidden: 32, Layers: 2, Heads: 4, State: 16, Types: []string{"mamba2"}, Norm: "rmsnorm"}, close},
		"llama with a tied head":  {mixer.Config{Hidden: 32, Layers: 2, Heads: 2, Inner: 48, Types: []string{"full_attention"}, Place: "rope", Norm: "rmsnorm", MLP: "gated", Tied: true}, close},
		"gpt2 with a tied head":   {mixer.Config{Hidden: 32, Layers: 2, Heads: 2, Inner: 48, Types: []string{"full_attention"}, Place: "learned", Norm: "layernorm", MLP: "gelu", Tied: true}, closeGELU},
		"mamba2 with a tied head": {mixer.Config{Hidden: 32, Layers: 2, Heads: 4, State: 16, Types: []string{"mamba2"}, Norm: "rmsnorm", Tied: true}, close},
	} {
		t.Run(name, func(t *testing.T) { testExported(t, c.model, c.close) })
	}
}

func testExported(t *testing.T, c mixer.Config, close float64) {
	needLibrary(t)
	rng := rand.New(rand.NewPCG(1, 2))
	text := make([]token.ID, 4096)
	for i := 1; i < len(text); i++ {
		text[i] = token.ID((int(text[i-1]) + rng.IntN(3)) % 256)
	}
	data, err := train.Text("", 256, [][]token.ID{text}, [][]token.ID{text})
	if err != nil {
		t.Fatal(err)
	}
	recipe, err := train.Recipe{
		Model: c, Lengths: []int{32}, Steps: 150, Batch: 16, Rate: 0.01, Seed: 1,
	}.Settled(data)
	if err != nil {
		t.Fatal(err)
	}
	run, err := train.Train(t.Context(), recipe, data, train.Options{Set: cpu.Best()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := run.Save(dir, data); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := train.WriteGGUF(f, dir, 64); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	own, _, err := train.Open(dir, cpu.Best())
	if err != nil {
		t.Fatal(err)
	}
	ids := text[100:132]
	want, err := own.LogProbs(t.Context(), lm.Request[token.ID]{Tokens: ids})
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, Options{Path: path, KeyType: "f32", ValueType: "f32", FlashAttn: "off"})
	numbers := make([]int32, len(ids))
	for i, id := range ids {
		numbers[i] = int32(id)
	}
	got, _, err := m.LogProbs(t.Context(), numbers, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := range ids {
		sum += float64(got[i])
		if d := math.Abs(float64(got[i] - want.Tokens[i])); !(d < close) {
			t.Errorf("token %d: %v through llama.cpp, %v by itself", i, got[i], want.Tokens[i])
		}
	}
	if uniform := -math.Log(256); sum/float64(len(ids)) < uniform/2 {
		t.Errorf("mean log-probability %v: nothing was learned, so nothing is compared", sum/float64(len(ids)))
	}
}
