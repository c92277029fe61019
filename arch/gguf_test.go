package arch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
)

// ggufFile writes GGUF metadata, independently of the reader: the layout is
// that of docs/gguf.md in the ggml repository.
type ggufFile struct {
	order   binary.ByteOrder
	version uint32
	n       uint64
	body    bytes.Buffer
}

func newGGUF(architecture string) *ggufFile {
	f := &ggufFile{order: binary.LittleEndian, version: 3}
	return f.set("general.architecture", architecture)
}

func (f *ggufFile) put(v any) {
	if err := binary.Write(&f.body, f.order, v); err != nil {
		panic(err)
	}
}

func (f *ggufFile) str(s string) {
	f.put(uint64(len(s)))
	f.body.WriteString(s)
}

func (f *ggufFile) set(key string, v any) *ggufFile {
	f.n++
	f.str(key)
	switch v := v.(type) {
	case string:
		f.put(uint32(8))
		f.str(v)
	case int:
		f.put(uint32(4))
		f.put(uint32(v))
	case uint8:
		f.put(uint32(0))
		f.put(v)
	case int8:
		f.put(uint32(1))
		f.put(v)
	case uint16:
		f.put(uint32(2))
		f.put(v)
	case int16:
		f.put(uint32(3))
		f.put(v)
	case int32:
		f.put(uint32(5))
		f.put(v)
	case float32:
		f.put(uint32(6))
		f.put(v)
	case bool:
		f.put(uint32(7))
		f.put(v)
	case uint64:
		f.put(uint32(10))
		f.put(v)
	case int64:
		f.put(uint32(11))
		f.put(v)
	case float64:
		f.put(uint32(12))
		f.put(v)
	case []string:
		f.put(uint32(9))
		f.put(uint32(8))
		f.put(uint64(len(v)))
		for _, s := range v {
			f.str(s)
		}
	case []int:
		f.put(uint32(9))
		f.put(uint32(4))
		f.put(uint64(len(v)))
		for _, n := range v {
			f.put(uint32(n))
		}
	case []bool:
		f.put(uint32(9))
		f.put(uint32(7))
		f.put(uint64(len(v)))
		f.put(v)
	case [][]float32:
		f.put(uint32(9))
		f.put(uint32(9))
		f.put(uint64(len(v)))
		for _, row := range v {
			f.put(uint32(6))
			f.put(uint64(len(row)))
			f.put(row)
		}
	case []byte: // raw: type and content
		f.body.Write(v)
	default:
		panic("no such type")
	}
	return f
}

func (f *ggufFile) bytes() []byte {
	var out bytes.Buffer
	out.WriteString("GGUF")
	for _, v := range []any{f.version, uint64(7), f.n} {
		if err := binary.Write(&out, f.order, v); err != nil {
			panic(err)
		}
	}
	out.Write(f.body.Bytes())
	return out.Bytes()
}

// TestGGUF compares metadata of real architectures with values by hand; where a
// checkpoint of testdata/checkpoints is the same model, with that.
func TestGGUF(t *testing.T) {
	every := func(n, of int, at func(i int) bool) []int {
		out := make([]int, of)
		for i := range out {
			if at(i) {
				out[i] = n
			}
		}
		return out
	}
	for _, c := range []struct {
		name string
		file *ggufFile
		want Elements // after 32,768 tokens
	}{
		{"Llama-3.1-8B", newGGUF("llama").set("llama.block_count", 32).set("llama.context_length", 131072).set("llama.embedding_length", 4096).
			set("llama.attention.head_count", 32).set("llama.attention.head_count_kv", 8), Elements{KV: 65_536 * 32768}},
		{"without head_count_kv: as many as heads", newGGUF("gpt2").set("gpt2.block_count", 12).set("gpt2.embedding_length", 768).set("gpt2.attention.head_count", 12),
			Elements{KV: 18_432 * 32768}},
		{"keys and values of different sizes", newGGUF("qwen3").set("qwen3.block_count", 2).set("qwen3.attention.head_count", 4).set("qwen3.attention.head_count_kv", 2).
			set("qwen3.attention.key_length", 6).set("qwen3.attention.value_length", 4), Elements{KV: 2 * 2 * 10 * 32768}},
		{"Gemma-3-27b: period 6 known", newGGUF("gemma3").set("gemma3.block_count", 62).set("gemma3.attention.head_count", 32).set("gemma3.attention.head_count_kv", 16).
			set("gemma3.attention.key_length", 128).set("gemma3.attention.value_length", 128).set("gemma3.attention.sliding_window", 1024),
			Elements{KV: 10 * 4096 * 32768, Window: 52 * 4096 * 1023}},
		{"a pattern as a list", newGGUF("olmo2").set("olmo2.block_count", 3).set("olmo2.attention.head_count", 1).set("olmo2.embedding_length", 4).
			set("olmo2.attention.sliding_window", 5).set("olmo2.attention.sliding_window_pattern", []bool{true, false, true}), Elements{KV: 8 * 32768, Window: 2 * 8 * 4}},
		{"a pattern as a period", newGGUF("cohere2").set("cohere2.block_count", 4).set("cohere2.attention.head_count", 1).set("cohere2.embedding_length", 4).
			set("cohere2.attention.sliding_window", 5).set("cohere2.attention.sliding_window_pattern", 2), Elements{KV: 2 * 8 * 32768, Window: 2 * 8 * 4}},
		{"llama4: chunks of 8,192", newGGUF("llama4").set("llama4.block_count", 4).set("llama4.attention.head_count", 1).set("llama4.embedding_length", 4),
			Elements{KV: 8 * 32768, Window: 3 * 8 * 8191}},
		{"llama4 with a window of 0: all full", newGGUF("llama4").set("llama4.block_count", 4).set("llama4.attention.head_count", 1).set("llama4.embedding_length", 4).
			set("llama4.attention.sliding_window", 0), Elements{KV: 4 * 8 * 32768}},
		{"gemma3n: shared layers", newGGUF("gemma3n").set("gemma3n.block_count", 10).set("gemma3n.attention.head_count", 1).set("gemma3n.embedding_length", 4).
			set("gemma3n.attention.sliding_window", 5).set("gemma3n.attention.shared_kv_layers", 5), Elements{KV: 8 * 32768, Window: 4 * 8 * 4}},
		{"DeepSeek-V3, one of 62 blocks predicts further tokens", newGGUF("deepseek2").set("deepseek2.block_count", 62).set("deepseek2.nextn_predict_layers", 1).
			set("deepseek2.attention.head_count", 128).set("deepseek2.attention.head_count_kv", 1).set("deepseek2.attention.kv_lora_rank", 512).set("deepseek2.rope.dimension_count", 64),
			Elements{Latent: 35_136 * 32768}},
		{"mamba-2.8b", newGGUF("mamba").set("mamba.block_count", 64).set("mamba.embedding_length", 2560).set("mamba.attention.head_count", 0).
			set("mamba.ssm.conv_kernel", 4).set("mamba.ssm.inner_size", 5120).set("mamba.ssm.state_size", 16), Elements{Recurrent: 64 * 5120 * 16, Conv: 64 * 3 * 5120}},
		{"mamba2-2.7b", newGGUF("mamba2").set("mamba2.block_count", 64).set("mamba2.ssm.conv_kernel", 4).set("mamba2.ssm.inner_size", 5120).
			set("mamba2.ssm.state_size", 128).set("mamba2.ssm.group_count", 1), Elements{Recurrent: 64 * 80 * 64 * 128, Conv: 64 * 3 * 5376}},
		{"Jamba-v0.1", newGGUF("jamba").set("jamba.block_count", 32).set("jamba.embedding_length", 4096).set("jamba.attention.head_count", 32).
			set("jamba.attention.head_count_kv", every(8, 32, func(i int) bool { return i%8 == 4 })).
			set("jamba.ssm.conv_kernel", 4).set("jamba.ssm.inner_size", 8192).set("jamba.ssm.state_size", 16),
			Elements{KV: 4 * 2048 * 32768, Recurrent: 28 * 8192 * 16, Conv: 28 * 3 * 8192}},
		{"nemotron_h: a layer with a feed-forward width keeps nothing", newGGUF("nemotron_h").set("nemotron_h.block_count", 3).set("nemotron_h.embedding_length", 8).
			set("nemotron_h.attention.head_count", 2).set("nemotron_h.attention.head_count_kv", []int{0, 0, 1}).set("nemotron_h.feed_forward_length", []int{0, 9, 0}).
			set("nemotron_h.ssm.conv_kernel", 4).set("nemotron_h.ssm.inner_size", 6).set("nemotron_h.ssm.state_size", 5).set("nemotron_h.ssm.group_count", 1),
			Elements{KV: 8 * 32768, Recurrent: 30, Conv: 3 * 16}},
		{"Falcon-H1: both in each layer", newGGUF("falcon-h1").set("falcon-h1.block_count", 2).set("falcon-h1.embedding_length", 8).set("falcon-h1.attention.head_count", 2).
			set("falcon-h1.ssm.conv_kernel", 4).set("falcon-h1.ssm.inner_size", 6).set("falcon-h1.ssm.state_size", 5).set("falcon-h1.ssm.group_count", 1),
			Elements{KV: 2 * 16 * 32768, Recurrent: 60, Conv: 2 * 3 * 16}},
		{"Qwen3-Next-80B-A3B", newGGUF("qwen3next").set("qwen3next.block_count", 48).set("qwen3next.attention.head_count", 16).set("qwen3next.attention.head_count_kv", 2).
			set("qwen3next.attention.key_length", 256).set("qwen3next.attention.value_length", 256).set("qwen3next.full_attention_interval", 4).
			set("qwen3next.ssm.conv_kernel", 4).set("qwen3next.ssm.state_size", 128).set("qwen3next.ssm.group_count", 16).set("qwen3next.ssm.inner_size", 4096),
			Elements{KV: 12 * 1024 * 32768, Recurrent: 36 * 32 * 128 * 128, Conv: 36 * 3 * 8192}},
		{"Kimi-Linear-48B-A3B", newGGUF("kimi-linear").set("kimi-linear.block_count", 27).set("kimi-linear.attention.head_count", 32).
			set("kimi-linear.attention.head_count_kv", every(1, 27, func(i int) bool { return i%4 == 3 || i == 26 })).set("kimi-linear.attention.kv_lora_rank", 512).
			set("kimi-linear.rope.dimension_count", 64).set("kimi-linear.kda.head_dim", 128).set("kimi-linear.ssm.conv_kernel", 4),
			Elements{Latent: 7 * 576 * 32768, Recurrent: 20 * 32 * 128 * 128, Conv: 20 * 3 * 3 * 32 * 128}},
		{"LFM2-1.2B", newGGUF("lfm2").set("lfm2.block_count", 16).set("lfm2.embedding_length", 2048).set("lfm2.attention.head_count", 32).set("lfm2.shortconv.l_cache", 3).
			set("lfm2.attention.head_count_kv", every(8, 16, func(i int) bool { return i == 2 || i == 5 || i == 8 || i == 10 || i == 12 || i == 14 })),
			Elements{KV: 6 * 1024 * 32768, Conv: 10 * 2 * 2048}},
		{"rwkv-6-world-1b6", newGGUF("rwkv6").set("rwkv6.block_count", 24).set("rwkv6.embedding_length", 2048).set("rwkv6.wkv.head_size", 64).set("rwkv6.token_shift_count", 2),
			Elements{Recurrent: 24 * 32 * 64 * 64, Conv: 24 * 2 * 2048}},
		{"every scalar type is a number", newGGUF("llama").set("llama.block_count", uint64(2)).set("llama.embedding_length", int64(16)).set("llama.attention.head_count", uint8(2)).
			set("llama.attention.head_count_kv", int16(1)).set("llama.attention.key_length", uint16(4)).set("llama.attention.value_length", int8(4)).
			set("llama.context_length", int32(64)).set("llama.x", float32(1)).set("llama.y", 1.5).set("llama.z", true),
			Elements{KV: 2 * 8 * 32768}},
	} {
		c.file.set("tokenizer.ggml.tokens", []string{"a", "b", ""}).set("tokenizer.merges", [][]float32{{1, 2}, {}, {3}})
		m, err := Parse(bytes.NewReader(append(c.file.bytes(), 0xde, 0xad))) // tensors follow
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		s, err := m.State(32768)
		if err != nil || s.Elements != c.want {
			t.Errorf("%s: %+v, want %+v (%v)", c.name, s.Elements, c.want, err)
		}
	}
}

func TestGGUFBigEndianAndVersion2(t *testing.T) {
	for _, version := range []uint32{2, 3} {
		f := &ggufFile{order: binary.BigEndian, version: version}
		f.set("general.architecture", "gpt2").set("gpt2.block_count", 12).set("gpt2.embedding_length", 768).set("gpt2.attention.head_count", 12).set("gpt2.context_length", 1024)
		m, err := Parse(bytes.NewReader(f.bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := m.State(1); err != nil || s.Total != 18_432 || m.MaxLength != 1024 || !m.Learned {
			t.Errorf("version %d: %+v, %v", version, m, err)
		}
	}
}

// endless is a reader of zeros that counts what is read of it.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	clear(p)
	e.n += int64(len(p))
	return len(p), nil
}

func TestGGUFRefusals(t *testing.T) {
	u64 := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	u32 := func(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	head := func(count uint64) []byte { return cat([]byte("GGUF"), u32(3), u64(0), u64(count)) }
	key := func(s string) []byte { return cat(u64(uint64(len(s))), []byte(s)) }
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"only the magic", []byte("GGUF"), "ends after 4 bytes"},
		{"version 1", cat([]byte("GGUF"), u32(1), u64(0), u64(0)), "GGUF version 1"},
		{"version 99", cat([]byte("GGUF"), u32(99), u64(0), u64(0)), "GGUF version 99"},
		{"2^60 keys", head(1 << 60), "more than 65536 are refused"},
		{"fewer keys than claimed", head(2), "metadata entry 1 of 2: the file ends"},
		{"a key of 2^63 bytes", cat(head(1), u64(1<<63)), "a key claims 9223372036854775808 bytes"},
		{"a string of 2^60 bytes", cat(head(1), key("a"), u32(8), u64(1<<60)), "larger than 256 MiB"},
		{"a string of 200 MB that ends", cat(head(1), key("a"), u32(8), u64(200<<20)), "the file ends"},
		{"an array of 2^60 numbers", cat(head(1), key("a"), u32(9), u32(4), u64(1<<60)), "larger than 256 MiB"},
		{"an array of 2^60 strings", cat(head(1), key("a"), u32(9), u32(8), u64(1<<60)), "the file ends"},
		{"an array of 2^60 arrays", cat(head(1), key("a"), u32(9), u32(9), u64(1<<60)), "the file ends"},
		{"arrays in arrays in arrays …", cat(head(1), key("a"), u32(9), bytes.Repeat(cat(u32(9), u64(1)), 1000)), "nested more than 4 deep"},
		{"unknown type", cat(head(1), key("a"), u32(77)), "unknown value type 77"},
		{"unknown element type", cat(head(1), key("a"), u32(9), u32(77), u64(1)), "an array of unknown type 77"},
		{"no architecture", head(0), "general.architecture is missing"},
		{"duplicate", newGGUF("llama").set("a", 1).set("a", 2).bytes(), `key "a" occurs twice`},
		{"unknown architecture", newGGUF("lama").bytes(), `"llama"`},
		{"missing blocks", newGGUF("llama").bytes(), "block_count is missing (model_type \"llama\")"},
		{"missing heads", newGGUF("llama").set("llama.block_count", 2).bytes(), "attention.head_count is missing"},
		{"missing width", newGGUF("llama").set("llama.block_count", 2).set("llama.attention.head_count", 2).bytes(), "embedding_length is missing"},
		{"too few per-layer heads", newGGUF("llama").set("llama.block_count", 2).set("llama.embedding_length", 4).set("llama.attention.head_count", 2).set("llama.attention.head_count_kv", []int{1}).bytes(), "layer 1 has none"},
		{"a string for a size", newGGUF("llama").set("llama.block_count", "2").bytes(), `block_count is "2"; want a whole number`},
		{"a negative size", newGGUF("llama").set("llama.block_count", int32(-2)).bytes(), "block_count is -2"},
		{"NaN", newGGUF("llama").set("llama.block_count", float32(math.NaN())).bytes(), "block_count is NaN"},
		{"four billion blocks", newGGUF("llama").set("llama.block_count", uint64(4e9)).bytes(), "are refused"},
		{"a window, but which layers?", newGGUF("qwen2").set("qwen2.block_count", 2).set("qwen2.embedding_length", 4).set("qwen2.attention.head_count", 2).set("qwen2.attention.sliding_window", 8).bytes(), "not which layers slide"},
		{"pattern too short", newGGUF("gemma2").set("gemma2.block_count", 2).set("gemma2.embedding_length", 4).set("gemma2.attention.head_count", 2).set("gemma2.attention.sliding_window", 8).set("gemma2.attention.sliding_window_pattern", []bool{true}).bytes(), "1 entries for 2 layers"},
		{"all layers predict", newGGUF("deepseek2").set("deepseek2.block_count", 2).set("deepseek2.nextn_predict_layers", 2).bytes(), "none is left"},
	} {
		m, err := Parse(bytes.NewReader(c.file))
		if err == nil {
			t.Errorf("%s: accepted as %+v", c.name, m)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, want %q in it", c.name, err, c.want)
		}
	}
	// Every truncation of a valid file is an error that says so.
	whole := newGGUF("gpt2").set("gpt2.block_count", 1).set("gpt2.embedding_length", 4).set("gpt2.attention.head_count", 2).bytes()
	for n := 4; n < len(whole); n++ {
		if _, err := Parse(bytes.NewReader(whole[:n])); err == nil || !strings.Contains(err.Error(), "the file ends") {
			t.Errorf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

// TestGGUFAllocatesByContent: claims about sizes take no memory, and metadata
// without end is not read for ever.
func TestGGUFAllocatesByContent(t *testing.T) {
	le := binary.LittleEndian
	head := append([]byte("GGUF"), le.AppendUint64(le.AppendUint64(le.AppendUint32(nil, 3), 0), 1)...)
	head = append(le.AppendUint64(head, 1), 'a')
	for _, claim := range [][]byte{
		le.AppendUint64(le.AppendUint32(le.AppendUint32(nil, 9), 8), math.MaxUint64), // strings, all empty
		le.AppendUint64(le.AppendUint32(le.AppendUint32(nil, 9), 4), 10_000),
		le.AppendUint64(le.AppendUint32(nil, 8), 255<<20),
	} {
		source := &endless{}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const limit = 4 << 20
		_, _, err := readGGUF(io.MultiReader(bytes.NewReader(append(bytes.Clone(head), claim...)), source), limit)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("claim %v: %v", claim, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
			t.Errorf("claim %v: %d bytes allocated", claim, grown)
		}
		if source.n > limit+1<<20 {
			t.Errorf("claim %v: %d bytes read", claim, source.n)
		}
	}
}

func TestGGUFAssume(t *testing.T) {
	file := newGGUF("lama").set("lama.block_count", 1).set("lama.embedding_length", 4).set("lama.attention.head_count", 2).bytes()
	m, err := ParseWith(bytes.NewReader(file), Options{Assume: "llama"})
	if err != nil || m.Type != "lama" || m.Family != "llama" || len(m.Warnings) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	var unknown *UnknownTypeError
	if _, err := Parse(bytes.NewReader(file)); !errors.As(err, &unknown) || unknown.Nearest != "llama" {
		t.Error(err)
	}
	if _, err := ParseWith(bytes.NewReader(file), Options{Assume: "none"}); err == nil {
		t.Error("assumed an architecture that does not exist")
	}
}
