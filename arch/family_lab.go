package arch

// familyLab and familyLabLearned describe models that l2m trains: any sequence
// of mechanisms, named one by one in layer_types.
var (
	familyLab        = family{types: []string{"l2m-lab"}, reference: labReference, layers: labLayers}
	familyLabLearned = family{types: []string{"l2m-lab-learned"}, reference: labReference, learned: true, layers: labLayers}
)

const labReference = "l2m, lab/mixer"

func labLayers(c *config) []Layer {
	types := c.words("layer_types")
	d, n := c.size("hidden_size"), c.size("num_attention_heads")
	if !c.perLayer("layer_types", len(types), c.layers()) {
		return nil
	}
	head := func() int64 { return c.divide("hidden_size by num_attention_heads", d, n) }
	attention := func() heads { return heads{n, head(), head()} }
	kernel := c.sizeOr(4, "conv_kernel")
	return each(len(types), func(i int) []Part {
		switch types[i] {
		case "full_attention":
			return []Part{attention().full(c)}
		case "sliding_attention":
			w := attention().window(c, c.size("sliding_window"))
			w.N += c.countOr(0, "attention_sinks")
			return []Part{w}
		case "linear_attention":
			return []Part{memory(c.mul(d, head()), false, "%d matrices of %d × %d", n, head(), head())}
		case "gated_delta":
			return []Part{memory(c.mul(d, head()), false, "%d matrices of %d × %d", n, head(), head()), conv(c, c.mul(3, d), kernel)}
		case "mamba":
			return mamba(c, c.mul(2, d), c.size("state_size"), kernel, false)
		case "mamba2":
			return mamba2(c, n, c.divide("2·hidden_size by num_attention_heads", c.mul(2, d), n), c.size("state_size"), 1, kernel, false)
		case "short_conv":
			return []Part{conv(c, d, kernel)}
		}
		c.fail(c.get("layer_types"), "layer_types[%d] is %q, which is no mechanism of lab/mixer", i, types[i])
		return nil
	})
}
