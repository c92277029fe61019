#!/usr/bin/env bash
# Measures through a server that is killed, restarted, stopped and swapped for another
# model, and compares with a run that nothing disturbed. Not part of CI: it needs a
# server that works here, and minutes.
#
#   bench/servers/faults.sh BOOKS TOKENIZER.json "SERVER COMMAND" "OTHER MODEL'S COMMAND"
#
# Both commands listen on PORT (8099). L2M is the l2m to use, MEASURE further options of
# l2m measure (such as --bos 1 --max-context 512), START how many seconds a server may
# take to start (120).
set -euo pipefail
books=$1 tokenizer=$2 command=$3 other=$4
port=${PORT:-8099} l2m=${L2M:-l2m} url=http://127.0.0.1:${PORT:-8099}/v1
work=$(mktemp -d); server=
end() { [ -z "$server" ] || kill -KILL -- "-$server" 2>/dev/null || true; } # its workers too
trap end EXIT

start() { # a server in the background, until it answers
	setsid bash -c "exec $1" >>"$work/server.log" 2>&1 &
	server=$!
	for _ in $(seq "${START:-120}"); do
		curl -sf "$url/models" >/dev/null && return
		sleep 1
	done
	echo "no answer from: $1 (see $work/server.log)"; exit 1
}
stop() { kill -KILL -- "-$server"; wait "$server" 2>/dev/null || true; }
measure() { # in place of the shell that it runs in, so that this can be killed
	# shellcheck disable=SC2086 # MEASURE is several words
	exec "$l2m" measure "$books" --model "$url" --tokenizer "$tokenizer" --length 128 --windows 48 --cross 0 \
		--two-point-bytes -1 --draws 200 --figures svg --quiet --out "$1" ${MEASURE:-}
}
parts() { ls "$work/$1/scores" 2>/dev/null | wc -l; }

start "$command"
(measure "$work/clean") >"$work/clean.txt"
echo "undisturbed: $(sed -n 1p "$work/clean.txt")"

measure "$work/faulty" >"$work/faulty.txt" 2>"$work/faulty.err" & run=$!
until [ "$(parts faulty)" -ge 1 ] || ! kill -0 $run 2>/dev/null; do sleep 0.2; done
stop; echo "server killed after $(parts faulty) parts"; sleep 3; start "$command"; echo "server restarted"
sleep 1; kill -STOP -- "-$server"; sleep 8; kill -CONT -- "-$server"; echo "server stopped for 8 s, and let go on"
kill -KILL $run 2>/dev/null || true; wait $run 2>/dev/null || true; echo "l2m killed after $(parts faulty) parts"
(measure "$work/faulty") >"$work/faulty.txt"
python3 - "$work" <<'PY'
import json, sys
a, b = (json.load(open(f"{sys.argv[1]}/{d}/results.json")) for d in ("clean", "faulty"))
worst = max(abs(p["nats"] - q["nats"]) for s, t in zip(a["series"], b["series"], strict=True) for p, q in zip(s["points"], t["points"], strict=True))
loss = abs(a["loss"]["nats_per_token"] - b["loss"]["nats_per_token"])
assert a["windows"] == b["windows"], "other windows"
print(f"with faults: loss differs by {loss:.1e} nats per token, estimates by {worst:.1e} nats at most")
sys.exit(loss > 1e-4 or worst > 1e-2)
PY

stop; start "$command"
measure "$work/swapped" >/dev/null 2>"$work/swap.err" & run=$!
until [ "$(parts swapped)" -ge 1 ] || ! kill -0 $run 2>/dev/null; do sleep 0.2; done
stop; start "$other"; echo "another model in its place after $(parts swapped) parts"
if wait $run; then echo "that was not noticed"; exit 1; fi
echo "refused: $(head -c 600 "$work/swap.err")"
