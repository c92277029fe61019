package train

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/l2m-lab/l2m/lab/cpu"
	"github.com/l2m-lab/l2m/lab/mixer"
)

// byteVocabulary is that of models of bytes: the last symbol starts a sequence.
const byteVocabulary = 257

// GGUFMark is the description in the files that WriteGGUF writes.
const GGUFMark = "trained by l2m lab"

// WriteGGUF writes the trained model in a folder as a GGUF file (version 3,
// 32-bit floats) that llama.cpp runs, for sequences of up to context tokens. That
// is possible for models of bytes that are a Llama: full attention in every
// layer, rotary positions, RMS norms and gated feed-forward layers. Others are an
// error that says what does not fit.
func WriteGGUF(w io.Writer, dir string, context int) error {
	m, err := open(dir, cpu.Best())
	if err != nil {
		return fmt.Errorf("reading the trained model in %s: %w", dir, err)
	}
	c := &m.config
	if err := isLlama(c, m.kind); err != nil {
		return fmt.Errorf("writing the model in %s for llama.cpp: %w", dir, err)
	}
	if c.Longest > 0 {
		context = c.Longest
	}
	g := &ggufWriter{}
	g.text("general.architecture", "llama")
	g.text("general.name", m.info.Name)
	g.text("general.description", GGUFMark)
	g.number("general.file_type", 0) // all 32-bit floats
	for _, x := range []struct {
		key string
		n   int
	}{
		{"context_length", context}, {"embedding_length", c.Hidden}, {"block_count", c.Layers}, {"feed_forward_length", c.Inner}, {"vocab_size", c.Vocabulary},
		{"attention.head_count", c.Heads}, {"attention.head_count_kv", c.Heads}, {"rope.dimension_count", c.Hidden / c.Heads},
	} {
		g.number("llama."+x.key, x.n)
	}
	g.float("llama.attention.layer_norm_rms_epsilon", mixer.RMSNormEpsilon)
	g.float("llama.rope.freq_base", mixer.RotaryBase)
	g.bytesVocabulary()
	g.llamaTensors(m)
	return g.write(w)
}

func isLlama(c *mixer.Config, kind string) error {
	for _, t := range c.Types {
		if t != "full_attention" {
			return fmt.Errorf("a Llama has no %s layers", t)
		}
	}
	switch {
	case kind != kindSymbols || c.Vocabulary != byteVocabulary:
		return errors.New("only models of bytes have tokens that llama.cpp can write out")
	case c.Place != "rope":
		return fmt.Errorf("its positions are %s; a Llama has rotary ones (positions: rope)", c.Place)
	case c.Norm != "rmsnorm":
		return errors.New("a Llama has RMS norms (norm: rmsnorm)")
	case c.MLP != "gated" || c.Inner == 0:
		return errors.New("a Llama has gated feed-forward layers (hidden_act: gated)")
	}
	return nil
}

// llamaTensors adds the weights under llama.cpp's names.
func (g *ggufWriter) llamaTensors(m *trained) {
	c := &m.config
	plain := func(name, from string) {
		t, _ := m.layout.Find(from)
		g.tensors = append(g.tensors, tensor{name, t.Shape, m.params[t.Offset : t.Offset+t.Size()]})
	}
	matrix := func(name, from string, row func(i int) int) {
		t, _ := m.layout.Find(from)
		in, out := t.Shape[0], t.Shape[1]
		x := make([]float32, in*out)
		for o := range out {
			for i := range in {
				x[o*in+i] = m.params[t.Offset+i*out+row(o)]
			}
		}
		g.tensors = append(g.tensors, tensor{name, []int{out, in}, x})
	}
	same := func(i int) int { return i }
	head := c.Hidden / c.Heads
	// llama.cpp turns neighbours i and i + 1 of a head's queries and keys where
	// we turn i and i + size/2.
	neighbours := func(i int) int { return i/head*head + i%head/2 + i%2*head/2 }
	plain("token_embd.weight", "embed.weight")
	for l := range c.Layers {
		from, to := fmt.Sprintf("layers.%d.", l), fmt.Sprintf("blk.%d.", l)
		plain(to+"attn_norm.weight", from+"norm.weight")
		matrix(to+"attn_q.weight", from+"mixer.q.weight", neighbours)
		matrix(to+"attn_k.weight", from+"mixer.k.weight", neighbours)
		matrix(to+"attn_v.weight", from+"mixer.v.weight", same)
		matrix(to+"attn_output.weight", from+"mixer.o.weight", same)
		plain(to+"ffn_norm.weight", from+"mlp_norm.weight")
		matrix(to+"ffn_gate.weight", from+"mlp.gate.weight", same)
		matrix(to+"ffn_up.weight", from+"mlp.up.weight", same)
		matrix(to+"ffn_down.weight", from+"mlp.down.weight", same)
	}
	plain("output_norm.weight", "norm.weight")
	matrix("output.weight", "head.weight", same)
}

// bytesVocabulary is byte-level without merges: a token for each byte, under the
// letter that GPT-2's vocabularies have for it, and one that starts a sequence.
func (g *ggufWriter) bytesVocabulary() {
	var tokens []string
	next := rune(0x100) // letters of bytes that cannot be seen
	for b := range rune(256) {
		if b >= '!' && b <= '~' || b >= 0xa1 && b != 0xad {
			tokens = append(tokens, string(b))
			continue
		}
		tokens = append(tokens, string(next))
		next++
	}
	tokens = append(tokens, "<s>")
	kinds := make([]int32, len(tokens))
	for i := range kinds {
		kinds[i] = ggufNormalToken
	}
	kinds[256] = ggufControlToken
	g.text("tokenizer.ggml.model", "gpt2")
	g.text("tokenizer.ggml.pre", "gpt-2")
	g.key("tokenizer.ggml.tokens", ggufArray)
	g.put(ggufString, uint64(len(tokens)))
	for _, t := range tokens {
		g.string(t)
	}
	g.key("tokenizer.ggml.token_type", ggufArray)
	g.put(ggufInt32, uint64(len(kinds)), kinds)
	g.key("tokenizer.ggml.merges", ggufArray)
	g.put(ggufString, uint64(0))
	g.number("tokenizer.ggml.bos_token_id", 256)
	g.number("tokenizer.ggml.eos_token_id", 256)
	g.key("tokenizer.ggml.add_bos_token", ggufBool)
	g.put(true)
}

// Types of values, and kinds of tokens (ggml's gguf.h and llama.cpp's
// llama_token_type).
const (
	ggufUint32 = uint32(4)
	ggufInt32  = uint32(5)
	ggufFloat  = uint32(6)
	ggufBool   = uint32(7)
	ggufString = uint32(8)
	ggufArray  = uint32(9)

	ggufNormalToken  = 1
	ggufControlToken = 3

	ggufAlignment = 32 // bytes, of tensors
)

// ggufWriter collects a file.
type ggufWriter struct {
	meta    bytes.Buffer
	count   uint64
	tensors []tensor // shapes with the fastest axis last, as everywhere here
}

func (g *ggufWriter) put(values ...any) {
	for _, v := range values {
		_ = binary.Write(&g.meta, binary.LittleEndian, v) // a buffer takes everything
	}
}

func (g *ggufWriter) string(s string) {
	g.put(uint64(len(s)))
	g.meta.WriteString(s)
}

func (g *ggufWriter) key(name string, kind uint32) {
	g.count++
	g.string(name)
	g.put(kind)
}

func (g *ggufWriter) text(key, value string) {
	g.key(key, ggufString)
	g.string(value)
}

func (g *ggufWriter) number(key string, value int) {
	g.key(key, ggufUint32)
	g.put(uint32(value))
}

func (g *ggufWriter) float(key string, value float64) {
	g.key(key, ggufFloat)
	g.put(float32(value))
}

// write writes the header, the descriptions of the tensors and their numbers.
func (g *ggufWriter) write(w io.Writer) error {
	offset := 0
	size := func(t tensor) int { return (4*len(t.data) + ggufAlignment - 1) / ggufAlignment * ggufAlignment }
	for _, t := range g.tensors {
		g.string(t.name)
		g.put(uint32(len(t.shape)))
		for i := range t.shape {
			g.put(uint64(t.shape[len(t.shape)-1-i]))
		}
		g.put(uint32(0), uint64(offset)) // 32-bit floats
		offset += size(t)
	}
	head := append([]byte("GGUF"), binary.LittleEndian.AppendUint32(nil, 3)...)
	head = binary.LittleEndian.AppendUint64(head, uint64(len(g.tensors)))
	head = binary.LittleEndian.AppendUint64(head, g.count)
	head = append(head, g.meta.Bytes()...)
	for len(head)%ggufAlignment != 0 {
		head = append(head, 0)
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, t := range g.tensors {
		if err := binary.Write(w, binary.LittleEndian, t.data); err != nil {
			return err
		}
		if _, err := w.Write(make([]byte, size(t)-4*len(t.data))); err != nil {
			return err
		}
	}
	return nil
}
