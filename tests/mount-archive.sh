# SPDX-License-Identifier: MIT
# Archives: whole segments in Matroska, written when they are first opened, one file for each run without a hole.
. "${top_srcdir:-.}/tests/functions.sh"

python3 "$top_srcdir/tests/make-media.py" "$store" --stream desertbus/source --manifest "$work/manifest.json" \
	--seconds 24 --kind bframes --jump 3:500 --hole 6 --id3
range=$stream/range
cut=20231110T000001-20231110T000011

hashes() { # of all pictures of FILE as they are decoded
	ffmpeg -nostdin -v warning -xerror -i "$1" -map 0:v -f framemd5 -fps_mode passthrough - </dev/null 2>"$work/said" |
		grep -v '^#' | awk '{ print $NF }'
	! grep . "$work/said"
}
source_hashes() { # of segments FIRST to LAST, from 1
	local i
	for i in $(seq "$1" "$2"); do hashes "$store/desertbus/source/$hour/$(name "$i")"; done
}

ok "mounts" start
errno "only whole segments" ENOTSUP stat "$range/$cut.mkv"
errno "a range with a hole" ENODATA stat "$range/20231110T0000+20s.rough.mkv"
errno "not open, its size is about right" OK stat "$range/$cut.rough.mkv"
ok "is copied" cp "$range/$cut.rough.mkv" "$work/one.mkv"
is "its size is exact" "$(stat -c %s "$range/$cut.rough.mkv")" "$(stat -c %s "$work/one.mkv")"
is "is Matroska" "$(ffprobe -v error -show_entries format=format_name -of default=nk=1:nw=1 "$work/one.mkv")" "matroska,webm"
is "says when it was" "$(ffprobe -v error -show_entries format_tags=creation_time -of csv=p=0 "$work/one.mkv")" \
	"2023-11-10T00:00:00.000000Z"
hashes "$work/one.mkv" >"$work/got"
source_hashes 1 6 >"$work/wanted"
ok "has the pictures of its segments, bit by bit" cmp "$work/got" "$work/wanted"
is "its time goes on where the stream's jumps" \
	"$(ffprobe -v error -select_streams v -show_entries frame=pts_time -of default=nk=1:nw=1 "$work/one.mkv" |
		awk 'NR > 1 && ($1 <= last || $1 > last + 0.04) { print } { last = $1 }')" ""
ok "reads at random" probe compare "$range/$cut.rough.mkv" "$work/one.mkv" 0.2 4

runs=$range/20231110T0000+24s.rough.d
is "a file for each run without a hole" "$(ls "$runs")" "1.mkv
2.mkv"
ok "the second one is copied" cp "$runs/2.mkv" "$work/two.mkv"
hashes "$work/two.mkv" >"$work/got"
source_hashes 7 11 >"$work/wanted"
ok "and has the pictures behind the hole" cmp "$work/got" "$work/wanted"
errno "no third one" ENOENT stat "$runs/3.mkv"
errno "none before the first" ENOENT stat "$runs/0.mkv"
errno "no other name" ENOENT stat "$runs/1.ts"
errno "no directory of anything but archives" ENOENT stat "$range/$cut.d"
errno "of nothing there are none" ENODATA stat "$range/20331110T0000+1m.rough.d"
ok "with holes they follow each other" cp "$range/20231110T0000+24s.rough.holes.mkv" "$work/both.mkv"
is "all of them" "$(hashes "$work/both.mkv" | wc -l)" $((11 * 60))

# Who has it open keeps it; a tombstone ends that.
exec 5<"$range/$cut.rough.mkv"
victim=$(name 2)
touch "$stream/$hour/${victim%.ts}.tombstone"
ok "a tombstone ends an open one" eval '! cat <&5 >"$work/rest" 2>&1'
exec 5<&-
errno "and its name" ENODATA stat "$range/$cut.rough.mkv"
is "nothing is left of what was spooled" "$(find "$work/cache" -size +100k)" ""
ok "ends" stop

rm "$store/desertbus/source/$hour/${victim%.ts}.tombstone"
ok "mounts again" start
ok "the same bytes from another daemon" cmp "$range/$cut.rough.mkv" "$work/one.mkv"
ok "ends" stop
done_testing
