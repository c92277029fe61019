package arch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesThatGoWrong reads every file beside the checkout that was once read
// wrongly: the elements at a length, or the words of the refusal. Where the
// number is a sum, its terms are layers × elements.
func TestFilesThatGoWrong(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "cases")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no cases beside the checkout: %v", err)
	}
	cases := map[string]struct {
		L       int64
		total   int64
		refusal string
	}{
		"configs/mistral-no-sliding-window-key.json":                        {L: 65536, total: 32 * 2048 * 4095},
		"configs/vlm-text-glm4v-keys-equal-to-class-defaults-left-out.json": {L: 1024, total: 40 * 512 * 1024},
		"configs/jamba-kv-absent.json":                                      {L: 1024, total: 4*2048*1024 + 28*8192*(16+3)},
		"configs/step3p5-layer-types-48-for-45.json":                        {L: 8192, total: 12*2048*8192 + 33*2048*511},
		"configs/layer-types-longer-than-layers.json":                       {L: 8192, total: 12*1024*8192 + 33*1024*511},
		"configs/mistral-params.json":                                       {L: 8192, total: 16*2048*8192 + 16*2048*4095},
		"configs/hunyuan-large-cla.json":                                    {L: 1024, total: 32 * 2048 * 1024},
		"configs/bert-encoder-only.json":                                    {refusal: "an encoder"},
		"configs/config-with-utf8-bom.json":                                 {L: 1024, total: 32 * 2048 * 1024},
		"configs-more/Phi-4-mini-flash-reasoning.json":                      {L: 131072, total: 346_885_120},
		"configs-more/MiniMaxAI--MiniMax-M3.json":                           {L: 131072, total: 9_009_364_992},
		"configs-more/gemma4_e2b.json":                                      {L: 8192, total: 2*1024*8192 + 13*512*511},
		"configs-more/llama-per-layer-config.json":                          {L: 1024, total: (128+32)*1024 + 128*15},
		"configs-saved-by-transformers/google--gemma-4-26B-A4B.json":        {L: 131072, total: 1_446_932_480},
		"configs-saved-by-transformers/MiniMaxAI--MiniMax-M2.5.json":        {L: 131072, total: 16_642_998_272},
		"configs-saved-by-transformers/XiaomiMiMo--MiMo-V2-Flash.json":      {L: 131072, total: 1_522_629_120},
		"gguf/qwen35-recurrent-layers-array-overrides-interval.gguf":        {L: 32768, total: 11*1024*32768 + 29*(4096*128+3*8192)},
		"gguf/gemma4-swa-pattern-two-key-lengths.gguf":                      {L: 131072, total: 8*1024*131072 + 40*4096*1023},
		"gguf/only-split-keys-second-shard-00002-of-00005.gguf":             {refusal: "part 2 of 5 of a split file"},
	}
	seen := 0
	for _, folder := range []string{"configs", "configs-more", "configs-saved-by-transformers", "gguf"} {
		files, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range files {
			name := folder + "/" + entry.Name()
			want, known := cases[name]
			if !known {
				t.Errorf("%s: nothing is expected of it", name)
				continue
			}
			seen++
			f, err := os.Open(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			m, err := Parse(f)
			f.Close()
			switch {
			case want.refusal != "":
				if err == nil || !strings.Contains(err.Error(), want.refusal) {
					t.Errorf("%s: %v, want %q", name, err, want.refusal)
				}
				continue
			case err != nil:
				t.Errorf("%s: %v", name, err)
				continue
			}
			if s, err := m.State(want.L); err != nil || s.Total != want.total {
				t.Errorf("%s at L = %d: %d, want %d (%v)", name, want.L, s.Total, want.total, err)
			}
		}
	}
	if seen != len(cases) {
		t.Errorf("%d of %d cases are there", seen, len(cases))
	}
}

// TestClassDefaultsByClass: an absent key means what the class of the file
// says, a null key what the class derives.
func TestClassDefaultsByClass(t *testing.T) {
	for _, c := range []struct {
		typ, rest string
		kv        int64 // key–value heads × head size × 2, of a full layer
	}{
		// KV heads absent: 8 in Jamba and Bamba, 4 in SmolLM3, all in Llama (its
		// class leaves them open). 16 query heads of hidden size 64.
		{"bamba", `"attn_layer_indices":[0],"mamba_n_heads":16,"mamba_d_head":8`, 2 * 8 * 4},
		{"smollm3", ``, 2 * 4 * 4},
		{"minimax", `"layer_types":["full_attention"],"head_dim":4`, 2 * 8 * 4},
		{"llama", ``, 2 * 16 * 4},
		{"mixtral", ``, 2 * 8 * 4},
		{"mixtral", `"num_key_value_heads":null`, 2 * 16 * 4},
		// Head sizes that are not hidden size / heads (Qwen3Config, GemmaConfig).
		{"qwen3", `"num_key_value_heads":2`, 2 * 2 * 128},
		{"gemma", `"num_key_value_heads":2`, 2 * 2 * 256},
		{"gpt_oss", `"num_key_value_heads":2,"layer_types":["full_attention"]`, 2 * 2 * 64},
	} {
		config := `{"model_type":"` + c.typ + `","num_hidden_layers":1,"num_attention_heads":16,"hidden_size":64`
		if c.rest != "" {
			config += "," + c.rest
		}
		m, err := Parse(strings.NewReader(config + "}"))
		if err != nil {
			t.Errorf("%s: %v", config, err)
			continue
		}
		if s, err := m.State(10); err != nil || s.Elements.KV != c.kv*10 {
			t.Errorf("%s: %d, want %d (%v)", config, s.Elements.KV, c.kv*10, err)
		}
	}
}

// TestClassDefaultsTable: every line of the table is read.
func TestClassDefaultsTable(t *testing.T) {
	d := classDefaults()
	if len(d.values) < 150 || len(d.inner) < 80 {
		t.Errorf("%d types, %d nested ones", len(d.values), len(d.inner))
	}
	for typ, row := range d.values {
		for key, number := range row {
			if number == "" || strings.Trim(number, "0123456789.") != "" {
				t.Errorf("%s: %s=%q", typ, key, number)
			}
		}
	}
}
