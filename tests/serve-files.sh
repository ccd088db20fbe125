# SPDX-License-Identifier: MIT
# What a node serves to its peers: listings, segments, digests; what it hides; conditions and ranges.
. "${top_srcdir:-.}/tests/functions.sh"
. "${top_srcdir:-.}/tests/serving.sh"

make_store 3 20 1000
mkdir -p "$store/desertbus/chat/$hour" "$store/emotes/a" "$store/.quarantine"
echo '{}' >"$store/desertbus/chat/$hour/00:00-abc.json"
echo x >"$store/desertbus/chat/$hour/00:00-abc.json.temp"
echo png >"$store/emotes/a/b.png"
echo secret >"$store/.quarantine/x"
echo outside >"$work/outside"
first=$(name 1) second=$(name 2) third=$(name 3)
temp=00:09.0-2.0-temp-01234567-89ab-cdef-0123-456789abcdef.ts
echo half >"$store/desertbus/source/$hour/$temp"
partial=00:00.000000-2.0-partial-${second: -46}
cp "$store/desertbus/source/$hour/$second" "$store/desertbus/source/$hour/$partial"

serve
files=$url/files/desertbus/source
segments=$url/segments/desertbus/source

is "channels" "$(get "$url/files")" '["desertbus", "emotes"]'
is "qualities" "$(get "$url/files/desertbus")" '["chat", "source"]'
is "hours" "$(get "$files" | jq -r '.[]')" "$(ls "$store/desertbus/source")"
is "an hour: all that is not temporary, the worse ones too" "$(get "$files/$hour" | jq -r '.[]')" \
	"$(find "$store/desertbus/source/$hour" -name '*.ts' ! -name '*-temp-*' -printf '%f\n' | sort)"
is "chat" "$(get "$url/files/desertbus/chat/$hour")" '["00:00-abc.json"]'
is "extras" "$(get "$url/extras/emotes")" '["a/b.png"]'
for path in files/nothing files/nothing/source files/desertbus/source/2000-01-01T00 files/desertbus/source/x extras/nothing; do
	is "nothing in $path" "$(get "$url/$path")" "[]"
done
is "health" "$(get "$url/healthz" | jq -r '.status, .name')" "$(printf 'ok\n%s' "$(hostname)")"
fails "no instance twice" test "$(get "$url/healthz" | jq -r .instance)" = null

ok "a segment" cmp <(get "$segments/$hour/$first") "$store/desertbus/source/$hour/$first"
ok "a segment by escapes" cmp <(get "$segments/$hour/${first//:/%3A}") "$store/desertbus/source/$hour/$first"
is "its type" "$(field Content-Type "$segments/$hour/$first")" video/MP2T
is "of chat" "$(field Content-Type "$url/segments/desertbus/chat/$hour/00:00-abc.json")" application/json
is "an extra" "$(get "$url/segments/emotes/a/b.png")" png
is "a segment that is not there" "$(status "$segments/2000-01-01T00/$first")" 404
is "a temporary one" "$(status "$segments/$hour/$temp")" 404
is "a directory" "$(status "$segments/$hour")" 404

# Conditions and ranges.
etag=$(field ETag "$files/$hour")
is "a listing that the client has" "$(status -H "If-None-Match: $etag" "$files/$hour")" 304
is "is not sent" "$(get -H "If-None-Match: $etag" "$files/$hour" | wc -c)" 0
etag=$(field ETag "$segments/$hour/$first")
is "a segment that it has" "$(status -H "If-None-Match: \"x\", $etag" "$segments/$hour/$first")" 304
is "another" "$(status -H "If-None-Match: $etag" "$segments/$hour/$second")" 200
ok "a part" cmp <(get -r 10-19 "$segments/$hour/$first") <(tail -c +11 "$store/desertbus/source/$hour/$first" | head -c 10)
is "is one" "$(status -r 10-19 "$segments/$hour/$first")" 206
is "of so much" "$(field Content-Range -r 990- "$segments/$hour/$first")" "bytes 990-999/1000"
is "behind its end" "$(status -r 1000- "$segments/$hour/$first")" 416
is "of another one" "$(status -r 0-9 -H 'If-Range: "x"' "$segments/$hour/$first")" 200
is "HEAD" "$(curl -s -I "$segments/$hour/$first" | tr -d '\r' | sed -n 's/^Content-Length: //p')" 1000
is "HEAD of a listing" "$(curl -s -I "$files/$hour" | tr -d '\r' | sed -n 's/^Content-Length: //p')" "$(get "$files/$hour" | wc -c)"
is "connections are kept" "$(curl -s -o "$work/1" -o "$work/2" -w '%{num_connects}' "$segments/$hour/$first" "$segments/$hour/$second")" 10

# Digests.
before=$(get "$url/digests/desertbus/source")
is "an hour's digest" "$(jq -r '.["'$hour'"]' <<<"$before")" "$(get "$files/$hour?tombstones=true" | jq -r '.[]' |
	openssl dgst -sha256 -binary | basenc --base64url | tr -d =)"
is "all hours have one" "$(jq -r keys[] <<<"$before")" "$(ls "$store/desertbus/source")"
is "streams" "$(get "$url/digests" | jq -r keys[])" "$(printf 'desertbus/chat\ndesertbus/source')"
is "a stream's digest" "$(get "$url/digests" | jq -r '.["desertbus/source"]')" \
	"$(openssl dgst -sha256 -binary <<<"$before" | basenc --base64url | tr -d =)"
etag=$(field ETag "$url/digests/desertbus/source")
is "nothing new" "$(status -H "If-None-Match: $etag" "$url/digests/desertbus/source")" 304

# A tombstone: in the mount, for a partial with the same bytes too, and in another hour.
ok "a tombstone" touch "$stream/$hour/${second%.ts}.tombstone"
is "gone" "$(status "$segments/$hour/$second")" 410
is "gone, whatever the client has" "$(status -H 'If-None-Match: *' "$segments/$hour/$second")" 410
is "gone under another name" "$(status "$segments/$hour/$partial")" 410
is "not listed" "$(get "$files/$hour" | grep -c "${second: -46:43}")" 0
is "but its tombstone" "$(get "$files/$hour?tombstones=true" | jq -r '.[]' | grep -- "${second: -46:43}")" "${second%.ts}.tombstone"
fails "the digest is another" test "$(get "$url/digests/desertbus/source")" = "$before"
is "a file without name is gone all the same" "$(rm "$store/desertbus/source/$hour/$second"; status "$segments/$hour/$second")" 410
touch "$store/desertbus/source/$hour/${third%.ts}.tombstone"
ok "one that another program made" until_ok eval '[ "$(status "$segments/$hour/$third")" = 410 ]'
fresh=2023-11-10T01/$(ls "$store/desertbus/source/2023-11-10T01" | head -n 1)
cp "$store/desertbus/source/$fresh" "$work/copy"
ok "untombstone" "$segfsctl" untombstone "$store/desertbus/source/$hour/${third%.ts}.tombstone"
ok "shows it again" until_ok eval '[ "$(status "$segments/$hour/$third")" = 200 ]'

# Nothing outside the store, and nothing hidden in it.
ln -s "$work" "$store/desertbus/source/link"
for path in /segments/../outside /segments/%2e%2e/outside /segments/..%2foutside /segments/desertbus/../../outside \
	/segments/.quarantine/x /segments/%2equarantine/x "/segments/desertbus%00" "/segments/a%0ab" //segments/x \
	/files/../.. /files/.quarantine /extras/.. "$(printf '/segments/%0300d' 0)"; do
	is "refused: ${path:0:40}" "$(curl -s --path-as-is -o /dev/null -w '%{http_code}' "$url$path")" 400
done
is "a target without end" "$(status "$url/$(head -c 5000 /dev/zero | tr '\0' a)")" 414
is "no such route" "$(status "$url/nothing")" 404
is "tombstones=maybe" "$(status "$files/$hour?tombstones=maybe")" 400
is "POST" "$(status -X POST -d x "$url/files")" 405
is "DELETE" "$(status -X DELETE "$segments/$hour/$first")" 405
ok "deletes nothing" test -f "$store/desertbus/source/$hour/$first"
is "a body" "$(status -X GET -d x "$url/files")" 413
is "an endless one" "$(client raw 'GET /files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n')" "HTTP/1.1 413 Content Too Large"
is "no HTTP" "$(client raw 'hello world\r\n\r\n' | cut -c -12)" "HTTP/1.1 400"
is "headers without end" "$(client raw "GET /files HTTP/1.1\\r\\nX: $(head -c 20000 /dev/zero | tr '\0' a)\\r\\n\\r\\n" | cut -c -12)" "HTTP/1.1 431"

is "metrics" "$(get "$url/metrics" | grep '^segfs_http_requests_total{route="file",status="206"}' | cut -d' ' -f 2)" 3
is "nothing in them is a name of ours" "$(get "$url/metrics" | grep -cE '2023|desertbus|full')" 0
is "they are Prometheus's" "$(get "$url/metrics" | grep -vcE '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^}]*\})? -?[0-9.]+)$')" 0
ok "ends" stop

serve --no-metrics --name=here
is "without metrics" "$(status "$url/metrics")" 404
is "the name" "$(get "$url/healthz" | jq -r .name)" here
ok "ends while a client is connected" eval 'python3 "$top_srcdir/tests/http-client.py" "$port" idle >/dev/null & terminate'
done_testing
