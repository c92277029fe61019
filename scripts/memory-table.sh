#!/usr/bin/env bash
# Prints the shares that merged Fenwick memories capture (docs/processes.md,
# docs/memory.md), from the frontier at the worst cut, L/2 − 1; a row for each
# exponent, a column for each length:
#
#	scripts/memory-table.sh [PROCESS…]                      # default: hierarchical, c = 3 and c = 2
#	L="64 256 1024 4096" A=1 scripts/memory-table.sh hierarchical:c=1
#
# The hierarchical process is quick up to L = 1,024 and takes minutes at 4,096;
# the others take minutes at 1,024.
set -euo pipefail
cd "$(dirname "$0")/.."
lengths=(${L:-64 256 1024})
exponents=(0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.7925 0.9 1)
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
go build -o "$dir/l2m" ./cmd/l2m
memories=()
for b in "${exponents[@]}"; do memories+=(--memory "fenwick:${A:-1.5},$b"); done
[ $# -gt 0 ] || set -- hierarchical:c=3 hierarchical:c=2
for process; do
	printf '\n| %s |' "$process"; printf ' L = %s |' "${lengths[@]}"
	printf '\n|---|'; printf -- '---|%.0s' "${lengths[@]}"; echo
	printf '| b = %s |\n' "${exponents[@]}" > "$dir/table"
	for l in "${lengths[@]}"; do
		"$dir/l2m" process truth "$process" --length 4 --frontier "$l" --cut $((l / 2 - 1)) "${memories[@]}" |
			sed -n 's/^fenwick:.* merged *\([0-9]*\)  *[0-9.]*\( ± [0-9.e-]*\)\{0,1\} *\([0-9.]*\) .*/ \1: \3 |/p' | paste -d '' "$dir/table" - > "$dir/next"
		mv "$dir/next" "$dir/table"
	done
	cat "$dir/table"
done
