package llama

import (
	"fmt"
	"strings"

	"github.com/hybridgroup/yzma/pkg/llama"

	"github.com/l2m-lab/l2m/lm/pipe"
)

// Options say which model to open and how to run it. Only Path is required.
type Options = pipe.Options

var cacheTypes = map[string]llama.GGMLType{
	"": llama.GGMLTypeF16, "f32": llama.GGMLTypeF32, "f16": llama.GGMLTypeF16, "bf16": llama.GGMLTypeBF16,
	"q8_0": llama.GGMLTypeQ8_0, "q5_1": llama.GGMLTypeQ5_1, "q5_0": llama.GGMLTypeQ5_0, "q4_1": llama.GGMLTypeQ4_1, "q4_0": llama.GGMLTypeQ4_0,
}

var flashTypes = map[string]llama.FlashAttentionType{
	"": llama.FlashAttentionTypeAuto, "on": llama.FlashAttentionTypeEnabled, "off": llama.FlashAttentionTypeDisabled,
}

func withDefaults(o Options) (Options, error) {
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
	if o.Sequences == 0 {
		o.Sequences = 16
	}
	if o.Sequences > 250 {
		return o, fmt.Errorf("%d sequences in parallel are more than llama.cpp allows (at most 250)", o.Sequences)
	}
	return o, nil
}

// settings are the options that change log-probabilities by more than rounding.
func settings(o Options) string {
	return strings.Join([]string{"keys " + o.KeyType, "values " + o.ValueType}, ", ")
}
