package arch

import (
	"fmt"
	"slices"
	"strings"
)

// attentionHeads reads the geometry that most configurations share. Absent or
// null num_key_value_heads means as many as query heads; the head size is
// head_dim where given, and not always hidden_size/heads.
func attentionHeads(c *config) heads {
	n := c.size("num_attention_heads", "n_head", "n_heads", "num_heads")
	kv := c.sizeOr(n, "num_key_value_heads")
	switch v := c.get("num_key_value_heads"); {
	case v != nil && v.class && (kv > n || n%kv != 0):
		c.note("class-default-impossible", "state num_key_value_heads in the file",
			"the class default of %d key–value heads does not go with %d query heads: read as %d", kv, n, n)
		c.used = slices.DeleteFunc(c.used, func(word string) bool { return strings.HasPrefix(word, "num_key_value_heads ") })
		kv = n
	case kv > n:
		c.fail(v, "num_key_value_heads is %d, more than the %d query heads", kv, n)
	}
	c.divide("query heads by num_key_value_heads", n, kv)
	size := c.headSize(n)
	return heads{kv, size, size}
}

// headSize is head_dim, or hidden_size/heads where that is absent or null.
func (c *config) headSize(n int64) int64 {
	if c.has("head_dim") {
		return c.size("head_dim")
	}
	return c.divide("hidden size by heads", c.size("hidden_size", "n_embd", "d_model"), n)
}

// layerTypes reads layer_types, which wins where present; otherwise pattern
// says what layer i is. A nil pattern requires the list.
func (c *config) layerTypes(n int, pattern func(i int) string) []string {
	const key = "layer_types"
	if types := c.words(key); types != nil || c.has(key) {
		if c.perLayer(key, len(types), n) {
			return types[:n]
		}
	} else if pattern == nil {
		c.fail(nil, "%s is missing", key)
	}
	out := make([]string, n)
	for i := range out {
		if pattern != nil {
			out[i] = pattern(i)
		}
	}
	return out
}

// attention describes n layers of full, sliding and chunked attention.
// pattern is the type of layer i where layer_types is absent; the window size
// is read from the key window.
func attention(c *config, h heads, window string, pattern func(i int) string) []Layer {
	n := c.layers()
	types := c.layerTypes(n, pattern)
	return each(n, func(i int) []Part {
		switch types[i] {
		case "full_attention", "attention", "global":
			return []Part{h.full(c)}
		case "sliding_attention", "local":
			return []Part{h.windowed(c, c.windowOf(window, i))}
		case "chunked_attention":
			return []Part{h.chunk(c, c.size("attention_chunk_size"))}
		}
		c.otherType(types[i], i)
		return nil
	})
}

// otherType reports a layer of a type that the family does not describe.
func (c *config) otherType(word string, i int) {
	c.fail(c.get("layer_types"), "layer %d is of type %q, which this family does not describe", i, word)
}

// windowOf is the window of layer i: one number for all, or a list that repeats over
// the layers, in which null, 0 and −1 mean no window (0 here).
func (c *config) windowOf(key string, i int) int64 {
	v := c.get(key)
	if v == nil || v.kind != kindArray || len(v.items) == 0 {
		return c.size(key)
	}
	item := &v.items[i%len(v.items)]
	if item.kind == kindNull || item.text == "0" || item.text == "-1" {
		return 0
	}
	return c.integer(fmt.Sprintf("%s[%d]", key, i%len(v.items)), item, 1)
}

func fullAttention(int) string { return "full_attention" }

// everyNth makes each period-th layer full and the others of another type.
func everyNth(period int64, other string) func(i int) string {
	return func(i int) string {
		if (int64(i)+1)%period == 0 {
			return "full_attention"
		}
		return other
	}
}

var familyLlama = family{
	types: []string{
		"llama", "yi", "code_llama", "arcee", "aquila", "internlm", "internlm2", "internlm3", "baichuan", "deepseek", "minicpm", "xverse", "orion",
		"gptj", "codegen", "gpt_neox", "gpt_neox_japanese", "phi", "persimmon", "stablelm", "stablelm_epoch", "nemotron", "helium",
		"olmo", "olmo2", "olmoe", "flex_olmo", "cohere", "granite", "granitemoe", "granitemoeshared", "glm", "glm4", "glm4_moe", "glm4_moe_text", "glm4v_text", "glm4v", "glm4v_moe", "glm46v",
		"exaone", "smollm3", "ernie4_5", "ernie4_5_moe", "seed_oss", "dots1", "apertus", "minimax_m2",
		"arctic", "nanochat", "bitnet",
	},
	reference: "Transformers, modeling_llama.py, LlamaAttention: keys and values of num_key_value_heads × head_dim",
	layers: func(c *config) []Layer {
		if kinds := c.numbers("attn_type_list"); slices.Contains(kinds, 0) {
			c.fail(c.get("attn_type_list"), "attn_type_list names linear layers, which this family does not describe")
		}
		if c.flag(false, "use_sliding_window") && !c.has("layer_types") && c.has("sliding_window") {
			c.fail(c.get("use_sliding_window"), "use_sliding_window is true without layer_types: which layers slide is not said")
		}
		return attention(c, attentionHeads(c), "sliding_window", fullAttention)
	},
}

// familyWindowed slides in every layer when sliding_window is given.
var familyWindowed = family{
	types:     []string{"mistral", "ministral", "mixtral", "phi3", "phi4_multimodal", "phimoe", "starcoder2", "moshi"},
	reference: "Transformers, modeling_mistral.py: every layer slides when sliding_window is not null",
	layers: func(c *config) []Layer {
		return attention(c, attentionHeads(c), "sliding_window", func(int) string {
			if c.has("sliding_window") {
				return "sliding_attention"
			}
			return "full_attention"
		})
	},
}

// familyMistral3 is the text model of Mistral Small 3 and Ministral 3.
var familyMistral3 = family{
	types:     []string{"ministral3", "mistral3_text"},
	reference: "Transformers, modeling_ministral3.py",
	layers: func(c *config) []Layer {
		return attention(c, attentionHeads(c), "sliding_window", fullAttention)
	},
}

var familyGPTOSS = family{
	types:     []string{"gpt_oss"},
	reference: "Transformers, modeling_gpt_oss.py: sliding and full layers alternate, the first slides",
	layers: func(c *config) []Layer {
		return attention(c, attentionHeads(c), "sliding_window", everyNth(2, "sliding_attention"))
	},
}

// familyEveryNth has a full layer after every few sliding ones.
var familyEveryNth = family{
	types:     []string{"cohere2", "afmoe"},
	reference: "Transformers, configuration_cohere2.py: every sliding_window_pattern-th (4th) layer is full",
	layers: func(c *config) []Layer {
		period := c.sizeOr(4, "sliding_window_pattern", "global_attn_every_n_layers")
		return attention(c, attentionHeads(c), "sliding_window", everyNth(period, "sliding_attention"))
	},
}

var familyExaone4 = family{
	types:     []string{"exaone4", "exaone4_5", "exaone_moe"},
	reference: "Transformers, configuration_exaone4.py: sliding layers only when sliding_window is given; LLLG by default",
	layers: func(c *config) []Layer {
		h := attentionHeads(c)
		if !c.has("sliding_window") && !c.has("layer_types") {
			return same(c.layers(), h.full(c))
		}
		period := int64(4)
		if v := c.get("sliding_window_pattern"); v != nil && v.kind == kindString {
			if period = int64(len(v.text)); v.text == "" || v.text != lllg(len(v.text)) {
				c.fail(v, "sliding_window_pattern is %s; want letters L that end in one G", v.show())
				period = 1
			}
		} else {
			period = c.sizeOr(period, "sliding_window_pattern")
		}
		return attention(c, h, "sliding_window", everyNth(period, "sliding_attention"))
	},
}

// lllg is the pattern of n layers of which the last is global.
func lllg(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'L'
	}
	b[n-1] = 'G'
	return string(b)
}

var familyOlmo3 = family{
	types:     []string{"olmo3"},
	reference: "Transformers, configuration_olmo3.py: three sliding layers, then a full one",
	layers: func(c *config) []Layer {
		return attention(c, attentionHeads(c), "sliding_window", everyNth(4, "sliding_attention"))
	},
}
