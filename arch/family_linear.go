package arch

import "math"

// Linear attention in the spelling of flash-linear-attention. Each of its
// configurations may name layers of ordinary attention under attn.

// flaLayers replaces some recurrent layers by the attention that attn asks
// for.
func flaLayers(c *config, recurrent ...Part) []Layer {
	layers := same(c.layers(), recurrent...)
	a := c.sub("attn")
	if a == nil {
		return layers
	}
	n := a.size("num_heads")
	size := c.divide("hidden_size by attn.num_heads", c.size("hidden_size"), n)
	part := heads{a.sizeOr(n, "num_kv_heads"), size, size}.windowed(c, a.countOr(0, "window_size"))
	for _, i := range a.numbers("layers") {
		if i >= int64(len(layers)) {
			a.fail(a.get("layers"), "attn.layers names layer %d of %d", i, len(layers))
			return layers
		}
		layers[i].Parts = []Part{part}
	}
	return layers
}

// flaExpanded is heads of expand_k·hidden × expand_v·hidden in all.
func flaExpanded(c *config, k, v float64) (n, key, val int64) {
	hidden := c.size("hidden_size")
	n = c.size("num_heads")
	key = c.divide("key width by heads", c.scaled(hidden, c.real(k, "expand_k"), "expand_k"), n)
	val = c.divide("value width by heads", c.scaled(hidden, c.real(v, "expand_v"), "expand_v"), n)
	return n, key, val
}

// flaConv adds short convolutions over queries, keys and values.
func flaConv(c *config, parts []Part, used bool, channels int64) []Part {
	if c.flag(used, "use_short_conv") {
		parts = append(parts, conv(c, channels, c.sizeOr(4, "conv_size")))
	}
	return parts
}

// flaGrouped reads linear attention with optional grouped heads: a memory per
// query head is kept all the same, since each head decays or writes alone.
func flaGrouped(k, v float64) func(c *config) []Layer {
	return func(c *config) []Layer {
		n, key, val := flaExpanded(c, k, v)
		c.divide("num_heads by num_kv_heads", n, c.sizeOr(n, "num_kv_heads"))
		kv := c.sizeOr(n, "num_kv_heads")
		parts := []Part{linear(c, n, key, val, true)}
		return flaLayers(c, flaConv(c, parts, false, c.mul(n, key)+c.mul(kv, key+val))...)
	}
}

var familyGLA = family{
	types:     []string{"gla"},
	reference: "fla, layers/gla.py: num_heads × key size × value size; expand_k 0.5, expand_v 1",
	layers:    flaGrouped(0.5, 1),
}

var familyRetNet = family{
	types:     []string{"retnet", "linear_attn"},
	reference: "fla, layers/multiscale_retention.py and linear_attn.py: num_heads × key size × value size",
	layers: func(c *config) []Layer {
		if c.typ == "linear_attn" {
			if f := c.text("feature_map"); f == "hedgehog" || f == "dpfp" {
				c.fail(c.get("feature_map"), "feature_map %q widens the keys, which this family does not describe", f)
			}
			return flaGrouped(1, 1)(c)
		}
		return flaGrouped(1, 2)(c)
	},
}

var familyDeltaNet = family{
	types:     []string{"delta_net"},
	reference: "fla, layers/delta_net.py: num_heads × key size × value size, convolutions over q, k and v",
	layers: func(c *config) []Layer {
		n, key, val := flaExpanded(c, 1, 1)
		parts := []Part{linear(c, n, key, val, true)}
		return flaLayers(c, flaConv(c, parts, true, c.mul(n, 2*key+val))...)
	},
}

var familyGatedDeltaNet = family{
	types:     []string{"gated_deltanet", "kda", "comba"},
	reference: "fla, layers/gated_deltanet.py, comba.py and kda.py: num_v_heads × head_dim × expand_v·head_dim, convolutions over q, k and v",
	layers: func(c *config) []Layer {
		expand := 2.0
		if c.typ == "kda" {
			expand = 1
		}
		n, key := c.size("num_heads"), c.size("head_dim")
		val := c.scaled(key, c.real(expand, "expand_v"), "expand_v")
		values := c.sizeOr(n, "num_v_heads")
		parts := []Part{linear(c, values, key, val, true)}
		return flaLayers(c, flaConv(c, parts, true, c.mul(2, n, key)+c.mul(values, val))...)
	},
}

var familyHGRN2 = family{
	types:     []string{"hgrn2"},
	reference: "fla, layers/hgrn2.py: heads × expand_ratio × hidden/heads",
	layers: func(c *config) []Layer {
		hidden := c.size("hidden_size")
		ratio := c.sizeOr(128, "expand_ratio")
		n := c.sizeOr(0, "num_heads")
		if n == 0 {
			n = c.divide("hidden_size by expand_ratio", hidden, ratio)
		}
		val := c.divide("hidden_size by heads", hidden, n)
		parts := []Part{linear(c, n, ratio, val, true)}
		return flaLayers(c, flaConv(c, parts, false, c.mul(2, n, ratio)+hidden)...)
	},
}

// familyXLSTM keeps a matrix, a normaliser and a stabiliser in each head.
var familyXLSTM = family{
	types:     []string{"xlstm"},
	reference: "Transformers, modeling_xlstm.py, xLSTMCache: heads × (d_qk·d_v + d_qk + 1) (float32); widths rounded up to 64",
	layers: func(c *config) []Layer {
		hidden, n := c.size("hidden_size", "embedding_dim"), c.size("num_heads")
		head := func(factor float64) int64 {
			return c.divide("width by heads", int64(math.Ceil(float64(hidden)*factor/64))*64, n)
		}
		key, val := head(c.real(0.5, "qk_dim_factor")), head(c.real(1, "v_dim_factor"))
		state := c.mul(n, c.mul(key, val)+key+1)
		return same(c.layers("num_hidden_layers", "num_blocks"), memory(state, true, "%d heads of %d × %d, normalisers, stabilisers", n, key, val))
	},
}
