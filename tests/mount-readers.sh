# SPDX-License-Identifier: MIT
# Many readers of one cut: in order, at random, through maps.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 1 360 150001
start
cut=$stream/range/20231110T0010-20231110T0020.rough.ts
cat "$store/desertbus/source/$hour"/1?:* >"$work/whole"
ok "64 readers at once" probe compare "$cut" "$work/whole" 3 64
ok "another cut of the same" cmp "$stream/range/20231110T0010+10m.rough.ts" "$work/whole"
exec 3<"$cut"
is "past the end" "$(dd bs=1 skip=100000000 count=1 status=none <&3 | wc -c)" 0
exec 3<&-
is "the tail first" "$(tail -c 65536 "$cut" | sha256sum)" "$(tail -c 65536 "$work/whole" | sha256sum)"
ok "a copy" cp "$cut" "$work/copy"
ok "is the same" cmp "$work/copy" "$work/whole"
ok "ends" stop

# With readers: it ends all the same.
start
cat "$cut" >/dev/null
exec 3<"$cut"
(while dd if="$cut" bs=1M iflag=direct of=/dev/null status=none 2>/dev/null; do :; done) &
reader=$!
kill -TERM "$segfs_pid"
ok "SIGTERM with readers" gone "$segfs_pid"
ok "ends it cleanly" check_end
fails "and unmounts" mountpoint -q "$mnt"
exec 3<&-
wait $reader
done_testing
