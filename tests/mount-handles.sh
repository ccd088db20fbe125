# SPDX-License-Identifier: MIT
# File handles, as an NFS server keeps them: good after the kernel's caches are dropped, and after the daemon is
# started again.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 3 180 3000
mkdir -p "$store/desertbus/chat/$hour"
echo '{}' >"$store/desertbus/chat/$hour/00:00-abc.json"
start
cut=$stream/range/20231110T000100-20231110T010100.rough.ts
paths=("$mnt" "$mnt/desertbus" "$stream" "$stream/$hour" "$stream/$hour/$(name 5)" "$stream/range" "$cut"
	"$stream/range/20231110T0001+1m.txt" "$stream/playlist.m3u8" "$mnt/desertbus/chat/$hour/00:00-abc.json"
	"$mnt/.segfs/all/desertbus/source/$hour/$(name 6)")
sums=()
for i in "${!paths[@]}"; do
	probe save-handle "${paths[i]}" "$work/handle$i"
	if [ -d "${paths[i]}" ]; then
		sums[i]=$(printf '%s' "$(ls -A "${paths[i]}" | sort)" | sha256sum | cut -d ' ' -f 1)
	else
		sums[i]=$(sha256sum <"${paths[i]}" | cut -d ' ' -f 1)
	fi
done
# What was looked at since is listed in range/, too.
sums[5]=$(printf '%s' "$(ls -A "$stream/range" | sort)" | sha256sum | cut -d ' ' -f 1)

check() {
	for i in "${!paths[@]}"; do
		is "${paths[i]#"$mnt"} $1" "$(probe open-handle "$mnt" "$work/handle$i" 2>&1)" "${sums[i]}"
	done
}
check "at once"
echo 2 >/proc/sys/vm/drop_caches
check "after the caches were dropped"
ok "ends" stop
start
check "after a restart"
echo 2 >/proc/sys/vm/drop_caches
check "and after the caches were dropped once more"

# A cut that has another plan by now is another one: the handle is stale, not wrong.
rm "$store/desertbus/source/2023-11-10T01/$(name 1 "$store/desertbus/source/2023-11-10T01")"
ok "ends" stop
start
is "a cut that is a hole by now" "$(probe open-handle "$mnt" "$work/handle6" 2>&1)" ESTALE
printf '\xff\xff\xff\xff\xff\xff\xff\x0f' | dd of="$work/handle4" bs=1 seek=8 conv=notrunc status=none
is "an id that never was" "$(probe open-handle "$mnt" "$work/handle4" 2>&1)" ESTALE
ok "ends" stop
done_testing
