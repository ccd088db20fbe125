# SPDX-License-Identifier: MIT
# What there is in a mount, and what a cut is made of.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 3 180 3000
first=$store/desertbus/source/$hour
mkdir -p "$store/desertbus/chat/$hour" "$store/desertbus/media" "$store/desertbus/.hidden" "$store/other"
echo '{}' >"$store/desertbus/chat/$hour/00:00-abc.json"
echo picture >"$store/desertbus/media/x.png"
echo hello >"$store/readme.txt"
echo hidden >"$store/.secret"
ln -s readme.txt "$store/link"
ok "mounts" start

is "the root" "$(ls "$mnt")" "$(printf 'desertbus\nlink\nother\nreadme.txt')"
is "the root with hidden names" "$(ls -A "$mnt" | head -n 1)" ".segfs"
is "a channel" "$(ls "$mnt/desertbus")" "$(printf 'chat\nmedia\nsource')"
is "a stream" "$(ls "$stream")" "$(printf '%s\n2023-11-10T01\n2023-11-10T02\nframe\nplaylist.m3u8\nrange' "$hour")"
is "an hour, in time order, from readdir itself" "$(ls -U "$stream/$hour")" "$(ls "$first")"
is "segments have their bytes" "$(cat "$stream/$hour"/* | sha256sum)" "$(cat "$first"/* | sha256sum)"
is "sizes" "$(stat -c %s "$stream/$hour"/*)" "$(stat -c %s "$first"/*)"
is "the time of a segment is its start" "$(stat -c %Y "$stream/$hour/$(name 2)")" "$(date -d '2023-11-10T00:00:20Z' +%s)"
is "modes" "$(stat -c %a "$stream/$hour/$(name 1)")" 444
is "statfs is the store's" "$(stat -f -c '%b %S' "$mnt")" "$(stat -f -c '%b %S' "$store")"

portable=20231110T000020.000000$(name 2 | cut -c 13-)
is "the other spelling of a segment" "$(sha256sum <"$stream/$hour/$portable")" "$(sha256sum <"$first/$(name 2)")"
is "which is the same file" "$(stat -c %i "$stream/$hour/$portable")" "$(stat -c %i "$stream/$hour/$(name 2)")"
errno "not of this hour" ENOENT stat "$stream/2023-11-10T01/$portable"

is "chat is passed through" "$(cat "$mnt/desertbus/chat/$hour/00:00-abc.json")" "{}"
is "and other files" "$(cat "$mnt/desertbus/media/x.png" "$mnt/readme.txt" "$mnt/link")" "$(printf 'picture\nhello\nhello')"
errno "hidden ones are not" ENOENT stat "$mnt/.secret"
is "all shows the store as it is" "$(ls -A "$mnt/.segfs/all")" "$(ls -A "$store")"
is "with its bytes" "$(cat "$mnt/.segfs/all/.secret")" hidden
is "for operators only" "$(stat -c %a "$mnt/.segfs")" 500
is "status" "$(jq -r .store "$mnt/.segfs/status.json")" "$store"
is "status has a size" "$(stat -c %s "$mnt/.segfs/status.json")" "$(wc -c <"$mnt/.segfs/status.json")"

# ---- cuts

cut=$stream/range/20231110T000100-20231110T010100.rough.ts
wanted() { cat "$first"/0[1-9]:* "$first"/[1-5]?:* "$store/desertbus/source/2023-11-10T01"/00:*; }
is "a rough cut over two hours" "$(sha256sum <"$cut")" "$(wanted | sha256sum)"
is "its size" "$(stat -c %s "$cut")" "$(wanted | wc -c)"
is "its time" "$(stat -c %Y "$cut")" "$(date -d '2023-11-10T01:00:40Z' +%s)"
is "ISO spelling" "$(sha256sum <"$stream/range/2023-11-10T00:01-2023-11-10T01:01.rough.ts")" "$(wanted | sha256sum)"
is "a duration" "$(sha256sum <"$stream/range/2023-11-10T00:01+1h.rough.ts")" "$(wanted | sha256sum)"
is "what covers the range" "$(sha256sum <"$stream/range/20231110T000105-20231110T000125.rough.ts")" \
	"$(cat "$first"/01:[0-2]0* | sha256sum)"
is "several ranges" "$(sha256sum <"$stream/range/20231110T0005+20s,20231110T0001+20s,20231110T0005+20s.rough.ts")" \
	"$(cat "$first"/05:[01]0* "$first"/01:[01]0* "$first"/05:[01]0* | sha256sum)"
is "range lists what was used" "$(ls "$stream/range" | wc -l)" 5
is "segments of a cut" "$(getfattr --absolute-names --only-values -n user.segfs.segments "$cut")" 180
is "holes of a cut" "$(getfattr --absolute-names --only-values -n user.segfs.holes "$cut")" 0

rm "$first/$(name 10)"
until_ok eval '[ "$(ls "$stream/$hour" | wc -l)" = 179 ]'
errno "a hole" ENODATA open "$stream/range/20231110T0002+2m.rough.ts"
is "is accepted on demand" "$(sha256sum <"$stream/range/20231110T0002+2m.rough.holes.ts")" \
	"$(cat "$first"/0[23]:* | sha256sum)"
is "and counted" "$(getfattr --absolute-names --only-values -n user.segfs.holes "$stream/range/20231110T0002+2m.rough.holes.ts")" 1
is "a report says where" "$(grep -m 1 '^hole ' "$stream/range/20231110T0002+2m.txt")" \
	"hole      2023-11-10T00:03:00.000000 to 2023-11-10T00:03:20.000000 (20.000000 s)"
is "so does JSON" "$(jq -r '.ranges[0].holes[0].start' "$stream/range/20231110T0002+2m.json")" "2023-11-10T00:03:00.000000Z"
is "a playlist of a range" "$(grep -c '^\.\./2023-11-10T00/' "$stream/range/20231110T0002+2m.m3u8")" 5
is "has a mark for it" "$(grep -c DISCONTINUITY "$stream/range/20231110T0002+2m.m3u8")" 1
ok "its entries are there" test -f "$stream/range/$(grep -m 1 '^\.\.' "$stream/range/20231110T0002+2m.m3u8")"
is "the stream's playlist" "$(grep -c '\.ts$' "$stream/playlist.m3u8")" 539
ok "its entries are there" test -f "$stream/$(grep -m 1 '\.ts$' "$stream/playlist.m3u8")"
is "its size" "$(stat -c %s "$stream/playlist.m3u8")" "$(wc -c <"$stream/playlist.m3u8")"

# ---- attributes

segment=$stream/$hour/$(name 2)
is "sha256" "$(getfattr --absolute-names --only-values -n user.segfs.sha256 "$segment")" "$(sha256sum <"$segment" | cut -d ' ' -f 1)"
is "duration" "$(getfattr --absolute-names --only-values -n user.segfs.duration "$segment")" 20.000000
is "start" "$(getfattr --absolute-names --only-values -n user.segfs.start "$segment")" 2023-11-10T00:00:20.000000Z
is "their list" "$(getfattr --absolute-names "$segment" 2>/dev/null | grep -c '^user.segfs')" 3
errno "no such attribute" ENODATA getxattr "$segment" user.other
errno "no such namespace" ENOTSUP getxattr "$segment" security.selinux
ok "ends" stop

# ---- the same again after a restart

# What was used lately is another matter.
before() { find "$stream" \( -name range -o -name frame \) -prune -o -printf '%P %i %s %T@\n' | sort; }
start
before >"$work/first"
start_cut=$(stat -c '%i %s %Y' "$cut" 2>/dev/null)
stop
start
before >"$work/second"
ok "inodes, sizes and times outlive the daemon" cmp "$work/first" "$work/second"
is "of a cut, too" "$(stat -c '%i %s %Y' "$cut" 2>/dev/null)" "$start_cut"
stop
done_testing
