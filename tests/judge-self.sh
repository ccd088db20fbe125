# SPDX-License-Identifier: MIT
# The judge of cuts says OK of good ones, and of each wrong one what is wrong with it: it must not be blind.
: "${top_builddir:=$PWD}" "${top_srcdir:=$PWD}"
export LC_ALL=C TZ=UTC
for program in ffmpeg python3; do
	command -v $program >/dev/null || { echo "1..0 # SKIP needs $program"; exit 0; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/segfs-test-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
count=0 failures=0

result() { # STATUS WHAT
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $2"
		sed 's/^/# /' "$work/out"
	fi
}

judge() { "$top_builddir/tests/judge" "$@" >"$work/out" 2>&1; }

# good WHAT ARGUMENT...: the judge finds nothing wrong; bad WHAT KIND ARGUMENT...: it finds that
good() {
	local what=$1
	shift
	judge "$@"
	result $? "$what"
}
bad() {
	local what=$1 kind=$2 status
	shift 2
	judge "$@"
	status=$?
	[ $status -eq 1 ] && grep -q "^$kind: " "$work/out"
	result $? "$what: $kind"
}
make_media() { python3 "$top_srcdir/tests/make-media.py" "$@"; }

mkdir "$work/cuts"
make_media "$work/plain" --seconds 8 || exit 1
python3 "$top_srcdir/tests/judge-cuts.py" "$work/plain.manifest.json" "$work/cuts" >"$work/list" || exit 1
while IFS=$'\t' read -r name kind option ranges; do
	arguments=("$work/plain.manifest.json" "$ranges" "$work/cuts/$name.ts")
	[ "$option" = -- ] || arguments=("$option" "${arguments[@]}")
	if [ "$kind" = - ]; then good "$name" "${arguments[@]}"; else bad "$name" "$kind" "${arguments[@]}"; fi
done <"$work/list"

# A whole stream as it is is a fast cut of itself, of whatever kind.
n=0
while read -r options; do
	n=$((n + 1))
	# shellcheck disable=SC2086
	make_media "$work/$n" --seconds 6 $options || exit 1
	cat "$work/$n"/*/*/*/*.ts >"$work/$n.ts"
	good "as it is: $options" --fast "$work/$n.manifest.json" 0,7 "$work/$n.ts"
	bad "but not a little less: $options" "\(frames\|foreign\)" --fast "$work/$n.manifest.json" 0.1,7 "$work/$n.ts"
	rm -r "${work:?}/$n"*
done <<-END
	--kind bframes --fps 25
	--kind pyramid --fps 60 --gops 3
	--kind open --fps 50
	--kind open --fps 60 --vfr
	--fps 30000/1001 --ms
	--kind pyramid --ms --fps 60 --wrap-after 3
	--jump 2:-3000
	--audio 2 --id3
	--audio 0
	--no-video
	--mute 1
	--name-error 10
	--codec hevc --kind pyramid
	--change 2:360p
END

echo "1..$count"
[ $failures -eq 0 ]
