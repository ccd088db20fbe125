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
start_reading() {
	start
	cat "$cut" >/dev/null
	exec 3<"$cut"
	(exec 3<&-; while dd if="$cut" bs=1M iflag=direct of=/dev/null status=none 2>/dev/null; do :; done) &
	reader=$!
}
for how in TERM INT; do
	start_reading
	kill -$how "$segfs_pid"
	ok "SIG$how with readers" gone "$segfs_pid"
	ok "ends it cleanly" check_end
	fails "and unmounts" mountpoint -q "$mnt"
	exec 3<&-
	wait $reader
done
start_reading
fails "fusermount3 -u with readers is refused" fusermount3 -u "$mnt"
ok "which changes nothing" cmp "$cut" "$work/whole"
ok "fusermount3 -uz is not" fusermount3 -uz "$mnt"
fails "and unmounts" mountpoint -q "$mnt"
wait $reader
is "who has it open reads on" "$(sha256sum <&3)" "$(sha256sum <"$work/whole")"
exec 3<&-
ok "when the last has closed it, it ends cleanly" check_end
done_testing
