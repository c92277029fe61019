package llama

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// shape is the size of a random model.
type shape struct {
	vocabulary, width, layers, heads, kvHeads, hidden, context int
	marks                                                      []string // last tokens, special: see vocabulary
	addBOS                                                     *bool    // what the file says of BOS; nil: nothing
}

var small = shape{vocabulary: 260, width: 32, layers: 3, heads: 4, kvHeads: 2, hidden: 64, context: 256}

func (s shape) head() int { return s.width / s.heads }

// weights draws the weights of a model.
type weights struct {
	shape
	arch string
	file *ggufFile
	rng  *rand.Rand
	all  map[string]tensor
}

// architectures are built of what llama.cpp asks for when it loads them: two
// transformers, two with sliding windows, two recurrent ones, and two of both
// kinds of layers.
var architectures = map[string]func(*weights){
	"llama":  (*weights).llama,
	"gpt2":   (*weights).gpt2,
	"gemma2": (*weights).gemma2,
	"gemma3": (*weights).gemma3,
	"mamba":  (*weights).mamba,
	"rwkv6":  (*weights).rwkv6,
	"lfm2":   (*weights).lfm2,
	"jamba":  (*weights).jamba,
}

// randomModel writes a model of random weights and returns its path and tensors.
func randomModel(t testing.TB, arch string, s shape) (string, map[string]tensor) {
	t.Helper()
	build := architectures[arch]
	if arch == "llama-longrope" {
		arch, build = "llama", (*weights).longRope
	}
	w := &weights{s, arch, &ggufFile{}, rand.New(rand.NewPCG(11, 12)), map[string]tensor{}}
	w.file.set("general.architecture", arch)
	w.file.set("general.name", "random "+arch)
	w.file.set("general.file_type", 0) // F32
	w.set("context_length", s.context)
	w.set("embedding_length", s.width)
	w.set("block_count", s.layers)
	w.set("feed_forward_length", s.hidden)
	w.set("attention.head_count", s.heads)
	w.add("token_embd.weight", 1, 0, s.width, s.vocabulary)
	build(w)
	vocabulary(w.file, s.vocabulary, s.marks)
	if s.addBOS != nil {
		w.file.set("tokenizer.ggml.add_bos_token", *s.addBOS)
	}
	path := filepath.Join(t.TempDir(), arch+".gguf")
	w.file.write(t, path)
	return path, w.all
}

func (w *weights) set(key string, v any) { w.file.set(w.arch+"."+key, v) }

// add draws a tensor from a normal distribution.
func (w *weights) add(name string, spread, middle float64, dims ...int) {
	n := 1
	for _, d := range dims {
		n *= d
	}
	x := tensor{name, dims, make([]float32, n)}
	for i := range x.data {
		x.data[i] = float32(middle + spread*w.rng.NormFloat64())
	}
	w.file.tensors = append(w.file.tensors, x)
	w.all[name] = x
}

func (w *weights) matrix(name string, in, out int) {
	w.add(name+".weight", 1.5/math.Sqrt(float64(in)), 0, in, out)
}

func (w *weights) norm(name string, n int) { w.add(name+".weight", 0.1, 1, n) }

func (w *weights) bias(name string, n int) { w.add(name+".bias", 0.1, 0, n) }

func (w *weights) output() {
	w.norm("output_norm", w.width)
	w.matrix("output", w.width, w.vocabulary)
}

func (w *weights) blocks(build func(b string, i int)) {
	for i := range w.layers {
		build(fmt.Sprintf("blk.%d.", i), i)
	}
}

func (w *weights) attention(b string) {
	w.matrix(b+"attn_q", w.width, w.heads*w.head())
	w.matrix(b+"attn_k", w.width, w.kvHeads*w.head())
	w.matrix(b+"attn_v", w.width, w.kvHeads*w.head())
	w.matrix(b+"attn_output", w.heads*w.head(), w.width)
}

func (w *weights) gated(b string) {
	w.norm(b+"ffn_norm", w.width)
	w.matrix(b+"ffn_gate", w.width, w.hidden)
	w.matrix(b+"ffn_up", w.width, w.hidden)
	w.matrix(b+"ffn_down", w.hidden, w.width)
}

func (w *weights) rotary() {
	w.set("attention.layer_norm_rms_epsilon", 1e-5)
	w.set("rope.dimension_count", w.head())
}

func (w *weights) llama() {
	w.set("attention.head_count_kv", w.kvHeads)
	w.rotary()
	w.output()
	w.blocks(func(b string, _ int) {
		w.norm(b+"attn_norm", w.width)
		w.attention(b)
		w.gated(b)
	})
}

// longRope is a llama with angles for up to 256 tokens, and others beyond.
func (w *weights) longRope() {
	w.set("rope.scaling.type", "longrope")
	w.set("rope.scaling.original_context_length", 256)
	w.add("rope_factors_short.weight", 0, 1, w.head()/2)
	w.add("rope_factors_long.weight", 0, 3, w.head()/2)
	w.llama()
}

func (w *weights) gpt2() {
	w.set("attention.layer_norm_epsilon", 1e-5)
	w.add("position_embd.weight", 1, 0, w.width, w.context)
	w.output()
	w.bias("output_norm", w.width)
	w.blocks(func(b string, _ int) {
		w.norm(b+"attn_norm", w.width)
		w.bias(b+"attn_norm", w.width)
		w.matrix(b+"attn_qkv", w.width, 3*w.width)
		w.bias(b+"attn_qkv", 3*w.width)
		w.matrix(b+"attn_output", w.width, w.width)
		w.bias(b+"attn_output", w.width)
		w.norm(b+"ffn_norm", w.width)
		w.bias(b+"ffn_norm", w.width)
		w.matrix(b+"ffn_up", w.width, w.hidden)
		w.bias(b+"ffn_up", w.hidden)
		w.add(b+"ffn_down.weight", faint, 0, w.hidden, w.width)
		w.bias(b+"ffn_down", w.width)
	})
}

// faint is how much of GELU is added to the rest: little, as in a GPT-2 before
// training. llama.cpp reads that activation from a table for numbers of 11 bits,
// so that a rounding, which depends on the batch, may move to the next entry;
// with weights like the others' it would agree with itself only to some 1e-4.
const faint = 0.005

// sliding is what both Gemmas here have in common: a window of 16 tokens in some
// layers.
func (w *weights) sliding(more func(b string)) {
	w.set("attention.head_count_kv", w.kvHeads)
	w.set("attention.key_length", w.head())
	w.set("attention.value_length", w.head())
	w.set("attention.sliding_window", 16)
	w.rotary()
	w.norm("output_norm", w.width)
	w.blocks(func(b string, _ int) {
		w.norm(b+"attn_norm", w.width)
		w.attention(b)
		w.norm(b+"post_attention_norm", w.width)
		w.gated(b)
		w.add(b+"post_ffw_norm.weight", faint, 0, w.width)
		more(b)
	})
}

func (w *weights) gemma2() {
	w.set("attn_logit_softcapping", 50.0)
	w.set("final_logit_softcapping", 30.0)
	w.sliding(func(string) {})
}

func (w *weights) gemma3() {
	w.sliding(func(b string) {
		w.norm(b+"attn_q_norm", w.head())
		w.norm(b+"attn_k_norm", w.head())
	})
}

func (w *weights) ssmShape() {
	w.set("ssm.conv_kernel", 4)
	w.set("ssm.inner_size", 2*w.width)
	w.set("ssm.state_size", 8)
	w.set("ssm.time_step_rank", 4)
	w.set("attention.layer_norm_rms_epsilon", 1e-5)
}

func (w *weights) ssm(b string) {
	inner, state, rank := 2*w.width, 8, 4
	w.matrix(b+"ssm_in", w.width, 2*inner)
	w.add(b+"ssm_conv1d.weight", 0.5, 0, 4, inner)
	w.bias(b+"ssm_conv1d", inner)
	w.matrix(b+"ssm_x", inner, rank+2*state)
	w.matrix(b+"ssm_dt", rank, inner)
	w.bias(b+"ssm_dt", inner)
	w.add(b+"ssm_a", 0.05, -0.5, state, inner) // slow decay: a long memory
	w.add(b+"ssm_d", 0.1, 1, inner)
	w.matrix(b+"ssm_out", inner, w.width)
}

func (w *weights) mamba() {
	w.ssmShape()
	w.output()
	w.blocks(func(b string, _ int) {
		w.norm(b+"attn_norm", w.width)
		w.ssm(b)
	})
}

// middle is the layer with attention in hybrids.
func (w *weights) middle() []int32 {
	kv := make([]int32, w.layers)
	kv[w.layers/2] = int32(w.kvHeads)
	return kv
}

func (w *weights) jamba() {
	w.ssmShape()
	w.set("attention.head_count_kv", w.middle())
	w.output()
	w.blocks(func(b string, i int) {
		w.norm(b+"attn_norm", w.width)
		if w.middle()[i] > 0 {
			w.attention(b)
		} else {
			w.ssm(b)
			w.norm(b+"ssm_dt_norm", 4)
			w.norm(b+"ssm_b_norm", 8)
			w.norm(b+"ssm_c_norm", 8)
		}
		w.gated(b)
	})
}

func (w *weights) lfm2() {
	const kernel = 3
	w.set("shortconv.l_cache", kernel)
	w.set("attention.head_count_kv", w.middle())
	w.rotary()
	w.norm("token_embd_norm", w.width)
	w.blocks(func(b string, i int) {
		w.norm(b+"attn_norm", w.width)
		if w.middle()[i] > 0 {
			w.attention(b)
			w.norm(b+"attn_q_norm", w.head())
			w.norm(b+"attn_k_norm", w.head())
		} else {
			w.add(b+"shortconv.conv.weight", 0.6, 0, kernel, w.width)
			w.matrix(b+"shortconv.in_proj", w.width, 3*w.width)
			w.matrix(b+"shortconv.out_proj", w.width, w.width)
		}
		w.gated(b)
	})
}

func (w *weights) rwkv6() {
	const extra = 8
	head := w.head()
	w.set("wkv.head_size", head)
	w.set("rescale_every_n_layers", 0)
	w.set("time_mix_extra_dim", extra)
	w.set("time_decay_extra_dim", extra)
	w.set("attention.layer_norm_epsilon", 1e-5)
	w.norm("token_embd_norm", w.width)
	w.bias("token_embd_norm", w.width)
	w.output()
	w.bias("output_norm", w.width)
	w.blocks(func(b string, _ int) {
		for _, n := range []string{"attn_norm", "attn_norm_2", "time_mix_ln"} {
			w.norm(b+n, w.width)
			w.bias(b+n, w.width)
		}
		w.matrix(b+"time_mix_w1", w.width, 5*extra)
		w.add(b+"time_mix_w2.weight", 0.1, 0, extra, w.width, 5)
		w.add(b+"time_mix_lerp_x.weight", 0.2, 0.5, w.width, 1, 1)
		w.add(b+"time_mix_lerp_fused.weight", 0.2, 0.5, w.width, 1, 1, 5)
		w.add(b+"time_mix_first.weight", 0.3, 0, head, w.heads)
		w.add(b+"time_mix_decay.weight", 0.3, -3, w.width) // e^-e^-3 a token: a long memory
		w.matrix(b+"time_mix_decay_w1", w.width, extra)
		w.add(b+"time_mix_decay_w2.weight", 0.1, 0, extra, w.width)
		for _, n := range []string{"key", "value", "receptance", "gate", "output"} {
			w.matrix(b+"time_mix_"+n, w.width, w.width)
		}
		w.add(b+"channel_mix_lerp_k.weight", 0.2, 0.5, w.width, 1, 1)
		w.add(b+"channel_mix_lerp_r.weight", 0.2, 0.5, w.width, 1, 1)
		w.matrix(b+"channel_mix_key", w.width, w.hidden)
		w.matrix(b+"channel_mix_value", w.hidden, w.width)
		w.matrix(b+"channel_mix_receptance", w.width, w.width)
	})
}
