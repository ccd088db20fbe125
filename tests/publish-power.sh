# SPDX-License-Identifier: MIT
# The power is cut while segments are published, at random moments, on ext4 and XFS: afterwards every file under a final
# name is whole, and every one that was reported done is there.
. "${top_srcdir:-.}/tests/functions.sh"

rounds=${POWER_ROUNDS:-6}
trouble= # for INJECT
disk=$work/disk
mkdir "$disk"
at_end "mountpoint -q $disk && umount -l $disk"

power_cuts() { # MKFS-COMMAND... IMAGE
	local i cut=0 bad=0 reported=0 pid
	truncate -s 0 "$work/image"
	truncate -s 400M "$work/image"
	"$@" "$work/image" >/dev/null || return 1
	for ((i = 1; i <= rounds; i++)); do
		mount -o loop "$work/image" "$disk" || return 1
		mkdir -p "$disk/store$((i % 2))"
		ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 INJECT=$trouble \
			LD_PRELOAD=${trouble:+$top_builddir/tests/inject.so} \
			"$top_builddir/tests/publish" "$disk/store$((i % 2))" desertbus/source 2023-11-10T00 100000 3000 "$i" \
			>"$work/report" 2>/dev/null &
		pid=$!
		until_ok test -s "$work/report" || echo "# nothing was published in round $i"
		read -r -t "0.$((RANDOM % 9))$((RANDOM % 10))1" <> <(:) || :
		probe shutdown "$disk" && cut=$((cut + 1))
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
		umount "$disk" && mount -o loop "$work/image" "$disk" || return 1
		python3 "$top_srcdir/tests/check-store.py" "$disk/store$((i % 2))" "$work/report" >"$work/bad" || {
			bad=$((bad + 1))
			sed 's/^/# /' "$work/bad" | head -n 5
		}
		reported=$((reported + $(grep -c '^done' "$work/report")))
		rm -rf "$disk/store$(((i + 1) % 2))"
		umount "$disk"
	done
	[ $cut -eq "$rounds" ] || echo "# the power was cut only $cut times"
	echo "# $reported were reported done in $rounds rounds"
	[ $bad -eq 0 ] && [ $cut -eq "$rounds" ] && [ $reported -ge "$rounds" ]
}

truncate -s 400M "$work/image"
mkfs.ext4 -q "$work/image" && mount -o loop "$work/image" "$disk" 2>/dev/null || skip_all "no loop devices here"
umount "$disk"
power_cuts mkfs.ext4 -q -F
result $? "ext4"
# The test is not blind.
trouble="1 lie" rounds=2
power_cuts mkfs.ext4 -q -F >"$work/lies"
ok "without syncs files are lost" grep -q 'and is not there\|is not whole' "$work/lies"
trouble='' rounds=${POWER_ROUNDS:-6}
if command -v mkfs.xfs >/dev/null && mkfs.xfs -q -f "$work/image" &&
	mount -o loop "$work/image" "$disk" 2>/dev/null; then
	umount "$disk"
	power_cuts mkfs.xfs -q -f
	result $? "XFS"
else
	skip "XFS" "needs xfsprogs, and a kernel that has it"
fi
done_testing
