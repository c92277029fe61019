package arch

// familyLlama4 attends within chunks, except in the layers without rotary
// positions, which see everything.
var familyLlama4 = family{
	types:     []string{"llama4_text", "llama4"},
	reference: "Transformers, configuration_llama4.py: no_rope_layers (1 = rotary, chunked; 0 = full), every 4th full by default",
	layers: func(c *config) []Layer {
		h := attentionHeads(c)
		n := c.layers()
		rotary := c.numbers("no_rope_layers") // the name says the opposite of the values
		if len(rotary) > 0 && !c.perLayer("no_rope_layers", len(rotary), n) {
			return nil
		}
		period := c.sizeOr(4, "no_rope_layer_interval", "nope_layer_interval")
		return attention(c, h, "sliding_window", func(i int) string {
			full := (int64(i)+1)%period == 0
			if len(rotary) > 0 {
				full = rotary[i] == 0
			}
			if full || !c.has("attention_chunk_size") {
				return "full_attention"
			}
			return "chunked_attention"
		})
	},
}

// familyMllama reads images in some layers; what those keep does not grow
// with the text.
var familyMllama = family{
	types:     []string{"mllama_text_model", "mllama"},
	reference: "Transformers, modeling_mllama.py: cross_attention_layers keep image keys and values only",
	layers: func(c *config) []Layer {
		h := attentionHeads(c)
		layers := same(c.layers(), h.full(c))
		cross := c.numbers("cross_attention_layers")
		for _, i := range cross {
			if i >= int64(len(layers)) {
				c.fail(c.get("cross_attention_layers"), "cross_attention_layers names layer %d of %d", i, len(layers))
				return layers
			}
			layers[i].Parts = nil
		}
		if len(cross) > 0 {
			c.note("images-not-counted", "", "%d cross-attention layers keep keys and values of images, which are not counted", len(cross))
		}
		return layers
	},
}
