package arch

// The RWKV family. Token shifts, the previous inputs of the two sublayers, are
// convolutions of kernel 2.

var familyRWKV4 = family{
	types:     []string{"rwkv"},
	reference: "Transformers, modeling_rwkv.py: two shifts of hidden_size; numerator, denominator and maximum of attention_hidden_size (float32)",
	layers: func(c *config) []Layer {
		hidden := c.size("hidden_size")
		width := c.sizeOr(hidden, "attention_hidden_size")
		return same(c.layers(),
			memory(c.mul(3, width), true, "numerator, denominator, maximum of %d", width),
			conv(c, c.mul(2, hidden), 2))
	},
}

var familyRWKV5 = family{
	types:     []string{"rwkv5", "rwkv6", "rwkv6qwen2"},
	reference: "RWKV/rwkv-6-world-1b6, modeling_rwkv6.py: heads × head_size² (float32) and two shifts of hidden_size",
	layers: func(c *config) []Layer {
		hidden := c.size("hidden_size")
		width, size := c.sizeOr(hidden, "attention_hidden_size"), c.size("head_size")
		n := c.divide("attention_hidden_size by head_size", width, size)
		return same(c.layers(), linear(c, n, size, size, true), conv(c, c.mul(2, hidden), 2))
	},
}

var familyRWKV7 = family{
	types:     []string{"rwkv7"},
	reference: "fla, layers/rwkv7.py: heads × head_dim × value size (float32) and two shifts of hidden_size",
	layers: func(c *config) []Layer {
		hidden := c.size("hidden_size")
		size := c.size("head_dim", "head_size")
		n := c.divide("hidden_size by head_dim", hidden, size)
		layers := c.layers()
		values := make([]int64, layers)
		for i := range values {
			values[i] = hidden
		}
		if v := c.get("value_dim"); v != nil && v.kind == kindArray {
			if values = c.numbers("value_dim"); !c.perLayer("value_dim", len(values), layers) {
				return nil
			}
		}
		return each(layers, func(i int) []Part {
			val := c.divide("value_dim by heads", values[i], n)
			return []Part{linear(c, n, size, val, true), conv(c, c.mul(2, hidden), 2)}
		})
	},
}
