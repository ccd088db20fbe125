# SPDX-License-Identifier: MIT
# Tombstones: at once in listings, kernel caches, cuts and open handles; durable; by hash in the whole stream.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 2 180 5000
dir=$store/desertbus/source/$hour
chmod 777 "$dir"
tombstone_of() { echo "${1%.ts}.tombstone"; }
start --allow-other
victim=$(name 5)
cut=$stream/range/20231110T0000+5m.rough.ts
playlist=$stream/range/20231110T0000+5m.m3u8
other=$stream/range/20231110T0010+5m.rough.ts
cat "$cut" "$playlist" "$other" "$stream/playlist.m3u8" "$stream/$hour/$victim" >/dev/null

# Open handles: of the segment, of a cut with it, of a playlist with it, and of a cut without it.
coproc probe hold "$stream/$hour/$victim" "$cut" "$playlist" "$other"
hold_pid=$COPROC_PID
read -r line <&"${COPROC[0]}"
is "all are open" "$line" open

ok "touch" touch "$stream/$hour/$(tombstone_of "$victim")"
ok "it is in the store" test -f "$dir/$(tombstone_of "$victim")"
errno "the segment is gone at once" ENOENT stat "$stream/$hour/$victim"
errno "in the other spelling, too" ENOENT stat "$stream/$hour/20231110T000120.000000$(echo "$victim" | cut -c 13-)"
is "from the listing" "$(ls "$stream/$hour" | wc -l)" 179
errno "from cuts" ENODATA stat "$cut"
fails "from playlists" grep -qF "$victim" "$playlist"
fails "from the stream's playlist" grep -qF "$victim" "$stream/playlist.m3u8"
echo >&"${COPROC[1]}"
for what in "the segment's" "a cut's" "a playlist's"; do
	read -r line <&"${COPROC[0]}"
	is "$what open handle" "$line" "EIO EIO SIGBUS"
done
read -r line <&"${COPROC[0]}"
is "a cut without it is as it was" "$line" "OK OK OK"
ok "the segment itself is still in the store" test -f "$dir/$victim"
is "a tombstone is not listed" "$(ls "$stream/$hour" | grep -c tombstone)" 0
is "but it is there" "$(stat -c '%s %F' "$stream/$hour/$(tombstone_of "$victim")")" "0 regular empty file"
ok "and can be touched again" touch "$stream/$hour/$(tombstone_of "$victim")"
is "all shows both" "$(ls "$mnt/.segfs/all/desertbus/source/$hour" | grep -c "^${victim%.ts}")" 2

# Undone: handles stay revoked, names come back.
ok "untombstone" "$segfsctl" untombstone "$stream/$hour/$victim"
ok "it is back" until_ok test -f "$stream/$hour/$victim"
ok "in cuts, too" until_ok test -f "$cut"
is "with its bytes" "$(sha256sum <"$cut")" "$(cat "$dir"/0[0-4]:*.ts | sha256sum)"
echo >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
is "the handle from before is not" "${line%% *}" EIO
exec {COPROC[1]}>&-
wait "$hold_pid"
fails "twice" "$segfsctl" untombstone "$stream/$hour/$victim"

# By the colon-free name, by the command, by another program in the store, by mknod.
portable=20231110T000120.000000$(echo "$victim" | cut -c 13-)
ok "touch of the colon-free name" touch "$stream/$hour/$(tombstone_of "$portable")"
ok "has the store's name there" test -f "$dir/$(tombstone_of "$victim")"
errno "and is gone" ENOENT stat "$stream/$hour/$victim"
ok "segfsctl tombstone" "$segfsctl" tombstone "$stream/$hour/$(name 6)"
errno "and is gone" ENOENT stat "$stream/$hour/$(name 6)"
stat "$stream/$hour/$(name 7)" >/dev/null
ok "segfsctl tombstone in the store" "$segfsctl" tombstone "$dir/$(name 7)"
ok "and is gone" until_ok eval '! test -e "$stream/$hour/$(name 7)"'
ok "mknod" probe errno mknod "$stream/$hour/$(tombstone_of "$(name 8)")"
errno "and is gone" ENOENT stat "$stream/$hour/$(name 8)"
fails "segfsctl wants a segment" "$segfsctl" tombstone "$stream/$hour/foo.ts"
is "and says so" "$(grep -c 'not the path of a segment' "$work/out")" 1

# The caller's.
if command -v setpriv >/dev/null; then
	ok "another user's touch" setpriv --reuid 1234 --regid 2345 --clear-groups touch \
		"$stream/$hour/$(tombstone_of "$(name 9)")"
	is "is that user's" "$(stat -c '%u %g' "$dir/$(tombstone_of "$(name 9)")")" "1234 2345"
	chmod 755 "$dir"
fi

# The same bytes under other names are the same secret, in the whole stream.
twin() { sed "s/-20.0-full-/-$1-$2-/" <<<"$victim10"; }
victim10=$(name 10)
cp "$dir/$victim10" "$dir/$(twin 20.5 full)"
cp "$dir/$victim10" "$store/desertbus/source/2023-11-10T01/$(name 10 | sed 's/^03:00/59:59/')"
ok "the longer one is the best" until_ok test -f "$stream/$hour/$(twin 20.5 full)"
ok "its twin in another hour" until_ok test -f "$stream/2023-11-10T01/$(name 10 | sed 's/^03:00/59:59/')"
touch "$stream/$hour/$(tombstone_of "$victim10")"
errno "none of them is seen: by name" ENOENT stat "$stream/$hour/$victim10"
errno "by hash" ENOENT stat "$stream/$hour/$(twin 20.5 full)"
errno "in another hour" ENOENT stat "$stream/2023-11-10T01/$(echo "$victim10" | sed 's/^03:00/59:59/')"
is "nor listed" "$(ls "$stream/2023-11-10T01" | grep -c '^59:59')" 0
cp "$dir/$victim10" "$dir/$(twin 21 full)"
errno "nor what comes later" ENOENT stat "$stream/$hour/$(twin 21 full)"
is "a suspect of other bytes takes its place" "$(
	echo other >"$work/other"
	cp "$work/other" "$dir/03:00.000000-20.0-suspect-$(sha256sum "$work/other" | cut -d ' ' -f 1 | xxd -r -p | base64 |
		tr '+/' '-_' | tr -d =).ts"
	until_ok eval 'ls "$stream/$hour" | grep -q "^03:00.*suspect"' && echo yes
)" yes

# A second mount of the same store: what one hides the other hides.
mkdir "$work/second"
"$segfs" --log=stderr --cache="$work/cache" "$store" "$work/second" 2>"$work/log2"
at_end "fusermount3 -u $work/second 2>/dev/null"
ls "$work/second/desertbus/source/$hour" >"$work/listing"
stat "$work/second/desertbus/source/$hour/$(name 20)" >/dev/null
touch "$stream/$hour/$(tombstone_of "$(name 20)")"
ok "the second mount forgets it" until_ok eval '! test -e "$work/second/desertbus/source/$hour/$(name 20)"'
fusermount3 -u "$work/second"

# After a restart it still holds.
stop
start
errno "after a restart" ENOENT stat "$stream/$hour/$(name 20)"
is "the listing, too" "$(ls "$stream/$hour" | grep -c "$(name 20)")" 0
ok "ends" stop
done_testing
