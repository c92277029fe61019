package arch

import "fmt"

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
	head := func() int64 { return c.headSize(n) }
	width := func() int64 { return c.mul(n, head()) }
	attention := func() heads { return heads{c.sizeOr(n, "num_key_value_heads"), head(), head()} }
	kernel := c.sizeOr(4, "conv_kernel")
	return each(len(types), func(i int) []Part {
		switch types[i] {
		case "full_attention":
			return []Part{attention().full(c)}
		case "sliding_attention":
			w := attention().window(c, c.size("sliding_window"))
			w.N += c.countOr(0, "attention_sinks")
			return []Part{w}
		case "linear_attention", "gated_linear_attention":
			return []Part{memory(c.mul(width(), head()), false, "%d matrices of %d × %d", n, head(), head())}
		case "gated_delta":
			return []Part{memory(c.mul(width(), head()), false, "%d matrices of %d × %d", n, head(), head()), conv(c, c.mul(3, width()), kernel)}
		case "mamba":
			return mamba(c, c.mul(2, d), c.size("state_size"), kernel, false)
		case "mamba2":
			return mamba2(c, n, c.divide("2·hidden_size by num_attention_heads", c.mul(2, d), n), c.size("state_size"), 1, kernel, false)
		case "log_linear_attention":
			states := linear(c, n, head(), head(), false)
			states.Rule, states.Scale = Fenwick, 1 // one of each block
			return []Part{states}
		case "power_law_memory":
			return powerLawMemory(c, attention())
		case "memory_caching":
			states := linear(c, attention().n, head(), head()+1, false)
			states.Rule, states.Scale, states.Beta = Fenwick, c.real(1, "memory_scale"), c.real(0, "memory_exponent")
			states.What += fmt.Sprintf(", segments like n^%g", states.Beta)
			return []Part{states}
		case "short_conv":
			return []Part{conv(c, d, kernel)}
		}
		c.fail(c.get("layer_types"), "layer_types[%d] is %q, which is no mechanism of lab/mixer", i, types[i])
		return nil
	})
}

// powerLawMemory keeps the tokens of the chunk at hand, and of each earlier block
// of n = 2^j tokens ⌈scale·n^exponent⌉ slots.
func powerLawMemory(c *config, h heads) []Part {
	chunk, b := c.sizeOr(4, "memory_chunk"), c.real(0, "memory_exponent")
	tokens := h.part(c, KV, Tail, chunk, fmt.Sprintf(", chunk of %d", chunk))
	slots := h.part(c, KV, Fenwick, chunk, fmt.Sprintf(", slots like n^%g", b))
	slots.Beta, slots.Scale = b, c.real(1, "memory_scale")
	return []Part{tokens, slots}
}
