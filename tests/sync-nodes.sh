# SPDX-License-Identifier: MIT
# Nodes heal each other: files that each of them lost, tombstones, a node that was away, stopped, or cut off. In a network of
# its own, where it can be cut.
if [ -z "${SEGFS_TEST_NETWORK-}" ] && unshare -n true 2>/dev/null; then
	SEGFS_TEST_NETWORK=own exec unshare -n bash "$0" "$@"
fi
. "${top_srcdir:-.}/tests/functions.sh"
. "${top_srcdir:-.}/tests/nodes.sh"
[ -z "${SEGFS_TEST_NETWORK-}" ] || ip link set lo up

all=$work/all
make_store 3 60 5000 "$all"
mkdir -p "$all/desertbus/chat/$hour"
printf '{}' >"$all/desertbus/chat/$hour/00:00-$(printf '{}' | openssl dgst -sha256 -binary | basenc --base64url | tr -d =).json"
total=$(files all | wc -l)

# Each file is on one of them at least.
i=0
while read -r file; do
	for name in a b c; do
		if [ "$name" = "$(printf 'a\nb\nc' | sed -n $((i % 3 + 1))p)" ] || [ $((RANDOM % 3)) -eq 0 ]; then
			mkdir -p "$work/$name/$(dirname "$file")"
			cp "$all/$file" "$work/$name/$file"
		fi
	done
	i=$((i + 1))
done < <(files all)
for name in a b c; do node $name; done
{
	echo "# all of them, and one of them twice"
	for name in a b c; do echo "$name $(node_url $name)"; done
	echo "alias $(node_url a)"
} >"$work/nodes"
ok "three nodes that each lost something become the same" within 20 alike a b c all
is "each has all" "$(files a | wc -l)" "$total"
ok "every byte" diff -r "$all" "$work/b"
ok "a knows itself under another name" within 5 eval '[ "$(peers_state a ".[] | select(.name == \"alias\") | .state")" = "this node" ]'
is "and is not its own peer" "$(peers_state a '.[].name' | sort | tr '\n' ' ')" "alias b c "
ok "all are idle" within 5 eval '[ "$(peers_state c ".[].state" | sort -u)" = idle ]'
before=$(curl -s "$(node_url a)/metrics" | sed -n 's/^segfs_http_requests_total{route="hour",status="200"} //p')

# A tombstone, made in one mount, acts in all.
first=$(name 1 "$all/desertbus/source/$hour")
second=$(name 2 "$all/desertbus/source/$hour")
hidden() { ! ls "$work/mnt-$1/desertbus/source/$hour/$2"; }
ok "both others have the segment" test -f "$work/mnt-b/desertbus/source/$hour/$first" -a -f "$work/mnt-c/desertbus/source/$hour/$first"
touch "$work/mnt-a/desertbus/source/$hour/${first%.ts}.tombstone"
start=$(date +%s%N)
ok "a tombstone hides it on one" within 3 hidden b "$first"
ok "and the other" within 3 hidden c "$first"
took=$((($(date +%s%N) - start) / 1000000))
ok "within two seconds ($took ms)" test "$took" -lt 2000
ok "on disk, too" within 3 alike a b c
touch "$work/c/desertbus/source/$hour/${second%.ts}.tombstone"
ok "one that another program made on a third" within 3 hidden a "$second"

# One that comes while its segment does.
coproc DRIP { exec python3 "$top_srcdir/tests/evil-peer.py" drip; }
at_end 'kill $DRIP_PID 2>/dev/null'
read -r port <&"${DRIP[0]}"
echo "drip http://127.0.0.1:$port" >>"$work/nodes"
temp() { find "$work/a/evil" -name '30:00.0-*-temp-*' | grep -q .; }
ok "a segment begins to come, slowly" within 10 temp
slow=$(python3 -c 'import base64, hashlib; print("30:00.0-2.0-full-" + base64.urlsafe_b64encode(hashlib.sha256(b"what it should be" * 1000).digest()).decode().rstrip("="))')
touch "$work/mnt-a/evil/source/$hour/$slow.tombstone"
ok "its tombstone comes: nothing of it stays" within 10 eval '! find "$work/a/evil" -name "30:00*.ts" | grep -q .'
ok "nor elsewhere" eval '! find "$work/b" "$work/c" -name "$slow.ts" | grep -q .'
kill "$DRIP_PID"
sed -i '/^drip/d' "$work/nodes"
ok "a node that is not in the file any more is forgotten" within 5 eval '[ "$(peers_state a ".[].name" | sort | tr "\n" " ")" = "alias b c " ]'

# One that does not answer costs the others nothing.
kill -STOP "$(node_pid b)"
new() { # NODE HOUR BYTE: a segment that none has
	mkdir -p "$work/$1/desertbus/source/$2"
	head -c 5000 /dev/zero | tr '\0' "$3" >"$work/new"
	cp "$work/new" "$work/$1/desertbus/source/$2/00:00-2.0-full-$(openssl dgst -sha256 -binary "$work/new" | basenc --base64url | tr -d =).ts"
}
has() { find "$work/$1/desertbus/source/$2" -type f | grep -q .; }
new a 2023-11-11T00 x
ok "a node is stopped: the third gets what is new all the same" within 5 has c 2023-11-11T00
kill -CONT "$(node_pid b)"
ok "when it goes on, so does it" within 10 has b 2023-11-11T00

# A node that comes back knows less.
ok "a node ends" end_node b
rm -f "$work/b/desertbus/source/$hour"/*.tombstone
third=$(name 5 "$work/c/desertbus/source/$hour")
touch "$work/mnt-a/desertbus/source/$hour/${third%.ts}.tombstone"
sed -i '/^b /d' "$work/nodes"
ok "what is buried is purged on the others" within 5 eval '"$segfsctl" purge --quiet "$work/mnt-a" && "$segfsctl" purge --quiet "$work/mnt-c"'
for name in "$first" "$second" "$third"; do
	ok "a file is gone" eval '! test -f "$work/a/desertbus/source/$hour/$name" && ! test -f "$work/c/desertbus/source/$hour/$name"'
	ok "the node that was away still has it" test -f "$work/b/desertbus/source/$hour/$name"
done
node b
echo "b $(node_url b)" >>"$work/nodes"
ok "it comes back, and hides all" within 10 eval 'hidden b "$first" && hidden b "$second" && hidden b "$third"'
ok "and gives none of it back" eval '! find "$work/a" "$work/c" -name "$first" -o -name "$second" -o -name "$third" | grep -q .'

# Cut off from each other.
cut() { nft add table inet segfs && nft add chain inet segfs in '{ type filter hook input priority 0; }' && nft add rule inet segfs in tcp dport 1024-65535 drop; }
if [ -z "${SEGFS_TEST_NETWORK-}" ]; then
	skip "cut off" "no network of its own"
elif ! cut; then
	skip "cut off" "no nft"
else
	i=0
	for name in a b c; do new $name 2023-11-11T0$((i += 1)) "$i"; done
	ok "cut off from each other, they notice" within 40 eval '[ "$(peers_state a ".[] | select(.name == \"b\") | .state")" = failed ]'
	fails "nothing new comes" has a 2023-11-11T02
	nft delete table inet segfs
	ok "healed, they become the same" within 60 eval 'has a 2023-11-11T02 && has b 2023-11-11T03 && has c 2023-11-11T01 && has a 2023-11-11T03'
fi
for name in a b c; do ok "node $name ends" end_node $name; done
done_testing
