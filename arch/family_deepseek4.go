package arch

import "fmt"

// familyDeepSeek4 compresses blocks of tokens into single entries, beside a
// sliding window of uncompressed ones. One tensor serves as key and value.
//
// A layer of ratio r keeps ⌊L/r⌋ compressed entries. Blocks of ratio 4 overlap:
// they also need the inputs of the previous block. In all compressed layers the
// L mod r tokens of the block that is not full yet wait as inputs: of a value
// and a weight, each twice as wide where blocks overlap. Layers of ratio 4 are
// sparse and keep an index key per block, compressed in the same way.
var familyDeepSeek4 = family{
	types:     []string{"deepseek_v4"},
	reference: "deepseek-ai/DeepSeek-V4-Flash, inference/model.py, Compressor and Indexer",
	layers: func(c *config) []Layer {
		n, width, index := c.layers(), c.size("head_dim"), c.size("index_head_dim")
		window := c.size("sliding_window")
		ratios := c.deepSeekRatios()
		if !c.perLayer("compress_ratios", len(ratios), n) {
			return nil
		}
		if kv := c.size("num_key_value_heads"); kv != 1 {
			c.fail(c.get("num_key_value_heads"), "num_key_value_heads is %d; only one shared head is described", kv)
		}
		return each(n, func(i int) []Part {
			parts := []Part{{Kind: Window, Rule: Bounded, N: window - 1, Width: width, What: fmt.Sprintf("one shared key and value of %d, window %d", width, window)}}
			r := ratios[i]
			if r == 0 {
				return parts
			}
			parts = append(parts, Part{Kind: KV, Rule: PerBlock, N: r, Width: width, What: fmt.Sprintf("one entry of %d for every %d tokens", width, r)})
			waiting := c.mul(2, width)
			if r == 4 {
				waiting = c.mul(4, width+index)
				parts = append(parts,
					Part{Kind: Other, Rule: PerBlock, N: r, Width: index, What: fmt.Sprintf("one index key of %d for every %d tokens", index, r)},
					Part{Kind: Other, Rule: After, N: r, Width: c.mul(r, 2, width+index), What: "inputs of the previous block"})
			}
			return append(parts, Part{Kind: Other, Rule: Tail, N: r, Width: waiting, What: "inputs of the block that is not full yet"})
		})
	},
}

// deepSeekRatios reads the ratio of each layer, 0 where nothing is compressed:
// from compress_ratios as published, from layer_types and compress_rates as
// Transformers saves it.
func (c *config) deepSeekRatios() []int64 {
	if c.has("compress_ratios") || !c.has("layer_types") {
		return c.numbers("compress_ratios")
	}
	rates := map[string]int64{"sliding_attention": 0, "compressed_sparse_attention": 4, "heavily_compressed_attention": 128}
	if r := c.sub("compress_rates"); r != nil {
		for word := range rates {
			rates[word] = r.countOr(rates[word], word)
		}
	}
	var out []int64
	for i, word := range c.words("layer_types") {
		ratio, known := rates[word]
		if !known {
			c.otherType(word, i)
		}
		out = append(out, ratio)
	}
	return out
}
