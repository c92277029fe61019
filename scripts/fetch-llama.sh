#!/usr/bin/env bash
# Gets a prebuilt library of llama.cpp (v0.5.0, processor only, Linux x86-64)
# through npm, which knows your mirrors and proxies, where the tests look for it,
# and prints the folder.
#
#   scripts/fetch-llama.sh [DIR]      default: ~/.cache/l2m/llama
set -euo pipefail
version=3.22.1
sha512=e6e0820cda9608d7da026f1a47f533c5ba381c1a4a80d17dd640873dea4a86032057638099ab6879f6ce94c8a1b2a0a21f639ddf913f7941d00856df44126e3a
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/l2m/llama}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
if [ -e "$dir/libllama.so" ]; then
	echo "$dir"
	exit
fi
case $(uname -sm) in
"Linux x86_64") ;;
*) echo "fetch-llama.sh knows Linux on x86-64 only; see docs/models.md" >&2; exit 1 ;;
esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v npm >/dev/null || { echo "fetch-llama.sh asks npm for the library, and npm is not installed" >&2; exit 1; }
(cd "$tmp" && npm pack --silent "@node-llama-cpp/linux-x64@$version" >/dev/null)
package=$tmp/node-llama-cpp-linux-x64-$version.tgz
echo "$sha512  $package" | sha512sum --check --quiet
tar -xzf "$package" -C "$tmp"
cd "$tmp/package/bins/linux-x64"
# The binding asks for plain names.
for lib in llama ggml; do ln -s lib$lib.v*.so lib$lib.so; done
mkdir -p "$(dirname "$dir")"
mv -T "$PWD" "$dir" 2>/dev/null || { mkdir -p "$dir" && cp -a . "$dir"; }
echo "$dir"
