#!/usr/bin/env python3
"""Trains the models of docs/memory.md one after another on one core and writes what came out:

    go build -o /tmp/l2m ./cmd/l2m
    nice -n 19 scripts/memory-experiment.py /tmp/l2m RUNS      # hours; Ctrl-C or kill, and run again to go on
    scripts/memory-experiment.py --collect RUNS > docs/memory/results.json

RUNS is a folder for the run directories; RUNS/results has one small file for each finished run.
"""
import argparse, json, os, pathlib, subprocess, sys

HIDDEN, LAYERS = 64, 2
DEFAULT_RATE = 0.003
# Numbers that a layer keeps at most are set by the memory with exponent 0.8: its 39 slots of a key and a value at
# L = 64, 116 at L = 256. A window sees its own token besides; mamba2 keeps 128 N + 3 (128 + 2 N) numbers; the delta
# rule has one matrix of 64 x 64, which is all that this width allows.
WINDOW = {64: 40, 256: 117}
SSD = {64: 34, 256: 108}


def models(length):
    memory = lambda b: {"layer_types": ["power_law_memory"], "memory_exponent": b}
    return {
        "attention": {"layer_types": ["full_attention"]},
        "memory-0.8": memory(0.8),
        "memory-0.5": memory(0.5),
        "memory-0.2": memory(0.2),
        "window": {"layer_types": ["sliding_attention"], "sliding_window": WINDOW[length]},
        "ssd": {"layer_types": ["mamba2"], "state_size": SSD[length]},
        "delta": {"layer_types": ["gated_delta"], "num_attention_heads": 1},
    }


def recipe(length, c, copies, model, seed, rate):
    steps, batch = {64: (3000, 32), 256: (2500, 16)}[length]
    shape = {"model_type": "", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
             "intermediate_size": 2 * HIDDEN, "positions": "learned"} | models(length)[model]
    return {"name": model, "model": shape, "data": f"hierarchical:c={c},copies={copies}", "lengths": [length], "steps": steps,
            "batch": batch, "rate": rate, "warm_up": 100, "weight_decay": 0.01, "seed": seed, "evaluate": [length],
            "evaluate_on": 1024 if length == 64 else 512}


def plan():
    """The runs, most wanted first: (length, c, copies, model, seed, rate)."""
    first = ["attention", "memory-0.8", "memory-0.5", "memory-0.2", "ssd"]
    every = first + [m for m in models(64) if m not in first]
    yield from ((64, 3, 4, m, 1, DEFAULT_RATE) for m in every)
    yield from ((64, 3, 16, m, 1, DEFAULT_RATE) for m in first)  # 4 tokens fill a slot, not 16
    yield from ((256, 3, 4, m, 1, DEFAULT_RATE) for m in every)
    yield from ((64, 2, 4, m, 1, DEFAULT_RATE) for m in first)
    for seed in (2, 3):
        yield from ((64, 3, 4, m, seed, DEFAULT_RATE) for m in every)
        yield from ((64, 3, 16, m, seed, DEFAULT_RATE) for m in first)
    yield from ((length, 3, 4, "attention", 1, r) for length in (64, 256) for r in (0.001, 0.01))
    for seed in (2, 3):
        yield from ((256, 3, 4, m, seed, DEFAULT_RATE) for m in every)
        yield from ((64, 2, 4, m, seed, DEFAULT_RATE) for m in first)


def run(l2m, runs, length, c, copies, model, seed, rate):
    name = f"L{length}-c{c}-copies{copies}-{model}-rate{rate}-seed{seed}"
    out, result = runs / name, runs / "results" / (name + ".json")
    if result.exists():
        return
    spec = runs / (name + ".recipe.json")
    spec.write_text(json.dumps(recipe(length, c, copies, model, seed, rate)))
    # The time of a run that was interrupted is the sum of its parts.
    spent = runs / (name + ".seconds")
    before = float(spent.read_text()) if spent.exists() else 0.0
    child = subprocess.Popen([l2m, "lab", "train", spec, "--out", out, "-j", "1", "-q"], stdout=subprocess.DEVNULL,
                             env=os.environ | {"GOMAXPROCS": "1"})
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except KeyboardInterrupt:
        _, status, usage = os.wait4(child.pid, 0)
        spent.write_text(str(before + usage.ru_utime))
        raise
    spent.write_text(str(before + usage.ru_utime))
    if status != 0:
        sys.exit(f"{name}: l2m lab train ended with status {status}")
    lab = json.loads((out / "lab.json").read_text())
    end = lab["evaluations"][-1]
    loss, gain = end["by_position"], end["gain"]
    state = json.loads(subprocess.run([l2m, "audit", out, "--at", str(length - 1), "--json"], capture_output=True,
                                      check=True).stdout)["models"][0]["states"][0]
    record = {"length": length, "c": c, "copies": copies, "model": model, "seed": seed, "rate": rate,
              "parameters": lab["parameters"], "tokens": lab["tokens"], "state_elements": state["total"],
              "gap": end["gap"], "gap_second_half": sum(loss[length // 2:]) / sum(gain[length // 2:]),
              "cpu_seconds": round(before + usage.ru_utime), "version": lab["version"]}
    draft = result.with_suffix(".part")
    draft.write_text(json.dumps(record) + "\n")
    draft.rename(result)
    print(name, record["gap"], flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--collect", action="store_true", help="print the results of finished runs as one JSON list")
    p.add_argument("where", nargs="+", metavar="[L2M] RUNS")
    a = p.parse_args()
    runs = pathlib.Path(a.where[-1])
    (runs / "results").mkdir(parents=True, exist_ok=True)
    if a.collect:
        records = [json.loads(f.read_text()) for f in sorted((runs / "results").glob("*.json"))]
        print("[\n" + ",\n".join(" " + json.dumps(r) for r in records) + "\n]")
        return
    if len(a.where) != 2:
        p.error("name the l2m binary and a folder for the runs")
    for job in plan():
        run(a.where[0], runs, *job)


if __name__ == "__main__":
    main()
