# SPDX-License-Identifier: MIT
# What operators do about peers: a dry run, one pass without a mount, a peer that is held, and purge.
. "${top_srcdir:-.}/tests/functions.sh"
. "${top_srcdir:-.}/tests/serving.sh"

make_store 2 20 1000
here=$work/here
mkdir "$here"
files() { (cd "$1" && find . -type f ! -path './.*' | sort); }
bury() { touch "$stream/$hour/${1%.ts}.tombstone"; }
once() { "$segfs" --run-once --log=stderr --recent-cutoff=0 --name=here "$@" "$here"; }

# The peer, with chat, an extra, and a segment that is younger than the rest.
mkdir -p "$store/desertbus/chat/$hour" "$store/emotes/a"
chat=00:00-$(printf '{}' | openssl dgst -sha256 -binary | basenc --base64url | tr -d =).json
printf '{}' >"$store/desertbus/chat/$hour/$chat"
echo png >"$store/emotes/a/b.png"
serve
is "a dry run prints all" "$(once --dry-run --peer="a=$url" --extras=emotes | sort)" "$(files "$store" | cut -c 3-)"
is "and takes nothing" "$(files "$here")" ""
ok "one pass" once --peer="a=$url" --extras=emotes
is "takes all" "$(files "$here")" "$(files "$store")"
ok "as it is" diff -r "$store" "$here"
is "of the rest nothing is missing" "$("$segfsctl" sync -n --peer="a=$url" "$here")" ""

# Parts of it.
rm -rf "$here"/*
once --peer="a=$url" --qualities=chat
is "one quality" "$(files "$here")" "./desertbus/chat/$hour/$chat"
once --peer="a=$url" --channels=elsewhere
is "another channel" "$(files "$here" | wc -l)" 1
once --peer="a=$url" --start=2023-11-10T01 --qualities=source
is "from a time on" "$(files "$here" | grep -c source/2023-11-10T01)/$(files "$here" | wc -l)" 20/21
once --peer="a=$url" --start=24
is "of the last day" "$(files "$here" | wc -l)" 21
now=$(TZ=UTC date +%Y-%m-%dT%H/%M:%S)
young=${now%/*}
mkdir "$store/desertbus/source/$young"
cp "$store/desertbus/source/$hour/$(name 20)" \
	"$store/desertbus/source/$young/${now#*/}-$(name 20 | cut -d- -f 2-)"
"$segfs" --run-once --log=stderr --name=here --peer="a=$url" "$here"
is "none that is too young" "$(find "$here/desertbus/source/$young" -type f 2>/dev/null | wc -l)" 0
once --peer="a=$url"
is "until it is asked for" "$(find "$here/desertbus/source/$young" -type f | wc -l)" 1

# What cannot be.
fails "no peer" once
is "is said" "$(once 2>&1 | tail -n 1)" "segfs: no peers: --peer or --nodes is needed"
fails "nobody there" once --peer="b=http://127.0.0.1:1"
ok "is said, with the peer's name" eval 'once --peer="b=http://127.0.0.1:1" 2>&1 | grep -q "^segfs: peer b: http://127.0.0.1:1/healthz: Failed to connect"'
is "no URL" "$(once --peer=b=ftp://x 2>&1 | head -n 1)" "segfs: 'ftp://x' is no URL of a peer: http://HOST[:PORT] or https://..."
is "no file of nodes" "$(once --nodes="$work/none" 2>&1 | grep -c "^segfs: cannot read the file of nodes: ")" 1
ok "a peer that is this node, by its name" once --peer="here=http://127.0.0.1:1"
ok "one that is there, one that is not: the one is had" eval 'rm -r "$here/emotes" 2>/dev/null; ! once --extras=emotes --peer="a=$url" --peer="b=http://127.0.0.1:1" && test -f "$here/emotes/a/b.png"'

# What went bad here comes again.
bad=$(name 7 "$here/desertbus/source/$hour")
printf x | dd of="$here/desertbus/source/$hour/$bad" conv=notrunc status=none
fails "a scrub finds what went bad" "$segfsctl" scrub --quiet --rate=0 "$here"
fails "and takes it away" test -e "$here/desertbus/source/$hour/$bad"
once --peer="a=$url"
ok "it comes again" cmp "$here/desertbus/source/$hour/$bad" "$store/desertbus/source/$hour/$bad"

# Held.
for i in 1 2 3 4 5; do bury "$(name $i)"; done
ok "too many tombstones" eval '! once --max-tombstones=4 --peer="a=$url"'
is "are not taken" "$(files "$here" | grep -c tombstone)" 0
ok "as many as there may be are" once --max-tombstones=5 --peer="a=$url"
is "all of them" "$(files "$here" | grep -c tombstone)" 5
find "$here" -name '*.tombstone' -delete
mkdir "$work/mnt2"
"$segfs" -f --log=stderr --cache="$work/cache2" --name=here --max-tombstones=4 --sync-interval=1 --recent-cutoff=0 \
	--peer="a=$url" "$here" "$work/mnt2" >"$work/log2" 2>&1 &
other=$!
at_end 'umount -l "$work/mnt2" 2>/dev/null; kill $other 2>/dev/null'
state() { jq -r "$1" "$work/mnt2/.segfs/peers.json" 2>/dev/null; }
ok "a peer is held" until_ok eval '[ "$(state ".[0].state")" = held ]'
is "for so many" "$(state '.[0].held_tombstones')" 5
is "which it says once" "$(grep -c 'peer a: held: 5 new tombstones are more than 4' "$work/log2")" 1
ok "and in a table" eval '"$segfsctl" peers "$work/mnt2" | grep -qE "a +segfs +(held|at work) .* 5 "'
is "none of them is taken" "$(files "$here" | grep -c tombstone)" 0
is "nobody else is held" "$("$segfsctl" peers accept b "$work/mnt2" 2>&1)" "segfsctl: b: no such peer, or no tombstones of it are held"
errno "only that can be set" EPERM setxattr "$work/mnt2/.segfs/peers.json" user.other
ok "it is accepted" "$segfsctl" peers accept a "$work/mnt2"
ok "and they are taken" until_ok eval '[ "$(files "$here" | grep -c tombstone)" = 5 ]'
ok "it is not held any more" until_ok eval '[ "$(state ".[0].state")" = idle ]'
bury "$(name 6)"
ok "a few more are taken at once" until_ok eval '[ "$(files "$here" | grep -c tombstone)" = 6 ]'
ok "what was counted is in metrics" until_ok eval 'grep -q "^segfs_backfill_tombstones_total{peer=\"a\"} 6$" "$work/mnt2/.segfs/metrics"'

# Purge.
n=$(files "$here" | grep -c '\.ts$')
rm "$store/desertbus/source/$hour/$(name 6 | sed 's/\.ts$/.tombstone/')"
is "purge asks the peers of the mount" "$("$segfsctl" purge -n "$work/mnt2" 2>&1 | tail -n 1)" "5 segments, 0 MB would be deleted, 1 kept"
is "and deletes nothing yet" "$(files "$here" | grep -c '\.ts$')" "$n"
is "who lacks one is named" "$("$segfsctl" purge --quiet "$here" 2>&1 | head -n 1)" "segfsctl: peer a lacks 1 of the tombstones"
is "what all have is deleted" "$(files "$here" | grep -c '\.ts$')" $((n - 5))
is "tombstones stay" "$(files "$here" | grep -c '\.tombstone$')" 6
is "nobody can be asked" "$("$segfsctl" purge -q --peer=b=http://127.0.0.1:1 "$here" 2>&1 | tail -n 1)" "0 segments, 0 MB deleted, 1 kept"
ok "by force" "$segfsctl" purge --force --peer=b=http://127.0.0.1:1 "$here"
is "all are" "$(files "$here" | grep -c '\.ts$')" $((n - 6))
is "who else has a tombstone is named when it is undone" "$("$segfsctl" untombstone "$here/desertbus/source/$hour/$(cd "$here/desertbus/source/$hour" && ls | grep tombstone | head -n 1)" 2>&1 | head -n 1)" \
	"segfsctl: peer a has the tombstone: remove it there, too"
ok "and brings it back" until_ok eval '[ "$(files "$here" | grep -c "\.tombstone$")" = 6 ]'
umount "$work/mnt2"
ok "the other node ends" eval 'wait $other || { cat "$work/log2"; false; }'
is "without a mount, a purge has to know of peers" "$("$segfsctl" purge "$here" 2>&1)" "segfsctl: purge: no peers are known: name them by --peer or --nodes, or use --force"
once --peer="a=$url"
is "what was purged does not come back" "$(files "$here" | grep -c '\.ts$')" $((n - 6))
ok "ends" stop

# By TLS, with a token.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key" -out "$work/cert" -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 2>/dev/null
(umask 077 && echo 0123456789abcdef >"$work/token")
serve --tls-cert="$work/cert" --tls-key="$work/key" --token-file="$work/token"
rm -rf "$here"/*
secure() { once --peer="a=$url" --qualities=chat "$@" 2>&1; }
ok "a certificate that is not known" eval 'secure --peer-token-file="$work/token" | grep -q "SSL certificate"'
ok "no token" eval 'secure --peer-ca="$work/cert" | grep -q "status 401 (does it want a token?)"'
is "nothing came" "$(files "$here")" ""
ok "both" secure --peer-ca="$work/cert" --peer-token-file="$work/token"
is "it came" "$(files "$here")" "./desertbus/chat/$hour/$chat"
ok "ends" stop
done_testing
