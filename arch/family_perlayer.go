package arch

// Models found by architecture search: a different number of heads, or no
// attention at all, in each layer.

var familyOpenELM = family{
	types:     []string{"openelm"},
	reference: "apple/OpenELM, modeling_openelm.py: num_kv_heads is a list, one entry per layer",
	layers: func(c *config) []Layer {
		n, size := c.layers("num_transformer_layers"), c.size("head_dim")
		kv := c.numbers("num_kv_heads")
		if !c.perLayer("num_kv_heads", len(kv), n) {
			return nil
		}
		return each(n, func(i int) []Part { return []Part{heads{kv[i], size, size}.full(c)} })
	},
}

var familyDeci = family{
	types:     []string{"deci"},
	reference: "Deci/DeciLM-7B, modeling_decilm.py: num_key_value_heads_per_layer",
	layers: func(c *config) []Layer {
		if c.has("block_configs") {
			return familyNemotronNAS.layers(c)
		}
		n, size := c.layers(), c.headSize(c.size("num_attention_heads"))
		kv := c.numbers("num_key_value_heads_per_layer")
		if !c.perLayer("num_key_value_heads_per_layer", len(kv), n) {
			return nil
		}
		return each(n, func(i int) []Part { return []Part{heads{kv[i], size, size}.full(c)} })
	},
}

// familyNemotronNAS describes each block: attention may be missing or replaced
// by a linear layer, and query heads are grouped as many to a key–value head as
// n_heads_in_group says.
var familyNemotronNAS = family{
	types:     []string{"nemotron-nas"},
	reference: "nvidia/Llama-3_3-Nemotron-Super-49B-v1, modeling_decilm.py: heads / n_heads_in_group; no_op and replace_with_linear keep nothing",
	layers: func(c *config) []Layer {
		n, queries := c.layers(), c.size("num_attention_heads")
		size := c.headSize(queries)
		blocks := c.list("block_configs", kindObject)
		if !c.perLayer("block_configs", len(blocks), n) {
			return nil
		}
		return each(n, func(i int) []Part {
			a := c.at(&blocks[i]).sub("attention")
			if a == nil {
				c.fail(&blocks[i], "block_configs[%d] has no attention entry", i)
				return nil
			}
			if a.flag(false, "no_op") || a.flag(false, "replace_with_linear") {
				return nil
			}
			if a.has("num_sink_tokens") || a.has("sparsify") {
				c.fail(&blocks[i], "block_configs[%d] asks for sinks or sparse attention, which this family does not describe", i)
			}
			h := heads{c.divide("heads by n_heads_in_group", queries, a.size("n_heads_in_group")), size, size}
			if a.has("window_length") {
				return []Part{h.window(c, a.size("window_length"))}
			}
			return []Part{h.full(c)}
		})
	},
}

// familyMiMo has more key–value heads in its sliding layers (twice as many in
// Transformers), and values narrower than keys.
var familyMiMo = family{
	types:     []string{"mimo_v2_flash"},
	reference: "XiaomiMiMo/MiMo-V2-Flash, modeling_mimo_v2_flash.py; hybrid_layer_pattern: 0 full, 1 sliding",
	layers: func(c *config) []Layer {
		n := c.layers()
		full := heads{c.size("num_key_value_heads"), c.size("head_dim"), c.size("v_head_dim")}
		slide := heads{c.sizeOr(2*full.n, "swa_num_key_value_heads"), c.sizeOr(full.key, "swa_head_dim"), c.sizeOr(full.val, "swa_v_head_dim")}
		pattern := c.numbers("hybrid_layer_pattern")
		if types := c.words("layer_types"); !c.has("hybrid_layer_pattern") { // as Transformers saves it
			for _, word := range types {
				pattern = append(pattern, map[string]int64{"sliding_attention": 1}[word])
			}
		}
		// Transformers writes sliding_window one larger than the published size.
		window := c.sizeOr(0, "sliding_window_size")
		if window == 0 {
			window = c.size("sliding_window")
		}
		if !c.perLayer("hybrid_layer_pattern", len(pattern), n) {
			return nil
		}
		return each(n, func(i int) []Part {
			if pattern[i] == 0 {
				return []Part{full.full(c)}
			}
			return []Part{slide.window(c, window)}
		})
	},
}
