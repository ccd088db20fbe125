# SPDX-License-Identifier: MIT
# For tests of what is served. Sourced after functions.sh.
#
#   serve [OPTION...]     mounts $store and serves it at $url, on $port
#   get, status, field NAME  [curl's option...] URL: the body, the status, one field of the answer
#   client COMMAND...     http-client.py

serve() {
	start --listen=:0 "$@" || return
	url=$(grep -m 1 -oE 'https?://[^ ]+' "$log")
	port=${url##*:}
}
get() { curl -s -g --max-time 20 "$@"; }
status() { get -o /dev/null -w '%{http_code}' "$@"; }
field() {
	local name=$1
	shift
	get -o /dev/null -D - "$@" | tr -d '\r' | sed -n "s/^$name: //Ip"
}
client() { python3 "$top_srcdir/tests/http-client.py" "$port" "$@"; }
