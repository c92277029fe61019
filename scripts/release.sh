#!/usr/bin/env bash
# Builds a release into dist/VERSION: archives, wheels, a bill of materials for each, SHA256SUMS.
# The version is that of the tag of this commit, or the argument. Equal sources and tools give equal bytes.
#
#   scripts/release.sh                 # from a tag, such as v0.1.0
#   scripts/release.sh 0.1.0
#   PLATFORMS=linux/amd64 scripts/release.sh 0.1.0
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
	version=${1#v}
else
	tag=$(git describe --tags --exact-match 2>/dev/null) ||
		{ echo "release.sh: this commit has no tag (git tag v0.1.0), and no version is given" >&2; exit 2; }
	version=${tag#v}
	[ -z "$(git status --porcelain)" ] || { echo "release.sh: the checkout has changes that the tag does not" >&2; exit 1; }
fi
grep -qE "^## $(sed 's/\./\\./g' <<<"$version")( |$)" CHANGELOG.md ||
	{ echo "release.sh: CHANGELOG.md has no heading \"## $version\" that says what is new" >&2; exit 1; }

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export CGO_ENABLED=0 LC_ALL=C TZ=UTC
unset GOFLAGS GOAMD64 GOARM64
platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64}
dist=$PWD/dist/$version
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
rm -rf "$dist"
mkdir -p "$dist"

compile() { # GOOS GOARCH OUTPUT
	GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X github.com/l2m-lab/l2m/info.release=$version" -o "$3" ./cmd/l2m
}

# Pages and completions are the same everywhere: the command of this machine writes them.
compile "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$build/l2m"
"$build/l2m" --version | grep -qF "l2m $version " || { echo "release.sh: the command does not say version $version" >&2; exit 1; }
"$build/l2m" man "$build/man"
mkdir "$build/completions"
for file in bash:l2m.bash zsh:_l2m fish:l2m.fish powershell:l2m.ps1; do
	"$build/l2m" completion "${file%:*}" >"$build/completions/${file#*:}"
done

for platform in $platforms; do
	os=${platform%/*} arch=${platform#*/}
	name=l2m-$version-$os-$arch
	folder=$build/$name
	program=$folder/l2m
	[ "$os" != windows ] || program+=.exe
	mkdir "$folder"
	compile "$os" "$arch" "$program"
	python3 scripts/sbom.py "$program" "$dist/$name.cdx.json" "$folder/THIRD-PARTY-LICENSES.txt"
	cp LICENSE README.md CHANGELOG.md "$folder"
	cp -r "$build/man" "$build/completions" "$folder"
	cp "$dist/$name.cdx.json" "$folder/l2m.cdx.json"
	find "$folder" -type d -exec chmod 755 {} +
	find "$folder" -type f -exec chmod 644 {} +
	chmod 755 "$program"
	if [ "$os" = windows ]; then
		python3 python/build_wheels.py zip "$dist/$name.zip" "$folder"
	else
		tar -C "$build" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -cf - "$name" |
			gzip -n >"$dist/$name.tar.gz"
	fi
	python3 python/build_wheels.py wheel "$dist" "$version" "$platform" "$program" \
		"$folder/l2m.cdx.json" "$folder/THIRD-PARTY-LICENSES.txt" >/dev/null
	rm -rf "$folder"
done
(cd "$dist" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
