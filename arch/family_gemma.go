package arch

// gemmaDefaults are those of the configuration classes of the text models of
// Gemma 3 (Transformers, configuration_gemma3.py).
var gemma3Defaults = map[string]int64{
	"num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "hidden_size": 2304, "sliding_window": 4096,
}

// gemmaHeads reads heads whose size is never hidden_size/heads by default.
func gemmaHeads(c *config) heads {
	kv, size := c.size("num_key_value_heads"), c.size("head_dim")
	c.divide("query heads by num_key_value_heads", c.size("num_attention_heads"), kv)
	return heads{kv, size, size}
}

var familyGemma = family{
	types:     []string{"gemma"},
	reference: "Transformers, modeling_gemma.py, GemmaAttention",
	defaults:  map[string]int64{"num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 16, "head_dim": 256},
	layers: func(c *config) []Layer {
		return same(c.layers(), gemmaHeads(c).full(c))
	},
}

var familyGemma2 = family{
	types:     []string{"gemma2"},
	reference: "Transformers, configuration_gemma2.py: even layers slide, odd ones are full",
	defaults:  map[string]int64{"num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 4096},
	layers: func(c *config) []Layer {
		return attention(c, gemmaHeads(c), "sliding_window", everyNth(2, "sliding_attention"))
	},
}

var familyGemma3 = family{
	types:     []string{"gemma3_text", "gemma3"},
	reference: "Transformers, configuration_gemma3.py: every sliding_window_pattern-th (6th) layer is full",
	defaults:  gemma3Defaults,
	layers: func(c *config) []Layer {
		return attention(c, gemmaHeads(c), "sliding_window", everyNth(c.sizeOr(6, "sliding_window_pattern"), "sliding_attention"))
	},
}

// familyGemma3n lets the last layers use the keys and values of an earlier
// one, so that they keep nothing.
var familyGemma3n = family{
	types:     []string{"gemma3n_text", "gemma3n"},
	reference: "Transformers, modeling_gemma3n.py, Gemma3nTextAttention.is_kv_shared_layer",
	layers: func(c *config) []Layer {
		layers := attention(c, gemmaHeads(c), "sliding_window", everyNth(5, "sliding_attention"))
		return sharing(c, layers, c.size("num_kv_shared_layers"))
	},
}

// sharing empties the last n layers.
func sharing(c *config, layers []Layer, n int64) []Layer {
	if n >= int64(len(layers)) {
		c.fail(c.get("num_kv_shared_layers"), "%d of %d layers share keys and values: none is left to share from", n, len(layers))
		return layers
	}
	for i := len(layers) - int(n); i < len(layers); i++ {
		layers[i].Parts = nil
	}
	return layers
}

// familyGemma4 has wider and fewer heads in its full layers. Keys and values
// of those come from one projection, but both are kept.
var familyGemma4 = family{
	types:     []string{"gemma4_text", "gemma4"},
	reference: "Transformers, modeling_gemma4.py, Gemma4TextAttention: global_head_dim; num_global_key_value_heads with attention_k_eq_v",
	layers: func(c *config) []Layer {
		local := gemmaHeads(c)
		global := local
		if c.has("global_head_dim") {
			global.key = c.size("global_head_dim")
			global.val = global.key
		}
		if c.flag(false, "attention_k_eq_v") {
			global.n = c.sizeOr(local.n, "num_global_key_value_heads")
		}
		n := c.layers()
		types := c.layerTypes(n, nil)
		layers := each(n, func(i int) []Part {
			switch types[i] {
			case "full_attention":
				return []Part{global.full(c)}
			case "sliding_attention":
				return []Part{local.window(c, c.size("sliding_window"))}
			}
			c.fail(c.get("layer_types"), "layer %d is of type %q, which this family does not describe", i, types[i])
			return nil
		})
		return sharing(c, layers, c.countOr(0, "num_kv_shared_layers"))
	},
}
