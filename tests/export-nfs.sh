# SPDX-License-Identifier: MIT
# A mount that nfs-ganesha exports (FSAL VFS), read with libnfs's programs: over loopback, and again after the daemon was
# started anew under the server.
. "${top_srcdir:-.}/tests/functions.sh"
[ -z "$SEGFS_WRAPPER" ] || skip_all "of the server, not of segfs"
PATH=$PATH:/usr/sbin
for tool in ganesha.nfsd nfs-ls nfs-cat nfs-cp; do
	command -v $tool >/dev/null || skip_all "needs $tool"
done

make_store 1 1800 2000
python3 "$top_srcdir/tests/make-media.py" "$store" --stream desertbus/media --manifest "$work/media.json" --seconds 12
dir=$store/desertbus/source/$hour
start --allow-other --portable-names

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/server.conf" <<CONF
NFS_CORE_PARAM {
	Protocols = 4;
	NFS_Port = $port;
	Bind_addr = 127.0.0.1;
	Enable_NLM = false;
	Enable_RQUOTA = false;
	allow_set_io_flusher_fail = true;
}
NFSV4 {
	Grace_Period = 1;
	Lease_Lifetime = 10;
	Graceless = true;
	RecoveryRoot = "$work/recovery";
}
CONF
cat >"$work/export.conf" <<CONF
EXPORT {
	Export_Id = 1;
	Path = "$mnt";
	Pseudo = "/segments";
	Access_Type = RW;
	Squash = No_Root_Squash;
	SecType = sys;
	FSAL {
		Name = VFS;
		fsid_type = Major64;
	}
}
CONF
cat "$work/server.conf" "$work/export.conf" >"$work/ganesha.conf"
mkdir "$work/recovery"
ganesha.nfsd -F -f "$work/ganesha.conf" -p "$work/ganesha.pid" -L "$work/ganesha.log" &
ganesha=$!
at_end "kill $ganesha 2>/dev/null; gone $ganesha || kill -9 $ganesha"

url() { echo "nfs://127.0.0.1/segments/$1?version=4&nfsport=$port"; }
if ! until_ok nfs-ls "$(url desertbus/source)"; then
	tail -n 20 "$work/ganesha.log" | sed 's/^/# /'
	nfs-ls "$(url desertbus/source)" 2>&1 | sed 's/^/# /'
fi

check() {
	local first second
	first=$(ls "$mnt/desertbus/source/$hour" | sed -n "$2p")
	second=$(ls "$mnt/desertbus/source/$hour" | sed -n "$(($2 + 1))p")
	is "an hour of 1,800 $1" "$(nfs-ls "$(url "desertbus/source/$hour")" | awk '{ print $NF }' | sort)" \
		"$(ls "$stream/$hour" | sort)"
	is "a segment $1" "$(nfs-cat "$(url "desertbus/source/$hour/$first")" | sha256sum)" "$(sha256sum <"$stream/$hour/$first")"
	rm -f "$work/copy"
	ok "a copy of a cut $1" nfs-cp "$(url desertbus/source/range/20231110T001000-20231110T002000.rough.ts)" "$work/copy"
	is "has its bytes $1" "$(sha256sum <"$work/copy")" "$(cat "$dir"/1?:*.ts | sha256sum)"
	: >"$work/empty"
	ok "a tombstone $1" nfs-cp "$work/empty" "$(url "desertbus/source/$hour/${second%.ts}.tombstone")"
	ok "is in the store $1" eval '[ "$(ls "$dir" | grep -c tombstone)" = $(('"$2"' / 2)) ]'
	fails "its segment is gone $1" nfs-cat "$(url "desertbus/source/$hour/$second")"
	is "from the listing $1" "$(nfs-ls "$(url "desertbus/source/$hour")" | grep -c "$second")" 0
}
# Handles, as a client that has files open keeps them.
nfs4() { python3 "$top_srcdir/tests/nfs4.py" "$port" "$@" 2>&1; }
kept=$(ls "$stream/$hour" | sed -n 20p)
cut=desertbus/source/range/20231110T001000-20231110T002000.rough.ts
exported=segments/desertbus/source/$hour
mapfile -t handles < <(nfs4 handle "$exported" "$exported/$kept" "segments/$cut")
check_handles() {
	is "the handle of a cut $1" "$(nfs4 read "${handles[2]}")" "$(cat "$dir"/1?:*.ts | sha256sum | cut -d ' ' -f 1)"
	is "the handle of a segment $1" "$(nfs4 read "${handles[1]}")" "$(sha256sum <"$dir/$(name 20)" | cut -d ' ' -f 1)"
	is "the handle of an hour $1" "$(nfs4 list "${handles[0]}")" "$(ls "$stream/$hour" | sort)"
}

# The end of a file first, before anything of the cut was made.
movie=desertbus/media/range/20231110T000001.3-20231110T000009.1.mp4
size=$(stat -c %s "$mnt/$movie")
handle=$(nfs4 handle "segments/$movie")
tail=$(nfs4 read "$handle" $((size - 65536)))
rm -f "$work/movie"
ok "an mp4" nfs-cp "$(url "$movie")" "$work/movie"
ok "has its bytes" cmp "$work/movie" "$mnt/$movie"
is "and had them at its end, which was read first" "$tail" "$(tail -c 65536 "$work/movie" | sha256sum | cut -d ' ' -f 1)"

check "at first" 2
check_handles "at first"
# The server holds on to the old mount until it takes the export anew: that is what the second SIGHUP is for.
reread() {
	local before
	before=$(grep -c "Reread exports complete" "$work/ganesha.log")
	kill -HUP $ganesha
	until_ok eval '[ "$(grep -c "Reread exports complete" "$work/ganesha.log")" -gt '"$before"' ]'
}
ok "the daemon ends" terminate
cp "$work/server.conf" "$work/ganesha.conf"
ok "the server lets go of the export" reread
start --allow-other --portable-names
cat "$work/server.conf" "$work/export.conf" >"$work/ganesha.conf"
ok "and takes it again" reread
check_handles "from before a restart of the daemon"
check "after a restart of the daemon" 4
check_handles "still"
echo 2 >/proc/sys/vm/drop_caches
is "a segment after the caches were dropped" "$(
	first=$(ls "$stream/$hour" | sed -n 9p)
	nfs-cat "$(url "desertbus/source/$hour/$first")" | sha256sum
)" "$(sha256sum <"$stream/$hour/$(ls "$stream/$hour" | sed -n 9p)")"

kill $ganesha
gone $ganesha
ok "ends" stop
done_testing
