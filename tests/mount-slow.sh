# SPDX-License-Identifier: MIT
# A slow store and a broken one: what waits for them blocks nothing else, and can be interrupted.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 72 4 1000 "$work/disk"
store=$work/disk
mkdir "$work/slow"
# Every look at an hour of the third day takes a second.
"$passthrough" "$store" "$work/slow" -o delay_ms=1000,delay_match=2023-11-12T2,fail_match=2023-11-10T05,fail_errno=5 \
	>"$work/passthrough-log" 2>&1 &
passthrough_pid=$!
at_end "umount -l $work/slow; kill $passthrough_pid 2>/dev/null"
until_ok mountpoint -q "$work/slow"
store=$work/slow
start

milliseconds() {
	local begin
	begin=$(date +%s%N)
	"$@" >/dev/null 2>&1
	echo $((($(date +%s%N) - begin) / 1000000))
}
below() { [ "$1" -lt "$2" ] || { echo "$1 is not below $2"; return 1; }; }

# Its tombstones have to be known first, of all hours: that takes as long as it takes.
ls "$stream/2023-11-10T00" >/dev/null

# 64 slow lookups while fast ones go on.
for i in $(seq 0 63); do
	stat "$stream/range/2023-11-12T$(printf %02d $((20 + i % 2)))+$((i + 1))s.rough.ts" >/dev/null 2>&1 &
	slow[i]=$!
done
until_ok eval '[ "$(jq .nodes "$mnt/.segfs/status.json")" -ge 1 ]'
worst=0
for i in $(seq 1 20); do
	t=$(milliseconds stat "$mnt/.segfs/status.json")
	[ "$t" -le "$worst" ] || worst=$t
done
ok "64 slow lookups do not keep the root waiting" below "$worst" 500
running=0
for pid in "${slow[@]}"; do if kill -0 "$pid" 2>/dev/null; then running=$((running + 1)); fi; done
ok "they were still waiting then" below 32 "$running"

# An interrupted one ends at once.
stat "$stream/2023-11-12T21" >/dev/null 2>&1 &
victim=$!
until_ok grep -q fuse /proc/$victim/wchan || until_ok kill -0 $victim
begin=$(date +%s%N)
kill -INT $victim 2>/dev/null
kill -TERM $victim 2>/dev/null
wait $victim
ok "an interrupted lookup ends" below $((($(date +%s%N) - begin) / 1000000)) 1000
wait "${slow[@]}"

errno "a hour that cannot be read" EIO listdir "$stream/2023-11-10T05"
is "hurts no other" "$(ls "$stream/2023-11-10T06" | wc -l)" 4
ok "ends" stop
done_testing
