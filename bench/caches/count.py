#!/usr/bin/env python3
"""Counts what the caches of Transformers hold and compares it with l2m audit.

For every causal model type that the installed Transformers knows: makes a tiny
model of it with random weights, reads two texts of different length, counts the
numbers in its cache, saves the configuration as the library saves it, and asks
`l2m audit` for the state at the same lengths. Prints one row for each type.

    python3 -m venv /tmp/caches && /tmp/caches/bin/pip install torch transformers
    go build -o /tmp/l2m ./cmd/l2m
    /tmp/caches/bin/python bench/caches/count.py --l2m /tmp/l2m

Run by hand: it downloads some gigabytes and takes a few minutes.
"""

import argparse
import dataclasses
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings

import torch
import transformers
from transformers import AutoModel, AutoModelForCausalLM
from transformers.models.auto import modeling_auto as auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

import sizes

LENGTHS = (150, 301)
WINDOW = 17


def candidates():
    """Causal text models, and the text parts of models that also see images."""
    names = set()
    for outer in set(auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) | set(auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES):
        try:
            whole = CONFIG_MAPPING[outer]()
            text = whole.get_text_config(decoder=True)
        except Exception:
            names.add(outer)
            continue
        encoder = getattr(text, "is_decoder", None) is False
        if not encoder and not getattr(whole, "is_encoder_decoder", False) and text.model_type:
            names.add(text.model_type)
    return sorted(n for n in names if n not in sizes.NOT_CAUSAL)


def tiny(name):
    """A small configuration of the class that the type names."""
    cls = CONFIG_MAPPING[name]
    fields = {f.name: f.default for f in dataclasses.fields(cls)}
    wanted = {k: v for k, v in sizes.SMALL.items() if k in fields}
    for k in list(wanted):
        # Keep what the class leaves open, such as a head size that follows from the width.
        if fields[k] is None and k not in sizes.ALWAYS:
            del wanted[k]
    if "kv_lora_rank" in fields:  # latent attention: as many key–value heads as query heads
        wanted["num_key_value_heads"] = wanted["num_attention_heads"]
        if "head_dim" in wanted:
            wanted["head_dim"] = 8
    wanted.update(sizes.OWN.get(name, {}))
    if "pad_token_id" in wanted and "pad_token_id" not in fields:
        del wanted["pad_token_id"]
    return cls(**wanted)


def build(config):
    """The causal model of a configuration, or the text model when it has no head of its own."""
    for auto_class in (AutoModelForCausalLM, AutoModel):
        try:
            return auto_class.from_config(config)
        except ValueError as e:
            if "Unrecognized configuration class" not in str(e):
                raise
    module = importlib.import_module(type(config).__module__.replace(".configuration_", ".modeling_"))
    for item in vars(module).values():
        if isinstance(item, type) and getattr(item, "config_class", None) is type(config) and not item.__name__.endswith("PreTrainedModel"):
            return item(config)
    raise LookupError("no model class for " + type(config).__name__)


def floats(x, seen, depth=0):
    """Tensors of numbers that hang on an object, with the attribute's name."""
    if depth > 6 or id(x) in seen:
        return
    seen.add(id(x))
    if torch.is_tensor(x):
        if x.is_floating_point() and x.device.type != "meta":
            yield "", x
        return
    if isinstance(x, dict):
        items = x.items()
    elif isinstance(x, (list, tuple)):
        items = enumerate(x)
    elif hasattr(x, "__dict__") and type(x).__module__.startswith("transformers"):
        items = [(k, v) for k, v in vars(x).items() if k not in ("config",)]
    else:
        return
    for k, v in items:
        if isinstance(x, object) and hasattr(v, "modeling"):
            continue
        for path, t in floats(v, seen, depth + 1):
            yield (f"{k}.{path}" if path else str(k)), t


def kind(path):
    path = path.lower()
    if "linear_cache" in path:
        return "recurrent"
    if "conv" in path or "shift" in path:
        return "conv"
    if "recurrent" in path or "ssm" in path or "rnn" in path or "state" in path and "key" not in path:
        return "recurrent"
    if "index" in path:
        return "index"
    if "key" in path or "value" in path:
        return "kv"
    return "other"


def cache_of(out):
    for k in ("past_key_values", "cache_params", "rnn_state", "state"):
        v = getattr(out, k, None)
        if v is not None:
            return v
    raise LookupError("the output has no cache: " + ", ".join(out.keys()))


def count(model, length):
    torch.manual_seed(length)
    ids = torch.randint(5, 90, (1, length))
    with torch.no_grad():
        out = model(input_ids=ids, use_cache=True, return_dict=True)
    total, shapes, seen = {}, [], set()
    for path, t in floats(cache_of(out), set()):
        if t.untyped_storage().data_ptr() in seen and t.numel() > 0:
            continue
        seen.add(t.untyped_storage().data_ptr())
        total[kind(path)] = total.get(kind(path), 0) + t.numel()
        shapes.append((path, list(t.shape)))
    return total, shapes


def audit(l2m, path):
    run = subprocess.run(
        [l2m, "audit", "--json", "--at", ",".join(map(str, LENGTHS)), path], capture_output=True, text=True)
    try:
        doc = json.loads(run.stdout)
    except ValueError:
        return None, (run.stderr or run.stdout).strip().splitlines()[-1:]
    if not doc.get("models"):
        return None, [f["error"] for f in doc.get("failures", [])]
    out = []
    for s in doc["models"][0]["states"]:
        e = s["elements"]
        out.append({"kv": e["kv"] + e["latent"] + e["window"], "recurrent": e["recurrent"], "conv": e["conv"], "other": e["other"]})
    return out, []


def measure(name, folder, args):
    row = {"type": name}
    config = tiny(name)
    # What the configuration class makes of it is what counts.
    file = os.path.join(folder, name)
    config.save_pretrained(file)
    row["config"] = json.load(open(os.path.join(file, "config.json")))
    model = build(config)
    model = model.eval().to(torch.float32)
    row["library"], shapes = [], []
    for length in LENGTHS:
        total, shapes = count(model, length)
        row["library"].append(total)
    row["shapes"] = shapes
    row["l2m"], row["refusal"] = audit(args.l2m, os.path.join(file, "config.json"))
    return row


def verdict(row):
    """How the two compare, by kind, in a few words."""
    if row.get("error"):
        return "not run: " + row["error"][:300]
    if row["l2m"] is None:
        return "refused: " + "; ".join(row["refusal"])[:200]
    if [sum(s.values()) for s in row["l2m"]] == [sum(s.values()) for s in row["library"]]:
        return "same"
    words = []
    for kind_ in ("kv", "recurrent", "conv", "other"):
        ours = [s[kind_] for s in row["l2m"]]
        theirs = [s.get(kind_, 0) + (s.get("index", 0) if kind_ == "other" else 0) for s in row["library"]]
        if ours == theirs:
            continue
        if kind_ == "conv" and ours[1] and theirs[1] * 3 == ours[1] * 4:
            words.append("conv: 4 columns kept, 3 needed")
        elif kind_ == "conv" and ours[1] and theirs[1] * 2 == ours[1] * 3:
            words.append("conv: 3 columns kept, 2 needed")
        else:
            words.append(f"{kind_}: l2m {ours}, library {theirs}")
    return "; ".join(words) or "same"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--l2m", required=True, help="the l2m program")
    p.add_argument("--only", help="types to run, separated by commas")
    p.add_argument("--seconds", type=int, default=60, help="time limit for a type")
    p.add_argument("--out", help="write everything that was counted to this file, as JSON")
    p.add_argument("--keep", help="keep the configurations in this folder")
    args = p.parse_args()
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)

    def late(*_):
        raise TimeoutError(f"took more than {args.seconds} s")

    signal.signal(signal.SIGALRM, late)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in (args.only.split(",") if args.only else candidates()):
            signal.alarm(args.seconds)
            try:
                row = measure(name, args.keep or folder, args)
            except Exception as e:  # a type that cannot be run is a row of the table
                row = {"type": name, "error": f"{type(e).__name__}: {e}".replace("\n", " ")}
            signal.alarm(0)
            row["verdict"] = verdict(row)
            rows.append(row)
            print(f"{name}\t{row['verdict']}", flush=True)
            gc.collect()
    if args.out:
        with open(args.out, "w") as f:
            json.dump({"transformers": transformers.__version__, "torch": torch.__version__, "lengths": LENGTHS, "rows": rows}, f, indent=1)
    same = sum(r["verdict"] == "same" for r in rows)
    print(f"Transformers {transformers.__version__}: {len(rows)} types, {same} the same", file=sys.stderr)


if __name__ == "__main__":
    main()
