# SPDX-License-Identifier: MIT
# Peers that mean harm (evil-peer.py): nothing of it is outside the store, or under a final name; memory and disk have
# bounds; what else the peer has is taken; the log says what was wrong, once.
. "${top_srcdir:-.}/tests/functions.sh"

evil_pid=
at_end '[ -z "$evil_pid" ] || kill $evil_pid'
good=$(python3 "$top_srcdir/tests/evil-peer.py" good | sort)
evil() { # MODE
	coproc EVIL { exec python3 "$top_srcdir/tests/evil-peer.py" "$1"; }
	evil_pid=$EVIL_PID
	read -r port <&"${EVIL[0]}"
}
end_evil() {
	kill "$evil_pid"
	wait "$evil_pid" 2>/dev/null
	evil_pid=
}
files() { (cd "$store" && find . -type f | cut -c 3- | sort); }
# Everything below the test's directory but its own, and the store's hours.
outside() { find "$work" -newer "$work/mark" ! -path "$store/evil/source/*" ! -path "$work/log*" ! -path "$work/out" ! -path "$work" ! -path "$store" ! -path "$store/evil" ! -path "$store/evil/source"; }

attack() { # MODE WANTED-STATUS WORDS [OPTION...]
	local mode=$1 status=$2 words=$3 got=0 most
	shift 3
	rm -rf "$store"
	mkdir -p "$store"
	touch "$work/mark"
	evil "$mode"
	/usr/bin/env time -f 'memory %M' "$segfs" --run-once --log=stderr --peer-timeout=2 --min-free=1M "$@" \
		--peer="evil=http://127.0.0.1:$port" "$store" >"$log" 2>&1 || got=$?
	is "$mode: the exit status" "$got" "$status"
	is "$mode: all that is good is here, and nothing else" "$(files)" "$good"
	is "$mode: nothing is outside" "$(outside)" ""
	is "$mode: a line in the log" "$(grep -cE "^segfs: peer evil: .*($words)" "$log")" 1
	most=$(sed -n 's/^memory //p' "$log")
	[ "$SANITIZERS" != no ] || ok "$mode: memory ($most KB)" test "$most" -lt 100000
	is "$mode: what it points to is not asked for" "$(curl -s "http://127.0.0.1:$port/count")" 0
	end_evil
}

# One of its names is a file's, but there is none.
attack names 1 '2023-11-10T00: 25 names that are no file.s here'
attack hash 1 'bytes have another hash'
attack short 1 'transfer closed|end of response|bytes remaining'
attack long 1 'bytes have another hash'
attack huge 1 'sends more than 67108864 bytes'
attack endless 1 'sends more than 67108864 bytes'
attack slow 1 'evil/source/2023-11-10T00/30:00.*too slow'
attack zero 1 'evil/source/2023-11-10T00/30:00.*: no byte'
attack gzip 1 'compressed'
at='http://127.0.0.1:[0-9]+/segments/evil/source/2023-11-10T00/30:00.0-2.0-full-[^ ]*\.ts'
attack file 1 "$at: status 302 .redirects are not followed"
attack redirect 1 "$at: status 302 .redirects are not followed"
attack fields 1 'header|Too large'
attack digests 1 "$at: status 500"

# Whose listings are bad: of that hour nothing can be had.
good=$(grep /2023-11-10T01/ <<<"$good")
attack million 1 'more than 8388608 bytes|too many values'
at='http://127.0.0.1:[0-9]+/files/evil/source/2023-11-10T00[^ ]*'
attack deep 1 "$at: .*too many levels"
attack nolist 1 "$at: JSON, but no list"

# It may not blank what is here.
good=$(python3 "$top_srcdir/tests/evil-peer.py" good | sort)
evil hash
"$segfs" --run-once --log=stderr --peer="evil=http://127.0.0.1:$port" "$store" >"$log" 2>&1
end_evil
evil tombstones
"$segfs" --run-once --log=stderr --peer="evil=http://127.0.0.1:$port" "$store" >"$log" 2>&1
is "tombstones for everything" "$(grep -c '^segfs: peer evil: held: 3605 new tombstones are more than 500 an hour' "$log")" 1
is "hide nothing" "$(files)" "$good"
done_testing
