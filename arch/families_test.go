package arch

import (
	"strings"
	"testing"
)

// TestSmallConfigurations checks descriptions by configurations small enough to
// count by hand. at is L = 10.
func TestSmallConfigurations(t *testing.T) {
	for _, c := range []struct {
		name, config string
		want         Elements // after 10 tokens
	}{
		{"l2m-lab: attention of 2·8, window 5 with a sink (4 + 1 past), 2 matrices of 4 × 4, 3·8 channels of 2 past columns, 16 channels of state 3",
			`{"model_type":"l2m-lab","hidden_size":8,"num_attention_heads":2,"num_hidden_layers":7,"sliding_window":5,"attention_sinks":1,"state_size":3,"conv_kernel":3,
			"layer_types":["full_attention","sliding_attention","linear_attention","gated_delta","mamba","mamba2","short_conv"]}`,
			Elements{KV: 2 * 8 * 10, Window: 2 * 8 * 5, Recurrent: 2*16 + 2*16 + 16*3 + 16*3, Conv: 2 * (3*8 + 16 + 16 + 2*3 + 8)}},
		{"l2m-lab-learned: attention of 2·8",
			`{"model_type":"l2m-lab-learned","hidden_size":8,"num_attention_heads":2,"num_hidden_layers":1,"max_position_embeddings":16,"layer_types":["full_attention"]}`,
			Elements{KV: 2 * 8 * 10}},
		{"l2m-lab-learned: power-law memory: 2 tokens of a chunk of 4, and ⌈1.5·√8⌉ = 5 slots",
			`{"model_type":"l2m-lab-learned","hidden_size":8,"num_attention_heads":2,"num_hidden_layers":1,"max_position_embeddings":16,"layer_types":["power_law_memory"],
			"memory_chunk":4,"memory_scale":1.5,"memory_exponent":0.5}`,
			Elements{KV: 2 * 8 * (2 + 5)}},
		{"l2m-lab-learned: 2 matrices of 4 × 4, and as many for each of the bits of 10 = 8 + 2",
			`{"model_type":"l2m-lab-learned","hidden_size":8,"num_attention_heads":2,"num_hidden_layers":2,"max_position_embeddings":16,
			"layer_types":["gated_linear_attention","log_linear_attention"]}`,
			Elements{Recurrent: 2*16 + 2*2*16}},
		{"gpt_neo: one global and one local layer of 2·2·4, window 5 (4 past)",
			`{"model_type":"gpt_neo","num_layers":2,"num_heads":2,"hidden_size":8,"attention_types":[[["global","local"],1]],"window_size":5}`,
			Elements{KV: 2 * 8 * 10, Window: 2 * 8 * 4}},
		{"gpt_bigcode without multi_query",
			`{"model_type":"gpt_bigcode","n_layer":1,"n_head":2,"n_embd":8,"multi_query":false}`, Elements{KV: 2 * 8 * 10}},
		{"gpt_bigcode: one head of 4",
			`{"model_type":"gpt_bigcode","n_layer":1,"n_head":2,"n_embd":8,"multi_query":true}`, Elements{KV: 2 * 4 * 10}},
		{"mpt with multiquery attention",
			`{"model_type":"mpt","n_layers":3,"n_heads":2,"d_model":8,"attn_config":{"attn_type":"multiquery_attention"}}`, Elements{KV: 3 * 2 * 4 * 10}},
		{"dbrx: attn_config.kv_n_heads",
			`{"model_type":"dbrx","n_layers":3,"n_heads":4,"d_model":16,"attn_config":{"kv_n_heads":2}}`, Elements{KV: 3 * 2 * 2 * 4 * 10}},
		{"falcon, new architecture without num_kv_heads: all heads",
			`{"model_type":"falcon","num_hidden_layers":1,"num_attention_heads":4,"hidden_size":16,"new_decoder_architecture":true}`, Elements{KV: 2 * 16 * 10}},
		{"chatglm without grouped heads",
			`{"model_type":"chatglm","num_layers":2,"num_attention_heads":3,"kv_channels":4,"multi_query_attention":false}`, Elements{KV: 2 * 2 * 3 * 4 * 10}},
		{"qwen: heads × kv_channels, not hidden_size",
			`{"model_type":"qwen","num_hidden_layers":1,"num_attention_heads":2,"kv_channels":3,"hidden_size":99}`, Elements{KV: 2 * 6 * 10}},
		{"qwen2 that slides from layer 1 on",
			`{"model_type":"qwen2","num_hidden_layers":3,"num_attention_heads":2,"num_key_value_heads":2,"hidden_size":8,"use_sliding_window":true,"sliding_window":4,"max_window_layers":1}`,
			Elements{KV: 16 * 10, Window: 2 * 16 * 3}},
		{"deci: heads per layer",
			`{"model_type":"deci","num_hidden_layers":3,"num_attention_heads":4,"hidden_size":16,"num_key_value_heads_per_layer":[4,2,1]}`, Elements{KV: 2 * 4 * 7 * 10}},
		{"nemotron-nas: full, none, window of 4 (3 past)",
			`{"model_type":"nemotron-nas","num_hidden_layers":3,"num_attention_heads":4,"hidden_size":16,"num_key_value_heads":null,"block_configs":[
			 {"attention":{"n_heads_in_group":2,"no_op":false}},{"attention":{"no_op":true}},{"attention":{"n_heads_in_group":4,"window_length":4}}]}`,
			Elements{KV: 2 * 2 * 4 * 10, Window: 2 * 4 * 3}},
		{"mimo: values narrower than keys",
			`{"model_type":"mimo_v2_flash","num_hidden_layers":2,"num_key_value_heads":1,"head_dim":6,"v_head_dim":4,"swa_num_key_value_heads":2,"swa_head_dim":6,"swa_v_head_dim":4,"sliding_window":5,"hybrid_layer_pattern":[0,1]}`,
			Elements{KV: 10 * 10, Window: 20 * 4}},
		{"gemma4: two of three layers, the last shares",
			`{"model_type":"gemma4_text","num_hidden_layers":3,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":4,"global_head_dim":8,"num_global_key_value_heads":1,"attention_k_eq_v":true,"num_kv_shared_layers":1,"sliding_window":4,"layer_types":["full_attention","sliding_attention","full_attention"]}`,
			Elements{KV: 2 * 8 * 10, Window: 2 * 2 * 4 * 3}},
		{"llama4: no_rope_layers 0 is full",
			`{"model_type":"llama4_text","num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":2,"head_dim":4,"hidden_size":8,"no_rope_layers":[1,0],"attention_chunk_size":4}`,
			Elements{KV: 16 * 10, Window: 16 * 3}},
		{"mllama: layer 1 reads images",
			`{"model_type":"mllama_text_model","num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":2,"hidden_size":8,"cross_attention_layers":[1]}`, Elements{KV: 16 * 10}},
		{"ministral3: full",
			`{"model_type":"ministral3","num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":5}`, Elements{KV: 2 * 2 * 5 * 10}},
		{"longcat: two latents in a layer",
			`{"model_type":"longcat_flash","num_layers":2,"kv_lora_rank":6,"qk_rope_head_dim":2}`, Elements{Latent: 4 * 8 * 10}},
		{"glm_moe_dsa: the second layer shares its indexer",
			`{"model_type":"glm_moe_dsa","num_hidden_layers":2,"kv_lora_rank":6,"qk_rope_head_dim":2,"index_head_dim":3,"indexer_types":["full","shared"]}`,
			Elements{Latent: 2 * 8 * 10, Other: 3 * 10}},
		// One layer each of ratio 0, 4 and 128; heads of 8, index keys of 2, window 6
		// (5 past). Ratio 4 after 10 tokens: 2 blocks, 2 waiting tokens of 4·(8+2),
		// the inputs of the previous block 4·2·(8+2), 2 index keys. Ratio 128: none
		// full, 10 waiting tokens of 2·8.
		{"deepseek_v4", `{"model_type":"deepseek_v4","num_hidden_layers":3,"head_dim":8,"index_head_dim":2,"sliding_window":6,"num_key_value_heads":1,"compress_ratios":[0,4,128,0]}`,
			Elements{KV: 2 * 8, Window: 3 * 5 * 8, Other: 2*2 + 4*2*10 + 2*40 + 10*16}},
		{"hgrn2: hidden × expand_ratio",
			`{"model_type":"hgrn2","num_hidden_layers":2,"hidden_size":256,"expand_ratio":128}`, Elements{Recurrent: 2 * 256 * 128}},
		{"gla with two layers of attention, one of them windowed by attn.window_size",
			`{"model_type":"gla","num_hidden_layers":3,"hidden_size":8,"num_heads":2,"attn":{"layers":[1],"num_heads":2,"num_kv_heads":1,"window_size":4}}`,
			Elements{Recurrent: 2 * 2 * 2 * 4, Window: 2 * 4 * 3}},
		{"rwkv7 with a value width per layer",
			`{"model_type":"rwkv7","num_hidden_layers":2,"hidden_size":8,"head_dim":4,"value_dim":[8,16]}`, Elements{Recurrent: 2*4*4 + 2*4*8, Conv: 2 * 2 * 8}},
		{"nemotron_h in the spelling of layers_block_type",
			`{"model_type":"nemotron_h","layers_block_type":["mamba","moe","attention"],"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4,"mamba_num_heads":2,"mamba_head_dim":3,"ssm_state_size":5,"n_groups":1,"conv_kernel":4}`,
			Elements{KV: 8 * 10, Recurrent: 2 * 3 * 5, Conv: 3 * (6 + 10)}},
		{"nemotron_flash: attention of 2·4 beside 3 memory tokens; 4 heads of 4 × 5 through 3 columns of 16 + 2·5; 2 matrices of 4 × 4 through 3 columns of 3·8",
			`{"model_type":"nemotron_flash","num_hidden_layers":5,"layer_types":["deltanet","f","m2","f","a"],"hidden_size":8,"num_attention_heads":2,"num_key_value_heads":1,
			"kq_head_dim":-1,"v_head_dim":-1,"num_memory_tokens":3,"mamba2_headdim":4,"mamba_d_state":5,"d_conv":4,"mamba_expand":2,"sliding_window":null}`,
			Elements{KV: 8*10 + 3*8, Recurrent: 16*5 + 2*4*4, Conv: 3*26 + 3*24}},
		{"bailing_moe: ordinary attention",
			`{"model_type":"bailing_moe","num_hidden_layers":2,"hidden_size":8,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4}`, Elements{KV: 2 * 8 * 10}},
		{"gsa: 2 heads of 3 slots × (4 + 4)",
			`{"model_type":"gsa","num_hidden_layers":2,"hidden_size":8,"num_heads":2,"num_slots":3}`, Elements{Recurrent: 2 * 2 * 3 * 8}},
		{"abc: keys half as wide; null slots are as many as a key is wide",
			`{"model_type":"abc","num_hidden_layers":1,"hidden_size":8,"num_heads":2,"num_slots":null}`, Elements{Recurrent: 2 * 2 * (2 + 4)}},
		{"gated_deltaproduct: 2 keys and values a token pass through the convolutions",
			`{"model_type":"gated_deltaproduct","num_hidden_layers":1,"hidden_size":8,"num_heads":2,"head_dim":3,"num_householder":2}`,
			Elements{Recurrent: 2 * 3 * 6, Conv: 3 * (6 + 2*(6+12))}},
		{"mesa_net: two matrices in a head",
			`{"model_type":"mesa_net","num_hidden_layers":1,"hidden_size":8,"num_heads":2,"head_dim":3}`, Elements{Recurrent: 2 * 2 * 9, Conv: 3 * 12}},
		{"mom: two memories and a shared one",
			`{"model_type":"mom","num_hidden_layers":1,"hidden_size":8,"num_heads":2,"head_dim":3,"num_memories":2}`, Elements{Recurrent: 3 * 2 * 9, Conv: 3 * 3 * 18}},
		{"hgrn", `{"model_type":"hgrn","num_hidden_layers":2,"hidden_size":8,"expand_ratio":2}`, Elements{Recurrent: 2 * 16}},
		{"lightnet: with normalisers",
			`{"model_type":"lightnet","num_hidden_layers":1,"hidden_size":8,"expand_ratio":4}`, Elements{Recurrent: 2*4*4 + 2*4}},
		{"forgetting_transformer: a gate for each head and token",
			`{"model_type":"forgetting_transformer","num_hidden_layers":1,"hidden_size":8,"num_heads":2}`, Elements{KV: 16 * 10, Other: 2 * 10}},
		{"rodimus: memory, and a window of 5 (4 past) with one key of 4",
			`{"model_type":"rodimus","num_hidden_layers":1,"hidden_size":8,"expand_ratio":3,"ska_attn":{"num_heads":2,"window_size":5}}`,
			Elements{Recurrent: 16 * 3, Conv: 3 * 16, Window: 4 * (4 + 8)}},
		{"mamba3: state, angles, last key and value",
			`{"model_type":"mamba3","num_hidden_layers":1,"hidden_size":8,"head_dim":4,"state_size":8}`, Elements{Recurrent: 4*4*8 + 4*2 + 4*8 + 4*4}},
		{"log_linear_mamba2: 4 live states after 10 tokens",
			`{"model_type":"log_linear_mamba2","num_hidden_layers":1,"hidden_size":8,"expand":2,"num_heads":4,"head_dim":4,"state_size":2,"n_groups":1,"conv_kernel":4}`,
			Elements{Recurrent: 4 * 4 * 4 * 2, Conv: 3 * (16 + 4)}},
		{"samba: Mamba and a window in turn",
			`{"model_type":"samba","num_hidden_layers":2,"hidden_size":8,"attn":{"layers":[1],"num_heads":2,"num_kv_heads":1,"window_size":4}}`,
			Elements{Recurrent: 16 * 16, Conv: 3 * 16, Window: 3 * 8}},
		{"phi4flash: Mamba, window, Mamba, window | Mamba, full, nothing, nothing",
			`{"model_type":"phi4flash","num_hidden_layers":8,"num_attention_heads":2,"num_key_value_heads":1,"hidden_size":8,"sliding_window":4,"mb_per_layer":2}`,
			Elements{KV: 8 * 10, Window: 2 * 8 * 3, Recurrent: 3 * 16 * 16, Conv: 3 * 3 * 16}},
		{"hunyuan: every second layer uses the cache before it",
			`{"model_type":"hunyuan","num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,"attention_head_dim":3,"hidden_size":8,"use_cla":true,"cla_share_factor":2}`,
			Elements{KV: 2 * 2 * 2 * 3 * 10}},
		{"step3p5: sliding layers have heads of their own; the last type predicts a further token",
			`{"model_type":"step3p5","num_hidden_layers":2,"num_attention_heads":4,"num_attention_groups":2,"head_dim":3,"hidden_size":8,"sliding_window":4,"layer_types":["full_attention","sliding_attention","sliding_attention"],"attention_other_setting":{"attention_type":"sliding_attention","num_attention_heads":6,"num_attention_groups":1,"head_dim":3}}`,
			Elements{KV: 12 * 10, Window: 6 * 3}},
		{"params.json: windows in turn",
			`{"dim":8,"n_layers":3,"head_dim":4,"n_heads":2,"n_kv_heads":1,"sliding_window":[4,null]}`, Elements{KV: 8 * 10, Window: 2 * 8 * 3}},
		{"minimax_m3: an index key in the sparse layer",
			`{"model_type":"minimax_m3","num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4,"sparse_attention_config":{"use_sparse_attention":true,"sparse_attention_freq":[0,1],"sparse_index_dim":3}}`,
			Elements{KV: 2 * 8 * 10, Other: 3 * 10}},
		{"granite_swa without layer_types: full, then three windows",
			`{"model_type":"granite_swa","num_hidden_layers":5,"num_attention_heads":2,"num_key_value_heads":1,"hidden_size":8,"sliding_window":4}`, Elements{KV: 2 * 8 * 10, Window: 3 * 8 * 3}},
		{"inkling: a full and a sliding layer with heads of its own, convolutions over keys, values and two hidden states",
			`{"model_type":"inkling2_text","num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4,"hidden_size":8,"conv_kernel_size":3,"sliding_window_size":4,"swa_num_key_value_heads":2,"swa_head_dim":3,"layer_types":["hybrid","hybrid_sliding"]}`,
			Elements{KV: 8 * 10, Window: 12 * 3, Conv: 2 * (8 + 16 + 12 + 16)}},
		{"bailing_hybrid: Kimi delta attention, a latent in every third layer and in the group that is cut short",
			`{"model_type":"bailing_hybrid","num_hidden_layers":4,"num_attention_heads":2,"hidden_size":8,"head_dim":4,"kv_lora_rank":6,"qk_rope_head_dim":2,"short_conv_kernel_size":4,"layer_group_size":3}`,
			Elements{Latent: 2 * 8 * 10, Recurrent: 2 * 2 * 16, Conv: 2 * 3 * 24}},
		{"axk2: latents with index keys, full, sliding",
			`{"model_type":"axk2","num_hidden_layers":3,"kv_lora_rank":6,"qk_rope_head_dim":2,"index_head_dim":3,"sliding_window":4,"layer_types":["indexed_attention","full_attention","sliding_attention"]}`,
			Elements{Latent: 2 * 8 * 10, Window: 8 * 3, Other: 3 * 10}},
		{"mistral_large4_text: no rotary key in the second layer, the third reads the first",
			`{"model_type":"mistral_large4_text","num_hidden_layers":3,"kv_lora_rank":6,"qk_rope_head_dim":2,"index_head_dim":3,"no_rope_layers":[1,0,1],"kv_source_layers":[0,1,0]}`,
			Elements{Latent: (8 + 6) * 10, Other: 2 * 3 * 10}},
		{"jetmoe: kv_channels", `{"model_type":"jetmoe","num_hidden_layers":1,"num_key_value_heads":2,"kv_channels":3}`, Elements{KV: 12 * 10}},
		{"plamo2: Mamba, full, Mamba, window",
			`{"model_type":"plamo2","num_hidden_layers":4,"num_attention_heads":2,"num_key_value_heads":1,"hidden_size":8,"hidden_size_per_head":4,"mamba_num_heads":2,"mamba_d_state":3,"mamba_d_conv":4,"mamba_step":2,"attention_window_size":4,"full_attention_idx":[1]}`,
			Elements{KV: 8 * 10, Window: 8 * 3, Recurrent: 2 * 8 * 3, Conv: 2 * 3 * 8}},
		{"olmo_hybrid: sizes that are null follow from the heads",
			`{"model_type":"olmo_hybrid","num_hidden_layers":4,"num_attention_heads":2,"num_key_value_heads":null,"hidden_size":16,"linear_num_key_heads":null,"linear_key_head_dim":null}`,
			Elements{KV: 32 * 10, Recurrent: 3 * 2 * 6 * 12, Conv: 3 * 3 * (2*12 + 24)}},
		{"deepseek_v4 as Transformers saves it", `{"model_type":"deepseek_v4","num_hidden_layers":2,"head_dim":8,"index_head_dim":2,"sliding_window":6,"num_key_value_heads":1,"compress_rates":{"compressed_sparse_attention":4,"heavily_compressed_attention":128},"layer_types":["compressed_sparse_attention","heavily_compressed_attention"]}`,
			Elements{KV: 2 * 8, Window: 2 * 5 * 8, Other: 2*2 + 4*2*10 + 2*40 + 10*16}},
		{"per_layer_config: fewer heads, a window, no attention",
			`{"model_type":"llama","num_hidden_layers":4,"num_attention_heads":2,"hidden_size":8,"per_layer_config":{"01":{"num_key_value_heads":1},"2":{"sliding_window":4},"3":{"skip":["self_attn"]},"9":{"head_dim":77}}}`,
			Elements{KV: (16 + 8) * 10, Window: 16 * 3}},
		{"a window for each layer",
			`{"model_type":"mistral","num_hidden_layers":3,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":4,"hidden_size":8,"sliding_window":[4,null,-1]}`, Elements{KV: 2 * 8 * 10, Window: 8 * 3}},
		{"a class default in text_config: MistralConfig has 8 key–value heads",
			`{"model_type":"mistral3","text_config":{"model_type":"mistral","num_hidden_layers":1,"head_dim":4,"sliding_window":null}}`, Elements{KV: 2 * 8 * 4 * 10}},
		{"null equals absent", `{"model_type":"llama","num_hidden_layers":1,"num_attention_heads":2,"hidden_size":8,"num_key_value_heads":null,"head_dim":null,"sliding_window":null}`,
			Elements{KV: 16 * 10}},
		{"whole numbers may be written as floats", `{"model_type":"llama","num_hidden_layers":1.0,"num_attention_heads":2e0,"hidden_size":8}`, Elements{KV: 16 * 10}},
	} {
		m, err := Parse(strings.NewReader(c.config))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		s, err := m.State(10)
		if err != nil || s.Elements != c.want {
			t.Errorf("%s: %+v, want %+v (%v)", c.name, s.Elements, c.want, err)
		}
	}
}

// TestTypesAreDescribedOnce: a model type in two families would be read by
// whichever comes first.
func TestTypesAreDescribedOnce(t *testing.T) {
	names := Families()
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			t.Errorf("%s is described twice", names[i])
		}
	}
	for _, f := range families() {
		if f.reference == "" || f.layers == nil || len(f.types) == 0 {
			t.Errorf("family %v is incomplete", f.types)
		}
	}
}

// TestChunkedPeak: a chunk holds at most size − 1 past tokens (Llama 4 attends
// to its own position too).
func TestChunkedPeak(t *testing.T) {
	m, err := Parse(strings.NewReader(`{"model_type":"llama4_text","num_hidden_layers":1,"num_attention_heads":1,"num_key_value_heads":1,"head_dim":2,"hidden_size":2,"no_rope_layers":[1],"attention_chunk_size":4}`))
	if err != nil {
		t.Fatal(err)
	}
	for L, want := range map[int64]int64{0: 0, 1: 4, 3: 12, 4: 12, 1000: 12} {
		if s, err := m.State(L); err != nil || s.Total != want {
			t.Errorf("L = %d: %d, want %d (%v)", L, s.Total, want, err)
		}
	}
}
