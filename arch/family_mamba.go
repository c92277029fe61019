package arch

// float32State reports whether the configuration asks for a float32 state.
func float32State(c *config) bool {
	for _, k := range []string{"mamba_ssm_cache_dtype", "mamba_ssm_dtype", "inference_state_dtype"} {
		if c.text(k) == "float32" {
			return true
		}
	}
	return false
}

// familyMamba: intermediate_size is the inner width where it is given;
// falcon_mamba configurations carry an expand that is not used.
var familyMamba = family{
	types:     []string{"mamba", "falcon_mamba"},
	reference: "Transformers, modeling_mamba.py, MambaMixer (which allocates conv_kernel columns and needs one fewer)",
	layers: func(c *config) []Layer {
		inner := c.sizeOr(0, "intermediate_size", "d_inner")
		if inner == 0 {
			inner = c.mul(c.size("expand"), c.size("hidden_size", "d_model"))
		}
		parts := mamba(c, inner, c.size("state_size"), c.size("conv_kernel"), float32State(c))
		return same(c.layers(), parts...)
	},
}

var familyMamba2 = family{
	types:     []string{"mamba2"},
	reference: "Transformers, modeling_mamba2.py, Mamba2Mixer: convolution over inner + 2·n_groups·state_size",
	layers: func(c *config) []Layer {
		n, size := c.size("num_heads"), c.size("head_dim")
		if inner := c.scaled(c.size("hidden_size"), c.real(2, "expand"), "expand"); inner != c.mul(n, size) {
			c.fail(c.get("num_heads"), "num_heads × head_dim is %d, but expand × hidden_size is %d", n*size, inner)
		}
		parts := mamba2(c, n, size, c.size("state_size"), c.size("n_groups"), c.size("conv_kernel"), float32State(c))
		return same(c.layers(), parts...)
	},
}

// mambaHeads reads the Mamba-2 geometry that hybrids spell alike.
// mamba_d_head may be absent or "auto".
func mambaHeads(c *config) []Part {
	n := c.size("mamba_n_heads")
	inner := c.scaled(c.size("hidden_size"), c.real(2, "mamba_expand"), "mamba_expand")
	if c.has("mamba_d_ssm") {
		inner = c.size("mamba_d_ssm")
	}
	size := c.divide("inner width by mamba_n_heads", inner, n)
	if v := c.get("mamba_d_head"); v != nil && v.kind != kindString {
		if given := c.size("mamba_d_head"); given != size {
			c.fail(v, "mamba_n_heads × mamba_d_head is %d × %d, but the inner width is %d", n, given, inner)
		}
	}
	return mamba2(c, n, size, c.size("mamba_d_state"), c.size("mamba_n_groups"), c.size("mamba_d_conv"), float32State(c))
}

// hybrid describes layers named by words: attention, or a recurrent layer.
func hybrid(c *config, key string, types []string, attention, recurrent, both []Part) []Layer {
	return each(len(types), func(i int) []Part {
		switch word := types[i]; {
		case attention != nil && (word == "attention" || word == "full_attention"):
			return attention
		case word == "mamba" || word == "mamba2" || word == "linear_attention" || word == "recurrent":
			return recurrent
		case both != nil && word == "hybrid":
			return both
		case word == "mlp" || word == "moe":
			return nil
		}
		c.fail(c.get(key), "%s[%d] is %q, which this family does not describe", key, i, types[i])
		return nil
	})
}
