package arch

// Attention that reads only some blocks of a full cache and keeps an index key
// for choosing them.

// familyMiniMaxM3 keeps one index key per token in its sparse layers, beside
// all keys and values.
var familyMiniMaxM3 = family{
	types:     []string{"minimax_m3", "minimax_m3_vl", "minimax_m3_vl_text"},
	reference: "Transformers, modeling_minimax_m3_vl.py: keys, values and an index key of sparse_index_dim in layers of sparse_attention_freq 1 or type minimax_m3_sparse",
	layers: func(c *config) []Layer {
		n, h := c.layers(), attentionHeads(c)
		size := c.countOr(0, "index_head_dim")
		var freq []int64
		if s := c.sub("sparse_attention_config"); s != nil && s.flag(true, "use_sparse_attention") {
			size, freq = s.sizeOr(size, "sparse_index_dim"), s.numbers("sparse_attention_freq")
			if !s.perLayer("sparse_attention_freq", len(freq), n) {
				return nil
			}
		}
		types := c.layerTypes(n, func(i int) string {
			if freq != nil && freq[i] != 0 {
				return "minimax_m3_sparse"
			}
			return "full_attention"
		})
		return each(n, func(i int) []Part {
			switch types[i] {
			case "full_attention":
				return []Part{h.full(c)}
			case "minimax_m3_sparse":
				return []Part{h.full(c), indexKeys(size)}
			}
			c.otherType(types[i], i)
			return nil
		})
	},
}
