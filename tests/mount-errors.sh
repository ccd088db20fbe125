# SPDX-License-Identifier: MIT
# Every error of segfs-tree(7), by its errno.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 2 180 1000
rm "$store/desertbus/source/$hour/$(name 10)"
start
range=$stream/range
segment=$stream/$hour/$(name 1)
at=20231110T0000

for bad in desktop.ini Thumbs.db ._x .DS_Store x.ts "$at.ts" "$at-.ts" "$at-20231110T0001" "$at-20231110T0001.avi" \
	"$at+.ts" "$at+90.ts" "$at+90x.ts" "$at+1m1h.ts" "$at-20231110T0001.rough.fast.ts" "$at-20231110T0001.holes.holes.ts" \
	"$at-20231110T0001.rough.ts.ts" "$at-20231110T0001,.ts" ",$at-20231110T0001.ts" "20231310T0000-20231410T0000.ts" \
	"$at-20231110T0001.10x10.ts" "$at-20231110T0001..ts" "$at-20231110T0001.ROUGH.ts" "$(printf 'x%.0s' {1..255})"; do
	errno "outside the grammar: $bad" ENOENT stat "$range/$bad"
done
for dir in "$mnt" "$mnt/desertbus" "$stream" "$range" "$stream/$hour" "$mnt/.segfs"; do
	is "nothing that an editor or desktop looks for: ${dir#"$mnt"}/" "$(probe missing "$dir" desktop.ini Thumbs.db ._x \
		.DS_Store .Trash ünïcödé $'\xff\xfe' ' ' '*' "$(printf 'x%.0s' {1..255})")" ""
	is "..: ${dir#"$mnt"}" "$(stat -c %i "$dir/..")" "$(stat -c %i "$(dirname "$dir")")"
done
errno "too long" ENAMETOOLONG stat "$range/$(printf 'x%.0s' {1..256})"
for empty in "$at-$at" "20231110T0001-$at" "$at+0s" "$at+1m,$at-$at"; do
	errno "END not after START: $empty" EINVAL stat "$range/$empty.rough.ts"
done
for kind in mkv full.mkv full.mp4 fast.mov; do
	errno "there is no $kind" ENOTSUP stat "$range/$at+1m.$kind"
done
for kind in mp4 mov rough.mp4; do
	errno "nothing that could be in an mp4: $kind" ENOTSUP stat "$range/$at+1m.$kind"
done
# These segments are random bytes: the size of a cut is known without looking into them, but there is nothing to cut.
for kind in ts fast.ts smart.ts full.ts holes.ts smart.holes.ts; do
	errno "a size by names alone: $kind" OK stat "$range/$at+1m.$kind"
	errno "no transport stream: $kind" EIO open "$range/$at+1m.$kind"
done
for kind in png 640x32.png holes.png; do
	errno "no transport stream: $kind" EIO stat "$range/$at+1m.$kind"
done
errno "a picture that is too large" ENOTSUP stat "$range/$at+1m.16384x16384.png"
for kind in png jpg; do
	errno "no transport stream: a frame, $kind" EIO stat "$stream/frame/$at.$kind"
	errno "a frame in a hole, $kind" ENODATA stat "$stream/frame/20331110T0000.$kind"
	errno "no frame: $kind" ENOENT stat "$stream/frame/$at+1m.$kind"
done
errno "a hole" ENODATA stat "$range/$at+5m.rough.ts"
errno "a hole that starts before all" ENODATA stat "$range/20231109T2359+2m.rough.ts"
errno "a hole at the end" ENODATA stat "$range/20231110T0159+2m.rough.ts"
errno "a hole in the second of two" ENODATA stat "$range/$at+20s,$at+5m.rough.ts"
errno "nothing but a hole" ENODATA stat "$range/20331110T0000+1m.rough.holes.ts"
errno "a playlist of nothing" ENODATA stat "$range/20331110T0000+1m.m3u8"
errno "a report of nothing" OK stat "$range/20331110T0000+1m.txt"
errno "a range as long as time" ENODATA stat "$range/19700101T00-99991231T23.rough.ts"

errno "no such channel" ENOENT stat "$mnt/none"
errno "no such stream" ENOENT stat "$mnt/desertbus/none"
errno "no such hour" ENOENT stat "$stream/2023-11-10T05"
errno "no such segment" ENOENT stat "$stream/$hour/$(name 1 | tr 0 1)"
errno "no segment's name" ENOENT stat "$stream/$hour/foo"
errno "a file is no directory" ENOTDIR stat "$segment/x"
errno "a directory is no file" EISDIR read "$stream/$hour"

errno "create another file in an hour" EPERM create "$stream/$hour/foo"
errno "create a segment" EPERM create "$stream/$hour/x.ts"
errno "a tombstone of no segment" EINVAL create "$stream/$hour/foo.tombstone"
errno "a tombstone outside an hour" EPERM create "$stream/$(name 1 | sed 's/ts$/tombstone/')"
errno "create in range" EPERM create "$range/foo"
errno "create in the root" EPERM create "$mnt/foo"
errno "mknod" EPERM mknod "$stream/$hour/foo"
errno "mkdir" EPERM mkdir "$stream/$hour/foo"
errno "mkdir of an hour" EPERM mkdir "$stream/2023-11-11T00"
errno "rm of a segment" EPERM unlink "$segment"
errno "rmdir" EPERM rmdir "$stream/$hour"
errno "rename" EPERM rename "$segment" "$stream/$hour/x"
errno "link" EPERM link "$segment" "$stream/$hour/x"
errno "symlink" EPERM symlink "$stream/$hour/x" y
errno "chmod" EPERM chmod "$segment"
errno "chown" EPERM chown "$segment"
errno "touch of a segment" EPERM touch "$segment"
errno "truncate" EPERM truncate "$segment"
errno "open to write" EPERM append "$segment"
errno "setxattr" EPERM setxattr "$segment" user.x

: >"$stream/$hour/$(name 1 | sed 's/ts$/tombstone/')"
errno "rm of a tombstone" EPERM unlink "$stream/$hour/$(name 1 | sed 's/ts$/tombstone/')"
errno "a write to a tombstone" EPERM write "$stream/$hour/$(name 1 | sed 's/ts$/tombstone/')"
errno "a write to a new tombstone" EPERM write "$stream/$hour/$(name 2 | sed 's/ts$/tombstone/')"
ok "ends" stop

start --ro
errno "a tombstone on a read-only mount" EROFS create "$stream/$hour/$(name 3 | sed 's/ts$/tombstone/')"
errno "rm on a read-only mount" EROFS unlink "$stream/$hour/$(name 3)"
ok "ends" stop
done_testing
