# SPDX-License-Identifier: MIT
# segfsctl scrub, repair and prune on a store that is mounted: what they do is seen there at once.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 3 20 50000
dir=$store/desertbus/source/$hour
temp() { echo "${1%%-*}-20.0-temp-1f42a30c-eda7-45d3-9654-d83bef866f9a.ts"; }
start
is "all are listed" "$(ls "$stream/$hour" | wc -l)" 20

# A bit that flipped, and what a power cut left.
flipped=$(name 3) empty=$(name 5)
printf x | dd of="$dir/$flipped" bs=1 seek=3000 conv=notrunc status=none
: >"$dir/$empty"
stat "$stream/$hour/$flipped" "$stream/$hour/$empty" >/dev/null
fails "scrub finds bad ones" "$segfsctl" scrub --dry-run "$mnt"
ok "a dry run moves none" test -e "$dir/$flipped"
fails "scrub, by the mountpoint" "$segfsctl" scrub --rate=0 "$mnt"
is "says which" "$(grep -cF -e "$hour/$flipped: its bytes have another hash" -e "$hour/$empty: " "$work/out")" 2
is "and how many" "$(tail -n 1 "$work/out")" "60 segments, 3 MB: 2 bad, in .quarantine/"
ok "they are in quarantine" test -f "$store/.quarantine/desertbus/source/$hour/$flipped" -a \
	-f "$store/.quarantine/desertbus/source/$hour/$empty"
ok "the mount forgets them" until_ok eval '! test -e "$stream/$hour/$flipped" && ! test -e "$stream/$hour/$empty"'
is "its listing, too" "$(ls "$stream/$hour" | wc -l)" 18
ok "the others are all right" "$segfsctl" scrub --rate=0 "$store"
is "quarantine is no channel" "$(ls -A "$mnt" | grep -c quarantine)" 0
ok "a bar, on a terminal" eval \
	'script -qec "$segfsctl scrub --rate=0 $store" /dev/null </dev/null | grep -q "100 % of 3 hours"'

# Interrupted, it goes on where it was.
fails "it can be ended" timeout --preserve-status -s INT 0.7 "$segfsctl" scrub --rate=1 "$store"
echo "desertbus/source/2023-11-10T01" >"$store/.scrub"
"$segfsctl" scrub --rate=0 "$store" >"$work/out"
is "and goes on" "$(cat "$work/out")" "20 segments, 1 MB: 0 bad"
"$segfsctl" scrub --rate=0 --restart "$store" >"$work/out"
is "or begins anew" "$(cat "$work/out")" "58 segments, 2 MB: 0 bad"

# A writer that died, and one that lives.
head -c 2000 "$dir/$(name 7)" >"$dir/$(temp 59:00)"
head -c 1000 "$dir/$(name 7)" >"$dir/$(temp 59:20)"
exec {writer}>>"$dir/$(temp 59:20)"
ok "repair" "$segfsctl" repair "$mnt"
is "leaves what is young alone" "$(wc -l <"$work/out")" 0
# The change of its inode is what counts, which nobody can set.
until_ok eval '[ $(($(date +%s) - $(stat -c %Z "$dir/$(temp 59:20)"))) -ge 2 ]'
ok "a dry run" "$segfsctl" repair --dry-run --older-than=1s "$mnt"
is "says what it would do" "$(cut -d ' ' -f 2-4 "$work/out")" "is partial as"
ok "and does not" test -f "$dir/$(temp 59:00)"
ok "when it is older" "$segfsctl" repair --older-than=1s "$mnt"
is "what is left of a dead writer is partial" "$(ls "$dir" | grep -c '^59:00-20.0-partial-')" 1
ok "and so it is in the mount" until_ok eval 'ls "$stream/$hour" | grep -q "^59:00-20.0-partial-"'
ok "it is what its name says" python3 "$top_srcdir/tests/check-store.py" "$store"
ok "the living one's is its own" test -f "$dir/$(temp 59:20)"
exec {writer}>&-

# Old ones.
tombstone=$(name 8)
touch "$stream/$hour/${tombstone%.ts}.tombstone"
hours=$((($(date +%s) - $(date -d 2023-11-10T01:00Z +%s)) / 3600))
ok "prune, dry" "$segfsctl" prune --dry-run --older-than="${hours}h" "$mnt"
is "names what goes" "$(grep -c "^desertbus/source/$hour/" "$work/out")" "$(ls "$dir" | grep -c 'ts$')"
is "and nothing else" "$(grep -c "^desertbus/source/2023-11-10T0[12]/" "$work/out")" 0
ok "prune" "$segfsctl" prune --older-than="${hours}h" "$mnt"
is "the tombstone stays, and nothing else" "$(ls -A "$dir")" "${tombstone%.ts}.tombstone"
ok "the mount knows" until_ok eval '[ "$(ls "$stream/$hour" | wc -l)" -eq 0 ]'
is "the next hour is as it was" "$(ls "$stream/2023-11-10T01" | wc -l)" 20
for arguments in "prune $store" "prune --older-than=3 $store" "prune --older-than=10m $store" "scrub" \
	"scrub --rate=-1 $store" "repair --rate=3 $store" "prune --older-than=99999999999999999999d $store"; do
	# shellcheck disable=SC2086
	"$segfsctl" $arguments >/dev/null 2>&1
	is "segfsctl $arguments" $? 2
done
fails "no store" "$segfsctl" scrub "$work/none"
ok "ends" stop
done_testing
