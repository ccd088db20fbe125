# SPDX-License-Identifier: MIT
# Cuts by their names, and what is asked of each. Sourced after functions.sh.

# Seconds with up to six decimals as microseconds, and those as seconds of at least N digits
microseconds() {
	local fraction=000000
	[[ $1 != *.* ]] || fraction=${1#*.}000000
	echo $((${1%.*} * 1000000 + 10#${fraction:0:6}))
}
seconds() { # MICROSECONDS N
	local text
	printf -v text '%0*d.%06d' "$2" $(($1 / 1000000)) $(($1 % 1000000))
	text=${text%"${text##*[!0]}"}
	echo "${text%.}"
}

# The ranges as names have them; all is within a stream's first minute.
spans_of() { # RANGES
	local range
	for range in ${1//;/ }; do
		echo "20231110T0000$(seconds "$(microseconds "${range%,*}")" 2)-20231110T0000$(seconds "$(microseconds "${range#*,}")" 2)"
	done
}
name_of() { # RANGES MODE
	local name
	name=$(spans_of "$1" | paste -sd,)
	[ "$2" = smart ] && echo "$name.ts" || echo "$name.$2.ts"
}

# ffmpeg has nothing to say of a file, but for a sparse stream that it did not see at once.
silent() {
	ffmpeg -nostdin -hide_banner -v warning -xerror -i "$1" -f null - </dev/null >"$work/said" 2>&1 &&
		! grep -v 'start time for stream' "$work/said"
}

# Cuts into $work/cut.ts without a mount, as what is too long for a name has to be, and judges it.
check_long_cut() { # STREAM RANGES MODE [OPTION OF THE JUDGE]...
	local stream=$1 ranges=$2 mode=$3 spans
	shift 3
	rm -f "$work/cut.ts"
	mapfile -t spans < <(spans_of "$ranges")
	"$segfsctl" cut --mode="$mode" "$store/desertbus/$stream" "${spans[@]}" -o "$work/cut.ts" || return
	"$top_builddir/tests/judge" "$@" "$work/$stream.manifest.json" "$ranges" "$work/cut.ts" && silent "$work/cut.ts"
}

# Whether the MP4 file of the cut that was judged last is the same video: check_movie PATH [OPTION OF compare-mp4.py]...
check_movie() {
	local path=$1
	shift
	rm -f "$work/cut.mp4"
	cat "$path" >"$work/cut.mp4" || return
	[ "$(stat -c %s "$path")" = "$(stat -c %s "$work/cut.mp4")" ] || { echo "the size was another"; return 1; }
	python3 "$top_srcdir/tests/compare-mp4.py" "$@" "$work/cut.mp4" "$work/cut.ts" || return
	[[ $path == *.holes.* ]] || silent "$work/cut.mp4"
}

# Reads a cut into $work/cut.ts, and judges it: check_cut STREAM RANGES PATH [OPTION OF THE JUDGE]...
check_cut() {
	local stream=$1 ranges=$2 path=$3 size
	shift 3
	rm -f "$work/cut.ts"
	size=$(stat -c %s "$path") || return
	cat "$path" >"$work/cut.ts" || return
	[ "$(stat -c %s "$work/cut.ts")" = "$size" ] || { echo "the size was $size"; return 1; }
	"$top_builddir/tests/judge" "$@" "$work/$stream.manifest.json" "$ranges" "$work/cut.ts" || return
	[[ " $* " == *" --broken "* ]] || silent "$work/cut.ts"
}
