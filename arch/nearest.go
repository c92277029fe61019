package arch

import (
	"cmp"
	"slices"
	"strings"
)

// stateWords are parts of key names that decide, in the configurations known so
// far, what a layer keeps.
var stateWords = []string{
	"window", "head", "layer_type", "layers_type", "block_type", "hybrid", "mamba", "ssm", "conv", "state_size", "_state", "linear_", "recurrent", "lora_rank", "index",
	"compress", "chunk", "cla_", "use_cla", "share", "pattern", "attn", "attention", "sparse", "expand", "delta", "rwkv", "lru", "kv_", "_kv", "memor", "slot", "interval",
	"period", "per_layer", "cca_", "cycle", "loop", "source_layers", "gla", "retention", "mb_per_layer", "yoco", "latent",
}

// harmlessWords are parts of key names that never do.
var harmlessWords = []string{
	"dropout", "bias", "norm", "rope", "rotary", "vision", "audio", "image", "video", "lm_head", "num_attention_heads", "output_hidden", "output_attentions", "initializer",
	"expert", "moe", "mlp", "router", "mtp", "nextn", "quant", "logit", "softcap", "scale", "scaling", "_attn_implementation", "attn_implementation", "token", "shared_intermediate",
	"query_pre_attn", "per_layer_input", "attention_probs", "gate", "auto_map", "pooling", "flash", "fused", "cache_implementation", "hidden_act", "q_lora_rank", "qk_nope_head_dim", "eps",
}

// unreadKeys lists the keys of a file that may decide what is kept and that
// were not asked for. A key that is false, null, 0 or empty decides nothing.
func unreadKeys(obj *value, read map[string]bool) []string {
	var out []string
	for i, key := range obj.names {
		v := &obj.items[i]
		empty := v.kind == kindNull || v.kind == kindBool && !v.flag || v.kind == kindNumber && v.text == "0" || v.kind == kindArray && len(v.items) == 0
		if v.class || empty || read[key] {
			continue
		}
		has := func(w string) bool { return strings.Contains(key, w) }
		if slices.ContainsFunc(stateWords, has) && !slices.ContainsFunc(harmlessWords, has) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// nearest names the described model type that fits an unknown configuration
// best: one that can read the file, leaves no key unread that may matter, uses
// the same keys, and has a similar name. reads tells whether it reads the file
// without error and whole; unread are the keys that keep it from that.
func nearest(obj *value, modelType string) (name string, reads bool, unread []string) {
	type candidate struct {
		name   string
		reads  bool
		unread []string
		score  float64
	}
	used := make([]map[string]bool, len(families()))
	all := map[string]bool{}
	readable := make([]bool, len(used))
	for i, f := range families() {
		c := &config{obj: obj, typ: modelType, read: map[string]bool{}, faults: &faults{}}
		c.perLayerConfig(f, f.layers(c))
		declaredLength(c)
		used[i], readable[i] = c.read, c.err == nil
		for k := range c.read {
			if obj.get(k) != nil {
				all[k] = true
			}
		}
	}
	var candidates []candidate
	for i, f := range families() {
		shared := 0
		for k := range used[i] {
			if all[k] {
				shared++
			}
		}
		keys := float64(shared) / float64(max(1, len(all)))
		left := unreadKeys(obj, used[i])
		for _, name := range f.types {
			alike := 1 - float64(editDistance(name, modelType))/float64(max(len(name), len(modelType), 1))
			candidates = append(candidates, candidate{name, readable[i], left, keys + alike - float64(len(left))})
		}
	}
	rank := func(c candidate) int {
		switch {
		case c.reads && len(c.unread) == 0:
			return 2
		case c.reads:
			return 1
		}
		return 0
	}
	best := slices.MaxFunc(candidates, func(a, b candidate) int { // the first of equals
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.score, b.score))
	})
	if !best.reads {
		best.unread = nil
	}
	return best.name, rank(best) == 2, best.unread
}
