# SPDX-License-Identifier: MIT
# SIGKILL at each call by which the writer makes, writes, renames or syncs anything, and each of them failing: never is
# a file under a final name but whole, what was reported done is there, and the next run finishes the work.
. "${top_srcdir:-.}/tests/functions.sh"

inject=$top_builddir/tests/inject.so
check_store() { python3 "$top_srcdir/tests/check-store.py" "$@"; }
publish() {
	"$top_builddir/tests/publish" "$store" desertbus/source 2023-11-10T00 3 10000 >"$work/report" 2>"$work/errors"
}
# A sanitizer's library comes after it.
injected() { # TROUBLE COUNT-FILE
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0:detect_leaks=0 \
		INJECT=$1 INJECT_COUNT=$2 LD_PRELOAD=$inject publish
} 2>/dev/null

mkdir "$store"
injected "0 none" "$work/count"
is "three are published" "$(cut -d ' ' -f 1 "$work/report" | sort | uniq -c | tr -s ' ')" " 3 done"
ok "whole" check_store "$store" "$work/report"
ok "none is left half" eval '! ls -A "$store"/desertbus/source/* | grep -q temp'
calls=$(cat "$work/count")
ok "calls are counted" test "$calls" -gt 20
publish
is "again: they are there" "$(cut -d ' ' -f 1 "$work/report" | sort | uniq -c | tr -s ' ')" " 3 was"

# How many calls there are hangs on what is committed together: a few more are tried.
killed=0 bad=0 unfinished=0 failed=0
for action in before after half ENOSPC EIO; do
	for ((i = 1; i <= calls + 6; i++)); do
		rm -rf "$store"
		mkdir "$store"
		call=
		[ $action != half ] || call=write
		[ $action != half ] || [ $i -le 3 ] || break
		injected "$i $action $call" /dev/null
		status=$?
		[ $status -ne 137 ] || killed=$((killed + 1))
		[ $status -ne 1 ] || failed=$((failed + 1))
		check_store "$store" "$work/report" >"$work/bad" || { bad=$((bad + 1)); sed "s/^/# $i $action: /" "$work/bad"; }
		# It has failed, and said so, or been killed, or come to its end before.
		case $status in
		0 | 1) ! grep -q '^failed' "$work/report" || [ $status -eq 1 ] || bad=$((bad + 1)) ;;
		137) ;;
		*) bad=$((bad + 1)); echo "# $i $action: exit status $status"; sed 's/^/# /' "$work/errors" ;;
		esac
		publish || unfinished=$((unfinished + 1))
		[ "$(check_store "$store" "$work/report")" = "3 whole" ] || unfinished=$((unfinished + 1))
	done
done
ok "killed at each call ($killed times)" test "$killed" -ge $((2 * calls - 6))
ok "and failing at most of them ($failed times)" test "$failed" -ge "$calls"
is "nothing bad under a final name, nothing missing that was reported" "$bad" 0
is "the next run finishes all" "$unfinished" 0
done_testing
