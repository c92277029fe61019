#!/usr/bin/env bash
# Prints the shares that merged Fenwick memories capture (docs/processes.md), from
# the frontier at the worst cut, L/2 − 1:
#
#	scripts/memory-table.sh [L…]    # default 64 256 1024; 4096 takes minutes
set -euo pipefail
cd "$(dirname "$0")/.."
for c in 3 2; do
	for L in ${@:-64 256 1024}; do
		memories=()
		for b in 0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.7925 0.9 1; do memories+=(--memory "fenwick:1.5,$b"); done
		echo "c = $c, L = $L"
		go run ./cmd/l2m process truth "hierarchical:c=$c" --length 4 --frontier "$L" --cut $((L / 2 - 1)) "${memories[@]}" | grep merged
	done
done
