package arch

// gemmaHeads reads heads whose size is never hidden_size/heads by default.
func gemmaHeads(c *config) heads {
	kv, size := c.size("num_key_value_heads"), c.size("head_dim")
	c.divide("query heads by num_key_value_heads", c.size("num_attention_heads"), kv)
	return heads{kv, size, size}
}

var familyGemma = family{
	types:     []string{"gemma"},
	reference: "Transformers, modeling_gemma.py, GemmaAttention",
	layers: func(c *config) []Layer {
		return same(c.layers(), gemmaHeads(c).full(c))
	},
}

var familyGemma2 = family{
	types:     []string{"gemma2"},
	reference: "Transformers, configuration_gemma2.py: even layers slide, odd ones are full",
	layers: func(c *config) []Layer {
		return attention(c, gemmaHeads(c), "sliding_window", everyNth(2, "sliding_attention"))
	},
}

var familyGemma3 = family{
	types:     []string{"gemma3_text", "gemma3"},
	reference: "Transformers, configuration_gemma3.py: every sliding_window_pattern-th (6th) layer is full",
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
// of those come from one projection, but both are kept. Transformers 5 writes
// the sizes of the full layers into per_layer_config.
var familyGemma4 = family{
	types:     []string{"gemma4_text", "gemma4", "gemma4_unified_text"},
	reference: "Transformers, configuration_gemma4.py: global_head_dim 512, num_global_key_value_heads with attention_k_eq_v; every 6th layer and the last are full",
	layers: func(c *config) []Layer {
		local := gemmaHeads(c)
		global := local
		if !c.has("per_layer_config") {
			global.key = c.sizeOr(512, "global_head_dim")
			global.val = global.key
			if c.flag(false, "attention_k_eq_v") {
				global.n = c.sizeOr(local.n, "num_global_key_value_heads")
			}
		}
		n := c.layers()
		types := c.layerTypes(n, everyNth(6, "sliding_attention"))
		types[n-1] = "full_attention"
		layers := each(n, func(i int) []Part {
			switch types[i] {
			case "full_attention":
				return []Part{global.full(c)}
			case "sliding_attention":
				return []Part{local.window(c, c.size("sliding_window"))}
			}
			c.otherType(types[i], i)
			return nil
		})
		return sharing(c, layers, c.countOr(0, "num_kv_shared_layers"))
	},
}
