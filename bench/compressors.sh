#!/usr/bin/env bash
# Bits per byte and speed of general compressors and of the built-in predictor,
# on the same text in one run.
#
#   bench/compressors.sh TEST-BOOK TRAINING-BOOK-OR-FOLDER…
#
# Of a folder all files are taken but the test book. "Alone" is the size of the
# compressed test book; "primed" the size of training books and test book
# together minus that of the training books. Files may be compressed with
# Zstandard. Speeds are of one core: bytes of both files by user time. Needs
# Debian packages zpaq, p7zip-full, bzip3, xz-utils, zstd; installs what is
# missing when run as root.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
command -v zpaq 7z bzip3 xz zstd | wc -l | grep -qx 5 ||
	apt-get install -qq -y zpaq p7zip-full bzip3 xz-utils zstd >/dev/null
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
plain() { case $1 in *.zst) zstd -dcq "$1" ;; *) cat "$1" ;; esac; }
test=$(realpath "$1")
plain "$test" >"$dir/book"
shift
for f in "$@"; do
	if [ -d "$f" ]; then
		find -L "$f" -type f ! -samefile "$test" | LC_ALL=C sort
	elif [ ! "$f" -ef "$test" ]; then
		echo "$f"
	fi
done | while IFS= read -r f; do plain "$f"; done >"$dir/prime"
[ -s "$dir/prime" ] || { echo "no training text besides $test" >&2; exit 2; }
cat "$dir/prime" "$dir/book" >"$dir/both"
size() { stat -c %s "$1"; }
n=$(size "$dir/book") m=$(size "$dir/both")
echo "test $n bytes, training $((m - n)) bytes, $(date -I)"
printf '%-22s %8s %8s %8s\n' "" alone primed MB/s

pack() { # name, file: writes $dir/out
	rm -f "$dir/out" "$dir"/out.*
	case $1 in
	"xz -9e") xz -9e -T1 -k -c "$2" >"$dir/out" ;;
	"zstd --ultra -22") zstd -q --ultra -22 --long=27 -c "$2" >"$dir/out" ;;
	"bzip3 -b 128") bzip3 -e -b 128 -c "$2" >"$dir/out" ;;
	"7z PPMd o=8 256m") 7z a -bso0 -bsp0 -m0=PPMd:o=8:mem=256m "$dir/out.7z" "$2" && mv "$dir/out.7z" "$dir/out" ;;
	"zpaq -m5") zpaq a "$dir/out.zpaq" "$2" -m5 -t1 >/dev/null 2>&1 && mv "$dir/out.zpaq" "$dir/out" ;;
	esac
}
TIMEFORMAT=%U
for c in "xz -9e" "zstd --ultra -22" "bzip3 -b 128" "7z PPMd o=8 256m" "zpaq -m5"; do
	pack "$c" "$dir/book"; alone=$(size "$dir/out")
	pack "$c" "$dir/prime"; prime=$(size "$dir/out")
	seconds=$({ time pack "$c" "$dir/both"; } 2>&1); both=$(size "$dir/out")
	awk -v c="$c" -v a="$alone" -v p="$((both - prime))" -v n="$n" -v m="$m" -v s="$seconds" \
		'BEGIN { printf "%-22s %8.3f %8.3f %8.2f\n", c, 8*a/n, 8*p/n, m/s/1e6 }'
done

(cd "$(dirname "$0")/.." && go build -o "$dir/l2m" ./cmd/l2m)
export GOMAXPROCS=1
bits() { awk '/bits\/byte over/ { print $1 }' "$1"; }
cp "$dir/book" "$dir/book.txt" && cp "$dir/prime" "$dir/prime.txt"
"$dir/l2m" model eval -q bytemix:universal "$dir/book.txt" --length "$n" --windows 1 >"$dir/alone"
train=$({ time "$dir/l2m" model train -q "$dir/prime.txt" -o "$dir/m" >/dev/null; } 2>&1)
score=$({ time "$dir/l2m" model eval -q "$dir/m" "$dir/book.txt" --length "$n" --windows 1 >"$dir/primed"; } 2>&1)
awk -v a="$(bits "$dir/alone")" -v p="$(bits "$dir/primed")" -v n="$n" -v m="$m" -v t="$train" -v s="$score" \
	'BEGIN { printf "%-22s %8.3f %8.3f %8.2f   (training %.2f, scoring %.2f)\n", "l2m bytemix", a, p, m/(t+s)/1e6, (m-n)/t/1e6, n/s/1e6 }'
