"""Sizes of the tiny models: small numbers for the keys of the configurations."""

# Read both ways, encoder–decoder, or without text: not what l2m audits.
NOT_CAUSAL = {"blt", "reformer", "xlnet", "xlm", "blip_text_model", "fuyu", "git", "pi0", "udop", "kosmos-2", "florence2"}

# Values for keys that a configuration class has; a class that leaves a key open
# (None) keeps it open, unless it is named in ALWAYS.
SMALL = {
    "vocab_size": 100, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 8, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096, "sliding_window": 17,
    "n_layer": 8, "n_layers": 8, "num_layers": 8, "n_head": 4, "n_heads": 4, "num_heads": 4, "n_embd": 64, "d_model": 64, "n_positions": 4096,
    "attention_chunk_size": 17, "attention_window_size": 17, "window_size": 17,
    "num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
    "n_group": 1, "topk_group": 1, "shared_expert_intermediate_size": 32, "moe_shared_expert_intermediate_size": 32,
    "kv_lora_rank": 24, "q_lora_rank": 24, "qk_rope_head_dim": 8, "qk_nope_head_dim": 16, "v_head_dim": 16,
    "index_head_dim": 16, "index_n_heads": 2, "index_topk": 32,
    "state_size": 8, "mamba_d_state": 8, "ssm_state_size": 8, "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_n_groups": 1, "mamba_num_heads": 8,
    "mamba_head_dim": 16, "n_groups": 2, "time_step_rank": 4, "mamba_dt_rank": 4, "mamba_expand": 2, "chunk_size": 16, "mamba_chunk_size": 16,
    "linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "word_embed_proj_dim": 64, "ffn_dim": 96, "attention_heads": 4, "decoder_layers": 4,
    "decoder_attention_heads": 4, "decoder_ffn_dim": 96, "lru_width": 64, "rotary_dim": 8, "conv_dim": 64, "block_ff_dim": 96,
}

ALWAYS = {"vocab_size", "pad_token_id", "bos_token_id", "eos_token_id"}

# Types that need other values than their class and SMALL give together.
SMALL_MROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}}
MROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]}}
OWN = {
    "bamba": {"attn_layer_indices": [2, 5]},
    "granitemoehybrid": {"layer_types": ["mamba", "mamba", "attention", "mamba"] * 2},
    "gemma3n_text": {"num_hidden_layers": 15, "num_kv_shared_layers": 5},
    "gpt_neo": {"attention_types": [[["global", "local"], 4]]},
    "hunyuan_v1_dense": {"head_dim": 16}, "hunyuan_v1_moe": {"head_dim": 16}, "hunyuan_vl_text": {"head_dim": 16},
    "ministral": {"head_dim": 16}, "nemotron": {"head_dim": 16},
    "glm4v_text": MROPE, "qwen2_vl_text": MROPE, "qwen2_5_vl_text": MROPE, "qwen2_5_omni_text": MROPE,
    "deepseek_v2": {"topk_group": 1, "n_group": 1, "topk_method": "greedy"},
    "zamba": {"num_hidden_layers": 12},
    "zamba2": {"num_hidden_layers": 8, "layers_block_type": ["mamba", "mamba", "hybrid", "mamba"] * 2, "mamba_headdim": 16, "n_mamba_heads": 8, "mamba_ngroups": 1},
    "mamba2": {"num_heads": 8, "head_dim": 16, "n_groups": 1},
    "falcon_h1": {"mamba_d_ssm": 128, "mamba_n_heads": 8, "mamba_d_head": 16},
    "glm4v_moe_text": SMALL_MROPE, "glm_ocr_text": SMALL_MROPE, "paddleocr_vl_text": MROPE, "hunyuan_vl_text": {"head_dim": 16, **MROPE},
    "nemotron": {"num_key_value_heads": 2, "head_dim": 16},
    "step3p5": {"layer_types": ["full_attention", "sliding_attention", "sliding_attention", "sliding_attention"] * 2, "sliding_window": 17},
    "mllama_text_model": {"cross_attention_layers": [3]},
    "zaya": {"num_experts_per_tok": 1},
    "deepseek_v4": {"num_key_value_heads": 1},
}
