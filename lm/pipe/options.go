package pipe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/l2m-lab/l2m/lm"
)

// Options say which GGUF model to open and how to run it. Only Path is required.
type Options struct {
	Path       string `json:"path"`        // GGUF file, or the first part of a split one
	LibraryDir string `json:"library_dir"` // folder of libllama; "": L2M_LLAMA_LIB, YZMA_LIB, or the usual places

	Context   int `json:"context"`   // longest sequence, tokens without BOS; 0: as in training, at most 8,192
	Batch     int `json:"batch"`     // tokens computed per call; 0: 512, fewer for large vocabularies
	Sequences int `json:"sequences"` // branches computed in parallel; 0 means 16

	Threads   int    `json:"threads"`    // 0: as many as are fastest, at most one per core
	GPULayers int    `json:"gpu_layers"` // layers on the GPU; 0: all, negative: none
	FlashAttn string `json:"flash_attn"` // "on", "off" or "" (as llama.cpp chooses)
	KeyType   string `json:"key_type"`   // type of cached keys: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0; "" means f16
	ValueType string `json:"value_type"` // type of cached values

	BOS lm.BOSChoice `json:"bos"` // token before every sequence; "": see llama.Options
}

// Flag is an option as a command-line flag.
type Flag struct {
	Name, Usage string
	Set         func(string) error
}

// Flags lists the options except Path. Setting a flag changes o.
func (o *Options) Flags() []Flag {
	text := func(to *string) func(string) error {
		return func(s string) error { *to = s; return nil }
	}
	number := func(to *int) func(string) error {
		return func(s string) error {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 {
				return fmt.Errorf("%q is not a whole number above 0", s)
			}
			*to = n
			return nil
		}
	}
	return []Flag{
		{"bos", "token before every sequence: an id, the name of a special token, or none (default: as the model was trained)", func(s string) error {
			o.BOS = lm.BOSChoice(s)
			return o.BOS.Check()
		}},
		{"max-context", "longest sequence, tokens (default: as the file says, at most 8192)", number(&o.Context)},
		{"batch", "tokens computed at a time (default 512, fewer for vocabularies above 65536)", number(&o.Batch)},
		{"sequences", "branches computed side by side (default 16)", number(&o.Sequences)},
		{"threads", "threads (default: as many as turn out fastest)", number(&o.Threads)},
		{"gpu-layers", "layers on the GPU; 0 for none (default: all)", func(s string) error {
			if s == "0" || s == "-1" { // none, as llama.cpp means 0; the field's 0 is for all
				o.GPULayers = -1
				return nil
			}
			return number(&o.GPULayers)(s)
		}},
		{"flash-attention", "on or off (default: as llama.cpp chooses)", text(&o.FlashAttn)},
		{"kv-type", "type of the cache, or KEYS,VALUES: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0 (default f16)", func(s string) error {
			keys, values, two := strings.Cut(s, ",")
			if !two {
				values = keys
			}
			o.KeyType, o.ValueType = keys, values
			return nil
		}},
		{"llama-lib", "folder of the llama.cpp library (default: L2M_LLAMA_LIB, YZMA_LIB or the usual places)", text(&o.LibraryDir)},
	}
}
