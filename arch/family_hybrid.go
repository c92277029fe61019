package arch

import "slices"

// Hybrids of attention and state-space layers.

var familyJamba = family{
	types:     []string{"jamba"},
	reference: "Transformers, modeling_jamba.py: attention where i mod attn_layer_period = attn_layer_offset, else Mamba",
	layers: func(c *config) []Layer {
		full := []Part{attentionHeads(c).full(c)}
		inner := c.scaled(c.size("hidden_size"), c.real(2, "mamba_expand"), "mamba_expand")
		recurrent := mamba(c, inner, c.size("mamba_d_state"), c.size("mamba_d_conv"), float32State(c))
		n, period, offset := c.layers(), c.size("attn_layer_period"), c.countOr(4, "attn_layer_offset")
		if offset >= period {
			c.fail(c.get("attn_layer_offset"), "attn_layer_offset %d is not below attn_layer_period %d", offset, period)
		}
		return each(n, func(i int) []Part {
			if int64(i)%period == offset {
				return full
			}
			return recurrent
		})
	},
}

var familyBamba = family{
	types:     []string{"bamba"},
	reference: "Transformers, modeling_bamba.py: attention in attn_layer_indices, Mamba-2 elsewhere",
	layers: func(c *config) []Layer {
		full, recurrent := []Part{attentionHeads(c).full(c)}, mambaHeads(c)
		if !c.has("attn_layer_indices") {
			c.fail(nil, "attn_layer_indices is missing")
		}
		at := c.numbers("attn_layer_indices")
		return each(c.layers(), func(i int) []Part {
			if slices.Contains(at, int64(i)) {
				return full
			}
			return recurrent
		})
	},
}

var familyGraniteHybrid = family{
	types:     []string{"granitemoehybrid"},
	reference: "Transformers, modeling_granitemoehybrid.py: layer_types mamba or attention",
	layers: func(c *config) []Layer {
		full := []Part{attentionHeads(c).full(c)}
		types := c.layerTypes(c.layers(), nil)
		var recurrent []Part
		if slices.Contains(types, "mamba") || slices.Contains(types, "linear_attention") {
			recurrent = mambaHeads(c)
		}
		return hybrid(c, "layer_types", types, full, recurrent, nil)
	},
}

// familyNemotronH: one mixer per layer; feed-forward layers keep nothing.
var familyNemotronH = family{
	types:     []string{"nemotron_h"},
	reference: "nvidia/Nemotron-H-56B-Base-8K, modeling_nemotron_h.py; hybrid_override_pattern: M Mamba-2, * attention, - and E feed-forward",
	layers: func(c *config) []Layer {
		kv, size := c.size("num_key_value_heads"), c.size("head_dim", "attention_head_dim")
		full := []Part{heads{kv, size, size}.full(c)}
		recurrent := mamba2(c, c.size("mamba_num_heads"), c.size("mamba_head_dim"), c.size("ssm_state_size"),
			c.size("n_groups"), c.size("conv_kernel"), float32State(c))
		key, types := "layers_block_type", c.words("layers_block_type")
		if pattern := c.text("hybrid_override_pattern"); pattern != "" {
			key, types = "hybrid_override_pattern", nil
			words := map[rune]string{'M': "mamba", '*': "attention", '-': "mlp", 'E': "moe"}
			for _, r := range pattern {
				types = append(types, words[r])
			}
		}
		n := len(types)
		if c.has("num_hidden_layers") {
			n = c.layers()
		}
		if !c.perLayer(key, len(types), n) {
			return nil
		}
		return hybrid(c, key, types, full, recurrent, nil)
	},
}

// familyNemotronFlash mixes attention, Mamba-2 and the delta rule, and puts learned
// memory tokens before every text, which attention never drops.
var familyNemotronFlash = family{
	types:     []string{"nemotron_flash"},
	reference: "nvidia/Nemotron-Flash-3B, modeling_nemotron_flash.py; layer_types: a attention, m and m2 Mamba-2, deltanet, f feed-forward",
	layers: func(c *config) []Layer {
		n, hidden, queries := c.layers(), c.size("hidden_size"), c.size("num_attention_heads")
		h := hymbaHeads(c)
		memory := h.part(c, KV, Fixed, 0, ", memory tokens")
		memory.Width = c.mul(memory.Width, c.countOr(0, "num_memory_tokens"))
		size := c.sizeOr(64, "mamba2_headdim", "mamba_head_dim")
		inner := c.scaled(hidden, c.real(2, "mamba_expand"), "mamba_expand")
		kernel := c.sizeOr(4, "d_conv", "mamba_d_conv", "conv_kernel")
		recurrent := mamba2(c, c.divide("inner width by heads", inner, size), size, c.sizeOr(128, "mamba_d_state", "ssm_state_size"),
			c.sizeOr(1, "mamba_n_groups", "n_groups"), kernel, float32State(c))
		d := c.divide("hidden_size by heads", hidden, queries)
		global := c.numbers("global_attn_idx")
		types := c.words("layer_types")
		if !c.perLayer("layer_types", len(types), n) {
			return nil
		}
		return each(n, func(i int) []Part {
			switch types[i] {
			case "a":
				if !c.has("sliding_window") || slices.Contains(global, int64(i)) {
					return []Part{memory, h.full(c)}
				}
				return []Part{memory, h.windowed(c, c.size("sliding_window"))}
			case "m", "m2":
				return recurrent
			case "deltanet":
				return delta(c, queries, queries, d, d, c.sizeOr(4, "linear_conv_kernel_dim"))
			case "f":
				return nil
			}
			c.otherType(types[i], i)
			return nil
		})
	},
}

// familyZamba applies one shared attention block in several places; the
// weights are shared, the caches are not. It reads the hidden state beside the
// embeddings, so its heads are twice as wide.
var familyZamba = family{
	types:     []string{"zamba"},
	reference: "Transformers, configuration_zamba.py: attention_head_dim = 2·hidden/heads; third layer, then every attn_layer_period-th",
	layers: func(c *config) []Layer {
		n := c.layers()
		period, offset := c.sizeOr(6, "attn_layer_period"), c.countOr(4, "attn_layer_offset")
		types := c.words("layers_block_type")
		if !c.has("layers_block_type") {
			for i := range n {
				word := "mamba"
				if i == 2 || (i > 2 && int64(i-3)%period == offset) {
					word = "hybrid"
				}
				types = append(types, word)
			}
		}
		inner := c.mul(c.size("mamba_expand"), c.size("hidden_size"))
		recurrent := mamba(c, inner, c.size("mamba_d_state"), c.size("mamba_d_conv"), float32State(c))
		return zamba(c, n, types, recurrent)
	},
}

// zamba adds the shared attention block to the hybrid layers.
func zamba(c *config, n int, types []string, recurrent []Part) []Layer {
	if !c.perLayer("layers_block_type", len(types), n) {
		return nil
	}
	queries := c.size("num_attention_heads")
	size := c.divide("2 × hidden_size by heads", c.mul(2, c.size("hidden_size")), queries)
	if c.has("attention_head_dim") {
		size = c.size("attention_head_dim")
	}
	shared := heads{c.sizeOr(queries, "num_key_value_heads"), size, size}.full(c)
	return hybrid(c, "layers_block_type", types, nil, recurrent, append(slices.Clone(recurrent), shared))
}

// familyZamba2 comes in two spellings of the Mamba-2 sizes.
var familyZamba2 = family{
	types:     []string{"zamba2"},
	reference: "Transformers, modeling_zamba2.py; Mamba-2 in every layer, attention beside it where layers_block_type says hybrid",
	layers: func(c *config) []Layer {
		n := c.layers()
		types := c.words("layers_block_type")
		if types == nil {
			at := c.numbers("hybrid_layer_ids")
			if !c.has("hybrid_layer_ids") {
				c.fail(nil, "layers_block_type or hybrid_layer_ids is missing")
			}
			for i := range n {
				word := "mamba"
				if slices.Contains(at, int64(i)) {
					word = "hybrid"
				}
				types = append(types, word)
			}
		}
		inner := c.mul(c.size("mamba_expand", "expansion_factor"), c.size("hidden_size"))
		state, groups, kernel := c.size("mamba_d_state", "state_size"), c.size("mamba_ngroups"), c.size("mamba_d_conv", "conv_dimension")
		size := c.sizeOr(64, "mamba_headdim")
		if c.has("n_mamba_heads") {
			size = c.divide("inner width by n_mamba_heads", inner, c.size("n_mamba_heads"))
		}
		nheads := c.divide("inner width by the head size", inner, size)
		return zamba(c, n, types, mamba2(c, nheads, size, state, groups, kernel, float32State(c)))
	},
}

// familyFalconH1 runs attention and Mamba-2 side by side in every layer.
var familyFalconH1 = family{
	types:     []string{"falcon_h1"},
	reference: "Transformers, modeling_falcon_h1.py, FalconH1DecoderLayer",
	layers: func(c *config) []Layer {
		parts := append(mambaHeads(c), attentionHeads(c).full(c))
		return same(c.layers(), parts...)
	},
}

// familyHymba runs attention heads and Mamba heads side by side, slides in
// most layers, shares keys and values within kv_reuse_group, and puts learned
// memory tokens before every text, which are never dropped.
var familyHymba = family{
	types:     []string{"hymba"},
	reference: "nvidia/Hymba-1.5B-Base, modeling_hymba.py, HybridMambaAttentionDynamicCache",
	layers: func(c *config) []Layer {
		h := hymbaHeads(c)
		inner := c.mul(c.size("mamba_expand"), c.size("hidden_size"))
		recurrent := mamba(c, inner, c.size("mamba_d_state"), c.size("mamba_d_conv"), float32State(c))
		consumer := map[int64]bool{}
		for _, group := range c.list("kv_reuse_group", kindArray) {
			for j := range group.items {
				if i := c.integer("kv_reuse_group", &group.items[j], 0); j > 0 {
					consumer[i] = true
				}
			}
		}
		memory := h.part(c, KV, Fixed, 0, ", memory tokens")
		memory.Width = c.mul(memory.Width, c.countOr(0, "num_memory_tokens"))
		global := c.numbers("global_attn_idx")
		return each(c.layers(), func(i int) []Part {
			parts := slices.Clone(recurrent)
			switch {
			case consumer[int64(i)]:
				return parts
			case !c.has("sliding_window") || slices.Contains(global, int64(i)):
				return append(parts, memory, h.full(c))
			}
			return append(parts, memory, h.window(c, c.size("sliding_window")))
		})
	},
}

// hymbaHeads are key–value heads whose keys and values have sizes of their own,
// where −1 stands for hidden_size / heads.
func hymbaHeads(c *config) heads {
	queries := c.size("num_attention_heads")
	h := heads{n: c.sizeOr(queries, "num_key_value_heads")}
	h.key = c.divide("hidden_size by heads", c.size("hidden_size"), queries)
	h.val = h.key
	if v := c.get("kq_head_dim"); v != nil && v.text != "-1" {
		h.key = c.size("kq_head_dim")
	}
	if v := c.get("v_head_dim"); v != nil && v.text != "-1" {
		h.val = c.size("v_head_dim")
	}
	return h
}

// familyRecurrentGemma alternates gated linear recurrences with local
// attention (Griffin, arXiv 2402.19427).
var familyRecurrentGemma = family{
	types:     []string{"recurrent_gemma"},
	reference: "Transformers, modeling_recurrent_gemma.py: RG-LRU state (float32) and conv1d_width − 1 columns of lru_width; block_types cycled",
	layers: func(c *config) []Layer {
		h := attentionHeads(c)
		width := c.sizeOr(c.size("hidden_size"), "lru_width")
		recurrent := []Part{memory(width, true, "RG-LRU of %d", width), conv(c, width, c.size("conv1d_width"))}
		window := []Part{h.window(c, c.size("attention_window_size"))}
		types := c.words("block_types")
		if len(types) == 0 {
			types = c.words("_block_types")
		}
		if len(types) == 0 {
			c.fail(nil, "block_types is missing")
			return nil
		}
		cycled := make([]string, c.layers())
		for i := range cycled {
			cycled[i] = types[i%len(types)]
		}
		return hybrid(c, "block_types", cycled, window, recurrent, nil)
	},
}

// familyLFM2 mixes attention with short gated convolutions.
var familyLFM2 = family{
	types:     []string{"lfm2", "lfm2_moe", "lfm3"},
	reference: "Transformers, modeling_lfm2.py, Lfm2ShortConv: conv_L_cache − 1 columns of hidden_size",
	layers: func(c *config) []Layer {
		h := attentionHeads(c)
		full := []Part{h.full(c)}
		short := []Part{conv(c, c.size("hidden_size"), c.size("conv_L_cache"))}
		n := c.layers()
		at := c.numbers("full_attn_idxs")
		var pattern func(int) string
		if c.has("full_attn_idxs") {
			pattern = func(i int) string {
				if slices.Contains(at, int64(i)) {
					return "full_attention"
				}
				return "conv"
			}
		}
		types := c.layerTypes(n, pattern)
		return each(n, func(i int) []Part {
			switch types[i] {
			case "full_attention":
				return full
			case "sliding_attention":
				return []Part{h.windowed(c, c.windowOf("sliding_window", i))}
			case "conv":
				return short
			}
			c.otherType(types[i], i)
			return nil
		})
	},
}

// familyMiniMax mixes lightning attention, a linear attention with decay, with
// full attention.
var familyMiniMax = family{
	types:     []string{"minimax", "minimax_text_01", "MiniMaxText01", "minimax_m1", "MiniMaxM1"},
	reference: "Transformers, modeling_minimax.py, MiniMaxLightningAttention: heads × head_dim²; attn_type_list 0 lightning, 1 full",
	layers: func(c *config) []Layer {
		queries := c.size("num_attention_heads")
		full := attentionHeads(c)
		lightning := []Part{linear(c, queries, full.key, full.key, false)}
		n := c.layers()
		word := []string{"linear_attention", "full_attention"}
		pattern := func(i int) string { return word[(i+1)%2] } // class default of the port; published files have a list
		if kinds := c.numbers("attn_type_list"); c.has("attn_type_list") && c.perLayer("attn_type_list", len(kinds), n) {
			pattern = func(i int) string { return word[min(kinds[i], 1)] }
		}
		return hybrid(c, "layer_types", c.layerTypes(n, pattern), []Part{full.full(c)}, lightning, nil)
	},
}
