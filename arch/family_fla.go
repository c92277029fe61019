package arch

// Memories that only flash-linear-attention spells: slots, pairs of matrices,
// mixtures of memories, attention with gates. Sources are its layers/ files.

var familySlots = family{
	types:     []string{"gsa", "abc", "raven"},
	reference: "fla, layers/gsa.py, abc.py and raven.py: heads × num_slots × (key + value size), for every query head",
	layers: func(c *config) []Layer {
		hidden, n := c.size("hidden_size"), c.size("num_heads")
		expand := 1.0
		if c.typ == "abc" {
			expand = 0.5
		}
		// exapnd_k is how fla spells it in two of the three.
		key := c.divide("key width by heads", c.scaled(hidden, c.real(c.real(expand, "exapnd_k"), "expand_k"), "expand_k"), n)
		val := c.divide("value width by heads", c.scaled(hidden, c.real(c.real(1, "exapnd_v"), "expand_v"), "expand_v"), n)
		slots := int64(64)
		if c.present("num_slots") { // null: as many as a key is wide
			slots = c.sizeOr(key, "num_slots")
		}
		kv := c.sizeOr(n, "num_kv_heads")
		parts := []Part{memory(c.mul(n, slots, key+val), true, "%d heads of %d slots × (%d + %d)", n, slots, key, val)}
		return flaLayers(c, flaConv(c, parts, false, c.mul(n, key)+c.mul(kv, key+val))...)
	},
}

var familyDeltaProduct = family{
	types:     []string{"gated_deltaproduct"},
	reference: "fla, layers/gated_deltaproduct.py: as gated_deltanet; num_householder keys and values pass through the convolutions",
	layers: func(c *config) []Layer {
		n, key := c.sizeOr(6, "num_heads"), c.sizeOr(256, "head_dim")
		val := c.scaled(key, c.real(2, "expand_v"), "expand_v")
		values, steps := c.sizeOr(n, "num_v_heads"), c.sizeOr(1, "num_householder")
		parts := []Part{linear(c, values, key, val, true)}
		return flaLayers(c, flaConv(c, parts, true, c.mul(n, key)+c.mul(steps, c.mul(n, key)+c.mul(values, val)))...)
	},
}

var familyMesa = family{
	types:     []string{"mesa_net"},
	reference: "fla, layers/mesa_net.py: key × key and key × value in each head; convolutions over queries and keys",
	layers: func(c *config) []Layer {
		n, d := c.sizeOr(16, "num_heads"), c.sizeOr(128, "head_dim")
		parts := []Part{memory(c.mul(2, n, d, d), true, "%d heads of two %d × %d", n, d, d)}
		return flaLayers(c, flaConv(c, parts, true, c.mul(2, n, d))...)
	},
}

var familyMoM = family{
	types:     []string{"mom"},
	reference: "fla, layers/mom.py: num_memories (and a shared one) gated delta memories, each with its convolutions",
	layers: func(c *config) []Layer {
		n, key := c.sizeOr(4, "num_heads"), c.sizeOr(256, "head_dim")
		val := c.scaled(key, c.real(1, "expand_v"), "expand_v")
		memories := c.sizeOr(4, "num_memories")
		if c.flag(true, "shared_mem") {
			memories++
		}
		parts := []Part{memory(c.mul(memories, n, key, val), true, "%d memories of %d heads of %d × %d", memories, n, key, val)}
		return flaLayers(c, flaConv(c, parts, true, c.mul(memories, n, 2*key+val))...)
	},
}

var familyHGRN = family{
	types:     []string{"hgrn"},
	reference: "fla, layers/hgrn.py: hidden × expand_ratio; convolutions over input and forget gate",
	layers: func(c *config) []Layer {
		width := c.scaled(c.size("hidden_size"), c.real(1, "expand_ratio"), "expand_ratio")
		return flaLayers(c, flaConv(c, []Part{memory(width, true, "state of %d", width)}, false, c.mul(2, width))...)
	},
}

var familyLightNet = family{
	types:     []string{"lightnet"},
	reference: "fla, layers/lightnet.py: heads × expand_ratio × hidden/heads and a normaliser of heads × expand_ratio",
	layers: func(c *config) []Layer {
		hidden, ratio := c.size("hidden_size"), c.sizeOr(128, "expand_ratio")
		n := c.sizeOr(0, "num_heads")
		if n == 0 {
			n = c.divide("hidden_size by expand_ratio", hidden, ratio)
		}
		val := c.divide("hidden_size by heads", hidden, n)
		parts := []Part{memory(c.mul(n, ratio, val)+c.mul(n, ratio), true, "%d heads of %d × %d with normalisers", n, ratio, val)}
		return flaLayers(c, flaConv(c, parts, false, c.mul(2, n, ratio)+hidden)...)
	},
}

// familyFLAAttention is attention whose cache is the usual one, whatever is read
// of it or added to the scores; gates of earlier tokens are needed too.
var familyFLAAttention = family{
	types:     []string{"forgetting_transformer", "path_attn", "moba", "nsa", "deltaformer", "transformer", "stickbreaking_attn", "parallax", "wall_transformer"},
	reference: "fla, layers/attn.py, forgetting_attn.py, path_attn.py, moba.py, nsa.py, deltaformer.py: keys and values of num_kv_heads × hidden/heads, a gate for each head and token where there are gates",
	layers: func(c *config) []Layer {
		n := c.size("num_heads")
		h := heads{n: c.sizeOr(n, "num_kv_heads")}
		h.key = c.sizeOr(0, "head_dim")
		if h.key == 0 {
			h.key = c.divide("hidden_size by num_heads", c.size("hidden_size"), n)
		}
		h.val = h.key
		window := c.countOr(0, "window_size")
		if c.typ == "nsa" { // the window is one of three branches; the others read everything
			window = 0
		}
		parts := []Part{h.windowed(c, window)}
		gates := c.typ == "forgetting_transformer" || c.typ == "path_attn" && c.flag(false, "use_forget_gate")
		if gates {
			p := Part{Kind: Other, Rule: PerToken, Width: n, What: "a forget gate for each head and token"}
			if window > 0 {
				p.Rule, p.N = Bounded, window-1
			}
			parts = append(parts, p)
		}
		if c.typ == "path_attn" && c.flag(true, "use_w_shortconv") {
			parts = append(parts, conv(c, c.mul(h.n, h.key), c.sizeOr(3, "conv_size")))
		}
		return flaLayers(c, parts...)
	},
}

// familyRodimus keeps a gated memory and, in its plus form, a window of attention
// whose heads share one key.
var familyRodimus = family{
	types:     []string{"rodimus"},
	reference: "fla, layers/rodimus.py: 2·hidden × expand_ratio, a convolution over 2·hidden; rodimus_plus: sliding window with one key for all heads (ska_attn)",
	layers: func(c *config) []Layer {
		hidden, ratio := c.size("hidden_size"), c.sizeOr(64, "expand_ratio")
		inner := (c.mul(2, hidden) + 7) / 8 * 8
		parts := flaConv(c, []Part{memory(c.mul(inner, ratio), true, "memory of %d × %d", inner, ratio)}, true, inner)
		if block := c.text("block_type"); block == "rodimus_plus" || block == "" {
			n, window := int64(32), int64(2048)
			if a := c.sub("ska_attn"); a != nil {
				n, window = a.sizeOr(n, "num_heads"), a.sizeOr(window, "window_size")
			}
			size := c.divide("hidden_size by ska_attn.num_heads", hidden, n)
			parts = append(parts, Part{Kind: Window, Rule: Bounded, N: window - 1, Width: size + hidden, What: "one key and the values of all heads, a window"})
		}
		return flaLayers(c, parts...)
	},
}

var familyMamba3 = family{
	types:     []string{"mamba3"},
	reference: "fla, layers/mamba3.py, allocate_inference_cache: heads × head_dim × state_size, angles, the last key (of mimo_rank) and value",
	layers: func(c *config) []Layer {
		size, state := c.sizeOr(64, "head_dim"), c.sizeOr(128, "state_size")
		n := c.divide("inner width by head_dim", c.scaled(c.size("hidden_size"), c.real(2, "expand"), "expand"), size)
		angles := int64(float64(state)*c.real(0.5, "rope_fraction")) / 2
		rank := int64(1)
		if c.flag(false, "is_mimo") {
			rank = c.sizeOr(4, "mimo_rank")
		}
		return same(c.layers(),
			memory(c.mul(n, size, state)+c.mul(n, angles), true, "%d heads of %d × state %d with angles", n, size, state),
			memory(c.mul(rank, n, state)+c.mul(n, size), false, "the last key and value of each head"))
	},
}

var familyLogLinearMamba2 = family{
	types:     []string{"log_linear_mamba2"},
	reference: "log-linear attention (arXiv 2506.04761): a Mamba-2 state for each power of two of the past; fla allocates 12 levels and a chunk of 64 tokens at once",
	layers: func(c *config) []Layer {
		layers := familyMamba2.layers(c)
		for i, l := range layers {
			layers[i].Parts = append([]Part(nil), l.Parts...)
			for j, p := range layers[i].Parts {
				if p.Kind == Recurrent {
					p.Rule, p.Float32 = Log, true
					p.What += ", one for each power of two"
					layers[i].Parts[j] = p
				}
			}
		}
		return layers
	},
}

var familySamba = family{
	types:     []string{"samba"},
	reference: "fla, models/samba: Mamba, and sliding attention in the layers that attn names (every second by default, window 2,048)",
	layers: func(c *config) []Layer {
		inner := c.scaled(c.size("hidden_size"), c.real(2, "expand"), "expand")
		parts := mamba(c, inner, c.sizeOr(16, "state_size"), c.sizeOr(4, "conv_kernel"), float32State(c))
		if c.has("attn") {
			return flaLayers(c, parts...)
		}
		size := c.divide("hidden_size by 18 heads", c.size("hidden_size"), 18)
		window := []Part{heads{18, size, size}.window(c, 2048)}
		return each(c.layers(), func(i int) []Part {
			if i%2 == 1 && i < 18 {
				return window
			}
			return parts
		})
	},
}
