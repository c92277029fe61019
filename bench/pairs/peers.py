"""Peers of package count in Python: a dictionary of tuples, the way the
official code of the L2M paper counts pairs, and numpy.unique on 64-bit keys.

    python3 peers.py TOKENS.u32     (little-endian uint32)

prints: method, distance, tokens, seconds, processor seconds, distinct pairs."""
import sys
import time
from collections import Counter


def timed(name, d, n, f):
    wall, cpu = time.perf_counter(), time.process_time()
    distinct = f()
    print(name, d, n, time.perf_counter() - wall, time.process_time() - cpu, distinct, flush=True)


def loop(words, d):
    counts = Counter()
    for i in range(len(words) - d):
        counts[(words[i], words[i + d])] += 1
    return len(counts)


def main():
    import array
    tokens = array.array("I")
    with open(sys.argv[1], "rb") as f:
        tokens.frombytes(f.read())
    short = list(tokens[: 4_000_000])
    timed("python-loop", 64, len(short), lambda: loop(short, 64))
    try:
        import numpy as np
    except ImportError:
        return
    t = np.frombuffer(tokens, dtype=np.uint32).astype(np.uint64)
    for d in (1, 64, 4096):
        timed("numpy-unique", d, len(t), lambda: len(np.unique((t[:-d] << np.uint64(32)) | t[d:], return_counts=True)[0]))


main()
