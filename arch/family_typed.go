package arch

import "slices"

// familyTyped is ordinary attention whose layers are full or slide as
// layer_types says; most recent families of Transformers are no more than that.
// Where the list is absent the class has a pattern of its own.
var familyTyped = family{
	types: []string{
		"apertus1p5_text", "aria_text", "bailing_moe", "beam", "cohere2_moe", "cwm", "diffllama", "doge", "flint", "granite_docling_text", "granite_swa", "granitemoe_swa",
		"hy_v3", "hyperclovax", "iquestcoder", "jais2", "kolibri1", "laguna", "mellum", "modernbert-decoder", "molmo2_text", "muse_glimmer_text", "muse_spark_text",
		"sarvam_moe", "solar_open", "vaultgemma", "paddleocr_vl_text", "glm_ocr_text", "glm4v_moe_text", "ernie4_5_vl_moe_text", "emu3_text_model",
		"hrm_text",
	},
	reference: "Transformers, the configuration class of each: layer_types of full_attention and sliding_attention",
	layers: func(c *config) []Layer {
		return attention(c, attentionHeads(c), "sliding_window", typedPattern(c))
	},
}

// typedPattern is what the class fills in for an absent layer_types; nil where
// the class has a window and its pattern is not known here.
func typedPattern(c *config) func(int) string {
	firstOf := func(period int) func(int) string {
		return func(i int) string {
			if i%period == 0 {
				return "full_attention"
			}
			return "sliding_attention"
		}
	}
	switch c.typ {
	case "cwm", "granite_swa", "granitemoe_swa":
		return firstOf(4)
	case "modernbert-decoder":
		return firstOf(int(c.sizeOr(3, "global_attn_every_n_layers")))
	case "vaultgemma":
		return everyNth(2, "sliding_attention")
	case "muse_glimmer_text", "muse_spark_text", "cohere2_moe":
		return everyNth(c.sizeOr(4, "sliding_window_pattern"), "sliding_attention")
	case "laguna", "mellum":
		return fullAttention
	}
	if c.has("sliding_window") {
		return nil
	}
	return fullAttention
}

// familyInkling passes keys, values, and the outputs of both sublayers through
// short convolutions, and gives its sliding layers heads of their own.
var familyInkling = family{
	types:     []string{"inkling_text", "inkling2_text"},
	reference: "Transformers, modeling_inkling2.py: layer_types hybrid (full) and hybrid_sliding with swa_ heads; four convolutions of conv_kernel_size",
	layers: func(c *config) []Layer {
		n, hidden, kernel := c.layers(), c.size("hidden_size"), c.sizeOr(4, "conv_kernel_size")
		full := attentionHeads(c)
		slide := heads{n: c.size("swa_num_key_value_heads"), key: c.size("swa_head_dim")}
		slide.val = slide.key
		types := c.layerTypes(n, nil)
		return each(n, func(i int) []Part {
			h, kv := full, full.full(c)
			switch types[i] {
			case "hybrid", "full_attention":
			case "hybrid_sliding", "sliding_attention":
				h = slide
				kv = h.windowed(c, c.windowOf("sliding_window_size", i))
			default:
				c.otherType(types[i], i)
			}
			return []Part{kv, conv(c, c.mul(h.n, h.key+h.val)+c.mul(2, hidden), kernel)}
		})
	},
}

// familyBailing mixes Kimi delta attention with latent attention (Ling and Ring
// 2.5 and later) or lightning attention with ordinary attention (before).
var familyBailing = family{
	types:     []string{"bailing_hybrid", "bailing_moe_linear", "bailing_moe_v2_5"},
	reference: "Transformers, configuration_bailing_hybrid.py; every layer_group_size-th layer is attention, the others linear with heads × head_dim²",
	layers: func(c *config) []Layer {
		n, queries := c.layers(), c.size("num_attention_heads")
		d := c.sizeOr(0, "linear_head_dim")
		if d == 0 {
			d = c.headSize(queries)
		}
		var full, recurrent []Part
		if c.has("kv_lora_rank") {
			full = []Part{latent(c)}
		} else {
			full = []Part{attentionHeads(c).full(c)}
		}
		if kernel := c.sizeOr(0, "short_conv_kernel_size", "linear_conv_kernel_dim"); kernel > 0 {
			heads := c.sizeOr(queries, "linear_num_heads")
			recurrent = delta(c, heads, heads, d, d, kernel)
		} else {
			recurrent = []Part{linear(c, queries, d, d, true)}
		}
		period := c.sizeOr(6, "layer_group_size")
		return hybrid(c, "layer_types", c.layerTypes(n, func(i int) string {
			// A group that is cut short at the end is attention throughout.
			if (int64(i)+1)%period == 0 || int64(i) >= int64(n)/period*period {
				return "full_attention"
			}
			return "linear_attention"
		}), full, recurrent, nil)
	},
}

// familyIndexed is attention with an indexer over latent or ordinary keys, told
// by the keys of the file. Sliding layers have no indexer.
var familyIndexed = family{
	types:     []string{"axk2", "hy_v4", "hy_v4_vl_text", "mistral_large4_text"},
	reference: "Transformers, cache_utils.py, DynamicIndexedLayer: the latent and an index key of index_head_dim; shared layers use the choice of an earlier one",
	layers: func(c *config) []Layer {
		n, whole := c.layers(), latent(c)
		rotary := c.numbers("no_rope_layers") // 0: the layer has no rotary key
		kinds := c.words("indexer_types")
		if c.has("indexer_types") && !c.perLayer("indexer_types", len(kinds), n) {
			return nil
		}
		index := indexKeys(c.size("index_head_dim"))
		types := c.layerTypes(n, func(int) string { return "indexed_attention" })
		source := c.numbers("kv_source_layers") // layers that read another's cache name it
		return each(n, func(i int) []Part {
			kv := whole
			if i < len(rotary) && rotary[i] == 0 {
				kv.Width, kv.What = c.size("kv_lora_rank"), "latent without a rotary key"
			}
			if i < len(source) && source[i] != int64(i) {
				return nil
			}
			switch types[i] {
			case "indexed_attention", "deepseek_sparse_attention":
				if kinds != nil && kinds[i] == "shared" {
					return []Part{kv}
				}
				return []Part{kv, index}
			case "full_attention":
				return []Part{kv}
			case "sliding_attention":
				w := kv
				w.Kind, w.Rule, w.N = Window, Bounded, c.size("sliding_window")-1
				return []Part{w}
			}
			c.otherType(types[i], i)
			return nil
		})
	},
}

// familyDeltaHybrid mixes gated delta networks with full and sliding attention.
// Sizes that are null follow from the attention heads in OLMo Hybrid.
var familyDeltaHybrid = family{
	types:     []string{"qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text", "olmo_hybrid", "lara_mini"},
	reference: "Transformers, modeling_qwen3_next.py, Qwen3NextGatedDeltaNet; every full_attention_interval-th layer is attention; configuration_olmo_hybrid.py: keys of 0.75·hidden/heads, values twice as wide",
	layers: func(c *config) []Layer {
		h := attentionHeads(c)
		n := c.layers()
		period := int64(4)
		if !c.has("layer_types") && c.typ != "olmo_hybrid" {
			period = c.size("full_attention_interval")
		}
		types := c.layerTypes(n, everyNth(period, "linear_attention"))
		var recurrent []Part
		if slices.Contains(types, "linear_attention") {
			recurrent = deltaSizes(c)
		}
		return each(n, func(i int) []Part {
			switch types[i] {
			case "full_attention":
				return []Part{h.full(c)}
			case "sliding_attention":
				return []Part{h.windowed(c, c.windowOf("sliding_window", i))}
			case "linear_attention":
				return recurrent
			}
			c.otherType(types[i], i)
			return nil
		})
	},
}

// deltaSizes reads the linear_ keys.
func deltaSizes(c *config) []Part {
	if c.typ == "olmo_hybrid" {
		queries := c.size("num_attention_heads")
		keyHeads := c.sizeOr(queries, "linear_num_key_heads")
		key := c.sizeOr(3*c.size("hidden_size")/4/keyHeads, "linear_key_head_dim")
		return delta(c, keyHeads, c.sizeOr(queries, "linear_num_value_heads"), key, c.sizeOr(2*key, "linear_value_head_dim"), c.sizeOr(4, "linear_conv_kernel_dim"))
	}
	return delta(c, c.size("linear_num_key_heads"), c.size("linear_num_value_heads"),
		c.size("linear_key_head_dim"), c.size("linear_value_head_dim"), c.size("linear_conv_kernel_dim"))
}

// familyJetMoE has a head size of its own name.
var familyJetMoE = family{
	types:     []string{"jetmoe"},
	reference: "Transformers, modeling_jetmoe.py: num_key_value_heads × kv_channels",
	layers: func(c *config) []Layer {
		size := c.sizeOr(128, "kv_channels")
		return same(c.layers(), heads{c.size("num_key_value_heads"), size, size}.full(c))
	},
}
