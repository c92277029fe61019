"""Makes two tasks of lm-evaluation-harness from a folder of text: which of four
passages follows (multiple choice), and the loss of whole texts (rolling).

    python3 tasks.py FOLDER OUT [DOCUMENTS]

FOLDER holds .txt or .txt.zst files (the latter need the program zstd).
"""
import json, pathlib, random, subprocess, sys

folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
count = int(sys.argv[3]) if len(sys.argv) > 3 else 20
out.mkdir(parents=True, exist_ok=True)
draw = random.Random(1)


def read(path):
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout.decode("utf-8", "replace")
    return path.read_text("utf-8", "replace")


def words(text, n):
    """n words from the middle of a text."""
    all = text.split()
    at = draw.randrange(len(all) // 4, len(all) // 2)
    return " ".join(all[at:at + n])


files = sorted(p for p in folder.rglob("*") if p.name.endswith((".txt", ".txt.zst")))[:count]
if len(files) < 4:
    sys.exit(f"{folder}: at least four texts are needed")
texts = [read(p) for p in files]
passages = [words(t, 120) for t in texts]
with open(out / "choice.jsonl", "w") as f:
    for i, passage in enumerate(passages):
        w = passage.split(" ")
        others = draw.sample([j for j in range(len(texts)) if j != i], 3)
        choices = [" ".join(w[80:])] + [" ".join(passages[j].split(" ")[80:]) for j in others]
        order = draw.sample(range(4), 4)
        f.write(json.dumps({"context": " ".join(w[:80]), "choices": [choices[k] for k in order], "answer": order.index(0)}) + "\n")
with open(out / "rolling.jsonl", "w") as f:
    for t in texts:
        f.write(json.dumps({"text": words(t, 150)}) + "\n")

common = """dataset_path: json
dataset_kwargs:
  data_files: {test: "%s"}
test_split: test
"""
(out / "choice.yaml").write_text("task: l2m_choice\n" + common % (out / "choice.jsonl").resolve() + """output_type: multiple_choice
doc_to_text: "{{context}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metric_list: [{metric: acc}, {metric: acc_norm}]
""")
(out / "rolling.yaml").write_text("task: l2m_rolling\n" + common % (out / "rolling.jsonl").resolve() + """output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: word_perplexity}, {metric: byte_perplexity}, {metric: bits_per_byte}]
""")
