# SPDX-License-Identifier: MIT
# A disk that gets full while segments are published: what has to stay free stays free, nothing half is left, and with
# room it goes on.
. "${top_srcdir:-.}/tests/functions.sh"

truncate -s 32M "$work/image"
mkfs.ext4 -q "$work/image"
mkdir "$work/disk"
mount -o loop "$work/image" "$work/disk" 2>/dev/null || skip_all "no loop devices here"
at_end "umount -l $work/disk"
store=$work/disk
publish() { "$top_builddir/tests/publish" "$store" desertbus/source 2023-11-10T00 "$@" >"$work/report"; }
free_bytes() { stat -f -c '%a %S' "$store" | { read -r blocks size && echo $((blocks * size)); }; }
check_store() { python3 "$top_srcdir/tests/check-store.py" "$store" "$work/report"; }
reserve=8000000

fails "more than there is room for" publish 100 500000 1 $reserve
ok "what there was room for is there" grep -q '^done' "$work/report"
ok "why not the rest" grep -q '^failed.* MB have to stay so$' "$work/report"
ok "what has to stay free is free (left: $(free_bytes))" test "$(free_bytes)" -ge $((reserve - 100000))
ok "all is whole" check_store
ok "nothing half is left" eval '! ls -A "$store"/desertbus/source/* | grep -q temp'

fails "to the last byte, where nothing has to stay" publish 100 500000 2 0
ok "all is whole" check_store
ok "nothing half is left" eval '! ls -A "$store"/desertbus/source/* | grep -q temp'
rm -rf "$store"/desertbus/source/*
ok "with room it goes on" publish 10 500000 1 $reserve
ok "all is whole" check_store
done_testing
