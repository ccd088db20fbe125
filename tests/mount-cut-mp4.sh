# SPDX-License-Identifier: MIT
# Cuts as MP4 and QuickTime: the same video as that of the transport stream, at a size that is known before anything is
# made, readable anywhere; what they say of themselves; and what cannot be one.
. "${top_srcdir:-.}/tests/functions.sh"
. "$top_srcdir/tests/cuts.sh"

make_media() { # NAME OPTION...
	local name=$1
	shift
	python3 "$top_srcdir/tests/make-media.py" "$store" --stream "desertbus/$name" --manifest "$work/$name.json" \
		--seconds 24 "$@"
}
make_media source --kind pyramid --fps 60 --wrap-after 9 --counters restart --jump 8:500 --id3
make_media hole --hole 5 --partial 8 --kind bframes
make_media vfr --vfr --fps 60
make_media hevc --codec hevc --seconds 6
make_media restart --fps 30000/1001 --change 4:180p --audio 2
range=$stream/range
status() { jq -r "$1" "$mnt/.segfs/status.json"; }
# Without what the kernel remembers of it
forget() { dd if="$1" of=/dev/null iflag=nocache count=0 status=none; }
probe_file() { ffprobe -v error -of default=nk=1:nw=1 "$@"; } # what FILE says of itself

# Reads a cut as a transport stream, and as EXT, and compares them: compare NAME RANGES MOD EXT OPTION...
compare() {
	local list path
	list=$(spans_of "$2" | paste -sd,)$3 path=$mnt/desertbus/$1/range
	cat "$path/$list.ts" >"$work/cut.ts" && cat "$path/$list.$4" >"$work/cut.$4" || return
	[ "$(stat -c %s "$path/$list.$4")" = "$(stat -c %s "$work/cut.$4")" ] || { echo "the size was another"; return 1; }
	python3 "$top_srcdir/tests/compare-mp4.py" "${@:5}" "$work/cut.$4" "$work/cut.ts" && silent "$work/cut.$4"
}

ok "mounts" start
cut=$range/$(spans_of 3.137,13.581).mp4
size=$(stat -c %s "$cut")
ok "its size is known" [ "$size" -gt 100000 ]
is "before an edge is made" "$(status .edges_made)" 0
# As Windows does: the end, while nothing is made.
tail -c 65536 "$cut" >"$work/tail"
head -c 65536 "$cut" >"$work/head"
cat "$cut" >"$work/whole.mp4"
is "it is as large" "$(stat -c %s "$work/whole.mp4")" "$size"
ok "its end is that which was read first" cmp "$work/tail" <(tail -c 65536 "$work/whole.mp4")
ok "and its beginning" cmp "$work/head" <(head -c 65536 "$work/whole.mp4")
forget "$cut"
ok "reads at random, and through a map" probe compare "$cut" "$work/whole.mp4" 0.3 4
cat "$cut" "$cut" >/dev/null &
cat "$cut" | cmp - "$work/whole.mp4" >"$work/differs"
wait $!
is "three readers read the same" "$(cat "$work/differs")" ""

ok "is the transport stream's video" compare source 3.137,13.581 "" mp4 --constant
ok "of several ranges, in any order, too" compare source "12.2,15.7;2.1,4.9;20,23.3" "" mp4 --constant
ok "aligned" compare source 4,8 "" mp4 --constant
ok "inside of one segment" compare source 4.3,5.5 "" mp4 --constant
ok "as QuickTime" compare source 3.137,13.581 "" mov --constant
ok "of whole segments" compare source 4,10 .rough mp4 --constant
ok "with holes" compare hole 3.5,21.3 .holes mp4
ok "of 29.97 pictures a second, and two tracks" compare restart 1.1,7.3 "" mp4 --constant
ok "of another rate in between" compare vfr 3.1,9.3 "" mp4 --variable
ok "and of several ranges of that" compare vfr "3.1,5.3;9,11.5" "" mov --variable

# What it says of itself
two=$range/20231110T000002.3+3s,20231110T000012.5+2s.mp4
is "it says when it happened" "$(probe_file -show_entries format_tags=creation_time "$two")" "2023-11-10T00:00:02.000000Z"
is "with a timecode of the stream's clock" "$(probe_file -select_streams v -show_entries stream_tags=timecode "$two")" \
	"00:00:02:18"
is "that drops numbers where it has to" \
	"$(probe_file -select_streams v -show_entries stream_tags=timecode "$mnt/desertbus/restart/range/20231110T0000+3s.mov")" \
	"00:00:00;00"
# Of each timecode of FILE, when it begins in the movie, and its frame's number since midnight
timecodes() {
	ffprobe -v quiet -select_streams d -show_packets -show_data -of json "$1" | jq -r '[.packets[] | (.pts_time | tonumber),
		(.data | split(":")[1][1:10] | gsub(" "; ""))] | map(tostring) | join(" ")'
}
# A segment is missing at ten seconds, and another ends early, at seventeen and some.
is "that jumps where the clock does, over a hole" \
	"$(timecodes "$mnt/desertbus/hole/range/20231110T000003+16s.rough.holes.mp4")" \
	"$(printf '%s %08x ' 0 60 8 360 13.233333 540 | xargs)"
is "and chapters at its joins" "$(probe_file -show_entries chapter=start_time "$two" | paste -sd,)" "0.000000,3.000000"
is "a cut of one range has none" "$(probe_file -show_chapters "$cut")" ""
is "its title is what it is of" "$(probe_file -show_entries format_tags=title "$cut" | cut -d' ' -f1)" "desertbus/source"
is "the report tells its rate" "$(sed -n 's/^mp4 *//p' "${cut%.mp4}.txt")" "60 pictures a second"
is "or that there is none" "$(sed -n 's/^mp4 *//p' "$mnt/desertbus/vfr/range/20231110T0000+4s.txt")" \
	"the rate is not constant: pictures keep their time stamps"

errno "none of another codec" ENOTSUP stat "$mnt/desertbus/hevc/range/20231110T0000+4s.mp4"
ok "as the report says" grep -q '^mp4 *none: .*H.264' "$mnt/desertbus/hevc/range/20231110T0000+4s.txt"
errno "none of what is encoded as a whole" ENOTSUP stat "$range/20231110T0000+4s.full.mp4"
errno "none with the source's time stamps" ENOTSUP stat "$range/20231110T0000+4s.fast.mov"
errno "none with a hole in it" ENODATA stat "$mnt/desertbus/hole/range/20231110T0000+20s.mp4"
ok "with segfsctl the same" "$segfsctl" cut -q "$store/desertbus/source" 20231110T000003.137-20231110T000013.581 \
	-o "$work/cut.mp4"
ok "byte by byte" cmp "$work/cut.mp4" "$work/whole.mp4"

# Another daemon, with a cache that has no edges: the samples are on disk, whatever becomes of the segments.
made=$(find "$work/cache" -path '*samples*' -type f | wc -l)
ok "samples are kept on disk" [ "$made" -gt 0 ]
ok "ends" stop
rm -rf "$work"/cache/*/edges "$work"/cache/edges
ok "mounts again" start
is "of the same size" "$(stat -c %s "$cut")" "$size"
tail -c 3000 "$cut" >/dev/null
ok "and the same bytes" cmp "$cut" "$work/whole.mp4"

# Who has it open keeps it; a tombstone ends that.
exec 5<"$cut"
head -c 100 <&5 >/dev/null
touch "$stream/$hour/$(basename "$(name 4)" .ts).tombstone"
ok "a tombstone ends an open one" eval '! cat <&5 >"$work/rest" 2>&1'
exec 5<&-
errno "and its name" ENODATA stat "$cut"
ok "another cut is not touched" compare source 14.1,19 "" mp4
ok "ends" stop
done_testing
