# SPDX-License-Identifier: MIT
# A mount that smbd exports, read with smbclient: over loopback, and again after the daemon was started anew under it.
. "${top_srcdir:-.}/tests/functions.sh"
[ -z "$SEGFS_WRAPPER" ] || skip_all "of the server, not of segfs"
PATH=$PATH:/usr/sbin
for tool in smbd smbclient; do
	command -v $tool >/dev/null || skip_all "needs $tool"
done

make_store 1 1800 2000
python3 "$top_srcdir/tests/make-media.py" "$store" --stream desertbus/media --manifest "$work/media.json" --seconds 12
dir=$store/desertbus/source/$hour
start --allow-other --portable-names

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir -p "$work"/samba/{private,lock,state,cache,run,ncalrpc}
cat >"$work/smb.conf" <<CONF
[global]
	server role = standalone server
	smb ports = $port
	interfaces = 127.0.0.1
	bind interfaces only = yes
	map to guest = Bad User
	guest account = root
	private dir = $work/samba/private
	lock directory = $work/samba/lock
	state directory = $work/samba/state
	cache directory = $work/samba/cache
	pid directory = $work/samba/run
	ncalrpc dir = $work/samba/ncalrpc
	log file = $work/samba/log
	load printers = no
	disable spoolss = yes
	disable netbios = yes
[segments]
	path = $mnt
	guest ok = yes
	force user = root
	read only = no
	veto files = /.segfs/
	ea support = no
	store dos attributes = no
CONF
smbd --foreground --configfile="$work/smb.conf" --debug-stdout >"$work/smbd.log" 2>&1 &
smbd=$!
at_end "kill $smbd 2>/dev/null; gone $smbd || kill -9 $smbd"

client() { smbclient --configfile="$work/smb.conf" -N -p "$port" //127.0.0.1/segments "${@:2}" -c "$1"; }
if ! until_ok client ls; then
	tail -n 20 "$work/smbd.log" | sed 's/^/# /'
	client ls 2>&1 | sed 's/^/# /'
fi

check() {
	local first second
	first=$(ls "$stream/$hour" | sed -n "$2p")
	second=$(ls "$stream/$hour" | sed -n "$(($2 + 1))p")
	is "an hour of 1,800 $1" "$(client ls -D "desertbus/source/$hour" | grep -oE '^  [0-9]+T[^ ]*' | tr -d ' ' | sort)" \
		"$(ls "$stream/$hour" | sort)"
	rm -f "$work/copy"
	ok "a segment $1" client "get $first $work/copy" -D "desertbus/source/$hour"
	ok "has its bytes $1" cmp "$work/copy" "$stream/$hour/$first"
	rm -f "$work/copy"
	ok "a copy of a cut $1" client "get 20231110T001000-20231110T002000.rough.ts $work/copy" -D desertbus/source/range
	is "has its bytes $1" "$(sha256sum <"$work/copy")" "$(cat "$dir"/1?:*.ts | sha256sum)"
	: >"$work/empty"
	ok "a tombstone $1" client "put $work/empty ${second%.ts}.tombstone" -D "desertbus/source/$hour"
	ok "is in the store $1" eval '[ "$(ls "$dir" | grep -c tombstone)" = $(('"$2"' / 2)) ]'
	fails "its segment is gone $1" client "get $second $work/copy" -D "desertbus/source/$hour"
	is "from the listing $1" "$(client ls -D "desertbus/source/$hour" | grep -c "$second")" 0
	fails "nothing else can be written $1" client "put $work/empty foo.txt" -D "desertbus/source/$hour"
	is "nor removed $1" "$(client "rm $first" -D "desertbus/source/$hour" 2>&1 | grep -c ACCESS_DENIED)" 1
	ok "$first is still there $1" test -f "$stream/$hour/$first"
}
check "at first" 2

# The end of a file first, as Windows does when it opens one: before anything of the cut was made.
movie=20231110T000001.3-20231110T000009.1.mp4
size=$(stat -c %s "$mnt/desertbus/media/range/$movie")
truncate -s $((size - 65536)) "$work/movie"
ok "the end of an mp4, before all else" client "reget $movie $work/movie" -D desertbus/media/range
rm -f "$work/whole"
ok "and all of it" client "get $movie $work/whole" -D desertbus/media/range
ok "has its bytes" cmp "$work/whole" "$mnt/desertbus/media/range/$movie"
ok "and had them at its end" cmp <(tail -c 65536 "$work/movie") <(tail -c 65536 "$work/whole")
is "no editor's names" "$(client 'get desktop.ini' -D "desertbus/source/$hour" 2>&1 | grep -c NOT_FOUND)" 1

# A session that stays: its server has its working directory in the mount, and keeps the old daemon until it ends.
third=$(ls "$stream/$hour" | sed -n 40p)
third_sum=$(sha256sum <"$stream/$hour/$third")
has_third() { [ "$(sha256sum <"$1")" = "$third_sum" ]; }
mkfifo "$work/commands"
smbclient --configfile="$work/smb.conf" -N -p "$port" //127.0.0.1/segments -D "desertbus/source/$hour" \
	<"$work/commands" >"$work/session" 2>&1 &
session=$!
at_end "kill $session 2>/dev/null"
exec 3>"$work/commands"
echo "get $third $work/before" >&3
ok "a session reads" until_ok has_third "$work/before"
old_pid=$segfs_pid
umount -l "$mnt"
start --allow-other --portable-names 3>&-
at_end "kill $old_pid 2>/dev/null"
echo "get $third $work/after" >&3
ok "and goes on when the mount has been replaced" until_ok has_third "$work/after"
exec 3>&-
ok "it ends" gone $session
ok "and with it the old daemon" gone "$old_pid"
ok "which had no trouble" wait "$old_pid"
check "in the new mount" 4
ok "the daemon ends" terminate
start --allow-other --portable-names
check "after a restart of the daemon" 6

kill $smbd
gone $smbd
ok "ends" stop
done_testing
