# SPDX-License-Identifier: MIT
# One node and its peers: a wubloader, a disk that is full, two that have the same, and what an idle pass costs.
. "${top_srcdir:-.}/tests/functions.sh"
. "${top_srcdir:-.}/tests/nodes.sh"

# A wubloader.
make_store 2 30 3000 "$work/wub"
mkdir -p "$work/wub/desertbus/chat/$hour" "$work/wub/emotes/x"
printf '[]' >"$work/wub/desertbus/chat/$hour/00:00-$(printf '[]' | openssl dgst -sha256 -binary | basenc --base64url | tr -d =).json"
echo png >"$work/wub/emotes/x/y.png"
buried=$(name 3 "$work/wub/desertbus/source/$hour")
: >"$work/wub/desertbus/source/$hour/${buried%.ts}.tombstone"
coproc WUB { exec python3 "$top_srcdir/tests/wubloader-peer.py" "$work/wub"; }
at_end 'kill $WUB_PID 2>/dev/null'
read -r port <&"${WUB[0]}"
ok "a node has a wubloader for a peer" node a --peer="wub=http://127.0.0.1:$port" --extras=emotes
same() { [ "$(files wub | grep -v "$buried")" = "$(files "$1")" ]; }
ok "it gets all but what is buried" within 10 same a
is "it knows what it is" "$(within 5 eval '[ "$(peers_state a ".[0].state")" = idle ]'; peers_state a '.[0].kind')" wubloader
buried2=$(name 4 "$work/wub/desertbus/source/$hour")
: >"$work/wub/desertbus/source/$hour/${buried2%.ts}.tombstone"
ok "a tombstone comes with the next pass" within 5 test -f "$work/a/desertbus/source/$hour/${buried2%.ts}.tombstone"
ok "and acts" eval '! ls "$work/mnt-a/desertbus/source/$hour/$buried2"'
is "nothing is wrong" "$(grep -c 'peer wub: ' "$work/log-a")" "$(grep -c 'peer wub: tombstone' "$work/log-a")"

# Two that have the same: each file is asked for once.
make_store 1 100 200000 "$work/b"
cp -r "$work/b" "$work/c"
node b
node c
node d --peer="b=$(node_url b)" --peer="c=$(node_url c)"
ok "a node gets what two have" within 10 alike b d
asked() { curl -s "$(node_url "$1")/metrics" | sed -n 's/^segfs_http_requests_total{route="file",status="200"} //p'; }
is "each file from one of them" $(($(asked b) + $(asked c))) 100
ok "it is idle" within 5 eval '[ "$(peers_state d ".[].state" | sort -u)" = idle ]'

# Nothing new: a request a pass, and one that waits.
count() { curl -s "$(node_url b)/metrics" | sed -n 's/^segfs_http_requests_total{route="'"$1"'",status="[0-9]*"} //p' | awk '{ n += $1 } END { print n + 0 }'; }
passes() { grep '^segfs_backfill_passes_total{peer="b",result="ok"}' "$work/mnt-d/.segfs/metrics" | cut -d' ' -f 2; }
others=$(($(count hour) + $(count digests) + $(count healthz) + $(count file)))
streams=$(count streams) n=$(passes)
ok "passes go by" within 10 eval '[ "$(passes)" -ge $((n + 3)) ]'
ok "of one request each" test $(($(count streams) - streams)) -le $(($(passes) - n + 1))
is "and no other" $(($(count hour) + $(count digests) + $(count healthz) + $(count file))) "$others"

# A disk that is full.
mkdir "$work/full"
mount -t tmpfs -o size=24M tmpfs "$work/full"
at_end 'umount -l "$work/full"'
head -c 10M /dev/zero >"$work/full/filler"
node full --peer="b=$(node_url b)" --min-free=4M
ok "a node stops before its disk is full" within 10 eval '[ "$(peers_state full ".[0].state")" = "no room" ]'
ok "with what has to be free left" test "$(df --output=avail -k "$work/full" | tail -n 1)" -ge 4000
is "which it says once" "$(grep -c 'peer b: paused: ' "$work/log-full")" 1
buried=$(name 1 "$work/b/desertbus/source/$hour")
touch "$work/mnt-b/desertbus/source/$hour/${buried%.ts}.tombstone"
ok "tombstones come all the same" within 5 test -f "$work/full/desertbus/source/$hour/${buried%.ts}.tombstone"
mount -o remount,size=80M "$work/full"
ok "it goes on by itself once there is room" within 10 eval '[ "$(ls "$work/full/desertbus/source/$hour" | grep -c "\.ts$")" -ge 99 ]'
ok "and says so" grep -q 'peer b: there is room again' "$work/log-full"
for name in a b c d full; do ok "node $name ends" end_node $name; done
done_testing
