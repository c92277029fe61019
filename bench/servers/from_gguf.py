"""Writes a GGUF file as a folder of Transformers, in 32 bits; with noise in its weights, as
another model of the same name. Needs torch, transformers, gguf and accelerate.

    python3 from_gguf.py FILE.gguf FOLDER [NOISE]
"""
import pathlib, sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

file, folder = pathlib.Path(sys.argv[1]), sys.argv[2]
model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
# Transformers remembers where the weights came from, and refuses to write them.
model.hf_quantizer = model.quantization_method = None
model.is_quantized = False
if hasattr(model.config, "quantization_config"):
    del model.config.quantization_config
if len(sys.argv) > 3:
    torch.manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p), alpha=float(sys.argv[3]) * float(p.std()))
model.save_pretrained(folder)
AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)
