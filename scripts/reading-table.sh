#!/usr/bin/env bash
# Prints the table of memory and CPU time for large inputs (docs/documents.md). The inputs are
# made up and written to FOLDER, 5 GB at most, where they stay for the next time:
#
#	scripts/reading-table.sh FOLDER [GB of JSON Lines, default 10]
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1" && cd "$1"
gb=${2:-10}
(cd "$repo" && go build -o "$OLDPWD/l2m" ./cmd/l2m)

[ -e ten.jsonl.zst ] || python3 - "$gb" <<'MAKE' | zstd -q -1 -o ten.jsonl.zst
import random, sys
size, done, rng = float(sys.argv[1]) * 1e9, 0, random.Random(1)
words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(1, 8))) for _ in range(3000)]
lines = [" ".join(rng.choices(words, k=20)) for _ in range(50000)]
while done < size:
    rows = ['{"id": %d, "text": "%s"}\n' % (done + i, ". ".join(rng.choices(lines, k=rng.randint(10, 60)))) for i in range(200)]
    done += sys.stdout.buffer.write("".join(rows).encode())
MAKE
[ -d tree ] || python3 - <<'MAKE'
import os, random
rng = random.Random(2)
for i in range(50000):
    folder = "tree/%02d/%02d" % (i % 50, i // 50 % 20)
    os.makedirs(folder, exist_ok=True)
    with open("%s/%d.txt" % (folder, i), "w") as f:
        f.write(" ".join("".join(rng.choices("etaoinshrdlu", k=5)) for _ in range(100)))
MAKE
[ -e line.txt ] || python3 - <<'MAKE'
import random
rng = random.Random(3)
with open("line.txt", "w") as text, open("line.jsonl", "w") as record:
    record.write('{"text": "')
    for _ in range(1000):
        piece = "".join(rng.choices("etaoinshrdlu ", k=10000)) * 100
        text.write(piece)
        record.write(piece)
    record.write('"}\n')
MAKE

# run WHAT COMMAND… prints a row: CPU time, and the largest set of pages in memory.
run() {
	local what=$1 status
	shift
	rm -rf out
	status=$(python3 - "$@" <<'RUN'
import resource, subprocess, sys
p = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
u = resource.getrusage(resource.RUSAGE_CHILDREN)
end = "read" if p.returncode == 0 else p.stderr.strip().splitlines()[-1]
print("%.0f s | %.0f MB | %s" % (u.ru_utime + u.ru_stime, u.ru_maxrss / 1e3, end))
RUN
)
	echo "| $what | \`${*/#.\/l2m/l2m}\` | $status |"
}
echo "| input | command | CPU time | peak memory | result |"
echo "|---|---|---|---|---|"
run "$gb GB of JSON Lines, compressed" ./l2m measure ten.jsonl.zst -q --out out
run "" ./l2m twopoint ten.jsonl.zst -q --distances 1,10,100 --memory 256M --out out
small=(-q --length 256 --windows 50 --training-bytes 2M --out out) # as little as shows what reading takes
run "50,000 files" ./l2m measure tree "${small[@]}"
run "1 GB of text in one line" ./l2m measure line.txt "${small[@]}"
run "1 GB in one JSON record" ./l2m measure line.jsonl "${small[@]}"
