# SPDX-License-Identifier: MIT
# What the kernel caches: it asks once, and an idle daemon does nothing.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 1 1800 100
start
ls -l "$stream/$hour" >/dev/null
cut=$stream/range/20231110T0000-20231110T0100.rough.ts
cat "$cut" >/dev/null

# How many requests (and other things) the daemon reads while COMMAND runs.
requests() {
	local before after
	before=$(awk '/^syscr/ { print $2 }' "/proc/$segfs_pid/io")
	"$@" >/dev/null
	after=$(awk '/^syscr/ { print $2 }' "/proc/$segfs_pid/io")
	echo $((after - before))
}
few() { [ "$(requests "${@:2}")" -le "$1" ]; }
ok "ls -l again asks little" few 20 ls -l "$stream/$hour"
ok "so does a second look at everything in it" few 20 find "$stream/$hour" -type f -size +50c
ok "and a stat of a cut" few 10 stat "$cut"
ok "and reading it again" few 12 cat "$cut"
is "an hour is read once" "$(jq .hours_read "$mnt/.segfs/status.json")" 1
switches() { cat /proc/"$segfs_pid"/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n }'; }
# Threads of GLib's pool look for more work for half a second; the kernel may still have something to forget. There is
# nothing to wait for but time itself.
for _ in 1 2 3 4 5; do
	before=$(switches)
	sleep 1
	[ "$before" != "$(switches)" ] || break
done
sleep 3
after=$(switches)
if [ "$SANITIZERS" = thread ]; then
	skip "an idle daemon does not wake up" "ThreadSanitizer has a thread that does"
else
	is "an idle daemon does not wake up" "$((after - before))" 0
fi
ok "ends" stop
done_testing
