package arch

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/l2m-lab/l2m/law"

	"github.com/l2m-lab/l2m/internal/gguf"
)

// use does with a parsed model what the command does: nothing of it may panic,
// hang or give a negative number.
func use(t *testing.T, m *Model) {
	t.Helper()
	for _, L := range []int64{0, 1, 1024, 131072, 1e12} {
		s, err := m.State(L)
		if err != nil {
			continue
		}
		if s.Total < 0 || s.Total != s.Elements.Total() || s.Float32 < 0 || s.Float32 > s.Total {
			t.Fatalf("state %+v", s)
		}
		if b, err := s.Bytes(BFloat16()); err == nil && b < s.Total {
			t.Fatalf("%d bytes for %d elements", b, s.Total)
		}
	}
	a, err := m.Audit(law.PublishedEnglish(), AuditOptions{Ask: []int64{1e6}})
	if err != nil {
		return
	}
	for _, x := range a.Crossovers {
		if x.At != nil && !(*x.At >= 1) {
			t.Fatalf("crossover at %g", *x.At)
		}
	}
}

func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/checkpoints/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"model_type":"llama","num_hidden_layers":1e3,"num_attention_heads":4,"hidden_size":16,"x":[Infinity,-Infinity,NaN,"\ud83d\ude00"]}`))
	f.Add([]byte(`{"model_type":"llama","_name_or_path":"x/../../../../trav/pwned","architectures":["x/../../../../trav/pwned"],"num_hidden_layers":1,"num_attention_heads":4,"hidden_size":16}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte(gguf.Magic)) {
			return // FuzzGGUF
		}
		if m, err := Parse(bytes.NewReader(data)); err == nil {
			use(t, m)
		}
	})
}

func FuzzGGUF(f *testing.F) {
	f.Add(newGGUF("llama").set("llama.block_count", 2).set("llama.embedding_length", 8).set("llama.attention.head_count", 2).set("llama.attention.head_count_kv", []int{1, 2}).bytes())
	f.Add(newGGUF("gemma3").set("gemma3.block_count", 6).set("gemma3.attention.head_count", 1).set("gemma3.embedding_length", 4).
		set("gemma3.attention.sliding_window", 5).set("gemma3.attention.sliding_window_pattern", []bool{true, false, true, true, true, true}).bytes())
	f.Add(newGGUF("qwen3next").set("qwen3next.block_count", 4).set("qwen3next.attention.head_count", 2).set("qwen3next.embedding_length", 8).
		set("qwen3next.ssm.conv_kernel", 4).set("qwen3next.ssm.state_size", 4).set("qwen3next.ssm.inner_size", 8).set("t", []string{"a", ""}).set("n", [][]float32{{1}, {}}).bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(bytes.NewReader(append([]byte(gguf.Magic), bytes.TrimPrefix(data, []byte(gguf.Magic))...)))
		if err == nil {
			use(t, m)
		}
	})
}
