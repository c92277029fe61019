"""Trains small tokenizers of every kind and writes what the reference
implementations make of a set of texts.

    pip install tokenizers tiktoken sentencepiece protobuf   # versions: see versions.txt
    python make.py OUT [TEXT...]

Without TEXT files it trains on, and encodes, text that it makes up; with them,
on those files, line by line (the evidence in docs/models.md).
"""
import base64, json, os, random, sys, tempfile, unicodedata
import tokenizers, tiktoken, sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, Regex, models, normalizers, pre_tokenizers, trainers

out, files = sys.argv[1], sys.argv[2:]
os.makedirs(out, exist_ok=True)
rng = random.Random(1)
size = 8000 if files else 420

def made_up(n):
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(rng.choice(letters[: rng.randint(4, 26)]) for _ in range(rng.randint(1, 9))) for _ in range(150)]
    for _ in range(n):
        line = []
        for _ in range(rng.randint(0, 14)):
            w = rng.choice(words)
            w = rng.choice([w, w, w.upper(), w.capitalize(), str(rng.randint(0, 99999)), w + "'s", w + "'LL", w + rng.choice(".,;!?()-_/")])
            line.append(w)
        yield rng.choice(["", " ", "  ", "\t", "\n"]) + rng.choice([" ", " ", "  "]).join(line) + rng.choice(["", "\n", " \n\n", "   "])

pool = "aAzZ09 \t\n\r'’.,-_/éÉßœ̈̃中文字日本語кириллица한글👍👩‍👩‍👧🇩🇪\u00a0\u200b\u3000\ufeff½²Ⅷ٣अ्﷽ſ▁Ġ<s></s>[UNK]"

def strange(n):
    for _ in range(n):
        yield "".join(rng.choice(pool) for _ in range(rng.randint(1, 40)))

train = [l for f in files for l in open(f, encoding="utf-8", errors="replace")] or list(made_up(3000))
texts = (train[:: max(1, len(train) // 20000)] if files else list(made_up(60))) + list(strange(6000 if files else 120))

GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
alphabet = pre_tokenizers.ByteLevel.alphabet()
fallback = ["<unk>"] + ["<0x%02X>" % b for b in range(256)]

def bpe_bytes(pre, normalizer=None, **model):
    t = Tokenizer(models.BPE(**model)); t.pre_tokenizer = pre
    if normalizer: t.normalizer = normalizer
    return t, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, special_tokens=["<s>", "</s>"], show_progress=False)

kinds = {}
kinds["gpt2"] = bpe_bytes(pre_tokenizers.ByteLevel(add_prefix_space=False))
kinds["roberta"] = bpe_bytes(pre_tokenizers.ByteLevel(add_prefix_space=True), normalizers.NFC())
kinds["llama3"] = bpe_bytes(pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(GPT4), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), ignore_merges=True)
kinds["digits"] = bpe_bytes(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False)]))
t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
t.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")  # for the training only
kinds["llama2"] = (t, trainers.BpeTrainer(vocab_size=size + 256, special_tokens=fallback, show_progress=False, limit_alphabet=80))
t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True)); t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
kinds["metaspace"] = (t, trainers.BpeTrainer(vocab_size=size, special_tokens=["<unk>"], show_progress=False, limit_alphabet=80))
t = Tokenizer(models.Unigram()); t.pre_tokenizer = pre_tokenizers.Metaspace(); t.normalizer = normalizers.NFKC()
kinds["unigram"] = (t, trainers.UnigramTrainer(vocab_size=size, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False))
t = Tokenizer(models.WordPiece(unk_token="[UNK]")); t.normalizer = normalizers.BertNormalizer(lowercase=True); t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
kinds["wordpiece"] = (t, trainers.WordPieceTrainer(vocab_size=size, special_tokens=["[UNK]", "[CLS]"], show_progress=False))

# SentencePiece's normalizer, compiled by it from rules of our own: compatible forms,
# composed letters, white space, and what goes.
def charsmap():
    rules = {}
    for c in sorted(set(pool)) + [chr(c) for c in range(0xff01, 0xff5f)] + [chr(c) for c in range(0x2000, 0x2010)]:
        n = unicodedata.normalize("NFKC", c)
        if n != c: rules[c] = n
        d = unicodedata.normalize("NFD", c)
        if d != c: rules[d] = n
    rules |= {"\u0085": "", "\u200b": " ", "\ufeff": "", "\t": " ", "\r": " ", "\n": " ", "\u3000": " ", "中文": "ZW", "e\u0301\u0308": "E", "👍": "+1"}
    lines = [" ".join("%X" % ord(c) for c in k) + "\t" + " ".join("%X" % ord(c) for c in v) for k, v in rules.items()]
    with tempfile.TemporaryDirectory() as d:
        open(d + "/rules.tsv", "w").write("\n".join(sorted(lines)) + "\n")
        open(d + "/text", "w").write("\n".join(made_up(300)))
        sentencepiece.SentencePieceTrainer.train(input=d + "/text", model_prefix=d + "/m", vocab_size=200, hard_vocab_limit=False, normalization_rule_tsv=d + "/rules.tsv", minloglevel=2)
        m = sentencepiece_model_pb2.ModelProto()
        m.ParseFromString(open(d + "/m.model", "rb").read())
        return m.normalizer_spec.precompiled_charsmap

compiled = normalizers.Precompiled(charsmap())
t = Tokenizer(models.Unigram()); t.normalizer = compiled
t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
unigram = trainers.UnigramTrainer(vocab_size=size, unk_token="<unk>", special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False)
kinds["mbart"] = (t, unigram)
t = Tokenizer(models.Unigram()); t.normalizer = normalizers.Sequence([compiled, normalizers.Replace(Regex(" {2,}"), " ")])
t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first"); kinds["t5"] = (t, unigram)
t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
t.normalizer = normalizers.Replace(" ", "▁"); t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
kinds["gemma"] = (t, trainers.BpeTrainer(vocab_size=size + 256, special_tokens=fallback, show_progress=False, limit_alphabet=80))
t = Tokenizer(models.WordLevel(unk_token="<unk>")); t.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.Lowercase()])
t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.CharDelimiterSplit("-")])
kinds["wordlevel"] = (t, trainers.WordLevelTrainer(vocab_size=size, special_tokens=["<unk>"], show_progress=False))
t = Tokenizer(models.BPE(unk_token="<unk>")); t.normalizer = normalizers.Nmt(); t.pre_tokenizer = pre_tokenizers.UnicodeScripts()
kinds["scripts"] = (t, trainers.BpeTrainer(vocab_size=size, special_tokens=["<unk>"], show_progress=False, initial_alphabet=sorted(set(pool))))

for name, (t, trainer) in kinds.items():
    t.train_from_iterator(train, trainer)
    if name == "llama2":
        t.pre_tokenizer = None
        d = json.loads(t.to_str()); d["pre_tokenizer"] = None; t = Tokenizer.from_str(json.dumps(d))
    if name == "gpt2":
        t.add_tokens(["    ", "\t\t"])
    t.save(f"{out}/{name}.json", pretty=False)
    t.encode_special_tokens = True
    lines = texts if files else texts
    with open(f"{out}/{name}.ids", "w") as f:
        for s in lines:
            f.write(json.dumps([s, t.encode(s, add_special_tokens=False).ids], ensure_ascii=True) + "\n")

# A rank file: the bytes, then the merges of a byte-level vocabulary in their order.
d = json.load(open(f"{out}/llama3.json"))
letters = {}
n = 0
for b in range(256):
    if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174: letters[chr(b)] = b
    else: letters[chr(256 + n)] = b; n += 1
ranks = {bytes([b]): b for b in range(256)}
for m in d["model"]["merges"]:
    a, b = m if isinstance(m, list) else m.split(" ")
    ranks.setdefault(bytes(letters[c] for c in a + b), len(ranks))
e = tiktoken.Encoding("cl100k_base", pat_str=GPT4, mergeable_ranks=ranks, special_tokens={})
with open(f"{out}/cl100k_base.tiktoken", "w") as f:
    for k, v in ranks.items(): f.write(base64.b64encode(k).decode() + f" {v}\n")
with open(f"{out}/cl100k_base.ids", "w") as f:
    for s in texts: f.write(json.dumps([s, e.encode_ordinary(s)], ensure_ascii=True) + "\n")
with open(f"{out}/versions.txt", "w") as f: f.write(f"tokenizers {tokenizers.__version__}\ntiktoken {tiktoken.__version__}\nsentencepiece {sentencepiece.__version__}\n")
