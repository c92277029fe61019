package arch

import "fmt"

// The mechanisms. Each returns the parts that one layer keeps; the formulas of
// all families are put together from these. Counting rule: the past only,
// without the token being processed, so a sliding window of W holds at most
// W − 1 entries and a causal convolution of kernel k holds k − 1 columns.

// heads is the geometry of an attention layer's cache.
type heads struct {
	n   int64 // key–value heads
	key int64 // size of a key
	val int64 // size of a value
}

func (h heads) what() string {
	if h.key == h.val {
		return fmt.Sprintf("%d key–value heads of %d", h.n, h.key)
	}
	return fmt.Sprintf("%d key–value heads, keys of %d, values of %d", h.n, h.key, h.val)
}

func (h heads) part(c *config, k Kind, r Rule, n int64, what string) Part {
	return Part{Kind: k, Rule: r, N: n, What: h.what() + what, Width: c.mul(h.n, h.key+h.val), heads: h.n, key: h.key, val: h.val}
}

// full attention keeps every token (Vaswani et al. 2017; grouped and
// multi-query attention: Ainslie et al. 2023, Shazeer 2019).
func (h heads) full(c *config) Part { return h.part(c, KV, PerToken, 0, "") }

// window keeps what a sliding window of w can still see of the past: a query
// sees w keys, its own among them (Beltagy et al. 2020; Transformers,
// cache_utils.py, DynamicSlidingWindowLayer).
func (h heads) window(c *config, w int64) Part {
	return h.part(c, Window, Bounded, w-1, fmt.Sprintf(", window %d", w))
}

// chunk keeps the current chunk of attention that never looks across chunk
// borders. The exact content is L mod size; the peak is what must be there.
func (h heads) chunk(c *config, size int64) Part {
	return h.part(c, Window, Bounded, size-1, fmt.Sprintf(", chunks of %d (peak)", size))
}

// windowed is window, or full when w is 0.
func (h heads) windowed(c *config, w int64) Part {
	if w == 0 {
		return h.full(c)
	}
	return h.window(c, w)
}

// latent keeps the compressed keys and values of multi-head latent attention
// and the shared rotary key (DeepSeek-V2, arXiv 2405.04434, table 1).
func latent(c *config) Part {
	rank, rope := c.size("kv_lora_rank"), c.size("qk_rope_head_dim")
	return Part{Kind: Latent, Rule: PerToken, Width: rank + rope, What: fmt.Sprintf("latent of %d and rotary key of %d", rank, rope)}
}

// indexKeys keeps one key per token for the indexer of sparse attention
// (DeepSeek-V3.2).
func indexKeys(size int64) Part {
	return Part{Kind: Other, Rule: PerToken, Width: size, What: fmt.Sprintf("index key of %d", size)}
}

// memory is a fixed recurrent state.
func memory(width int64, float32 bool, format string, args ...any) Part {
	return Part{Kind: Recurrent, Rule: Fixed, Width: width, Float32: float32, What: fmt.Sprintf(format, args...)}
}

// conv is a causal convolution over channels.
func conv(c *config, channels, kernel int64) Part {
	return Part{
		Kind: Conv, Rule: Fixed, Width: c.mul(channels, kernel-1), kernel: kernel,
		What: fmt.Sprintf("%d past columns of %d channels", kernel-1, channels),
	}
}

// mamba is the selective state space of Mamba: inner × state, and a
// convolution over the inner channels (Gu and Dao, arXiv 2312.00752).
func mamba(c *config, inner, state, kernel int64, float32 bool) []Part {
	return []Part{
		memory(c.mul(inner, state), float32, "state space of %d × %d", inner, state),
		conv(c, inner, kernel),
	}
}

// mamba2 is the state space dual of Mamba-2: heads × size × state, and a
// convolution over the inner channels and the grouped B and C (Dao and Gu,
// arXiv 2405.21060).
func mamba2(c *config, nheads, size, state, groups, kernel int64, float32 bool) []Part {
	inner := c.mul(nheads, size)
	return []Part{
		memory(c.mul(inner, state), float32, "%d heads of %d × state %d", nheads, size, state),
		conv(c, inner+c.mul(2, groups, state), kernel),
	}
}

// linear is the matrix memory of linear attention, retention, gated linear
// attention and the delta rules: keys × values in each head (Katharopoulos et
// al. 2020; Sun et al. 2023; Yang et al. 2024).
func linear(c *config, nheads, key, val int64, float32 bool) Part {
	return memory(c.mul(nheads, key, val), float32, "%d heads of %d × %d", nheads, key, val)
}

// delta is a (gated) delta-rule layer whose queries, keys and values pass
// through short convolutions (Yang et al., arXiv 2412.06464; Kimi delta
// attention, arXiv 2510.26692).
func delta(c *config, keyHeads, valHeads, key, val, kernel int64) []Part {
	return []Part{
		linear(c, valHeads, key, val, true),
		conv(c, c.mul(2, keyHeads, key)+c.mul(valHeads, val), kernel),
	}
}

// same is n layers that all keep parts.
func same(n int, parts ...Part) []Layer {
	out := make([]Layer, n)
	for i := range out {
		out[i] = Layer{Parts: parts}
	}
	return out
}

// each is n layers described one by one.
func each(n int, describe func(i int) []Part) []Layer {
	out := make([]Layer, n)
	for i := range out {
		out[i] = Layer{Parts: describe(i)}
	}
	return out
}
