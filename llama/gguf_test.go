package llama

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
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
	ggufBool   = 7
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
	case bool:
		kind(ggufBool)
		binary.Write(&g.meta, binary.LittleEndian, v)
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

// vocabulary is byte-level: 256 bytes, two merges, and special tokens, of which the
// first two are called the beginning and the end of a text, <s> and </s> unless
// there are marks; the rest is unused.
func vocabulary(g *ggufFile, n int, marks []string) {
	if marks == nil {
		marks = []string{"<s>", "</s>"}
	}
	var tokens []string
	var kinds []int32
	for b := range 256 {
		tokens = append(tokens, string(byteRune(byte(b))))
		kinds = append(kinds, 1)
	}
	tokens = append(tokens, "Ġt", "he")
	kinds = append(kinds, 1, 1)
	for _, mark := range marks {
		tokens = append(tokens, mark)
		kinds = append(kinds, 3)
	}
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
