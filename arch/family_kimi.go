package arch

// familyKimiLinear mixes Kimi delta attention with latent attention. Layer
// numbers in its lists start at 1. Keys keep their rotary part even where
// mla_use_nope leaves the rotation out.
var familyKimiLinear = family{
	types:     []string{"kimi_linear"},
	reference: "Kimi Linear (arXiv 2510.26692); fla, layers/kda.py: heads × head_dim², convolutions over q, k and v",
	layers: func(c *config) []Layer {
		n, kv := c.layers(), latent(c)
		lin := c.sub("linear_attn_config")
		if lin == nil {
			c.fail(nil, "linear_attn_config is missing")
			return nil
		}
		h, d := lin.size("num_heads"), lin.size("head_dim")
		recurrent := delta(lin, h, h, d, d, lin.size("short_conv_kernel_size"))
		layers := make([]Layer, n)
		seen := make([]bool, n)
		place := func(key string, parts []Part) {
			for _, i := range lin.numbers(key) {
				if i < 1 || i > int64(n) || seen[i-1] {
					lin.fail(lin.get(key), "%s names layer %d, which is not one of %d or is named twice", key, i, n)
					return
				}
				seen[i-1] = true
				layers[i-1].Parts = parts
			}
		}
		place("full_attn_layers", []Part{kv})
		place("kda_layers", recurrent)
		for i, ok := range seen {
			if !ok {
				lin.fail(lin.get("kda_layers"), "layer %d is in neither full_attn_layers nor kda_layers", i+1)
			}
		}
		return layers
	},
}
