package arch

import (
	"fmt"
	"io"
)

// parseGGUF describes the model of a GGUF file.
func parseGGUF(r io.Reader, o Options) (*Model, error) {
	obj, name, err := readGGUF(r, maxMetadataBytes)
	if err != nil {
		return nil, err
	}
	c := &config{obj: obj, typ: name, read: map[string]bool{}, faults: &faults{}}
	g := findGGUF(name)
	if o.Assume != "" {
		assumed := findGGUF(o.Assume)
		if assumed == nil {
			return nil, fmt.Errorf("cannot assume %q: not a described GGUF architecture", o.Assume)
		}
		if assumed != g {
			c.note("assumed", "check the layers against the model's own code", "architecture %q is read as %q because it was asked for", name, o.Assume)
		}
		g, c.typ = assumed, o.Assume
	}
	if g == nil {
		return nil, &UnknownTypeError{Type: name, Nearest: nearestGGUF(name)}
	}
	m := &Model{
		Type: name, Family: c.typ, MaxLength: c.sizeOr(0, "context_length"), Learned: g.learned,
		Reference: "llama.cpp, llama-hparams.cpp (n_embd_k_gqa, n_embd_v_gqa, n_embd_r, n_embd_s) and the model's load_arch_hparams",
	}
	m.Layers = g.describe(c)
	if c.err != nil {
		return nil, c.err
	}
	m.Warnings = c.notes
	return m, m.check()
}

// ggufArch says, for one or several values of general.architecture, what the
// metadata leaves out.
type ggufArch struct {
	names   []string
	period  int64 // where a window is given: every period-th layer is full; 1 means that no layer is, 0 that it is not known
	chunked bool  // the window is a chunk
	learned bool
	// recurrent are the parts of layer i beside or instead of attention; nil
	// for models of attention alone.
	recurrent func(c *config) []Part
	// keeps says what layer i keeps, given its key–value heads.
	keeps func(c *config, i int, kvHeads int64) (attention, recurrent bool)
}

// ggufArchs lists the architectures that are described; nothing changes it.
func ggufArchs() []ggufArch {
	noKV := func(_ *config, _ int, kv int64) (bool, bool) { return kv > 0, kv == 0 }
	all := func(*config, int, int64) (bool, bool) { return false, true }
	interval := func(c *config, i int, _ int64) (bool, bool) {
		full := (int64(i)+1)%c.sizeOr(4, "full_attention_interval") == 0
		if v := c.get("attention.recurrent_layers"); v != nil && v.kind == kindArray && i < len(v.items) {
			full = !v.items[i].truth() // layer by layer, it wins over the interval
		}
		return full, !full
	}
	return []ggufArch{
		{names: []string{
			"qwen", "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen3moe", "qwen3vl", "qwen3vlmoe", "phi2", "internlm2", "minicpm", "orion", "xverse",
			"baichuan", "falcon", "gptneox", "gptj", "mpt", "bloom", "stablelm", "refact", "codeshell", "command-r", "dbrx", "olmo", "olmoe", "openelm", "arctic",
			"deepseek", "deepseek2", "minicpm3", "chatglm", "glm4", "glm4moe", "bitnet", "nemotron", "exaone", "granite", "granitemoe", "dots1", "arcee",
			"ernie4_5", "ernie4_5-moe", "hunyuan-moe", "hunyuan-dense", "smollm3", "seed_oss", "apertus", "minimax-m2", "deci", "gemma", "mistral3", "plm",
		}},
		{names: []string{"gpt2", "starcoder"}, learned: true},
		{names: []string{"llama", "phi3", "phimoe", "starcoder2"}, period: 1},
		{names: []string{"gemma2", "gpt-oss"}, period: 2},
		{names: []string{"gemma3"}, period: 6},
		{names: []string{"gemma3n"}, period: 5},
		{names: []string{"gemma4"}, period: 6},
		{names: []string{"cohere2", "olmo2", "exaone4", "exaone-moe", "afmoe"}, period: 4},
		{names: []string{"llama4"}, period: 4, chunked: true},
		{names: []string{"mamba", "mamba2"}, recurrent: ggufSSM, keeps: all},
		{names: []string{"jamba", "granitehybrid"}, recurrent: ggufSSM, keeps: noKV},
		{names: []string{"nemotron_h", "nemotron_h_moe"}, recurrent: ggufSSM, keeps: func(c *config, i int, kv int64) (bool, bool) {
			// A layer with neither attention nor state is a feed-forward one.
			return kv > 0, kv == 0 && ggufPerLayer(c, "feed_forward_length", i, 0) == 0
		}},
		{names: []string{"falcon-h1"}, recurrent: ggufSSM, keeps: func(*config, int, int64) (bool, bool) { return true, true }},
		{names: []string{"qwen3next", "qwen35", "qwen35moe"}, recurrent: ggufSSM, keeps: interval},
		{names: []string{"kimi-linear"}, recurrent: ggufKDA, keeps: noKV},
		{names: []string{"lfm2", "lfm2moe"}, recurrent: func(c *config) []Part {
			return []Part{conv(c, c.size("embedding_length"), c.size("shortconv.l_cache"))}
		}, keeps: noKV},
		{names: []string{"rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"}, recurrent: ggufRWKV, keeps: all},
	}
}

func findGGUF(name string) *ggufArch {
	for _, g := range ggufArchs() {
		for _, n := range g.names {
			if n == name {
				return &g
			}
		}
	}
	return nil
}

// nearestGGUF is the described architecture with the most similar name.
func nearestGGUF(name string) string {
	best, distance := "", 1<<30
	for _, g := range ggufArchs() {
		for _, n := range g.names {
			if d := editDistance(n, name); d < distance {
				best, distance = n, d
			}
		}
	}
	return best
}

// ggufSSM is the state of Mamba, Mamba-2 and, with heads of state_size keys,
// of gated delta networks: llama.cpp keeps all of them in float32.
func ggufSSM(c *config) []Part {
	inner, state := c.size("ssm.inner_size"), c.size("ssm.state_size")
	channels := inner + c.mul(2, c.countOr(0, "ssm.group_count"), state)
	return []Part{
		memory(c.mul(inner, state), true, "state of %d × %d", inner, state),
		float32Part(conv(c, channels, c.size("ssm.conv_kernel"))),
	}
}

func ggufKDA(c *config) []Part {
	n, d := ggufPerLayer(c, "attention.head_count", 0, 0), c.size("kda.head_dim")
	if n == 0 {
		c.fail(nil, "attention.head_count is missing or 0")
	}
	return []Part{linear(c, n, d, d, true), float32Part(conv(c, c.mul(3, n, d), c.size("ssm.conv_kernel")))}
}

func ggufRWKV(c *config) []Part {
	width, size := c.size("embedding_length"), c.size("wkv.head_size")
	shifts := c.sizeOr(2, "token_shift_count")
	return []Part{
		linear(c, c.divide("embedding_length by wkv.head_size", width, size), size, size, true),
		float32Part(conv(c, c.mul(shifts, width), 2)),
	}
}

func float32Part(p Part) Part {
	p.Float32 = true
	return p
}

// truth reads a flag that is written as true or false, or as a number.
func (v *value) truth() bool {
	return v.flag || v.kind == kindNumber && v.text != "0"
}

// ggufPerLayer reads a size that is one number or a list with one for each
// layer; absent means def.
func ggufPerLayer(c *config, key string, i int, def int64) int64 {
	v := c.get(key)
	if v == nil || v.kind != kindArray {
		return c.countOr(def, key)
	}
	if i >= len(v.items) {
		c.fail(v, "%s has %d entries; layer %d has none", key, len(v.items), i)
		return 0
	}
	return c.integer(key, &v.items[i], 0)
}

// describe builds the layers.
func (g *ggufArch) describe(c *config) []Layer {
	n := c.layers("block_count")
	if mtp := c.countOr(0, "nextn_predict_layers"); mtp > 0 {
		if mtp >= int64(n) {
			c.fail(c.get("nextn_predict_layers"), "%d of %d layers predict further tokens: none is left", mtp, n)
			return nil
		}
		n -= int(mtp)
	}
	var recurrent []Part
	if g.recurrent != nil {
		recurrent = g.recurrent(c)
	}
	slides := g.slides(c, n)
	layers := each(n, func(i int) []Part {
		queries := ggufPerLayer(c, "attention.head_count", i, 0)
		kv := ggufPerLayer(c, "attention.head_count_kv", i, queries)
		if c.has("attention.head_count") && queries == 0 {
			kv = 0 // a layer without attention, whatever head_count_kv says of the others
		}
		attends, recurs := kv > 0, false
		if g.keeps != nil {
			attends, recurs = g.keeps(c, i, kv)
		}
		var parts []Part
		if recurs {
			parts = append(parts, recurrent...)
		}
		if attends {
			parts = append(parts, g.attention(c, queries, kv, slides[i]))
		}
		return parts
	})
	if g.keeps == nil && !c.has("attention.head_count") {
		c.fail(nil, "attention.head_count is missing")
	}
	return sharing(c, layers, c.countOr(0, "attention.shared_kv_layers"))
}

// attention is the cache of one layer.
func (g *ggufArch) attention(c *config, queries, kv int64, slides bool) Part {
	if c.has("attention.kv_lora_rank") {
		rank, rope := c.size("attention.kv_lora_rank"), c.size("rope.dimension_count")
		return Part{Kind: Latent, Rule: PerToken, Width: rank + rope, What: fmt.Sprintf("latent of %d and rotary key of %d", rank, rope)}
	}
	size := func(key string) int64 {
		if slides && c.has(key+"_swa") {
			return c.size(key + "_swa")
		}
		if c.has(key) {
			return c.size(key)
		}
		return c.divide("embedding_length by heads", c.size("embedding_length"), queries)
	}
	h := heads{kv, size("attention.key_length"), size("attention.value_length")}
	switch {
	case slides && g.chunked:
		return h.chunk(c, c.sizeOr(8192, "attention.sliding_window", "attention.chunk_size")) // fixed in llama.cpp, llama4.cpp
	case slides:
		return h.window(c, c.size("attention.sliding_window"))
	}
	return h.full(c)
}

// slides says which layers see a window only: by the list or the period in the
// file, or by the period that llama.cpp knows.
func (g *ggufArch) slides(c *config, n int) []bool {
	out := make([]bool, n)
	if c.countOr(0, "attention.sliding_window") == 0 && (!g.chunked || c.has("attention.sliding_window")) {
		return out
	}
	period := g.period
	const key = "attention.sliding_window_pattern"
	if v := c.get(key); v != nil && v.kind == kindArray {
		if len(v.items) < n {
			c.perLayer(key, len(v.items), n)
			return out
		}
		for i := range out {
			out[i] = v.items[i].truth()
		}
		return out
	} else if v != nil {
		if period = c.countOr(0, key); period == 0 {
			period = 1 // llama.cpp: a period of 0 slides everywhere
		} else if period == 1 {
			return out
		}
	}
	if period == 0 {
		c.fail(c.get("attention.sliding_window"), "attention.sliding_window is given, but not which layers slide")
	}
	for i := range out {
		out[i] = period == 1 || (period > 1 && (int64(i)+1)%period != 0)
	}
	return out
}
