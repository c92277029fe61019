#!/usr/bin/env python3
"""Writes arch/class_defaults.txt: what the configuration classes of Transformers
fill in for keys that a file leaves out, for the keys that decide the history
state.

    /tmp/caches/bin/python bench/caches/defaults.py > arch/class_defaults.txt
"""

import dataclasses

import transformers
from transformers.models.auto import modeling_auto as auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

import sizes

KEYS = """num_hidden_layers n_layer n_layers num_layers num_attention_heads n_head n_heads num_heads
hidden_size n_embd d_model num_key_value_heads num_kv_heads num_attention_groups head_dim kv_channels attention_head_dim v_head_dim
sliding_window window_size attention_window_size attention_chunk_size num_kv_shared_layers
kv_lora_rank qk_rope_head_dim index_head_dim
mamba_d_state mamba_d_conv mamba_expand mamba_n_heads mamba_n_groups mamba_num_heads mamba_head_dim ssm_state_size n_groups
conv_kernel state_size expand mamba_ngroups n_mamba_heads attn_layer_period attn_layer_offset conv_L_cache conv1d_width
linear_conv_kernel_dim linear_key_head_dim linear_value_head_dim linear_num_key_heads linear_num_value_heads
short_conv_kernel_size swa_num_key_value_heads swa_head_dim swa_v_head_dim""".split()


def defaults(cls):
    """Defaults of the fields, before the class derives others from them."""
    out = {}
    for f in dataclasses.fields(cls):
        if f.name in KEYS and type(f.default) in (int, float):
            out[f.name] = int(f.default) if f.default == int(f.default) else f.default
    return out


def main():
    print(f"# Defaults of the configuration classes of Transformers {transformers.__version__}, written by bench/caches/defaults.py.")
    print("# model_type key=value …; OUTER > INNER is the model_type of a text_config that names none.")
    inner, rows = {}, {}
    causal = set(auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    images = set(auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES) | set(auto.MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES)
    for name in sorted(causal | images):
        try:
            cls = CONFIG_MAPPING[name]
            probe = cls()
            text = probe.get_text_config(decoder=True)
        except Exception:
            continue
        if getattr(probe, "is_encoder_decoder", False) or hasattr(text, "is_decoder") and not text.is_decoder:
            continue
        if text is not probe:
            inner[name], name, cls = text.model_type, text.model_type, type(text)
        found = defaults(cls)
        if found and name:
            rows[name] = found
    for name in sorted(rows):
        print(name, *(f"{k}={v}" for k, v in sorted(rows[name].items())))
    for name in sorted(inner):
        if inner[name]:
            print(name, ">", inner[name])


if __name__ == "__main__":
    main()
