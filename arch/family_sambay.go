package arch

import "slices"

// familySambaY is the decoder–decoder of Phi-4-mini-flash (arXiv 2507.06607):
// Mamba and sliding attention alternate in the first half, one Mamba and one full
// layer follow, and every layer after them reads the memory of that Mamba or the
// keys and values of that full layer.
var familySambaY = family{
	types:     []string{"phi4flash"},
	reference: "microsoft/Phi-4-mini-flash-reasoning, modeling_phi4flash.py: yoco_kv from layer n/2 + 1, yoco_cross from n/2 + 2; mamba_d_state 16, mamba_d_conv 4, mamba_expand 2",
	layers: func(c *config) []Layer {
		n, h := c.layers(), attentionHeads(c)
		inner := c.scaled(c.size("hidden_size"), c.real(2, "mamba_expand"), "mamba_expand")
		recurrent := mamba(c, inner, c.sizeOr(16, "mamba_d_state"), c.sizeOr(4, "mamba_d_conv"), float32State(c))
		period := int64(2)
		if c.present("mb_per_layer") {
			period = c.countOr(0, "mb_per_layer")
		}
		half := n / 2
		return each(n, func(i int) []Part {
			switch isMamba := period > 0 && int64(i)%period == 0; {
			case i >= half+2:
				return nil
			case isMamba:
				return recurrent
			case i >= half:
				return []Part{h.full(c)}
			case c.has("sliding_window"):
				return []Part{h.windowed(c, c.windowOf("sliding_window", i))}
			}
			return []Part{h.full(c)}
		})
	},
}

// familyHunyuan shares keys and values across layers: of every cla_share_factor
// layers the first keeps them.
var familyHunyuan = family{
	types:     []string{"hunyuan", "hunyuan_v1_dense", "hunyuan_v1_moe", "hunyuan_vl_text"},
	reference: "Tencent-Hunyuan-Large, modeling_hunyuan.py: use_cla, cla_share_factor; attention_head_dim",
	layers: func(c *config) []Layer {
		n, queries := c.layers(), c.size("num_attention_heads")
		h := heads{n: c.sizeOr(queries, "num_key_value_heads")}
		if h.key = c.sizeOr(0, "attention_head_dim", "head_dim"); h.key == 0 {
			h.key = c.headSize(queries)
		}
		h.val = h.key
		share := int64(1)
		if c.flag(false, "use_cla") {
			share = c.sizeOr(2, "cla_share_factor")
		}
		return each(n, func(i int) []Part {
			if int64(i)%share != 0 {
				return nil
			}
			return []Part{h.full(c)}
		})
	},
}

// familyStep gives its sliding layers heads of their own.
var familyStep = family{
	types:     []string{"step3p5", "step3p7", "step3p7_text"},
	reference: "stepfun-ai/Step-3.5-Flash, modeling_step3p5.py: num_attention_groups key–value heads; attention_other_setting for sliding layers",
	layers: func(c *config) []Layer {
		queries := c.size("num_attention_heads")
		full := heads{n: c.sizeOr(queries, "num_attention_groups", "num_key_value_heads")}
		full.key = c.headSize(queries)
		full.val = full.key
		slide := full
		if other := c.sub("attention_other_setting"); other != nil && other.text("attention_type") == "sliding_attention" {
			slide.n = other.sizeOr(slide.n, "num_attention_groups")
			slide.key = other.sizeOr(slide.key, "head_dim")
			slide.val = slide.key
		}
		n := c.layers()
		types := c.layerTypes(n, nil)
		return each(n, func(i int) []Part {
			switch types[i] {
			case "full_attention":
				return []Part{full.full(c)}
			case "sliding_attention":
				return []Part{slide.windowed(c, c.windowOf("sliding_window", i))}
			}
			c.otherType(types[i], i)
			return nil
		})
	},
}

// familyParams is params.json, in which Meta and Mistral describe their models.
// A list of windows repeats over the layers; null in it is a full layer.
var familyParams = family{
	types:     []string{paramsFile},
	reference: "mistral-inference and llama, params.json: n_kv_heads × head_dim; sliding_window a number or a repeated list",
	layers: func(c *config) []Layer {
		n, queries := c.layers("n_layers"), c.size("n_heads")
		if c.has("kv_lora_rank") {
			return same(n, latent(c))
		}
		h := heads{n: c.sizeOr(queries, "n_kv_heads")}
		if h.key = c.sizeOr(0, "head_dim"); h.key == 0 {
			h.key = c.divide("dim by n_heads", c.size("dim"), queries)
		}
		h.val = h.key
		return each(n, func(i int) []Part {
			if !c.has("sliding_window") {
				return []Part{h.full(c)}
			}
			return []Part{h.windowed(c, c.windowOf("sliding_window", i))}
		})
	},
}

// familyPlamo2 has a Mamba layer in all but one of every mamba_step layers, and
// windows in the others unless full_attention_idx names them.
var familyPlamo2 = family{
	types:     []string{"plamo2"},
	reference: "vLLM, plamo2.py, is_mamba: i mod mamba_step ≠ ⌊mamba_step/2⌋; mamba_num_heads × hidden_size_per_head × mamba_d_state, a convolution over the inner width",
	layers: func(c *config) []Layer {
		n, size := c.layers(), c.size("hidden_size_per_head")
		h := heads{c.sizeOr(c.size("num_attention_heads"), "num_key_value_heads"), size, size}
		inner := c.mul(c.size("mamba_num_heads"), size)
		recurrent := mamba(c, inner, c.size("mamba_d_state"), c.size("mamba_d_conv"), true)
		step, full := int(c.sizeOr(2, "mamba_step")), c.numbers("full_attention_idx")
		enabled := c.flag(true, "mamba_enabled")
		return each(n, func(i int) []Part {
			isMamba := i%step != step/2
			if n <= step/2 {
				isMamba = i != n-1
			}
			switch {
			case enabled && isMamba:
				return recurrent
			case slices.Contains(full, int64(i)) || !c.has("attention_window_size"):
				return []Part{h.full(c)}
			}
			return []Part{h.window(c, c.size("attention_window_size"))}
		})
	},
}
