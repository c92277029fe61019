package arch

// familyQwen slides only when use_sliding_window is true, and then from layer
// max_window_layers on; published configurations give a window that is not
// used.
var familyQwen = family{
	types: []string{
		"qwen2", "qwen2_moe", "qwen2_vl", "qwen2_vl_text", "qwen2_5_vl", "qwen2_5_vl_text", "qwen3", "qwen3_moe",
		"qwen3_vl", "qwen3_vl_text", "qwen3_vl_moe", "qwen3_vl_moe_text", "qwen2_5_omni_text", "qwen3_omni_moe_text",
	},
	reference: "Transformers, configuration_qwen2.py, layer_types: sliding for i ≥ max_window_layers when use_sliding_window",
	layers: func(c *config) []Layer {
		h := attentionHeads(c)
		slides := c.flag(false, "use_sliding_window") && c.has("sliding_window")
		from := int64(0)
		if slides {
			from = c.countOr(28, "max_window_layers") // Qwen2Config
		} else if v := c.get("sliding_window"); v != nil && !v.class && !c.has("layer_types") {
			c.note("window-not-used", "", "sliding_window is given, but use_sliding_window is not true: full attention")
		}
		return attention(c, h, "sliding_window", func(i int) string {
			if slides && int64(i) >= from {
				return "sliding_attention"
			}
			return "full_attention"
		})
	},
}

// familyQwen1 is the first Qwen, which has code of its own.
var familyQwen1 = family{
	types:     []string{"qwen"},
	reference: "Qwen/Qwen-7B, modeling_qwen.py, QWenAttention: num_attention_heads × kv_channels",
	layers: func(c *config) []Layer {
		n, size := c.size("num_attention_heads"), c.size("kv_channels")
		return same(c.layers(), heads{n, size, size}.full(c))
	},
}
