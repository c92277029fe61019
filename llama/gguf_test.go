package llama

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// ggufFile is a GGUF file in the making: version 3, tensors of 32-bit floats.
type ggufFile struct {
	meta    bytes.Buffer
	metas   uint64
	tensors []tensor
}

type tensor struct {
	name string
	dims []int // the fastest first
	data []float32
}

const (
	ggufUint32 = 4
	ggufInt32  = 5
	ggufFloat  = 6
	ggufString = 8
	ggufArray  = 9
)

func (g *ggufFile) string(s string) {
	binary.Write(&g.meta, binary.LittleEndian, uint64(len(s)))
	g.meta.WriteString(s)
}

func (g *ggufFile) set(key string, value any) {
	g.metas++
	g.string(key)
	kind := func(k uint32) { binary.Write(&g.meta, binary.LittleEndian, k) }
	list := func(k uint32, n int) {
		kind(ggufArray)
		kind(k)
		binary.Write(&g.meta, binary.LittleEndian, uint64(n))
	}
	switch v := value.(type) {
	case string:
		kind(ggufString)
		g.string(v)
	case int:
		kind(ggufUint32)
		kind(uint32(v))
	case float64:
		kind(ggufFloat)
		binary.Write(&g.meta, binary.LittleEndian, float32(v))
	case []string:
		list(ggufString, len(v))
		for _, s := range v {
			g.string(s)
		}
	case []int32:
		list(ggufInt32, len(v))
		binary.Write(&g.meta, binary.LittleEndian, v)
	default:
		panic(fmt.Sprintf("%T", value))
	}
}

func (g *ggufFile) write(t testing.TB, path string) {
	t.Helper()
	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	pad := func() {
		for b.Len()%32 != 0 {
			b.WriteByte(0)
		}
	}
	b.WriteString("GGUF")
	put(uint32(3))
	put(uint64(len(g.tensors)))
	put(g.metas)
	b.Write(g.meta.Bytes())
	offset := uint64(0)
	for _, x := range g.tensors {
		put(uint64(len(x.name)))
		b.WriteString(x.name)
		put(uint32(len(x.dims)))
		for _, d := range x.dims {
			put(uint64(d))
		}
		put(uint32(0)) // 32-bit floats
		put(offset)
		offset += uint64(4*len(x.data)+31) &^ 31
	}
	pad()
	for _, x := range g.tensors {
		put(x.data)
		pad()
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shape is the size of a random model.
type shape struct{ vocabulary, width, layers, heads, kvHeads, hidden, context int }

var small = shape{vocabulary: 260, width: 32, layers: 3, heads: 4, kvHeads: 2, hidden: 64, context: 256}

// randomModel writes a model of random weights and returns its path and tensors.
func randomModel(t testing.TB, arch string, s shape) (string, map[string]tensor) {
	t.Helper()
	g := &ggufFile{}
	rng := rand.New(rand.NewPCG(11, 12))
	all := map[string]tensor{}
	add := func(name string, spread, middle float64, dims ...int) {
		n := 1
		for _, d := range dims {
			n *= d
		}
		x := tensor{name, dims, make([]float32, n)}
		for i := range x.data {
			x.data[i] = float32(middle + spread*rng.NormFloat64())
		}
		g.tensors = append(g.tensors, x)
		all[name] = x
	}
	matrix := func(name string, in, out int) { add(name, 1.5/math.Sqrt(float64(in)), 0, in, out) }
	norm := func(name string, n int) { add(name, 0.1, 1, n) }
	bias := func(name string, n int) { add(name, 0.1, 0, n) }

	g.set("general.architecture", arch)
	g.set("general.name", "random "+arch)
	set := func(key string, v any) { g.set(arch+"."+key, v) }
	set("context_length", s.context)
	set("embedding_length", s.width)
	set("block_count", s.layers)
	set("feed_forward_length", s.hidden)
	set("attention.head_count", s.heads)
	head := 0
	if s.heads > 0 {
		head = s.width / s.heads
	}
	add("token_embd.weight", 1, 0, s.width, s.vocabulary)
	norm("output_norm.weight", s.width)
	switch arch {
	case "llama", "gemma2":
		set("attention.head_count_kv", s.kvHeads)
		set("attention.layer_norm_rms_epsilon", 1e-5)
		set("rope.dimension_count", head)
		if arch == "gemma2" {
			set("attention.key_length", head)
			set("attention.value_length", head)
			set("attention.sliding_window", 16)
			set("attn_logit_softcapping", 50.0)
			set("final_logit_softcapping", 30.0)
		} else {
			matrix("output.weight", s.width, s.vocabulary)
		}
	case "gpt2":
		set("attention.layer_norm_epsilon", 1e-5)
		add("position_embd.weight", 1, 0, s.width, s.context)
		bias("output_norm.bias", s.width)
		matrix("output.weight", s.width, s.vocabulary)
	case "mamba":
		set("ssm.conv_kernel", 4)
		set("ssm.inner_size", 2*s.width)
		set("ssm.state_size", 8)
		set("ssm.time_step_rank", 4)
		set("attention.layer_norm_rms_epsilon", 1e-5)
		matrix("output.weight", s.width, s.vocabulary)
	}
	for i := range s.layers {
		b := fmt.Sprintf("blk.%d.", i)
		norm(b+"attn_norm.weight", s.width)
		switch arch {
		case "llama", "gemma2":
			matrix(b+"attn_q.weight", s.width, s.heads*head)
			matrix(b+"attn_k.weight", s.width, s.kvHeads*head)
			matrix(b+"attn_v.weight", s.width, s.kvHeads*head)
			matrix(b+"attn_output.weight", s.heads*head, s.width)
			norm(b+"ffn_norm.weight", s.width)
			matrix(b+"ffn_gate.weight", s.width, s.hidden)
			matrix(b+"ffn_up.weight", s.width, s.hidden)
			matrix(b+"ffn_down.weight", s.hidden, s.width)
			if arch == "gemma2" {
				norm(b+"post_attention_norm.weight", s.width)
				norm(b+"post_ffw_norm.weight", s.width)
			}
		case "gpt2":
			bias(b+"attn_norm.bias", s.width)
			matrix(b+"attn_qkv.weight", s.width, 3*s.width)
			bias(b+"attn_qkv.bias", 3*s.width)
			matrix(b+"attn_output.weight", s.width, s.width)
			bias(b+"attn_output.bias", s.width)
			norm(b+"ffn_norm.weight", s.width)
			bias(b+"ffn_norm.bias", s.width)
			matrix(b+"ffn_up.weight", s.width, s.hidden)
			bias(b+"ffn_up.bias", s.hidden)
			matrix(b+"ffn_down.weight", s.hidden, s.width)
			bias(b+"ffn_down.bias", s.width)
		case "mamba":
			inner, state, rank := 2*s.width, 8, 4
			matrix(b+"ssm_in.weight", s.width, 2*inner)
			add(b+"ssm_conv1d.weight", 0.5, 0, 4, inner)
			bias(b+"ssm_conv1d.bias", inner)
			matrix(b+"ssm_x.weight", inner, rank+2*state)
			matrix(b+"ssm_dt.weight", rank, inner)
			bias(b+"ssm_dt.bias", inner)
			add(b+"ssm_a", 0.05, -0.5, state, inner) // slow decay: a long memory
			add(b+"ssm_d", 0.1, 1, inner)
			matrix(b+"ssm_out.weight", inner, s.width)
		}
	}
	vocabulary(g, s.vocabulary)
	path := filepath.Join(t.TempDir(), arch+".gguf")
	g.write(t, path)
	return path, all
}

// vocabulary is byte-level: 256 bytes, two merges, and marks of the beginning
// and end of a text; the rest is unused.
func vocabulary(g *ggufFile, n int) {
	var tokens []string
	var kinds []int32
	for b := range 256 {
		tokens = append(tokens, string(byteRune(byte(b))))
		kinds = append(kinds, 1)
	}
	tokens = append(tokens, "Ġt", "he", "<s>", "</s>")
	kinds = append(kinds, 1, 1, 3, 3)
	for len(tokens) < n {
		tokens = append(tokens, fmt.Sprintf("<unused%d>", len(tokens)))
		kinds = append(kinds, 5)
	}
	g.set("tokenizer.ggml.model", "gpt2")
	g.set("tokenizer.ggml.pre", "gpt-2")
	g.set("tokenizer.ggml.tokens", tokens)
	g.set("tokenizer.ggml.token_type", kinds)
	g.set("tokenizer.ggml.merges", []string{"Ġ t", "h e"})
	g.set("tokenizer.ggml.bos_token_id", 258)
	g.set("tokenizer.ggml.eos_token_id", 259)
}

// byteRune is the letter that stands for a byte in byte-level vocabularies:
// itself where it can be seen, else one from U+0100 on.
func byteRune(b byte) rune {
	visible := func(c int) bool { return c >= '!' && c <= '~' || c >= 0xa1 && c <= 0xac || c >= 0xae && c <= 0xff }
	if visible(int(b)) {
		return rune(b)
	}
	next := rune(0x100)
	for c := range int(b) {
		if !visible(c) {
			next++
		}
	}
	return next
}
