# SPDX-License-Identifier: MIT
# Edges under stress: many readers of one, readers that go away, a tombstone or an unmount in the middle of it, a cache
# directory that cannot be written, and two daemons that share one.
. "${top_srcdir:-.}/tests/functions.sh"
. "$top_srcdir/tests/cuts.sh"

seconds_of_media=24
python3 "$top_srcdir/tests/make-media.py" "$store" --stream desertbus/source --manifest "$work/source.manifest.json" \
	--seconds $seconds_of_media --size 720p30 --segment 4 --kind pyramid
dir=$store/desertbus/source/$hour

range() { echo "$stream/range/$(name_of "$1" "${2:-smart}")"; }
# CPU of the daemon so far, in ticks; whether it uses none
cpu() { awk '{ print $14 + $15 }' "/proc/$segfs_pid/stat"; }
is_idle() {
	local before
	before=$(cpu)
	read -r -t 0.3 <> <(:) || :
	[ $(($(cpu) - before)) -le 1 ]
}
n_edges() { find "$edges" -name '*.edge' | wc -l; }
# Edges that were encoded, as the log tells of each try
n_made() { grep -c 'an edge of [1-9]' "$log"; }
begin() {
	start --log-level=debug && edges=$(find "$work/cache" -name edges)
}

# Reads all of PATHs at the same time, and says how many different contents there were.
read_all() { # N PATH
	local i
	for ((i = 0; i < $1; i++)); do
		sha256sum <"$2" >"$work/sum.$i" &
		readers+=($!)
	done
	wait "${readers[@]}"
	readers=()
	sort -u "$work"/sum.* | wc -l
	rm -f "$work"/sum.*
}
readers=()

ok "mounts" begin
cut=$(range 1.1,18.9)
is "thirty readers of one cut read the same" "$(read_all 30 "$cut")" 1
is "its two edges are kept" "$(n_edges)" 2
is "and each was made once" "$(n_made)" 2
ok "it is what it should be" check_cut source 1.1,18.9 "$cut"

# One reader, which overtakes what is made ahead of it: nothing is begun twice.
full=$(range 0.7,23.7 full)
before=$(jq .edges_made "$mnt/.segfs/status.json")
ok "a cut that is encoded as a whole is read in order" check_cut source 0.7,23.7 "$full" --full
is "each of its parts was made once" "$(jq "[.edges_made - $before, .edges_given_up]" -c "$mnt/.segfs/status.json")" "[6,0]"

# Readers that are killed while they wait: what they wait for is given up.
full=$(range 0.5,23.5 full)
for ((i = 0; i < 6; i++)); do
	cat "$full" >/dev/null &
	readers+=($!)
done
before=$(cpu)
ok "a cut that is encoded as a whole is being made" until_ok eval '[ $(($(cpu) - before)) -gt 20 ]'
kill -9 "${readers[@]}"
wait "${readers[@]}" 2>/dev/null
readers=()
ok "when its readers are gone the encoder stops" until_ok is_idle
ok "and the cut can be made anew" check_cut source 0.5,23.5 "$full" --full

# A tombstone on a segment whose edge is being made, and waited for.
victim=$(name 2)
cut=$(range 4.3,22.9)
cat "$cut" >/dev/null 2>"$work/reader" &
reader=$!
before=$(cpu)
ok "an edge of it is being made" until_ok eval '[ $(($(cpu) - before)) -gt 2 ]'
other=$(range 13.1,22.9)
cat "$other" >"$work/other" &
other_reader=$!
touch "$stream/$hour/${victim%.ts}.tombstone"
wait "$reader" && status=0 || status=$?
is "its reader gets an error" "$status $(grep -c 'Input/output error' "$work/reader")" "1 1"
wait "$other_reader" && status=0 || status=$?
is "another cut is read to its end" "$status" 0
ok "and is what it should be" "$top_builddir/tests/judge" "$work/source.manifest.json" 13.1,22.9 "$work/other"
ok "nothing is made any more" until_ok is_idle
# The SHA-256 in a segment's name is in the head of each edge that it is part of.
hash=${victim%.ts}
hash=$(tr '_-' '/+' <<<"${hash: -43}")
hash=$(echo "$hash=" | base64 -d | xxd -p -c 64)
has_hash() {
	local file
	for file in "$edges"/*.edge; do
		if [ -e "$file" ] && head -c 4096 "$file" | xxd -p -c 0 | grep -q "$hash"; then return; fi
	done
	return 1
}
ok "an edge without it is left" test "$(n_edges)" -gt 0
fails "none with it is" has_hash
rm "$dir/${victim%.ts}.tombstone"
ok "it comes back" until_ok test -e "$cut"
ok "and so does the cut" check_cut source 4.3,22.9 "$cut"
ok "whose edges have it" has_hash

# An unmount while edges are made.
for ((i = 0; i < 4; i++)); do
	cat "$(range "$((i + 1)).9,$((i + 17)).3" full)" >/dev/null 2>&1 &
	readers+=($!)
done
before=$(cpu)
until_ok eval '[ $(($(cpu) - before)) -gt 10 ]'
kill "${readers[@]}"
wait "${readers[@]}" 2>/dev/null
readers=()
begun=$SECONDS
ok "an unmount then ends it" stop
ok "soon" test $((SECONDS - begun)) -le 5

# What was made is found again.
n=$(n_edges)
ok "mounts again" begin
ok "the cut is the same" check_cut source 4.3,22.9 "$cut"
is "without an edge that was made" "$(n_made)" 0

# A second daemon with the same directory: it finds the first one's edges, and the first one its.
mkdir "$work/second"
"$segfs" -f --log=stderr --log-level=debug --cache="$work/cache" "$store" "$work/second" 2>"$work/log2" &
second=$!
at_end "fusermount3 -u $work/second 2>/dev/null"
ok "a second daemon mounts" until_ok test -d "$work/second/desertbus/source/$hour"
new=$(range 1.2,18.6)
theirs=$work/second/desertbus/source/range/$(name_of 1.2,18.6 smart)
sum=$(sha256sum <"$theirs")
is "what it made the first one reads" "$(sha256sum <"$new")" "$sum"
is "and does not make" "$(n_made)" 0
is "edges are kept once" "$(n_edges)" $((n + 2))
old=$work/second/desertbus/source/range/$(name_of 4.3,22.9 smart)
is "and the other way round" "$(sha256sum <"$old")" "$(sha256sum <"$cut")"
is "it made two, and no more" "$(grep -c 'an edge of [1-9]' "$work/log2")" 2
fusermount3 -u "$work/second"
wait "$second" && status=0 || status=$?
is "the second one ends" "$status" 0
ok "ends" stop

# A directory that cannot be written: cuts are made in memory.
rm -rf "${edges:?}"
mkdir -p "$edges"
if mount -t tmpfs -o size=64k tmpfs "$edges" 2>/dev/null; then
	at_end "umount -l $edges 2>/dev/null"
	ok "mounts with a directory that is full" begin
	ok "a cut is made" check_cut source 1.1,9.7 "$(range 1.1,9.7)"
	is "that it is not kept is said once" "$(grep -c 'cannot keep an edge' "$log")" 1
	is "nothing is left of it" "$(find "$edges" -type f | wc -l)" 0
	ok "ends" stop
	mount -o remount,ro "$edges"
	ok "mounts with one that is read-only" begin
	ok "a cut is made" check_cut source 1.1,9.7 "$(range 1.1,9.7)"
	is "that it is not kept is said once" "$(grep -c 'cannot keep an edge' "$log")" 1
	ok "ends" stop
	umount "$edges"
else
	skip "a directory that is full, or read-only" "tmpfs cannot be mounted"
fi
done_testing
