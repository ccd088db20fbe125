# SPDX-License-Identifier: MIT
# Hours that change: under ls, under an open directory, under a kernel that caches for ever; and live recording.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 2 360 1000
dir=$store/desertbus/source/$hour
start
hash_of() { sha256sum "$1" | cut -d ' ' -f 1 | xxd -r -p | base64 | tr '+/' '-_' | tr -d =; }
listing() { ls "$stream/$hour"; }
listing >/dev/null
ls -l "$stream/$hour" >/dev/null

# A new segment, written as a recorder does: to a temp, which is nobody's business, and renamed.
echo new >"$work/new"
temp=30:05.000000-5.0-temp-feb95b71-30b8-48ed-82d7-240e04b0399d.ts
new=30:05.000000-5.0-full-$(hash_of "$work/new").ts
before=$(stat -c %y "$stream/$hour")
cp "$work/new" "$dir/$temp"
is "a temp is not seen" "$(listing | wc -l)" 360
mv "$dir/$temp" "$dir/$new"
ok "a new segment is" until_ok test -e "$stream/$hour/$new"
is "in the listing" "$(listing | wc -l)" 361
fails "the directory's time has changed" [ "$(stat -c %y "$stream/$hour")" = "$before" ]
rm "$dir/$new"
ok "and when it goes" until_ok eval '! test -e "$stream/$hour/$new"'
is "it is as it was" "$(stat -c %y "$stream/$hour")" "$before"

# A better segment takes a worse one's place; a cut that is open keeps what it had.
victim=$(name 3)
cut=$stream/range/20231110T0000+1m.rough.ts
old_sum=$(sha256sum <"$cut")
old_inode=$(stat -c %i "$cut")
exec 3<"$cut"
{ cat "$dir/$victim"; echo more; } >"$work/better"
better=00:20.000000-10.005-full-$(hash_of "$work/better").ts
cp "$work/better" "$work/store/.tmp" && mv "$work/store/.tmp" "$dir/$better"
ok "a better segment is seen" until_ok test -e "$stream/$hour/$better"
errno "instead of the worse one" ENOENT stat "$stream/$hour/$victim"
is "once" "$(listing | grep -c '^00:20')" 1
is "the open cut is the old one" "$(sha256sum <&3)" "$old_sum"
exec 3<&-
fails "a new lookup finds a new one" [ "$(stat -c %i "$cut")" = "$old_inode" ]
is "with the better segment's bytes" "$(sha256sum <"$cut")" \
	"$(cat "$dir"/00:0* "$dir"/00:1* "$dir/$better" "$dir"/00:[345]* | sha256sum)"
rm "$dir/$better"
ok "and when it goes, the old one is back" until_ok eval '[ "$(stat -c %i "$cut")" = "$old_inode" ]'

# A range that was a hole is one no more.
late=$stream/range/20231110T015950-20231110T020005.rough.ts
errno "a hole" ENODATA stat "$late"
mkdir "$store/desertbus/source/2023-11-10T02"
cp "$work/new" "$store/desertbus/source/2023-11-10T02/00:00.000000-10.0-full-$(hash_of "$work/new").ts"
ok "a new hour" until_ok test -d "$stream/2023-11-10T02"
ok "fills it" until_ok test -f "$late"
is "the stream lists it" "$(ls "$stream" | grep -c 2023)" 3
ok "so does the playlist" grep -q '^2023-11-10T02/' "$stream/playlist.m3u8"
rm -r "$store/desertbus/source/2023-11-10T02"
ok "an hour that goes is gone" until_ok eval '! test -d "$stream/2023-11-10T02"'
errno "and the range is a hole" ENODATA stat "$late"

# A file that is written in place, which no recorder should do, ends up right.
slow=31:05.000000-5.0-full-$(hash_of "$work/better").ts
head -c 100 "$work/better" >"$dir/$slow"
until_ok test -f "$stream/$hour/$slow"
cat "$work/better" >"$dir/$slow"
ok "a file that grew" until_ok cmp "$stream/$hour/$slow" "$work/better"
rm "$dir/$slow"

# An open directory, and many listings while the hour changes: what was there all the time is always listed, once.
listing | sort >"$work/stable"
(
	for i in $(seq 1 300); do
		echo "$i" >"$work/n"
		n=$dir/40:$(printf %02d $((i % 50 + 1))).000$((i % 10))-1.0-full-$(hash_of "$work/n").ts
		cp "$work/n" "$store/.tmp" && mv "$store/.tmp" "$n" && rm "$n"
	done
) &
changer=$!
bad=0
while kill -0 $changer 2>/dev/null && ! grep -q '^State:.Z' /proc/$changer/status; do
	listing | sort >"$work/now"
	[ -z "$(comm -23 "$work/stable" "$work/now")" ] && [ -z "$(uniq -d "$work/now")" ] || bad=$((bad + 1))
done
wait $changer
is "listings under change are whole" "$bad" 0
ok "and afterwards as before" until_ok eval 'listing | sort | cmp -s - "$work/stable"'
is "by chunks, each with a handle of its own" "$(probe listdir "$stream/$hour" 2000)" "$(cat "$work/stable")"
is "a new channel" "$(
	mkdir -p "$store/new/source/$hour"
	cp "$dir/$(name 1)" "$store/new/source/$hour"
	until_ok test -f "$mnt/new/source/$hour/$(name 1)" && ls "$mnt"
)" "$(printf 'desertbus\nnew')"
ok "ends" stop
done_testing
