package arch

// familyMLA keeps one latent per token and layer. Transformers expands it to
// the keys and values of all heads before caching; what is needed is the
// latent.
var familyMLA = family{
	types:     []string{"deepseek_v3", "kimi_k2", "minicpm3", "glm4_moe_lite", "youtu", "longcat_flash", "axk1", "sarvam_mla", "mistral4"},
	reference: "DeepSeek-V2 (arXiv 2405.04434), table 1: kv_lora_rank + qk_rope_head_dim per token and layer",
	layers: func(c *config) []Layer {
		n := 0
		if c.typ == "longcat_flash" { // two attention sublayers in each layer
			n = 2 * c.layers("num_layers")
		} else {
			n = c.layers()
		}
		return same(n, latent(c))
	},
}

// familyDeepSeek2 also has a small model without latent attention.
var familyDeepSeek2 = family{
	types:     []string{"deepseek_v2"},
	reference: "deepseek-ai/DeepSeek-V2, modeling_deepseek.py; deepseek-vl2-tiny has use_mla false: plain attention",
	layers: func(c *config) []Layer {
		if c.flag(true, "use_mla") {
			return same(c.layers(), latent(c))
		}
		return same(c.layers(), attentionHeads(c).full(c))
	},
}

// familyDSA adds one index key per token for sparse attention. Attention reads
// index_topk entries at a time, but any of them may be read, so all are kept.
var familyDSA = family{
	types:     []string{"deepseek_v32", "glm_moe_dsa"},
	reference: "DeepSeek-V3.2 report, section 2: latent attention with a lightning indexer of one key of index_head_dim",
	layers: func(c *config) []Layer {
		n, kv := c.layers(), latent(c)
		index := indexKeys(c.size("index_head_dim"))
		kinds := c.words("indexer_types") // "shared" layers use the choice of an earlier one
		if c.has("indexer_types") && !c.perLayer("indexer_types", len(kinds), n) {
			return nil
		}
		return each(n, func(i int) []Part {
			if kinds != nil && kinds[i] != "full" {
				if kinds[i] != "shared" {
					c.fail(c.get("indexer_types"), "indexer_types[%d] is %q; want full or shared", i, kinds[i])
				}
				return []Part{kv}
			}
			return []Part{kv, index}
		})
	},
}
