package serving

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/l2m-lab/l2m/arch"
)

const gib = 1 << 30

func model(t testing.TB, config string) *arch.Model {
	t.Helper()
	m, err := arch.Parse(strings.NewReader(config))
	if err != nil {
		t.Fatal(err)
	}
	m.Name = m.Type
	return m
}

func llama(t testing.TB, layers, queries, kv, hidden string) *arch.Model {
	return model(t, `{"model_type":"llama","num_hidden_layers":`+layers+`,"num_attention_heads":`+queries+`,"num_key_value_heads":`+kv+`,"hidden_size":`+hidden+`,"max_position_embeddings":131072}`)
}

// TestPublishedExamples: numbers that calculators and engines print, to the
// digits that they print.
func TestPublishedExamples(t *testing.T) {
	f16, err := arch.ParseDType("float16")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Storage: arch.Storage{KV: f16}}
	for _, c := range []struct {
		source string
		m      *arch.Model
		engine Engine
		L      int64
		batch  int64
		want   float64 // bytes
		within float64 // half of the last printed digit, relative
	}{
		{"NVIDIA, Mastering LLM Techniques: Inference Optimization: Llama 2 7B, 4,096 tokens, batch 1, about 2 GB",
			llama(t, "32", "32", "32", "4096"), Needed, 4096, 1, 2.147e9, 1e-3},
		{"PagedAttention (arXiv 2309.06180, section 3): OPT-13B keeps 800 KB a token, 1.6 GB for 2,048",
			model(t, `{"model_type":"opt","num_hidden_layers":40,"num_attention_heads":40,"hidden_size":5120}`), Needed, 1, 1, 800 * 1024, 0},
		{"F. Denneman, The Dynamic World of LLM Runtime Memory (2026): Llama 3.1 70B, 131,072 tokens, 42.95 GB",
			llama(t, "80", "64", "8", "8192"), Needed, 131072, 1, 42.95e9, 2e-4},
		{"draft-calabria-bmwg-ai-fabric-inference-bench, appendix: 70B, 4,096 tokens, 1,342,177,280 bytes",
			llama(t, "80", "64", "8", "8192"), Needed, 4096, 1, 1_342_177_280, 0},
		{"DeepSeek, Insights into DeepSeek-V3 (arXiv 2505.09343), table 1: DeepSeek-V3 70.272 KB a token",
			model(t, `{"model_type":"deepseek_v3","num_hidden_layers":61,"num_attention_heads":128,"hidden_size":7168,"kv_lora_rank":512,"qk_rope_head_dim":64}`), Needed, 1, 1, 70_272, 0},
		{"the same table: Qwen-2.5 72B 327.680 KB", llama(t, "80", "64", "8", "8192"), Needed, 1, 1, 327_680, 0},
		{"the same table: LLaMA-3.1 405B 516.096 KB", llama(t, "126", "128", "8", "16384"), Needed, 1, 1, 516_096, 0},
		{"vLLM's message: the max seq len (131072) of Llama 3.1 8B needs 16.00 GiB",
			llama(t, "32", "32", "8", "4096"), VLLM, 131072, 1, 16 * gib, 0},
		{"llama.cpp's log: KV self size of Llama 2 7B at n_ctx 2048 in f16 is 1024.00 MiB",
			llama(t, "32", "32", "32", "4096"), LlamaCpp, 2048, 1, gib, 0},
	} {
		n, err := Bytes(c.m, c.engine, c.L, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(n * c.batch); math.Abs(got/c.want-1) > c.within {
			t.Errorf("%s: %g bytes, want %g", c.source, got, c.want)
		}
	}
}

// TestVLLMLog: Llama 3.1 8B on an RTX 3090. The log of vLLM (issue 10517 there)
// gives 1,478 blocks of 16 tokens, 23,648 tokens, and "Maximum concurrency for
// 29000 tokens per request: 0.82x".
func TestVLLMLog(t *testing.T) {
	m := llama(t, "32", "32", "8", "4096")
	const blockBytes = 16 * 131072
	f, err := New(m, Options{Memory: 1478 * blockBytes, Utilization: 1, Context: 29000})
	if err != nil {
		t.Fatal(err)
	}
	x := f.Engines[1]
	if x.Engine != VLLM || x.Longest != 23_648 || x.Fits || x.Sequences != 0 {
		t.Errorf("%+v", x)
	}
	if got := float64(f.Available) / float64(x.PerSequence); math.Round(got*100) != 82 {
		t.Errorf("concurrency %.4f, want 0.82", got)
	}
}

// TestEngines counts by hand: layers of full attention and of a window of 17
// (16 past tokens), two heads of 4 in bfloat16, and a Mamba state.
func TestEngines(t *testing.T) {
	m := model(t, `{"model_type":"gpt_oss","num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":4,"hidden_size":8,"sliding_window":17,"layer_types":["full_attention","sliding_attention"]}`)
	const token = 2 * 2 * 4 * 2 // bytes in a layer
	ssm := model(t, `{"model_type":"mamba","num_hidden_layers":1,"hidden_size":8,"expand":2,"state_size":4,"conv_kernel":4}`)
	for _, c := range []struct {
		name string
		m    *arch.Model
		e    Engine
		o    Options
		L    int64
		want int64
	}{
		{"needed", m, Needed, Options{}, 100, token * (100 + 16)},
		{"whole blocks; window, batch and a block more", m, VLLM, Options{Scheduled: 32}, 100, token * (112 + (3+1)*16)},
		{"a window that is longer than the context", m, VLLM, Options{Scheduled: 8192}, 100, token * (112 + (7+1)*16)},
		{"cells in 256; window and microbatch", m, LlamaCpp, Options{}, 2000, token * (2048 + 768)},
		{"as the text grows", m, Transformers, Options{}, 100, token * (100 + 16)},
		{"two devices have a head each", m, Needed, Options{Devices: 2}, 100, token * (100 + 16) / 2},
		{"eight devices repeat a head", m, Needed, Options{Devices: 8}, 100, token * (100 + 16) / 2},
		{"llama.cpp puts layers on devices", m, LlamaCpp, Options{Devices: 2}, 2000, token * (2048 + 768) / 2},
		{"Mamba: 16 × 4 and 3 columns of 16", ssm, Needed, Options{}, 100, 2 * (64 + 48)},
		{"four columns", ssm, Transformers, Options{}, 100, 2 * (64 + 64)},
		{"float32", ssm, LlamaCpp, Options{}, 100, 4 * (64 + 48)},
	} {
		if got, err := Bytes(c.m, c.e, c.L, c.o); err != nil || got != c.want {
			t.Errorf("%s: %d, want %d (%v)", c.name, got, c.want, err)
		}
	}
}

// TestLongest: at the longest context the batch fits, one token more does not.
func TestLongest(t *testing.T) {
	m := model(t, `{"model_type":"gpt_oss","num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":4,"hidden_size":8,"sliding_window":300}`)
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			Memory: rapid.Int64Range(1, 1<<30).Draw(t, "memory"), Weights: rapid.Int64Range(0, 1<<26).Draw(t, "weights"),
			Batch: rapid.Int64Range(1, 64).Draw(t, "batch"), Devices: rapid.IntRange(1, 4).Draw(t, "devices"), Context: 1,
		}
		f, err := New(m, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range f.Engines {
			for _, L := range []int64{x.Longest, x.Longest + 1} {
				if L == 0 {
					continue
				}
				n, err := Bytes(m, x.Engine, L, o)
				if err != nil {
					t.Fatal(err)
				}
				if fits := n*o.Batch <= f.Available; fits != (L == x.Longest) {
					t.Fatalf("%s: longest %d, but %d fits: %v", x.Engine, x.Longest, L, fits)
				}
			}
		}
	})
}

func TestFit(t *testing.T) {
	m := llama(t, "32", "32", "8", "4096") // 128 KiB a token
	o := Options{Memory: 80 * gib, Weights: 16 * gib, Batch: 8, Bandwidth: 3.35e12}
	f, err := New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	// 0.9·80 − 16 = 56 GiB; 8 × 131,072 tokens take 128 GiB; 56 GiB hold 8 × 57,344.
	x := f.Engines[0]
	if f.Available != 56*gib || x.Fits || x.Total != 128*gib || x.Longest != 57_344 || x.Sequences != 3 {
		t.Errorf("%+v", f)
	}
	if want := int64(144 * gib); f.Read.Bytes != want || math.Abs(f.Read.PerSecond*float64(want)/3.35e12-1) > 1e-12 {
		t.Errorf("%+v", f.Read)
	}
	// A draft of a quarter of the layers takes a quarter more.
	o.Draft, o.DraftWeights, o.Context = llama(t, "8", "32", "8", "4096"), 2*gib, 1024
	if f, err = New(m, o); err != nil || f.Weights != 18*gib || f.Engines[0].PerSequence != 1024*160*1024 {
		t.Errorf("%+v, %v", f, err)
	}
	cells, err := Table(m, Needed, []int64{1024, 131072}, []int64{1, 64}, Options{Memory: 40 * gib})
	want := []Cell{{1024, 1, gib / 8, true}, {1024, 64, 8 * gib, true}, {131072, 1, 16 * gib, true}, {131072, 64, 1024 * gib, false}}
	if err != nil || len(cells) != 4 || cells[0] != want[0] || cells[1] != want[1] || cells[2] != want[2] || cells[3] != want[3] {
		t.Errorf("%+v, %v", cells, err)
	}
	for name, bad := range map[string]Options{
		"no memory": {Context: 1}, "utilization": {Memory: 1, Utilization: 1.5}, "devices": {Memory: 1, Devices: -1}, "negative batch": {Memory: 1, Batch: -1}, "block": {Memory: 1, Block: -1},
	} {
		if _, err := New(m, bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(model(t, `{"model_type":"mamba","num_hidden_layers":1,"hidden_size":8,"expand":2,"state_size":4,"conv_kernel":4}`), Options{Memory: 1 << 20}); err == nil || !strings.Contains(err.Error(), "no longest context") {
		t.Error(err)
	}
}

func TestWeights(t *testing.T) {
	dir := t.TempDir()
	header := `{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[2],"data_offsets":[8,12]}}`
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := write("one/model.safetensors", append(file, header...))
	write("two/a.gguf", make([]byte, 70))
	write("two/b.gguf", make([]byte, 30))
	index := write("three/model.safetensors.index.json", []byte(`{"metadata":{"total_size":1234},"weight_map":{}}`))
	for path, want := range map[string]int64{one: 12, filepath.Dir(one): 12, filepath.Join(dir, "two"): 100, index: 1234, filepath.Dir(index): 1234} {
		if n, err := WeightsOf(path); err != nil || n != want {
			t.Errorf("%s: %d, want %d (%v)", path, n, want, err)
		}
	}
	for name, data := range map[string]string{
		"short.safetensors": "abc", "huge.safetensors": "\xff\xff\xff\xff\xff\xff\xff\x7f", "cut.safetensors": "\x09\x00\x00\x00\x00\x00\x00\x00{}", "x.bin": "",
		"bad.safetensors": "\x17\x00\x00\x00\x00\x00\x00\x00{\"a\":{\"data_offsets\":[9,3]}}", "none.index.json": "{}",
	} {
		if n, err := WeightsOf(write(name, []byte(data))); err == nil {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
	if _, err := WeightsOf(filepath.Join(dir, "nothing")); err == nil {
		t.Error("weights that are not there")
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Add([]byte("\x22\x00\x00\x00\x00\x00\x00\x00{\"a\":{\"data_offsets\":[0,9]},\"b\":{}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, err := safetensorsSize(strings.NewReader(string(data))); err == nil && n < 0 {
			t.Errorf("%d bytes", n)
		}
	})
}
