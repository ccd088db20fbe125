# SPDX-License-Identifier: MIT
# Names and files in a store that are not what they should be: none hurts its hour, none is fatal.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 1 20 1000
dir=$store/desertbus/source/$hour
good=$(ls "$dir")
hash=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU
touch "$dir/garbage.ts" "$dir/00:00-2.0-full.ts" "$dir/noext" "$dir/readme.txt" "$dir/desktop.ini" "$dir/.hidden" \
	"$dir/61:00.000000-2.0-full-$hash.ts" "$dir/00:99-2.0-full-$hash.ts" "$dir/ünïcödé.ts" "$dir/$(printf 'x%.0s' {1..255})" \
	"$dir/00:01-1e308-full-$hash.ts" "$dir/00:02-nan-full-$hash.ts" "$dir/00:03-inf-full-$hash.ts" \
	"$dir/00:04--2-full-$hash.ts" "$dir/00:05-999999999-full-$hash.ts" "$dir/00:06-2.0-full-AAAA.ts" \
	"$dir/x.tombstone" "$dir/"$'new\nline.ts' "$dir/"$'\xff\xfe.ts'
mkdir "$dir/00:07.0-2.0-full-$hash.ts" "$dir/subdirectory"
ln -s nowhere "$dir/00:08.0-2.0-full-$hash.ts"
mkfifo "$dir/00:09.0-2.0-full-$hash.ts"
ln -s / "$dir/00:10.0-2.0-full-$hash.ts"
: >"$dir/00:11-2.0-temp-feb95b71-30b8-48ed-82d7-240e04b0399d.ts"
touch "$store/desertbus/source/2023-11-10T99" "$store/desertbus/source/2023-11-10T07"
mkfifo "$store/desertbus/source/2023-11-10T08" "$store/fifo"
ln -s loop "$store/loop"
ln -s nowhere "$store/desertbus/source/2023-11-10T09"
start

is "the hour has its segments and nothing else" "$(ls "$stream/$hour")" "$good"
is "and is all there" "$(cat "$stream/range/20231110T00-20231110T01.rough.ts" | wc -c)" 20000
is "what is no directory is no hour" "$(ls "$stream" | grep -c '^2023-11-10T0[0-8]')" 1
errno "a directory named like a segment" ENOENT stat "$stream/$hour/00:07.0-2.0-full-$hash.ts"
errno "a dangling link" ENOENT stat "$stream/$hour/00:08.0-2.0-full-$hash.ts"
errno "a FIFO" ENOENT open "$stream/$hour/00:09.0-2.0-full-$hash.ts"
errno "a link to a directory" ENOENT stat "$stream/$hour/00:10.0-2.0-full-$hash.ts"
errno "a temp" ENOENT stat "$stream/$hour/00:11-2.0-temp-feb95b71-30b8-48ed-82d7-240e04b0399d.ts"
errno "a FIFO that is passed through" ENOENT stat "$mnt/fifo"
errno "a link to itself" ELOOP stat "$mnt/loop"
errno "editors' names" ENOENT stat "$stream/$hour/desktop.ini"
is "all has them" "$(ls -A "$mnt/.segfs/all/desertbus/source/$hour" | wc -l)" "$(ls -A "$dir" | wc -l)"
is "they are logged once" "$(grep -c "skipped" "$log")" 1
is "and counted" "$(jq .names_skipped "$mnt/.segfs/status.json")" 23

# A link to a segment elsewhere is one.
cp "$dir/$(name 1 "$dir")" "$work/elsewhere"
real=$(ls "$dir" | grep '^57:00')
mv "$dir/$real" "$work/elsewhere"
ln -s "$work/elsewhere" "$dir/$real"
until_ok test -f "$stream/$hour/$real"
ok "a link to a segment is one" cmp "$stream/$hour/$real" "$work/elsewhere"

# ---- a segment that vanishes, while it is listed and while it is open

vanishing=$stream/range/20231110T0003+3m.rough.ts
exec 3<"$stream/$hour/$(ls "$dir" | grep '^00:00\.')" 4<"$vanishing"
victim=$(ls "$dir" | grep '^03:00')
mv "$dir/$victim" "$work/victim"
errno "what is gone does not exist" ENOENT stat "$stream/$hour/$victim"
fails "a cut with it cannot be read" cat <&4
is "which is logged once" "$(grep -c "$victim" "$log")" 1
fails "again" cat <&4
is "which is not logged again" "$(grep -c "$victim" "$log")" 1
errno "the range is a hole now" ENODATA stat "$vanishing"
mv "$work/victim" "$dir/$victim"
until_ok test -f "$vanishing"
ok "and is not, when it is back" cmp "$vanishing" "$dir/$victim"
exec 3<&- 4<&-

# ---- a segment that is not what it was

exec 4<"$stream/range/20231110T0006+3m.rough.ts"
truncate -s 10 "$dir/$(ls "$dir" | grep '^06:00')"
fails "a cut with a truncated segment cannot be read" cat <&4
exec 4<&-
ok "ends" stop
done_testing
