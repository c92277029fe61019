package arch

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

const plainLlama = `"model_type":"llama","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":16`

// TestRefusals: whatever is wrong with a configuration is said, with the key
// and the model type, and never guessed around.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"nothing", ``, "line 1: unexpected end of file"},
		{"not an object", `[1]`, "want an object"},
		{"truncated", `{"model_type":"llama"`, "end of file where ',' or '}' belongs"},
		{"trailing", `{} {}`, "after the end"},
		{"comment", "{\n// no\n}", "line 2: found '/' where a key in quotes belongs"},
		{"bad number", `{"a":01}`, "where a value belongs"},
		{"bad literal", `{"a":nul}`, "where a value belongs"},
		{"raw newline", "{\"a\":\"b\nc\"}", "raw control character"},
		{"bad UTF-8", "{\"a\":\"\xff\"}", "not valid UTF-8"},
		{"duplicate key", `{"model_type":"llama",` + "\n" + `"num_hidden_layers":2,` + "\n" + `"num_hidden_layers":3}`, `line 3: key "num_hidden_layers" occurs twice (first on line 2)`},
		{"duplicate deep inside", `{"a":{"b":[{"c":1,"c":2}]}}`, `key "c" occurs twice`},
		{"10 MB of nesting", strings.Repeat("[", 10<<20), "nested more than 100 deep"},
		{"10 MB of nested objects", strings.Repeat(`{"a":`, 2<<20), "nested more than 100 deep"},
		{"a million values", "[" + strings.Repeat("1,", 1_000_000) + "1]", "more than 500000 values"},
		{"20 MB of spaces", strings.Repeat(" ", 20<<20), "larger than 16 MiB"},

		{"no model type", `{"num_hidden_layers":2}`, "there is no model_type"},
		{"model type of another kind", `{"model_type":7}`, "model_type is 7; want a string"},
		{"missing layers", `{"model_type":"llama","num_attention_heads":4,"hidden_size":16}`, `num_hidden_layers or n_layer or n_layers or num_layers is missing (model_type "llama")`},
		{"missing heads", `{"model_type":"llama","num_hidden_layers":4,"hidden_size":16}`, `num_attention_heads or n_head or n_heads or num_heads is missing (model_type "llama")`},
		{"missing latent", `{"model_type":"youtu_9","kv_lora_rank":null,"num_hidden_layers":4}`, `is not described`},
		{"latent given as null", `{"model_type":"deepseek_v3","num_hidden_layers":4,"kv_lora_rank":null}`, `kv_lora_rank is missing (model_type "deepseek_v3")`},
		{"negative", `{"model_type":"gpt2","n_layer":-1,"n_embd":4,"n_head":2}`, `line 1: n_layer is -1; want at least 1 (model_type "gpt2")`},
		{"zero", `{"model_type":"gpt2","n_layer":0,"n_embd":4,"n_head":2}`, "n_layer is 0; want at least 1"},
		{"fraction", `{"model_type":"gpt2","n_layer":1.5,"n_embd":4,"n_head":2}`, "n_layer is 1.5; want a whole number"},
		{"not a number", `{"model_type":"gpt2","n_layer":NaN,"n_embd":4,"n_head":2}`, "n_layer is NaN; want a whole number"},
		{"infinite", `{"model_type":"gpt2","n_layer":Infinity,"n_embd":4,"n_head":2}`, "n_layer is Infinity; want a whole number"},
		{"huge exponent", `{"model_type":"gpt2","n_layer":1e999,"n_embd":4,"n_head":2}`, "n_layer is 1e999; want a whole number"},
		{"huge size", `{"model_type":"gpt2","n_layer":1,"n_embd":1e15,"n_head":2}`, "sizes above 1073741824 are refused"},
		{"a long list", `{"model_type":"bamba","num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":2,"hidden_size":8,"mamba_n_heads":2,"mamba_d_state":2,"mamba_n_groups":1,"mamba_d_conv":4,"attn_layer_indices":[` + strings.Repeat("1,", 20_000) + `1]}`, "has 20001 entries"},
		{"a billion layers", `{"model_type":"gpt2","n_layer":1e9,"n_embd":4,"n_head":2}`, "more than 1000 are refused"},
		{"a string", `{"model_type":"gpt2","n_layer":"12","n_embd":4,"n_head":2}`, `n_layer is "12"; want a whole number`},
		{"a list", `{"model_type":"gpt2","n_layer":[12],"n_embd":4,"n_head":2}`, "n_layer is a list; want a whole number"},
		{"true", `{"model_type":"gpt2","n_layer":true,"n_embd":4,"n_head":2}`, "n_layer is true; want a whole number"},
		{"flag of another kind", `{"model_type":"qwen2","num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":4,"hidden_size":16,"use_sliding_window":1}`, "use_sliding_window is 1; want true or false"},

		{"heads do not divide", `{"model_type":"gpt2","n_layer":1,"n_embd":10,"n_head":3}`, "10 is not a multiple of 3"},
		{"more key–value heads", `{` + plainLlama + `,"num_key_value_heads":8}`, "more than the 4 query heads"},
		{"a per-layer override that is no object", `{` + plainLlama + `,"per_layer_config":{"0":7}}`, `per_layer_config["0"]: want the number of a layer`},
		{"a per-layer override that contradicts", `{` + plainLlama + `,"per_layer_config":{"0":{"num_key_value_heads":3}}}`, `per_layer_config["0"]: query heads by num_key_value_heads: 4 is not a multiple of 3`},
		{"an encoder", `{"model_type":"bert","num_hidden_layers":2}`, "an encoder reads the whole text at once"},
		{"an encoder–decoder model by its type", `{"model_type":"whisper"}`, "decoder-only"},
		{"an adapter", `{"peft_type":"LORA","base_model_name_or_path":"a/b","r":16}`, "an adapter, which keeps no state of its own: audit the model that it was trained for (a/b)"},
		{"uneven groups", `{` + plainLlama + `,"num_key_value_heads":3}`, "4 is not a multiple of 3"},
		{"two spellings disagree", `{` + plainLlama + `,"n_layer":3}`, "num_hidden_layers is 2, but n_layer is 3"},
		{"layer_types too short", `{` + plainLlama + `,"layer_types":["full_attention"]}`, "layer_types has 1 entries for 2 layers"},
		{"unknown layer type", `{` + plainLlama + `,"layer_types":["full_attention","retention"]}`, `layer 1 is of type "retention"`},
		{"layer type of another kind", `{` + plainLlama + `,"layer_types":["full_attention",null]}`, "layer_types[1] is null; want a string"},
		{"sliding without a window", `{` + plainLlama + `,"layer_types":["full_attention","sliding_attention"]}`, "sliding_window is missing"},
		{"all layers share", `{"model_type":"gemma3n_text","num_hidden_layers":5,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4,"sliding_window":4,"num_kv_shared_layers":5}`, "none is left to share from"},
		{"kimi layer twice", `{"model_type":"kimi_linear","num_hidden_layers":2,"kv_lora_rank":4,"qk_rope_head_dim":2,"linear_attn_config":{"num_heads":1,"head_dim":2,"short_conv_kernel_size":4,"full_attn_layers":[1],"kda_layers":[1,2]}}`, "named twice"},
		{"kimi layer missing", `{"model_type":"kimi_linear","num_hidden_layers":2,"kv_lora_rank":4,"qk_rope_head_dim":2,"linear_attn_config":{"num_heads":1,"head_dim":2,"short_conv_kernel_size":4,"full_attn_layers":[1],"kda_layers":[]}}`, "layer 2 is in neither"},
		{"pattern letter", `{"model_type":"nemotron_h","num_hidden_layers":2,"hybrid_override_pattern":"MX","num_key_value_heads":1,"head_dim":4,"mamba_num_heads":2,"mamba_head_dim":3,"ssm_state_size":5,"n_groups":1,"conv_kernel":4}`, "hybrid_override_pattern[1]"},
		{"a word that a family has no layer for", `{"model_type":"minimax","num_hidden_layers":1,"num_attention_heads":8,"hidden_size":16,"layer_types":["hybrid"]}`, `layer_types[0] is "hybrid"`},
		{"mamba2 contradiction", `{"model_type":"mamba2","num_hidden_layers":2,"hidden_size":8,"expand":2,"num_heads":3,"head_dim":4,"state_size":2,"n_groups":1,"conv_kernel":4}`, "num_heads × head_dim is 12, but expand × hidden_size is 16"},
		{"product does not fit", `{"model_type":"nemotron_h","num_hidden_layers":1,"hybrid_override_pattern":"M","num_key_value_heads":1,"head_dim":4,"mamba_num_heads":1073741824,"mamba_head_dim":1073741824,"ssm_state_size":1073741824,"n_groups":1,"conv_kernel":4}`, "does not fit in 63 bits"},
		{"encoder–decoder", `{"model_type":"t5","is_encoder_decoder":true}`, "decoder-only"},
		{"nested encoder–decoder", `{"model_type":"x","text_config":{"model_type":"t5","is_encoder_decoder":true}}`, "decoder-only"},
		{"text_config of another kind", `{"model_type":"llava","text_config":[]}`, "text_config is a list; want an object"},
	} {
		m, err := Parse(strings.NewReader(c.config))
		if err == nil {
			t.Errorf("%s: accepted as %+v", c.name, m)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, want %q in it", c.name, err, c.want)
		}
	}
}

func TestUnknownTypeNamesTheNearest(t *testing.T) {
	for _, c := range []struct {
		config, nearest string
		reads           bool
	}{
		{`{"model_type":"llama5","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":16}`, "llama", true},
		// The keys decide: only latent attention reads kv_lora_rank.
		{`{"model_type":"deepseek_v9","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":16,"kv_lora_rank":8,"qk_rope_head_dim":2}`, "deepseek_v3", true},
		{`{"model_type":"mamba7","num_hidden_layers":2,"hidden_size":16,"expand":2,"state_size":4,"conv_kernel":4}`, "mamba", true},
		{`{"model_type":"lamma"}`, "llama", false},
	} {
		_, err := Parse(strings.NewReader(c.config))
		var unknown *UnknownTypeError
		if !errors.As(err, &unknown) {
			t.Errorf("%s: %v", c.config, err)
			continue
		}
		if unknown.Nearest != c.nearest || unknown.Reads != c.reads {
			t.Errorf("%s: nearest %q (reads %v), want %q (%v)", c.config, unknown.Nearest, unknown.Reads, c.nearest, c.reads)
		}
		if c.reads && !strings.Contains(err.Error(), "--assume "+c.nearest) {
			t.Errorf("no cure in %q", err)
		}
	}
}

// TestNoSuggestionLeavesStateUnread: a family that would ignore a key which
// may decide what is kept is named as nearest, never suggested.
func TestNoSuggestionLeavesStateUnread(t *testing.T) {
	for _, key := range []string{`"use_cla_sharing":true`, `"attn_window_pattern":"LG"`, `"layers_block_type":["mamba","attention"]`, `"ssm_d_state":16`, `"kv_share_every":2`} {
		config := `{"model_type":"llama7","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":16,` + key + `}`
		_, err := Parse(strings.NewReader(config))
		var unknown *UnknownTypeError
		if !errors.As(err, &unknown) {
			t.Fatalf("%s: %v", config, err)
		}
		name, _, _ := strings.Cut(key, ":")
		if unknown.Reads || strings.Contains(err.Error(), "--assume") || !strings.Contains(err.Error(), strings.Trim(name, `"`)) {
			t.Errorf("%s: %v", key, err)
		}
		m, err := ParseWith(strings.NewReader(config), Options{Assume: "llama"})
		if err != nil {
			t.Fatal(err)
		}
		last := m.Warnings[len(m.Warnings)-1]
		if last.Code != "not-read" || !strings.Contains(last.Text, strings.Trim(name, `"`)) {
			t.Errorf("%s: assumed without a word: %+v", key, m.Warnings)
		}
	}
}

// TestImpossibleClassDefault: a default that the class itself could not run with
// is not taken, and that is said.
func TestImpossibleClassDefault(t *testing.T) {
	m, err := Parse(strings.NewReader(`{"model_type":"qwen2","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":16}`))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := m.State(10); err != nil || s.Total != 2*2*16*10 || m.Warnings[0].Code != "class-default-impossible" {
		t.Errorf("%+v, %v, %+v", s.Total, err, m.Warnings)
	}
}

func TestAssume(t *testing.T) {
	config := `{"model_type":"llama5","num_hidden_layers":2,"num_attention_heads":4,"hidden_size":16}`
	m, err := ParseWith(strings.NewReader(config), Options{Assume: "llama"})
	if err != nil {
		t.Fatal(err)
	}
	if m.Type != "llama5" || m.Family != "llama" || len(m.Warnings) != 1 || m.Warnings[0].Code != "assumed" {
		t.Errorf("%+v", m)
	}
	if _, err := ParseWith(strings.NewReader(config), Options{Assume: "nothing"}); err == nil {
		t.Error("assumed a family that does not exist")
	}
}

// TestPythonWords: Python writes what JSON has no word for.
func TestPythonWords(t *testing.T) {
	m, err := Parse(strings.NewReader(`{` + plainLlama + `,"time_step_limit":[0.0,Infinity],"x":-Infinity,"y":NaN}`))
	if err != nil || m.Family != "llama" {
		t.Error(err)
	}
}

func TestEscapes(t *testing.T) {
	v, err := parseJSON([]byte(`["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d"]`))
	if want := "\"\\/\b\f\n\r\té😀\ufffd"; err != nil || v.items[0].text != want {
		t.Errorf("%q, %v", v.items[0].text, err)
	}
}

// TestOverflow: at lengths where counts leave 63 bits there is an error, not a
// wrapped number.
func TestOverflow(t *testing.T) {
	m, err := Parse(strings.NewReader(`{"model_type":"gpt2","n_layer":1000,"n_embd":1073741824,"n_head":1}`))
	if err != nil {
		t.Fatal(err)
	}
	// 1,000 layers of 2·2^30: 2.1e12 per token, so 4e6 tokens fit and 1e12 do not.
	if s, err := m.State(4_000_000); err != nil || s.Total != 1000*2*(1<<30)*4_000_000 {
		t.Errorf("%+v, %v", s.Total, err)
	}
	if s, err := m.State(1e12); err == nil || s.Total != 0 {
		t.Errorf("no error: %d", s.Total)
	}
	if _, err := m.State(math.MaxInt64); err == nil {
		t.Error("no error at the largest length")
	}
	if _, err := m.State(-1); err == nil {
		t.Error("no error at a negative length")
	}
	if s, err := m.State(4_000_000); err == nil {
		if b, err := s.Bytes(BFloat16()); err == nil {
			t.Errorf("%d elements are %d bytes", s.Total, b)
		}
	}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct {
		dtype    string
		s        State
		want     int64
		overflow bool
	}{
		{"bfloat16", State{Total: 10}, 20, false},
		{"fp16", State{Total: 10, Float32: 4}, 2*6 + 4*4, false},
		{"float32", State{Total: 10, Float32: 4}, 40, false},
		{"int4", State{Total: 11}, 6, false},
		// ggml block_q4_0: 32 numbers in 18 bytes; block_q8_0: in 34.
		{"q4_0", State{Total: 64}, 36, false},
		{"q8_0", State{Total: 320}, 340, false},
		{"float32", State{Total: math.MaxInt64}, 0, true},
		{"q8_0", State{Total: math.MaxInt64}, 0, true},
		{"bfloat16", State{Total: math.MaxInt64/2 + 10, Float32: math.MaxInt64/2 + 10}, 0, true},
	} {
		d, err := ParseDType(c.dtype)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.s.Bytes(d)
		if got != c.want || (err != nil) != c.overflow {
			t.Errorf("%d elements of %s: %d, %v; want %d", c.s.Total, c.dtype, got, err, c.want)
		}
	}
	if _, err := ParseDType("float7"); err == nil || !strings.Contains(err.Error(), "bfloat16") {
		t.Error(err)
	}
}

// TestErrorsStick: a family that goes on reading after an error must not panic,
// whatever is missing. Every family gets every prefix of a configuration that
// has what it needs.
func TestErrorsStick(t *testing.T) {
	for _, f := range families() {
		for _, name := range f.types {
			for _, body := range []string{``, `,"num_hidden_layers":3`, `,"num_hidden_layers":3,"hidden_size":-4,"num_attention_heads":"x"`, `,"layer_types":["full_attention"],"num_layers":9,"n_layer":8`} {
				config := fmt.Sprintf(`{"model_type":%q%s}`, name, body)
				if m, err := Parse(strings.NewReader(config)); err == nil {
					if _, err := m.State(1000); err != nil {
						t.Errorf("%s: %v", config, err)
					}
				}
			}
		}
	}
}
