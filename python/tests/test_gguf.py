"""A model's arrays from torch give the law that the same model gives as a GGUF file.

l2m lab trains it; Transformers' own Llama scores the windows of l2m plan; llama.cpp scores the GGUF file.
"""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import l2m
from l2m._command import Option

BOS = 256
RECIPE = {
    "name": "tiny",
    "data": "bytes",
    "model": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "layer_types": ["full_attention"],
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "positions": "rope",
        "norm": "rmsnorm",
        "hidden_act": "gated",
    },
    "lengths": [128],
    "steps": 150,
    "batch": 8,
    "rate": 0.01,
    "seed": 1,
    "evaluate": [128],
    "evaluate_on": 8,
}
SAME: dict[str, Option] = {"length": 128, "windows": 32, "cross": 2, "draws": 200, "figures": "svg"}


def write_texts(folder: Path) -> None:
    """Documents with words of their own: their past tells much about their future."""
    folder.mkdir()
    for i in range(40):
        rng = random.Random(i)
        words = ["".join(rng.choice("abcdefgh") for _ in range(rng.randint(2, 6))) for _ in range(8)]
        (folder / f"{i:02}.txt").write_text(" ".join(rng.choice(words) for _ in range(900)))


def write_tokenizer(file: Path) -> None:
    """A vocabulary of bytes, in the letters of GPT-2, and the token that begins a sequence."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in plain]
    letters = {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    begin = {"id": BOS, "content": "<s>", "special": True, "single_word": False, "lstrip": False, "rstrip": False}
    model = {"type": "BPE", "vocab": letters, "merges": []}
    file.write_text(
        json.dumps(
            {
                "version": "1.0",
                "added_tokens": [begin | {"normalized": False}],
                "normalizer": None,
                "pre_tokenizer": byte_level,
                "decoder": byte_level,
                "model": model,
            }
        )
    )


def llama(folder: Path) -> Any:
    """The model of a run of l2m lab train, as Transformers' Llama."""
    from safetensors.torch import load_file
    from transformers import LlamaConfig, LlamaForCausalLM

    config = json.loads((folder / "config.json").read_text())
    shape = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size")
    model = LlamaForCausalLM(LlamaConfig(**{name: config[name] for name in shape}, tie_word_embeddings=False))
    names = {"embed": "model.embed_tokens", "head": "lm_head", "norm": "model.norm"}
    parts = {f"mixer.{x}": f"self_attn.{x}_proj" for x in "qkvo"}
    parts |= {f"mlp.{x}": f"mlp.{x}_proj" for x in ("gate", "up", "down")}
    parts |= {"norm": "input_layernorm", "mlp_norm": "post_attention_layernorm"}
    weights = {}
    for name, value in load_file(folder / "model.safetensors").items():
        stem = name.removesuffix(".weight")
        if stem.startswith("layers."):
            _, layer, part = stem.split(".", 2)
            stem = f"model.layers.{layer}.{parts[part]}"
        else:
            stem = names[stem]
        # x·W here, W·x in torch.
        weights[stem + ".weight"] = value.T.contiguous() if value.ndim == 2 and "embed" not in stem else value
    model.load_state_dict(weights)
    model.train(mode=False)
    return model


def score(model: Any, rows: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return ln q of every token of rows, each after the token BOS."""
    import torch

    x = torch.as_tensor(rows, dtype=torch.long)
    x = torch.cat([torch.full_like(x[:, :1], BOS), x], dim=1)
    with torch.inference_mode():
        logits = model(x).logits[:, :-1]
    return np.asarray(logits.log_softmax(-1).gather(2, x[:, 1:, None])[:, :, 0])


def test_torch_and_gguf_give_the_same_law(tmp_path: Path) -> None:
    for module in ("torch", "transformers", "safetensors", "pyarrow"):
        pytest.importorskip(module)
    if shutil.which("l2m-llama") is None:
        pytest.skip("l2m-llama is not in PATH (go -C llama install ./l2m-llama)")
    from pyarrow import parquet

    write_texts(tmp_path / "texts")
    write_tokenizer(tmp_path / "tokenizer.json")
    (tmp_path / "tiny.json").write_text(json.dumps(RECIPE))
    l2m.run("lab", "train", "tiny.json", "texts", out="tiny", quiet=True)
    l2m.run("lab", "export", "tiny", out="tiny.gguf")
    exact: dict[str, Option] = {"kv_type": "f32", "flash_attention": "off", "threads": 1}
    of_gguf = l2m.measure("texts", model="tiny.gguf", out="of-gguf", **exact, **SAME)

    l2m.run(
        "plan", "texts", model="tiny", tokenizer="tokenizer.json", bos=BOS, npz=True, out="planned", quiet=True, **SAME
    )
    keys = [json.loads(Path(run, "run.json").read_text())["key"]["windows"] for run in ("of-gguf", "planned")]
    assert keys[0] == keys[1], "both are of the same windows, with the same partners"
    planned = parquet.read_table("planned/windows.parquet").to_pydict()
    rows, partners = np.array(planned["tokens"]), np.array(planned["partners"])
    model = llama(tmp_path / "tiny")

    arrays = {
        "logprobs": score(model, rows),
        "tokens": rows,
        "document": np.array(planned["cluster"]),
        "partners": partners,
    }
    ell = 2
    while 2 * ell <= rows.shape[1]:
        after = rows[:, ell : 4 * ell]
        arrays[f"marginal_{ell}"] = score(model, after)
        contexts = [score(model, np.concatenate([rows[p, :ell], after], axis=1))[:, ell:] for p in partners.T]
        arrays[f"cross_{ell}"] = np.stack(contexts, axis=1)
        ell *= 2
    of_arrays = l2m.logprobs(arrays, out="of-arrays", draws=200, figures="svg")

    # The passes of l2m plan, and l2m ingest.
    for file in sorted(Path("planned/requests").glob("passes-*.npz")):
        passes = np.load(file)
        answer = score(model, passes["tokens"][:, 1:])
        np.savez(file.name.replace("passes", "results"), id=passes["id"], run=passes["run"], logprobs=answer)
    l2m.run("ingest", "planned", *map(str, sorted(Path().glob("results-*.npz"))), quiet=True)
    of_passes = l2m.Run("planned")

    wanted = {(s["estimator"], s["ratio"]): s for s in of_gguf.document["series"]}
    for run in (of_arrays, of_passes):
        found = {(s["estimator"], s["ratio"]): s for s in run.document["series"]}
        # Corrections by n-grams need the text of other documents, which arrays do not have.
        assert not {key for key in wanted if "gram" not in key[0]} - found.keys()
        assert {("paired", 2), ("direct", 2), ("block", 2), ("vclub", 2), ("infonce", 2)} <= found.keys()
        for key, series in found.items():
            nats = [p["nats"] for p in series["points"]]
            # Logits of 32-bit floats in another order of sums, over 128 tokens.
            assert nats == pytest.approx([p["nats"] for p in wanted[key]["points"]], abs=5e-4), key
        assert run.law.beta.value == pytest.approx(of_gguf.law.beta.value, abs=1e-4)
        assert run.law.A.value == pytest.approx(of_gguf.law.A.value, rel=5e-4)
        assert run.law.verdict == of_gguf.law.verdict
    print("β:", *(f"{run.law.beta.value:.6f}" for run in (of_gguf, of_arrays, of_passes)))
