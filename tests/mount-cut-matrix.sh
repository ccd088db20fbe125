# SPDX-License-Identifier: MIT
# Cuts of each kind, from streams of each kind, over ranges of each kind: exactly the frames of the range, one clean
# stream, the same bytes however it is read, and from a second daemon that begins with nothing. CUT_MATRIX=quick tries a
# few of them, as the sanitizers do.
. "${top_srcdir:-.}/tests/functions.sh"
. "$top_srcdir/tests/cuts.sh"

if [ "$SANITIZERS" != no ] || [ -n "$SEGFS_WRAPPER" ]; then
	: "${CUT_MATRIX:=quick}"
fi
: "${CUT_MATRIX:=full}"
wrap=37 # seconds into each stream: where its stamps pass 2^33

case $CUT_MATRIX in
quick) streams="plain-30 pyramid-60 open-30" ;;
full) streams="plain-30 plain-60 bframes-30 bframes-60 pyramid-30 pyramid-60 open-30 open-60 gops-30 gops-60" ;;
*) skip_all "CUT_MATRIX is neither quick nor full" ;;
esac

twenty="0,1.2;39.1,40;11.137,12.537;12.537,13.2;12.537,13.2;30,32;22.274,24.674;0.411,0.811"
twenty="$twenty;17.142624,17.182624;35.570372,36.070372;16.71364,19.535636;10.526114,11.026114"
twenty="$twenty;31.47869,31.97869;36.491173,36.531173;16.732301,16.772301;14.54449,15.04449;12.21889,13.952308"
twenty="$twenty;4.827257,4.867257;29.852417,30.483832;0.119108,0.241392"

# What the ranges are, in seconds: NAME START,END[;START,END]...
ranges() {
	cat <<-END
		inside 4.3,5.5
		odd 3.137,9.581
		three 12.2,15.7;2.1,4.9;20,23.3
		wrap $((wrap - 1)).3,$((wrap + 2)).2
	END
	[ "$CUT_MATRIX" = full ] || return
	cat <<-END
		two 5.3,7.1
		long 5,35
		aligned 4,10
		aligned-start 4,8.7
		twenty $twenty
	END
}

modes() { # NAME RANGES
	case $CUT_MATRIX-$1 in
	quick-inside) echo smart fast full ;;
	quick-odd) echo smart fast ;;
	quick-*) echo smart ;;
	full-three | full-twenty) echo smart full ;;
	*) echo smart fast full ;;
	esac
}

# How many frames lie in whole segments of two seconds, which are copied; with open GOPs they need not be.
copied_min() { # RANGES STREAM MODE
	local range start end n=0
	if [ "${2%-*}" = open ] || [ "$3" = full ]; then
		echo 0
		return
	fi
	for range in ${1//;/ }; do
		start=${range%,*} end=${range#*,}
		if [[ $start == *.* ]]; then start=$((${start%.*} + 1)); fi
		start=$(((start + 1) / 2)) end=$((${end%.*} / 2))
		if [ $end -gt $start ]; then n=$((n + (end - start) * 2 * ${2#*-})); fi
	done
	echo $n
}

# Two at a time
for name in $streams; do
	kind=${name%-*} gops=1
	[ "$kind" != gops ] || { kind=plain gops=3; }
	python3 "$top_srcdir/tests/make-media.py" "$store" --stream "desertbus/$name" --manifest "$work/$name.manifest.json" \
		--kind "$kind" --fps "${name#*-}" --wrap-after $wrap --gops $gops &
	[ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
done
wait

: >"$work/paths"
: >"$work/sums"
ok "mounts" start
for name in $streams; do
	if ! "$top_builddir/tests/judge" --prepare "$work/$name.manifest.json"; then
		result 1 "$name is a stream"
		continue
	fi
	while read -r what list; do
		for mode in $(modes "$what"); do
			path=$mnt/desertbus/$name/range/$(name_of "$list" "$mode")
			if [ "$what" = twenty ]; then
				ok "$name, $what, $mode" check_long_cut "$name" "$list" "$mode" "--$mode"
				continue
			fi
			ok "$name, $what, $mode" check_cut "$name" "$list" "$path" "--$mode" \
				--copied-min="$(copied_min "$list" "$name" "$mode")"
			if [ -s "$work/cut.ts" ]; then
				# What the kernel remembers of it would answer instead of the daemon.
				dd if="$path" of=/dev/null iflag=nocache count=0 status=none
				ok "$name, $what, $mode: read at random" probe compare "$path" "$work/cut.ts" 0.05 4
				sha256sum <"$work/cut.ts" >>"$work/sums"
				echo "$path" >>"$work/paths"
				if [ "$mode" = smart ]; then
					ok "$name, $what: as an mp4" check_movie "${path%.ts}.mp4" --constant
					sha256sum <"$work/cut.mp4" >>"$work/sums"
					echo "${path%.ts}.mp4" >>"$work/paths"
				fi
			fi
			rm -f "$work/cut.ts"
		done
	done < <(ranges)
	rm -f "$work/$name.judge"
done
ok "ends" stop

rm -rf "$work/cache"
ok "mounts again" start
while read -r path; do
	tail -c 65536 "$path" >/dev/null # this time its end is made first
	sha256sum <"$path"
done <"$work/paths" >"$work/sums-again"
ok "$(wc -l <"$work/sums") cuts are the same from a second daemon that has to make all anew" \
	cmp "$work/sums" "$work/sums-again"
ok "ends" stop
done_testing
