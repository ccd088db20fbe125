# SPDX-License-Identifier: MIT
# The daemon's life: it goes to the background when the mount answers, and ends cleanly however it is ended.
. "${top_srcdir:-.}/tests/functions.sh"
[ -z "$SEGFS_WRAPPER" ] || skip_all "starts segfs itself"

make_store 1 20 1000
mkdir -p "$mnt"
at_end "umount -l $mnt 2>/dev/null"
background() { "$segfs" --cache="$work/cache" "$@"; }
pid_of() { jq .pid "$mnt/.segfs/status.json"; }

for how in TERM INT HUP unmount; do
	ok "it mounts" background "$store" "$mnt"
	is "and answers at once" "$(ls "$mnt")" desertbus
	pid=$(pid_of)
	is "in the background" "$(ps -o ppid= -p "$pid" | tr -d ' ')" 1
	is "with no terminal and no pipe" "$(readlink /proc/"$pid"/fd/[012] | sort -u)" /dev/null
	if [ $how = unmount ]; then fusermount3 -u "$mnt"; else kill -$how "$pid"; fi
	ok "it ends by $how" gone "$pid"
	fails "and is unmounted" mountpoint -q "$mnt"
done

fails "no such store" background "$work/nothing" "$mnt"
is "is said" "$(grep -c "cannot open the store $work/nothing" "$work/out")" 1
fails "no such mountpoint" background "$store" "$work/nothing"
is "is said" "$(grep -c "cannot mount on $work/nothing" "$work/out")" 1
touch "$work/file"
fails "a store that is a file" background "$work/file" "$mnt"
fails "a mountpoint that is a file" background "$store" "$work/file"

# As mount(8) does it, and by a configuration file.
printf '[segfs]\nstore=%s\nmountpoint=%s\nportable-names=true\numask=027\ncache=%s\n' "$store" "$mnt" "$work/cache" >"$work/conf"
ok "a configuration file" "$segfs" --config "$work/conf"
is "is followed" "$(ls "$stream/$hour" | head -n 1 | cut -c -22)" 20231110T000000.000000
is "umask" "$(stat -c %a "$stream/$hour/$(name 1)")" 440
fusermount3 -u "$mnt"
ok "fstab's words" "$segfs" "$store" "$mnt" -o rw,nosuid,nodev,noatime,_netdev,nofail,x-systemd.automount,allow_other,uid=1234,cache="$work/cache"
is "uid" "$(stat -c %u "$stream/$hour/$(name 1)")" 1234
is "the mount names the store" "$(awk -v m="$mnt" '$2 == m { print $1, $3 }' /proc/mounts)" "$store fuse.segfs"
fusermount3 -u "$mnt"

# Killed: the mount is dead, and can be made again.
ok "it mounts" background "$store" "$mnt"
pid=$(pid_of)
kill -KILL "$pid"
ok "a killed daemon" gone "$pid"
fusermount3 -u "$mnt" || umount -l "$mnt"
ok "can be started again" background "$store" "$mnt"
is "and answers" "$(ls "$mnt")" desertbus
is "segfsctl status" "$("$segfsctl" status | jq -r 'select(.store == "'"$store"'") | .mountpoint')" "$mnt"
fusermount3 -u "$mnt"
done_testing
