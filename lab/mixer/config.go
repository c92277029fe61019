package mixer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Config describes a model: blocks of a mechanism and a feed-forward layer, each after
// a norm and with a residual connection. Its JSON is the config.json that package arch
// reads.
type Config struct {
	ModelType string `json:"model_type"` // see Check
	Hidden    int    `json:"hidden_size"`
	Layers    int    `json:"num_hidden_layers"`
	// Types are the mechanisms of the layers, see Mechanisms, repeated up to
	// Layers.
	Types   []string `json:"layer_types"`
	Heads   int      `json:"num_attention_heads"`
	HeadDim int      `json:"head_dim,omitempty"`                // numbers of a head; hidden_size/num_attention_heads where 0. Not of mamba and mamba2
	Inner   int      `json:"intermediate_size,omitempty"`       // of the feed-forward layers; 0 for none
	KVHeads int      `json:"num_key_value_heads,omitempty"`     // of full_attention, sliding_attention, power_law_memory and memory_caching, each read by as many query heads; num_attention_heads where 0
	MLP     string   `json:"hidden_act,omitempty"`              // "gelu" or "gated"
	Norm    string   `json:"norm,omitempty"`                    // "layernorm" or "rmsnorm"
	Place   string   `json:"positions,omitempty"`               // "learned", "digits", "rope" or "none"
	Longest int      `json:"max_position_embeddings,omitempty"` // tokens; needed when Limited
	Window  int      `json:"sliding_window,omitempty"`          // keys that a query sees, including its own
	Sinks   int      `json:"attention_sinks,omitempty"`         // first keys that are always seen
	State   int      `json:"state_size,omitempty"`              // of mamba and mamba2, per channel
	Kernel  int      `json:"conv_kernel,omitempty"`             // of short convolutions
	Chunk   int      `json:"chunk_size,omitempty"`              // of recurrences in training; changes results only by rounding

	// Ranges in which the time steps and decay rates of mamba2 begin (and the time
	// steps of mamba, and both of gated_delta): log-evenly and evenly, by default 0.001
	// … 0.1 and 1 … 16, as in Mamba-2. Their product is the decay per token; a token is
	// written in proportion to its step. They do not matter after training.
	Steps []float64 `json:"time_steps,omitempty"`
	Rates []float64 `json:"decay_rates,omitempty"`

	// Of power_law_memory and memory_caching: a block of n tokens holds ⌈Scale·n^Exponent⌉
	// slots or segments.
	Scale       float64 `json:"memory_scale,omitempty"`
	Exponent    float64 `json:"memory_exponent,omitempty"`
	MemoryChunk int     `json:"memory_chunk,omitempty"` // of power_law_memory: tokens that are kept individually; a power of two
	Merge       string  `json:"memory_merge,omitempty"` // of power_law_memory: "linear", "orthogonal", "dense", "attention" or "nested"

	Vocabulary int `json:"vocab_size,omitempty"`  // tokens are symbols
	Vector     int `json:"vector_size,omitempty"` // tokens are vectors of that many numbers
	// Tied makes the head the table of symbols, transposed: what a layer copies from a
	// token is then the logit of its symbol from the beginning.
	Tied bool `json:"tie_word_embeddings,omitempty"`
}

// Limited reports whether no sequence may be longer than Longest: positions have
// parameters, or a mechanism has parameters for each doubling of the length.
func (c Config) Limited() bool {
	return c.counted() || slices.ContainsFunc(c.Types, func(t string) bool {
		m := mechanismOf(t)
		return m != nil && m.limited
	})
}

// counted reports whether a position is a vector added to the token, by its number from
// the start of the sequence.
func (c Config) counted() bool { return c.Place == "learned" || c.Place == "digits" }

// Model types that Config writes, without and with a longest sequence.
const (
	typeAny     = "l2m-lab"
	typeLearned = "l2m-lab-learned"
)

// Settled returns the config with defaults for unset fields, or an error if it is
// invalid.
func (c Config) Settled() (Config, error) {
	c.fill()
	return c, c.check()
}

func (c *Config) fill() {
	or := func(p *string, s string) {
		if *p == "" {
			*p = s
		}
	}
	or(&c.MLP, "gelu")
	or(&c.Norm, "layernorm")
	or(&c.Place, "none")
	c.ModelType = typeAny
	if c.Limited() {
		c.ModelType = typeLearned
	}
	if c.Scale == 0 && (slices.Contains(c.Types, powerLaw) || slices.Contains(c.Types, memoryCaching.name)) {
		c.Scale = 1
	}
	if slices.Contains(c.Types, powerLaw) {
		or(&c.Merge, mergeLinear)
		if c.MemoryChunk == 0 {
			c.MemoryChunk = 4
		}
	}
	if c.Heads == 0 {
		c.Heads = 1
	}
	if c.Kernel == 0 {
		c.Kernel = 4
	}
	if c.State == 0 {
		c.State = 16
	}
	if c.Chunk == 0 {
		c.Chunk = 64
	}
	if len(c.Types) > 0 && c.Layers > 0 && c.Layers <= maxLayers {
		types := make([]string, c.Layers)
		for i := range types {
			types[i] = c.Types[i%len(c.Types)]
		}
		c.Types = types
	}
}

// maxLayers catches mistyped numbers of layers before they are allocated.
const maxLayers = 1 << 12

func (c *Config) check() error {
	const most = 1 << 20
	for _, w := range []struct {
		name     string
		is, most int
	}{{"hidden_size", c.Hidden, most}, {"num_hidden_layers", c.Layers, maxLayers}, {"num_attention_heads", c.Heads, most}} {
		if w.is < 1 || w.is > w.most {
			return fmt.Errorf("%s is %d; want 1 to %d", w.name, w.is, w.most)
		}
	}
	for name, n := range map[string]int{"head_dim": c.HeadDim, "num_key_value_heads": c.KVHeads, "intermediate_size": c.Inner, "max_position_embeddings": c.Longest, "sliding_window": c.Window,
		"attention_sinks": c.Sinks, "state_size": c.State, "conv_kernel": c.Kernel, "chunk_size": c.Chunk, "memory_chunk": c.MemoryChunk, "vocab_size": c.Vocabulary, "vector_size": c.Vector} {
		if n < 0 || n > 1<<30 {
			return fmt.Errorf("%s is %d; it must not be negative", name, n)
		}
	}
	for name, r := range map[string][]float64{"time_steps": c.Steps, "decay_rates": c.Rates} {
		if len(r) != 0 && !(len(r) == 2 && r[0] > 0 && r[0] <= r[1] && r[1] <= 1000) {
			return fmt.Errorf("%s is %v; want the two ends of a range above 0, such as [0.02, 1]", name, r)
		}
	}
	if len(c.Types) == 0 {
		return fmt.Errorf("layer_types names no mechanism (known: %s)", strings.Join(Mechanisms(), ", "))
	}
	for _, t := range c.Types {
		m := mechanismOf(t)
		if m == nil {
			return fmt.Errorf("layer_types names %q; known are %s", t, strings.Join(Mechanisms(), ", "))
		}
		if err := m.check(c); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return c.checkWords()
}

func (c *Config) checkWords() error {
	for _, w := range []struct {
		name, is string
		may      []string
	}{{"hidden_act", c.MLP, []string{"gelu", "gated"}}, {"norm", c.Norm, []string{"layernorm", "rmsnorm"}}, {"positions", c.Place, []string{"none", "learned", "digits", "rope"}}} {
		if !slices.Contains(w.may, w.is) {
			return fmt.Errorf("%s is %q; want one of %s", w.name, w.is, strings.Join(w.may, ", "))
		}
	}
	if c.counted() && c.Longest < 1 {
		return fmt.Errorf("positions %s need max_position_embeddings", c.Place)
	}
	if c.Tied && c.Vocabulary == 0 {
		return errors.New("tie_word_embeddings is for symbols; vectors have no table")
	}
	if (c.Vocabulary > 0) == (c.Vector > 0) {
		return fmt.Errorf("vocab_size is %d and vector_size is %d; one of them must be set, the other not", c.Vocabulary, c.Vector)
	}
	return nil
}

// heads are the number of heads, the numbers of each, and those of all.
func (c *Config) heads() (n, size, width int) {
	if size = c.HeadDim; size == 0 {
		size = c.Hidden / c.Heads
	}
	return c.Heads, size, c.Heads * size
}

// keyHeads is the number of heads of keys and values.
func (c *Config) keyHeads() int { return cmp.Or(c.KVHeads, c.Heads) }

// checkHeads wants a head_dim, or a number of heads that divides the width.
func (c *Config) checkHeads(width int) error {
	if c.HeadDim == 0 && width%c.Heads != 0 {
		return fmt.Errorf("width %d is not a multiple of %d heads", width, c.Heads)
	}
	if c.KVHeads != 0 && c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("num_key_value_heads is %d, which does not divide the %d query heads", c.KVHeads, c.Heads)
	}
	return nil
}

// JSON is the config.json.
func (c Config) JSON() []byte {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		panic("mixer: " + err.Error()) // strings and ints only
	}
	return append(b, '\n')
}
