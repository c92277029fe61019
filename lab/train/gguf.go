package train

import (
	"bytes"
	"encoding/binary"
	"io"
)

// byteVocabulary is that of models of bytes: the last symbol starts a sequence.
const byteVocabulary = 257

// GGUFMark is the description in the files that WriteGGUF writes.
const GGUFMark = "trained by l2m lab"

// bytesVocabulary is byte-level without merges: a token for each byte, under the
// letter that GPT-2's vocabularies have for it, and one that starts a sequence.
func (g *ggufWriter) bytesVocabulary() {
	var tokens []string
	next := rune(0x100) // characters for bytes that are not printable
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
		_ = binary.Write(&g.meta, binary.LittleEndian, v) // writing to a buffer does not fail
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
