# SPDX-License-Identifier: MIT
# Clients of the server that are slow, many, not allowed in, or in the middle of what is buried; TLS; wrong options.
. "${top_srcdir:-.}/tests/functions.sh"
. "${top_srcdir:-.}/tests/serving.sh"

make_store 1 3 1000
python3 "$top_srcdir/tests/make-store.py" "$work/big" 1 2 30000000
mv "$work/big/desertbus/source/$hour"/* "$store/desertbus/source/$hour/"
big=$(find "$store/desertbus/source/$hour" -size +20M -printf '%f\n' | sort | head -n 1)
other=$(find "$store/desertbus/source/$hour" -size +20M -printf '%f\n' | sort | tail -n 1)
path=/segments/desertbus/source/$hour

serve --listen-timeout=1
is "a client that says nothing" "$(client idle)" ended
is "one that never ends its first line" "$(client dribble 'GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" ended
is "one that never ends its headers" "$(client dribble $'GET /files HTTP/1.1\r\nX-0: 1\r\nX-1: 1\r\nX-2: 1\r\nX-3: 1\r\nX-4: 1\r\nX-5: 1\r\n')" ended
is "one that does not take its answer" "$(client stall "$path/$big")" ended
small=$(find "$store/desertbus/source/$hour" -type f -size -20M -printf '%f\n' | head -n 1)
head -c 300000 /dev/urandom >"$store/note.bin"
is "one that takes it slowly, but does" "$(client steady /segments/note.bin 100000)" 300000
ok "all others are served" cmp <(get "$url$path/$small") "$store/desertbus/source/$hour/$small"
for reason in idle "slow request" "slow reader"; do
	fails "it is counted: $reason" test "$(get "$url/metrics" | sed -n "s/^segfs_http_connections_ended_total{reason=\"$reason\"} //p")" = 0
done
ok "ends" stop

# As many as there may be: the others wait, and have their turn.
serve --listen-timeout=1 --listen-connections=4 --listen-threads=2
is "more clients than there are places" "$(client crowd 10)" 200
ok "ends" stop

# A tombstone for what is being sent.
serve
coproc HOLD { client hold "$path/$big"; }
read -r line <&"${HOLD[0]}"
is "a client in the middle of a segment" "$line" open
ok "that is buried" touch "$stream/$hour/${big%.ts}.tombstone"
echo >&"${HOLD[1]}"
read -r line <&"${HOLD[0]}"
is "does not get the rest" "$line" ended
wait "$HOLD_PID"
is "which is counted" "$(get "$url/metrics" | grep 'reason="tombstone"' | cut -d' ' -f 2)" 1
ok "another segment is sent to its end" cmp <(get "$url$path/$other") "$store/desertbus/source/$hour/$other"
ok "ends" stop

# A token.
echo 0123456789abcdef >"$work/token"
chmod 600 "$work/token"
serve --token-file="$work/token"
for route in healthz files metrics "segments/desertbus/source/$hour/$small" nothing; do
	is "not without a token: $route" "$(status "$url/$route")" 401
done
is "nor with another" "$(status -H 'Authorization: Bearer 0123456789abcdeg' "$url/files")" 401
is "how to" "$(field WWW-Authenticate "$url/files")" Bearer
is "with it" "$(status -H 'Authorization: Bearer 0123456789abcdef' "$url/files")" 200
ok "ends" stop

# TLS.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key" -out "$work/cert" -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 2>/dev/null
serve --tls-cert="$work/cert" --tls-key="$work/key"
is "by TLS" "${url%%:*}" https
ok "a segment" cmp <(get --cacert "$work/cert" "$url$path/$other") "$store/desertbus/source/$hour/$other"
is "not without" "$(get -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/files")" 000
is "not by an old version" "$(status --cacert "$work/cert" --tls-max 1.1 "$url/files")" 000
ok "ends" stop

# What cannot be served is said before anything is mounted.
refused() { # WHAT WANTED OPTION...
	local what=$1 wanted=$2
	shift 2
	is "$what" "$("$segfs" --log=stderr --cache="$work/cache" "$store" "$mnt" "$@" 2>&1 | head -n 1)" "segfs: $wanted"
	fails "and nothing is mounted" mountpoint -q "$mnt"
}
refused "no address" "'x:y' is no address to listen on: ADDR:PORT or [ADDR]:PORT" --listen=x:y
refused "an address that is not ours" "cannot listen on 192.0.2.1:1: Cannot assign requested address" --listen=192.0.2.1:1
refused "no token" "cannot read the token: Failed to open file “$work/none”: No such file or directory" --listen=:0 --token-file="$work/none"
echo short >"$work/short"
refused "a token that can be guessed" "$work/short: a token is one line of at least 16 printable characters" --listen=:0 --token-file="$work/short"
refused "a certificate without key" "TLS needs a certificate and a key" --listen=:0 --tls-cert="$work/cert"
is "a key that is none" "$("$segfs" --log=stderr --cache="$work/cache" "$store" "$mnt" --listen=:0 --tls-cert="$work/cert" --tls-key="$work/cert" 2>&1 |
	grep -c 'the certificate or its key may be wrong')" 1
fails "and nothing stays mounted" mountpoint -q "$mnt"
serve
is "an address that is taken" "$("$segfs" --log=stderr "$store" "$mnt" --listen=:"$port" 2>&1 | head -n 1)" "segfs: cannot listen on :$port: Address already in use"
ok "ends" stop
serve --listen=0.0.0.0:0
is "open to all: a warning" "$(grep -c 'has no token: whoever reaches it can read the store' "$log")" 1
ok "ends" stop
done_testing
