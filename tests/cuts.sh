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

# The name of a cut; all is within a stream's first minute. Long ones have durations, to be short enough.
name_of() { # RANGES MODE
	local range start end name=
	for range in ${1//;/ }; do
		start=$(microseconds "${range%,*}") end=$(microseconds "${range#*,}")
		name="$name,20231110T0000$(seconds "$start" 2)"
		if [ ${#1} -gt 100 ]; then
			name="$name+$(seconds $((end - start)) 1)s"
		else
			name="$name-20231110T0000$(seconds "$end" 2)"
		fi
	done
	[ "$2" = smart ] && echo "${name#,}.ts" || echo "${name#,}.$2.ts"
}

silent() { # ffmpeg has nothing to say of a file
	ffmpeg -nostdin -hide_banner -v warning -xerror -i "$1" -f null - </dev/null >"$work/said" 2>&1 &&
		[ ! -s "$work/said" ] && return
	cat "$work/said"
	return 1
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
