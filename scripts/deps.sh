#!/usr/bin/env bash
# Lists the modules that any part of this repository is built with and that have a
# later version, or are deprecated. Held back on purpose:
#
#   hybridgroup/yzma in llama/     every version belongs to one of llama.cpp
#   chromedp/cdproto in browser/   the one that chromedp was made for
#   duckdb-go in bench/            the version with which docs/twopoint.md was measured
#   twpayne/go-geom                later ones ask for more than Go 1.26.0
#   golang.org/x/exp               later ones ask for golang.org/x/tools as it is between releases
#   what only beam/ is built with  the ones that Apache Beam was made for
set -euo pipefail
cd "$(dirname "$0")/.."
export GOTOOLCHAIN=local
for dir in . llama beam bench browser; do
	echo "== $dir"
	patterns=(./...)
	[ "$dir" != . ] || patterns+=(tool)
	used=$(cd "$dir" && go list -deps -test -f '{{with .Module}}{{if not (or .Main .Replace)}}{{.Path}}{{end}}{{end}}' "${patterns[@]}" | sort -u)
	(cd "$dir" && go list -m -u -f '{{with .Update}}{{$.Path}} {{$.Version}}, latest {{.Version}}{{end}}{{if .Deprecated}} {{.Path}} is deprecated: {{.Deprecated}}{{end}}' $used) | grep . || echo "all up to date"
done
