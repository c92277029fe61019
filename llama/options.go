package llama

import (
	"fmt"
	"strings"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// Options say which model to open and how to run it. Only Path is required.
type Options struct {
	Path       string // GGUF file; of a split one, its first part
	LibraryDir string // folder of libllama; "": see Load

	Context   int // longest sequence, tokens without BOS; 0: as trained, at most 8,192
	Batch     int // tokens decoded at a time; 0 means 512
	Sequences int // branches decoded side by side; 0 means 16

	Threads   int    // 0: one for each core
	GPULayers int    // layers on the GPU; 0: all, negative: none
	FlashAttn string // "on", "off" or "" (as llama.cpp chooses)
	KeyType   string // type of cached keys: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0; "" means f16
	ValueType string // type of cached values

	BOS *int32 // token that starts every sequence; nil: the vocabulary's BOS, else its end-of-text token
}

var cacheTypes = map[string]llama.GGMLType{
	"": llama.GGMLTypeF16, "f32": llama.GGMLTypeF32, "f16": llama.GGMLTypeF16, "bf16": llama.GGMLTypeBF16,
	"q8_0": llama.GGMLTypeQ8_0, "q5_1": llama.GGMLTypeQ5_1, "q5_0": llama.GGMLTypeQ5_0, "q4_1": llama.GGMLTypeQ4_1, "q4_0": llama.GGMLTypeQ4_0,
}

var flashTypes = map[string]llama.FlashAttentionType{
	"": llama.FlashAttentionTypeAuto, "on": llama.FlashAttentionTypeEnabled, "off": llama.FlashAttentionTypeDisabled,
}

func (o Options) withDefaults() (Options, error) {
	if o.Path == "" {
		return o, fmt.Errorf("no model file named")
	}
	for _, t := range []string{o.KeyType, o.ValueType} {
		if _, ok := cacheTypes[t]; !ok {
			return o, fmt.Errorf("unknown type %q of the cache (f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0)", t)
		}
	}
	if _, ok := flashTypes[o.FlashAttn]; !ok {
		return o, fmt.Errorf("flash attention is on or off, not %q", o.FlashAttn)
	}
	if o.Context < 0 || o.Batch < 0 || o.Sequences < 0 || o.Threads < 0 {
		return o, fmt.Errorf("context, batch, sequences and threads must not be negative")
	}
	if o.Batch == 0 {
		o.Batch = 512
	}
	if o.Sequences == 0 {
		o.Sequences = 16
	}
	if o.Sequences > 250 {
		return o, fmt.Errorf("%d sequences side by side are more than llama.cpp holds (at most 250)", o.Sequences)
	}
	return o, nil
}

// settings are the options that change log-probabilities beyond rounding.
func (o Options) settings() string {
	return strings.Join([]string{"keys " + o.KeyType, "values " + o.ValueType}, ", ")
}
