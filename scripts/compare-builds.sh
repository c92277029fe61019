#!/usr/bin/env bash
# Runs two builds of l2m side by side over all verbs, and shows where what they write
# differs: documents, tables, terminal text.
#
#   scripts/compare-builds.sh OLD NEW      two binaries, made by: go build -o FILE ./cmd/l2m
set -euo pipefail
[ $# = 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
old=$(realpath "$1") new=$(realpath "$2")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
src=$(go env GOROOT)/src
mkdir "$dir/text"
cp -r "$src/strings" "$src/bytes" "$src/strconv" "$dir/text/"
cat > "$dir/config.json" <<'END'
{"model_type": "llama", "hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 32000, "max_position_embeddings": 8192}
END
for build in old new; do
	mkdir "$dir/$build"
	cd "$dir/$build"
	ln -s ../text ../config.json .
	bin=${!build}
	run() { # NAME ARGUMENT…
		local name=$1
		shift
		COLUMNS=100 "$bin" "$@" > "$name.txt" 2> "$name.err" || echo "exit $?" >> "$name.err"
	}
	run measure measure text --length 1024 --windows 40 --draws 400 --figures svg -o measure
	run measure-cut measure text --length 1024 --windows 40 --draws 400 --figures svg --context 64 -o cut
	run measure-cross measure text --length 512 --windows 40 --cross 3 --draws 400 --figures svg -o cross
	run measure-universal measure text --length 512 --windows 40 --model bytemix:universal --draws 400 --figures svg -o universal
	run process measure --process powergauss:beta=0.76 --length 256 --windows 60 --draws 400 --figures svg -o process
	run santafe measure --process santafe:beta=0.75 --length 256 --windows 60 --draws 400 --figures svg -o santafe
	run bytes twopoint text -d 1,2,4,8,64 --figures svg -o bytes
	run words twopoint text -t words -d 1,2,4,8,64 --figures svg -o words
	run audit audit config.json --length 1e6 --figures svg -o audit
	run audit-json audit config.json --json
	run audit-law audit config.json --law measure --bytes-per-token 4.4
	run compare compare measure cut --figures svg -o compare
	run calibrate calibrate powergauss:beta=0.5 --windows 40 --length 64 --repetitions 10 --draws 99 -o calibrate
	run truth process truth hierarchical:c=3 --length 256
	run list process list
done
cd "$dir"
status=0
for file in $(cd new && find . -type f ! -name '*.html' ! -name run.json ! -path '*/scores/*' ! -name '.l2m-lock' ! -name '*.svg' | sort); do
	if [ ! -e "old/$file" ]; then
		echo "only in new: $file"; status=1
	elif ! diff -q "old/$file" "new/$file" > /dev/null; then
		echo "== $file"; { diff "old/$file" "new/$file" || true; } | head -12 || true; status=1
	fi
done
exit $status
