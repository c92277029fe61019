package arch

// The older decoders, each with key names of its own.

var familyGPT2 = family{
	types:     []string{"gpt2", "ctrl", "openai-gpt"},
	reference: "Transformers, modeling_gpt2.py, GPT2Attention: keys and values of n_embd each",
	learned:   true,
	layers: func(c *config) []Layer {
		n := c.size("n_head")
		size := c.divide("n_embd by n_head", c.size("n_embd"), n)
		return same(c.layers("n_layer"), heads{n, size, size}.full(c))
	},
}

// familyGPTNeo alternates global layers with local ones.
var familyGPTNeo = family{
	types:     []string{"gpt_neo"},
	reference: "Transformers, modeling_gpt_neo.py: local layers see window_size keys, though the cache keeps all",
	learned:   true,
	layers: func(c *config) []Layer {
		n := c.layers("num_layers")
		heads := heads{n: c.size("num_heads")}
		heads.key = c.divide("hidden_size by num_heads", c.size("hidden_size"), heads.n)
		heads.val = heads.key
		types := c.words("attention_layers")
		if types == nil {
			types = expandAttentionTypes(c, n)
		}
		if !c.perLayer("attention_layers or attention_types", len(types), n) {
			return nil
		}
		return each(n, func(i int) []Part {
			switch types[i] {
			case "global":
				return []Part{heads.full(c)}
			case "local":
				return []Part{heads.window(c, c.size("window_size"))}
			}
			c.fail(nil, "layer %d is of type %q; want global or local", i, types[i])
			return nil
		})
	},
}

// expandAttentionTypes undoes the notation [[["global", "local"], 6]], up to n
// layers.
func expandAttentionTypes(c *config, n int) []string {
	var out []string
	for _, group := range c.list("attention_types", kindArray) {
		if len(group.items) != 2 || group.items[0].kind != kindArray {
			c.fail(&group, "attention_types holds an entry that is not [types, repeats]")
			return nil
		}
		repeats := c.integer("attention_types", &group.items[1], 0)
		for range repeats {
			for _, t := range group.items[0].items {
				if len(out) > n {
					return out // too many: the caller compares the lengths
				}
				out = append(out, t.text)
			}
			if len(group.items[0].items) == 0 {
				break
			}
		}
	}
	return out
}

var familyGPTBigCode = family{
	types:     []string{"gpt_bigcode"},
	reference: "Transformers, modeling_gpt_bigcode.py, GPTBigCodeAttention: one head with multi_query",
	learned:   true,
	layers: func(c *config) []Layer {
		n := c.size("n_head")
		size := c.divide("n_embd by n_head", c.size("n_embd"), n)
		if c.flag(true, "multi_query") {
			n = 1
		}
		return same(c.layers("n_layer"), heads{n, size, size}.full(c))
	},
}

var familyOPT = family{
	types:     []string{"opt", "biogpt", "xglm"},
	reference: "Transformers, modeling_opt.py, OPTAttention",
	learned:   true,
	layers: func(c *config) []Layer {
		n := c.size("num_attention_heads", "attention_heads")
		size := c.divide("width by heads", c.size("hidden_size", "d_model"), n)
		return same(c.layers("num_hidden_layers", "num_layers"), heads{n, size, size}.full(c))
	},
}

var familyBloom = family{
	types:     []string{"bloom"},
	reference: "Transformers, modeling_bloom.py, BloomAttention",
	layers: func(c *config) []Layer {
		n := c.size("n_head", "num_attention_heads")
		size := c.divide("width by heads", c.size("hidden_size", "n_embed"), n)
		return same(c.layers("n_layer", "num_hidden_layers"), heads{n, size, size}.full(c))
	},
}

// familyMPT covers MPT and DBRX, whose attention settings are nested.
var familyMPT = family{
	types:     []string{"mpt", "dbrx"},
	reference: "Transformers, modeling_mpt.py and modeling_dbrx.py; attn_config.kv_n_heads, 1 with multiquery_attention",
	layers: func(c *config) []Layer {
		n := c.size("n_heads")
		size := c.divide("d_model by n_heads", c.size("d_model"), n)
		if a := c.sub("attn_config"); a != nil {
			kind := a.text("attn_type")
			n = a.sizeOr(n, "kv_n_heads")
			if kind == "multiquery_attention" {
				n = 1
			}
		}
		return same(c.layers("n_layers"), heads{n, size, size}.full(c))
	},
}

// familyFalcon counts the key–value heads that are different from each other;
// Transformers caches them repeated for every query head.
var familyFalcon = family{
	types:     []string{"falcon", "RefinedWeb", "RefinedWebModel"},
	reference: "Transformers, modeling_falcon.py, FalconAttention: num_kv_heads with new_decoder_architecture, else 1 with multi_query",
	layers: func(c *config) []Layer {
		n := c.size("num_attention_heads", "n_head")
		size := c.divide("hidden_size by heads", c.size("hidden_size"), n)
		switch {
		case c.flag(false, "new_decoder_architecture"):
			n = c.sizeOr(n, "num_kv_heads", "n_head_kv")
		case c.flag(true, "multi_query"):
			n = 1
		}
		return same(c.layers("num_hidden_layers", "n_layer"), heads{n, size, size}.full(c))
	},
}

var familyChatGLM = family{
	types:     []string{"chatglm"},
	reference: "THUDM/chatglm3-6b, modeling_chatglm.py, SelfAttention: multi_query_group_num × kv_channels",
	layers: func(c *config) []Layer {
		n, size := c.size("num_attention_heads"), c.size("kv_channels")
		if c.flag(false, "multi_query_attention") {
			n = c.size("multi_query_group_num")
		}
		return same(c.layers("num_layers"), heads{n, size, size}.full(c))
	},
}
