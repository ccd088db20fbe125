# SPDX-License-Identifier: MIT
# A store on a full disk, and on a read-only one.
. "${top_srcdir:-.}/tests/functions.sh"

truncate -s 16M "$work/image"
mkfs.ext4 -q -N 64 "$work/image"
mkdir "$work/disk"
mount -o loop,commit=300 "$work/image" "$work/disk" 2>/dev/null || skip_all "no loop devices here"
at_end "umount -l $work/disk"
store=$work/disk
make_store 1 20 10000
dir=$store/desertbus/source/$hour
tombstone_of() { echo "${1%.ts}.tombstone"; }

# All inodes go first, then all blocks.
i=0
while : >"$store/filler-$((i++))"; do :; done 2>/dev/null
dd if=/dev/zero of="$store/filler-0" bs=64k status=none 2>/dev/null
start --cache="$store/cache"
ok "an hour on a full disk" cmp <(ls "$dir") <(ls "$stream/$hour")
is "a cut" "$(sha256sum <"$stream/range/20231110T0000+1h.rough.ts")" "$(cat "$dir"/* | sha256sum)"
errno "a tombstone has no room" ENOSPC create "$stream/$hour/$(tombstone_of "$(name 2)")"
errno "its segment is as it was" OK read "$stream/$hour/$(name 2)"
rm "$store/filler-1"
errno "with room it has" OK create "$stream/$hour/$(tombstone_of "$(name 2)")"
errno "and the segment is gone" ENOENT stat "$stream/$hour/$(name 2)"
ok "ends" stop

# The power is cut right after the call returns.
rm "$store"/filler-*
sync -f "$store"
start --cache="$work/cache"
errno "a tombstone" OK create "$stream/$hour/$(tombstone_of "$(name 10)")"
touch "$dir/other"
ok "no power" probe shutdown "$store"
fails "nothing can be written" touch "$dir/more"
ok "ends" stop
umount "$store"
mount -o loop,commit=300 "$work/image" "$store"
ok "the tombstone is on the disk" test -e "$dir/$(tombstone_of "$(name 10)")"
fails "what nobody waited for is not" test -e "$dir/other"

mount -o remount,ro "$store"
start --cache="$store/cache"
is "a read-only disk" "$(ls "$stream/$hour" | wc -l)" 18
errno "takes no tombstone" EROFS create "$stream/$hour/$(tombstone_of "$(name 3)")"
errno "its segment is as it was" OK read "$stream/$hour/$(name 3)"
is "cuts need no cache" "$(cat "$stream/range/20231110T0009+1m.rough.ts" | wc -c)" 10000
ok "ends" stop
done_testing
