"""Peers of package count in Python: a dictionary of tuples, the way the
official code of the L2M paper counts pairs; numpy.unique, and whatever version
of DuckDB there is, on 64-bit keys that are ready made.

    python3 peers.py THREADS TOKENS.u32     (little-endian uint32)

prints: method, distance, tokens, seconds, processor seconds, distinct pairs,
sum of their squared counts."""
import array
import sys
import time
from collections import Counter


def timed(name, d, n, run, bins):
    """bins makes of what run returns a list of (count, number of pairs)."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    bins = [(int(c), int(n)) for c, n in bins(result)]
    print(name, d, n, wall, cpu, sum(n for _, n in bins), sum(c * c * n for c, n in bins), flush=True)


def loop(words, d):
    counts = Counter()
    for i in range(len(words) - d):
        counts[(words[i], words[i + d])] += 1
    return counts


def main():
    threads, path = sys.argv[1:]
    tokens = array.array("I")
    with open(path, "rb") as f:
        tokens.frombytes(f.read())
    short = list(tokens[:4_000_000])
    timed("python-loop", 64, len(short), lambda: loop(short, 64), lambda counts: Counter(counts.values()).items())
    try:
        import numpy as np
    except ImportError:
        return
    t = np.frombuffer(tokens, dtype=np.uint32).astype(np.uint64)
    keys = {d: (t[:-d] << np.uint64(32)) | t[d:] for d in (1, 64, 4096)}
    for d, k in keys.items():
        timed("numpy-unique", d, len(t), lambda: np.unique(k, return_counts=True)[1],
              lambda counts: zip(*np.unique(counts, return_counts=True)))
    try:
        import duckdb
    except ImportError:
        return
    db = duckdb.connect()
    db.execute(f"SET threads = {threads}")
    for d, k in keys.items():
        db.execute("CREATE OR REPLACE TABLE pairs AS SELECT column0 AS k FROM k")
        timed("duckdb-" + duckdb.__version__, d, len(t),
              lambda: db.execute("SELECT n, count(*) FROM (SELECT count(*) AS n FROM pairs GROUP BY k) GROUP BY n").fetchall(),
              lambda bins: bins)


main()
