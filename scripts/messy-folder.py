#!/usr/bin/env python3
"""Makes a folder with one file of each of more than fifty kinds, some of them hostile, to
see what `l2m measure FOLDER` makes of it.

    pip install pyarrow zstandard lz4
    scripts/messy-folder.py FOLDER && l2m measure FOLDER

It prints what should be read and skipped. The text is made up: words drawn at random.
"""
import bz2, csv, gzip, io, json, lzma, os, random, sys, tarfile, zipfile
import lz4.frame, pyarrow as pa, pyarrow.ipc as ipc, pyarrow.parquet as pq, zstandard

root = sys.argv[1]
rng = random.Random(1)
letters = "etaoinshrdlucmfwypvbgkjqxzé"
words = ["".join(rng.choice(letters) for _ in range(rng.randint(1, 8))) for _ in range(500)]
read, skipped = {}, {}  # how many, by kind

def text(n=400):
    return " ".join(rng.choice(words) for _ in range(n)) + ".\n"

def texts(n=4):
    return [text() for _ in range(n)]

def put(name, data, kind=None, n=1, skip=None):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if data is not None:
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
    if kind:
        files, records = read.get(kind, (0, 0))
        read[kind] = (files + 1, records + n)
    if skip:
        skipped[skip] = skipped.get(skip, 0) + 1

def lines(rows):
    return "".join(json.dumps({"text": t}) + "\n" for t in rows)

def table(rows, comma=","):
    s = io.StringIO()
    csv.writer(s, delimiter=comma).writerows([["id", "text"]] + [[i, t] for i, t in enumerate(rows)])
    return s.getvalue()

def parquet(rows, **options):
    b = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(len(rows))), "text": rows}), b, **options)
    return b.getvalue()

def arrow(rows, new):
    b, t = io.BytesIO(), pa.table({"text": rows})
    with new(b, t.schema) as w:
        w.write_table(t)
    return b.getvalue()

def tar(files):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w:gz") as t:
        for name, data in files.items():
            i = tarfile.TarInfo(name)
            i.size = len(data)
            t.addfile(i, io.BytesIO(data))
    return b.getvalue()

def zipped(files):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return b.getvalue()

def warc(kind, of, body):
    return b"WARC/1.0\r\nWARC-Type: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n" % (kind, of, len(body), body)

def dna(n=400):
    return "".join(rng.choice("ACGT") for _ in range(n))

# Text, in many encodings.
for name, encoding in [("utf8", "utf-8"), ("mark", "utf-8-sig"), ("wide", "utf-16"), ("wider", "utf-32"), ("latin1", "latin-1")]:
    put(f"text/{name}.txt", text().encode(encoding), "text file")
put("text/page.html", "<!DOCTYPE html><p>" + text(), "text file")
put("text/paper.tex", "\\documentclass{article}\n" + text(), "text file")
put("text/no-name", text(), "text file")
put("text/colors.log", "\x1b[31m" + text() + "\x1b[0m", "text file")
put("text/evil \x1b[31m\n<script>alert(1)<", text(), "text file")
put("text/package.json", json.dumps({"name": text(20)}), "text file")
put("text/again.txt", None)
os.link(os.path.join(root, "text/utf8.txt"), os.path.join(root, "text/again.txt")); read["text file"] = (12, 12)
for name, encoding, words_ in [("koi8", "koi8-r", "привет всем кто читает "), ("sjis", "shift_jis", "これは日本語の文です。"), ("mail", "iso2022_jp", "これは日本語の文です。")]:
    put(f"text/{name}.txt", (words_ * 20).encode(encoding), skip="text in other encodings")
put("text/empty.txt", "", "text file")
# Records.
put("json/a.jsonl", lines(texts()) + '{"text": null}\n{"other": 1}\n', "JSON record", 4)
put("json/array.json", json.dumps([{"text": t} for t in texts()], indent=1), "JSON record", 4)
put("json/c4.00000-of-01024.json.gz", gzip.compress(lines(texts()).encode()), "JSON record", 4)
put("json/nan.jsonl", '{"x": NaN, "text": %s}\n' % json.dumps(text()), "JSON record")
put("json/no-name", lines(texts()), "JSON record", 4)
put("json/README.md", "# Not a row\n", skip="metadata files")
put("json/torn.jsonl", lines(texts())[:-30], skip="damaged")
put("json/page.jsonl", "<html>404 not found</html>", skip="files that are not what their names say")
put("json/field.jsonl", '{"body": "x"}\n', skip='without the field "text"')
put("json/deep.jsonl", "[" * 100_000, skip="damaged")
put("json/note.ipynb", json.dumps({"nbformat": 4, "cells": [{"source": [text()], "outputs": ["A" * 9000]}]}), "notebook")
put("tables/a.csv", table(texts()), "table row", 4)
put("tables/semicolons.csv", table(texts(), ";"), "table row", 4)
put("tables/a.tsv", table(texts(), "\t"), "table row", 4)
for codec in ["lz4", "zstd", "brotli"]:
    put(f"tables/{codec}.parquet", parquet(texts(), compression=codec), "Parquet row", 4)
put("tables/cut.parquet", parquet(texts())[:200], skip="damaged")
put("tables/lfs.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", skip="Git LFS pointers")
put("saved/data-00000-of-00001.arrow", arrow(texts(), ipc.new_stream), "Arrow row", 4)
put("saved/state.json", "{}", skip="metadata files")
put("saved/dataset_info.json", "{}", skip="metadata files")
put("tables/a.feather", arrow(texts(), ipc.new_file), "Arrow row", 4)
put("hub/blobs/0123abc", parquet(texts()))
os.makedirs(os.path.join(root, "hub/snapshots/main"))
os.symlink("../../blobs/0123abc", os.path.join(root, "hub/snapshots/main/train.parquet")); put("hub/blobs/0123abc", None, "Parquet row", 4)
# Sequences.
put("dna/a.fa", ">one\n%s\n>two\n%s\n" % (dna(), dna().lower()), "FASTA record", 2)
put("dna/chromosome", ";made up\r\n>one\r\n%s\r\n" % ("N" * 50 + dna() + "-"), "FASTA record")
put("dna/reads.fq.gz", gzip.compress("".join("@%d\n%s\n+\n%s\n" % (i, dna(150), "@" * 150) for i in range(4)).encode()), "FASTQ read", 4)
put("dna/a.gb", "LOCUS       X\nORIGIN\n        1 gatcctccat\n", skip="GenBank and EMBL files")
# Archives, and what is packed.
put("packed/a.tar.gz", tar({"d/a.txt": text().encode(), "d/b.png": b"\x89PNG\r\n\x1a\n"}), "text file", skip="images")
put("packed/a.zip", zipped({"../../up.txt": text(), ".hidden": "x"}), "text file", skip="hidden files and folders")
for ending, pack in [("bz2", bz2.compress), ("xz", lzma.compress), ("lz4", lz4.frame.compress), ("zst", zstandard.compress)]:
    put("packed/a.txt." + ending, pack(text().encode()), "text file")
put("packed/twice.gz", gzip.compress(gzip.compress(text().encode())), "text file")
put("packed/bomb.gz", gzip.compress(gzip.compress(b"\0" * 50_000_000)), skip="binary files")
put("packed/cut.gz", gzip.compress(text().encode())[:-20], skip="damaged")
put("packed/a.7z", b"7z\xbc\xaf\x27\x1c", skip="archives that are not read")
# The web.
put("web/a.warc.gz", gzip.compress(warc(b"response", b"application/http", b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=windows-1251\r\n\r\n" + ("привет всем " * 50).encode("cp1251"))), "web page")
put("web/a.wet", warc(b"conversion", b"text/plain", text().encode()), "web page")
put("web/claim.warc", b"WARC/1.0\r\nContent-Length: 9000000000000\r\n\r\nx", skip="damaged")
put("web/dump.xml", "<mediawiki><page><ns>0</ns><revision><text>%s</text></revision></page></mediawiki>" % text(), "wiki article")
# What is not text.
for name, data, group in [("a.pdf", b"%PDF-1.7\n", "PDF documents"), ("pdf.txt", b"%PDF-1.4\n", "PDF documents"), ("a.png", b"\x89PNG\r\n\x1a\n", "images"), ("a.jpg", b"\xff\xd8\xff\xe0", "images"),
        ("a.docx", zipped({"[Content_Types].xml": "<x/>"}), "office documents"), ("a.bin", os.urandom(9000), "binary files"), ("a.exe", b"\x7fELF\2\1", "binary files"), ("a.gguf", b"GGUF\3\0\0\0", "data that is not text"), ("a.db", b"SQLite format 3\0", "data that is not text")]:
    put("other/" + name, data, skip=group)
put(".git/config", "x")
put("node_modules/x.js", "x")
skipped["hidden files and folders"] += 1
skipped["vendored folders"] = 1
os.symlink("nowhere", os.path.join(root, "broken")); skipped["broken symbolic links"] = 1
os.symlink("..", os.path.join(root, "text/loop"))
os.mkfifo(os.path.join(root, "pipe")); skipped["devices, pipes and sockets"] = 1

print("read: " + ", ".join(f"{n} {kind}s in {files} files" for kind, (files, n) in sorted(read.items(), key=lambda x: (-x[1][1], x[0]))))
print(f"{sum(skipped.values())} files skipped: " + ", ".join(f"{kind} ({n})" for kind, n in sorted(skipped.items(), key=lambda x: (-x[1], x[0]))))
