#!/usr/bin/env bash
# Runs two builds of l2m side by side over all verbs, and shows where their output
# differs: for JSON the fields, for tables and terminal text the lines. Pages, figures
# and stored scores are not compared; numbers may differ by 1e-9.
#
#   scripts/compare-builds.sh OLD NEW      two binaries, made by: go build -o FILE ./cmd/l2m
#   KEEP=1                                 keeps the runs in a folder under $TMPDIR
#
# Against the build from before the packages were rearranged, these differences are
# intended. Estimates, their standard errors, counts and process truth are the same but
# for bytemix:universal.
#
#   all         recorded commands: derived from the options, defaults left out
#   measure     corpus.read; points have intervals (lo95, hi95 in estimates.csv);
#               intervals from the document bootstrap with fewer than 20 documents too; AICc counts parameters against documents, and weights and
#               the order of rivals follow; "undecided" where a rival is as good; law.from;
#               findings and the words of warnings
#               bytemix:universal trains on nothing, so it scores all documents
#   twopoint    corpus.read; a column that says why a distance is not fitted; words
#   audit       evidence; what lies beyond the measured lengths is marked; --length is a
#               column and is answered first; a law that the data reject is not extrapolated
#   compare     intervals have level and method (l2m.compare/2) and one rule for
#               quantiles; a standard error of 0 is left out; ± in the table
#   calibrate   intervals and verdicts as for measure; what runs say first; tables that
#               fit the terminal
#   process     list has more kinds; fit and lab are new
set -euo pipefail
[ $# = 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
old=$(realpath "$1") new=$(realpath "$2")
dir=$(mktemp -d)
[ -n "${KEEP:-}" ] || trap 'rm -rf "$dir"' EXIT
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
python3 - <<'END'
import difflib, json, math, os, re, sys

def fields(value, path=""):
    """The fields of a document, places in lists left out, each with its values."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return {path: [value]}
    out = {}
    for name, inner in items:
        for p, v in fields(inner, path + ("[]" if isinstance(value, list) else "." + name)).items():
            out.setdefault(p, []).extend(v)
    return out

def same(x, y):
    """Whether values are equal, but for the rounding of a sum in another order."""
    number = (int, float)
    return x == y or isinstance(x, number) and isinstance(y, number) and math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12)

def written():
    for at, folders, names in os.walk("new"):
        folders[:] = sorted(f for f in folders if f not in ("scores", "text"))
        for name in sorted(names):
            if not re.search(r"\.(html|svg|repetition)$|^run\.json$|^config\.json$|^\.l2m", name):
                yield os.path.relpath(os.path.join(at, name), "new")

differ = False
for name in written():
    try:
        old, new = (open(f"{build}/{name}", errors="replace").read() for build in ("old", "new"))
    except FileNotFoundError:
        print("only in new:", name)
        differ = True
        continue
    if old == new:
        continue
    try:
        a, b = fields(json.loads(old)), fields(json.loads(new))
    except ValueError:
        differ = True
        print("==", name)
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
        for line in [l[:150] for l in lines][2:14]:
            print("  ", line)
        continue
    changed = []
    for p in sorted(a.keys() | b.keys()):
        x, y = a.get(p, []), b.get(p, [])
        if len(x) != len(y) or not all(map(same, x, y)):
            first = next(((v, w) for v, w in zip(x, y) if not same(v, w)), None)
            what = "is new" if not x else "is gone" if not y else f"{len(x)} -> {len(y)} values" if len(x) != len(y) else "{!r} -> {!r}".format(*first)
            changed.append(f"   {p} {what}"[:150])
    if changed:
        differ = True
        print("==", name, *changed, sep="\n")
sys.exit(differ)
END
