package train

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/mixer"
)

// WriteGGUF writes the trained model in a folder as a GGUF file (version 3,
// 32-bit floats) that llama.cpp runs, for sequences of up to context tokens. That
// is possible for models of bytes that are a Llama (full attention in every layer,
// rotary positions, RMS norms, gated feed-forward layers), a GPT-2 (full attention,
// learned positions, layer norms, GELU) or a Mamba-2 (only such layers, RMS norms,
// no positions). Others are an error that says what does not fit.
func WriteGGUF(w io.Writer, dir string, context int) error {
	m, err := open(dir, cpu.Best())
	if err != nil {
		return fmt.Errorf("reading the trained model in %s: %w", dir, err)
	}
	c := &m.config
	a := exportOf(c)
	if err := cmp.Or(exportable(c, m.kind), a.check(c)); err != nil {
		return fmt.Errorf("writing the model in %s for llama.cpp: %w", dir, err)
	}
	if c.Longest > 0 {
		context = c.Longest
	}
	g := &ggufWriter{}
	g.text("general.architecture", a.name)
	g.text("general.name", m.info.Name)
	g.text("general.description", GGUFMark)
	g.number("general.file_type", 0) // all 32-bit floats
	for _, x := range append([]sizeKey{{"context_length", context}, {"embedding_length", c.Hidden}, {"block_count", c.Layers},
		{"feed_forward_length", c.Inner}, {"vocab_size", c.Vocabulary}}, a.sizes(c)...) {
		g.number(a.name+"."+x.key, x.n)
	}
	for _, x := range a.floats {
		g.float(a.name+"."+x.key, x.x)
	}
	g.bytesVocabulary()
	e := &exported{ggufWriter: g, m: m}
	e.plain("token_embd.weight", "embed.weight")
	if c.Limited() {
		e.plain("position_embd.weight", "positions.weight")
	}
	for l := range c.Layers {
		a.layer(e, fmt.Sprintf("layers.%d.", l), fmt.Sprintf("blk.%d.", l))
	}
	e.norm("output_norm", "norm")
	if !e.m.config.Tied { // without it, llama.cpp takes the table of tokens
		e.matrix("output.weight", inOrder, "head.weight")
	}
	return g.write(w)
}

// sizeKey and floatKey are numbers of the architecture.
type (
	sizeKey struct {
		key string
		n   int
	}
	floatKey struct {
		key string
		x   float64
	}
)

// export is an architecture of llama.cpp.
type export struct {
	name   string
	floats []floatKey
	check  func(c *mixer.Config) error
	sizes  func(c *mixer.Config) []sizeKey
	layer  func(e *exported, from, to string) // adds the weights of a layer under llama.cpp's names
}

// exportOf is the architecture that a model may be.
func exportOf(c *mixer.Config) export {
	switch {
	case c.Types[0] == "mamba2":
		return exportMamba2
	case c.Place == "learned":
		return exportGPT2
	}
	return exportLlama
}

// exportable checks what all architectures ask for.
func exportable(c *mixer.Config, kind string) error {
	for _, t := range c.Types {
		if t != c.Types[0] {
			return fmt.Errorf("%s and %s layers are not one architecture of llama.cpp", c.Types[0], t)
		}
	}
	if c.HeadDim != 0 && c.HeadDim*c.Heads != c.Hidden {
		return fmt.Errorf("head_dim %d × num_attention_heads %d is not hidden_size %d; models with such heads are not exported", c.HeadDim, c.Heads, c.Hidden)
	}
	if kind != kindSymbols || c.Vocabulary != byteVocabulary {
		return errors.New("only models of bytes have tokens that llama.cpp can write out")
	}
	return nil
}

// rmsEpsilon is what architectures with RMS norms state.
var rmsEpsilon = floatKey{"attention.layer_norm_rms_epsilon", mixer.RMSNormEpsilon}

var exportLlama = export{
	name: "llama", floats: []floatKey{rmsEpsilon, {"rope.freq_base", mixer.RotaryBase}},
	check: func(c *mixer.Config) error {
		switch {
		case c.Types[0] != "full_attention":
			return fmt.Errorf("llama.cpp runs full_attention and mamba2 layers; these are %s", c.Types[0])
		case c.Norm != "rmsnorm":
			return errors.New("a Llama has RMS norms (norm: rmsnorm)")
		case c.Place != "rope":
			return fmt.Errorf("its positions are %s; a Llama has rotary ones (positions: rope)", c.Place)
		case c.MLP != "gated" || c.Inner == 0:
			return errors.New("a Llama has gated feed-forward layers (hidden_act: gated)")
		}
		return nil
	},
	sizes: func(c *mixer.Config) []sizeKey {
		return []sizeKey{{"attention.head_count", c.Heads}, {"attention.head_count_kv", cmp.Or(c.KVHeads, c.Heads)}, {"rope.dimension_count", c.Hidden / c.Heads}}
	},
	layer: func(e *exported, from, to string) {
		head := e.m.config.Hidden / e.m.config.Heads
		// llama.cpp turns neighbours i and i + 1 of a head's queries and keys
		// where we turn i and i + size/2.
		neighbours := func(i int) int { return i/head*head + i%head/2 + i%2*head/2 }
		e.norm(to+"attn_norm", from+"norm")
		e.matrix(to+"attn_q.weight", neighbours, from+"mixer.q.weight")
		e.matrix(to+"attn_k.weight", neighbours, from+"mixer.k.weight")
		e.matrix(to+"attn_v.weight", inOrder, from+"mixer.v.weight")
		e.matrix(to+"attn_output.weight", inOrder, from+"mixer.o.weight")
		e.norm(to+"ffn_norm", from+"mlp_norm")
		e.matrix(to+"ffn_gate.weight", inOrder, from+"mlp.gate.weight")
		e.matrix(to+"ffn_up.weight", inOrder, from+"mlp.up.weight")
		e.matrix(to+"ffn_down.weight", inOrder, from+"mlp.down.weight")
	},
}

var exportGPT2 = export{
	name: "gpt2", floats: []floatKey{{"attention.layer_norm_epsilon", mixer.LayerNormEpsilon}},
	check: func(c *mixer.Config) error {
		switch {
		case c.Types[0] != "full_attention":
			return fmt.Errorf("llama.cpp runs full_attention and mamba2 layers; these are %s", c.Types[0])
		case c.KVHeads != 0 && c.KVHeads != c.Heads:
			return fmt.Errorf("a GPT-2, the model with learned positions, has keys for each of its %d heads (num_key_value_heads: 0)", c.Heads)
		case c.Norm != "layernorm":
			return errors.New("a GPT-2, the model with learned positions, has layer norms (norm: layernorm)")
		case c.MLP != "gelu" || c.Inner == 0:
			return errors.New("a GPT-2, the model with learned positions, has feed-forward layers with GELU (hidden_act: gelu)")
		}
		return nil
	},
	sizes: func(c *mixer.Config) []sizeKey { return []sizeKey{{"attention.head_count", c.Heads}} },
	layer: func(e *exported, from, to string) {
		d := e.m.config.Hidden
		e.norm(to+"attn_norm", from+"norm")
		e.matrix(to+"attn_qkv.weight", inOrder, from+"mixer.q.weight", from+"mixer.k.weight", from+"mixer.v.weight")
		e.add(to+"attn_qkv.bias", []int{3 * d}, make([]float32, 3*d))
		e.matrix(to+"attn_output.weight", inOrder, from+"mixer.o.weight")
		e.add(to+"attn_output.bias", []int{d}, make([]float32, d))
		e.norm(to+"ffn_norm", from+"mlp_norm")
		e.matrix(to+"ffn_up.weight", inOrder, from+"mlp.up.weight")
		e.plain(to+"ffn_up.bias", from+"mlp.up.bias")
		e.matrix(to+"ffn_down.weight", inOrder, from+"mlp.down.weight")
		e.plain(to+"ffn_down.bias", from+"mlp.down.bias")
	},
}

var exportMamba2 = export{
	name: "mamba2", floats: []floatKey{rmsEpsilon},
	check: func(c *mixer.Config) error {
		switch {
		case c.Norm != "rmsnorm":
			return errors.New("a Mamba-2 has RMS norms (norm: rmsnorm)")
		case c.Place != "none":
			return fmt.Errorf("its positions are %s; a Mamba-2 has none (positions: none)", c.Place)
		case c.Inner != 0:
			return errors.New("a Mamba-2 has no feed-forward layers (intermediate_size: 0)")
		}
		return nil
	},
	sizes: func(c *mixer.Config) []sizeKey {
		return []sizeKey{{"attention.head_count", 0}, {"ssm.conv_kernel", c.Kernel}, {"ssm.inner_size", mixer.Expand * c.Hidden},
			{"ssm.state_size", c.State}, {"ssm.time_step_rank", c.Heads}, {"ssm.group_count", 1}}
	},
	layer: func(e *exported, from, to string) {
		mix := from + "mixer."
		e.norm(to+"attn_norm", from+"norm")
		e.matrix(to+"ssm_in.weight", inOrder, mix+"z.weight", mix+"in.weight", mix+"dt.weight")
		e.matrix(to+"ssm_conv1d.weight", inOrder, mix+"conv.weight")
		e.plain(to+"ssm_conv1d.bias", mix+"conv.bias")
		e.plain(to+"ssm_dt.bias", mix+"dt_bias")
		shape, rates := e.find(mix + "A_log")
		for i, x := range rates {
			rates[i] = float32(-math.Exp(float64(x)))
		}
		e.add(to+"ssm_a", append(shape, 1), rates)
		e.plain(to+"ssm_d", mix+"D")
		shape, norm := e.find(mix + "norm.weight")
		e.add(to+"ssm_norm.weight", append([]int{1}, shape...), norm)
		e.matrix(to+"ssm_out.weight", inOrder, mix+"out.weight")
	},
}

// exported is a file that takes the weights of a model.
type exported struct {
	*ggufWriter
	m *trained
}

// find is a copy of a weight, and its shape.
func (e *exported) find(name string) (shape []int, data []float32) {
	t, _ := e.m.layout.Find(name)
	return slices.Clone(t.Shape), slices.Clone(e.m.params[t.Offset : t.Offset+t.Size()])
}

func (e *exported) add(name string, shape []int, data []float32) {
	e.tensors = append(e.tensors, tensor{name, shape, data})
}

// plain adds a weight as it is.
func (e *exported) plain(name, from string) {
	shape, data := e.find(from)
	e.add(name, shape, data)
}

// norm adds the gain of a norm, and of layer norms the bias.
func (e *exported) norm(name, from string) {
	e.plain(name+".weight", from+".weight")
	if e.m.config.Norm == "layernorm" {
		e.plain(name+".bias", from+".bias")
	}
}

func inOrder(i int) int { return i }

// matrix adds matrices [in, out] as one [out, in], row o of which is column
// order(o) of its own.
func (e *exported) matrix(name string, order func(i int) int, from ...string) {
	var rows []float32
	in := 0
	for _, f := range from {
		shape, data := e.find(f)
		in = shape[0]
		for o := range shape[1] {
			for i := range in {
				rows = append(rows, data[i*shape[1]+order(o)])
			}
		}
	}
	e.add(name, []int{len(rows) / in, in}, rows)
}
