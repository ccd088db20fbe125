# SPDX-License-Identifier: MIT
# Shared by the tests in shell: TAP, a store, a mount of it, and their end. Sourced, with bash.
#
#   ok WHAT COMMAND...          the command succeeds
#   fails WHAT COMMAND...       it does not
#   is WHAT GOT WANTED          two texts are the same
#   errno WHAT NAME OP PATH...  the operation of probe.py on PATH ends with the errno NAME ("OK": with none)
#   skip WHAT WHY        instead of a check that makes no sense here
#   until_ok COMMAND...         repeats it until it succeeds, for ten seconds at most
#   make_store HOURS PER-HOUR SIZE [DIR]   see make-store.py; in $store if DIR is not given
#   start [OPTION...]           mounts $store on $mnt;  stop: unmounts it, waits for the daemon, and checks its end
#   terminate            ends the daemon by SIGTERM: also when somebody has files open
#   at_end COMMAND              runs it when the test ends
#   done_testing                the plan; the last line of a test
#
# $work is a directory of the test's own, $hour the first hour in the store, $name() its N-th segment.
# SEGFS_WRAPPER goes before segfs, for valgrind.

set -u
: "${top_builddir:=$PWD}" "${top_srcdir:=$PWD}" "${SANITIZERS:=no}" "${SEGFS_WRAPPER:=}"
export LC_ALL=C TZ=UTC

segfs=$top_builddir/segfs
segfsctl=$top_builddir/segfsctl
passthrough=$top_builddir/tests/passthrough
work=$(mktemp -d "${TMPDIR:-/tmp}/segfs-test-XXXXXX")
store=$work/store
mnt=$work/mnt
chmod 755 "$work"
log=$work/log
stream=$mnt/desertbus/source
hour=2023-11-10T00
count=0
failures=0
ends=()
segfs_pid=

at_end() { ends=("$1" "${ends[@]}"); }

cleanup() {
	local status=$? command
	trap - EXIT
	for command in "${ends[@]}"; do
		eval "$command"
	done
	if [ -n "$segfs_pid" ] && kill -0 "$segfs_pid" 2>/dev/null; then
		kill "$segfs_pid" 2>/dev/null
		gone "$segfs_pid" || kill -9 "$segfs_pid" 2>/dev/null
	fi
	if mountpoint -q "$mnt"; then umount -l "$mnt"; fi
	rm -rf "$work"
	exit $status
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -c /dev/fuse ] || skip_all "needs /dev/fuse"

result() { # STATUS WHAT
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $2"
	fi
}

ok() {
	local what=$1
	shift
	"$@" >"$work/out" 2>&1
	local status=$?
	[ $status -eq 0 ] || sed 's/^/# /' "$work/out"
	result $status "$what"
}

skip() { # WHAT WHY
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

fails() {
	local what=$1
	shift
	if "$@" >"$work/out" 2>&1; then result 1 "$what"; else result 0 "$what"; fi
}

is() {
	if [ "$2" = "$3" ]; then
		result 0 "$1"
	else
		result 1 "$1"
		printf '# got:    %s\n# wanted: %s\n' "${2//$'\n'/$'\n'# }" "${3//$'\n'/$'\n'# }"
	fi
}

probe() { python3 "$top_srcdir/tests/probe.py" "$@"; }

errno() {
	local what=$1 wanted=$2
	shift 2
	is "$what" "$(probe errno "$@" 2>&1)" "$wanted"
}

until_ok() {
	local deadline=$((SECONDS + 10))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		read -r -t 0.02 <> <(:) || :
	done
}

# A child that has ended but was not waited for counts as gone, too.
gone() {
	until_ok eval "! [ -e /proc/$1 ] || grep -q '^State:.Z' /proc/$1/status"
}

make_store() {
	python3 "$top_srcdir/tests/make-store.py" "${4:-$store}" "$1" "$2" "$3"
}

# The N-th segment's name, from 1, in an hour of the store
name() { find "${2:-$store/desertbus/source/$hour}" -name '*.ts' -printf '%f\n' | sort | sed -n "$1p"; }

start() {
	mkdir -p "$mnt"
	# shellcheck disable=SC2086
	$SEGFS_WRAPPER "$segfs" -f --log=stderr --cache="$work/cache" "$store" "$mnt" "$@" >>"$log" 2>&1 &
	segfs_pid=$!
	until_ok mountpoint -q "$mnt" && until_ok grep -q "is mounted on" "$log" && return
	echo "# segfs did not mount:"
	sed 's/^/# /' "$log"
	return 1
}

terminate() {
	kill "$segfs_pid"
	check_end
}

stop() {
	fusermount3 -u "$mnt" || umount -l "$mnt"
	check_end
}

check_end() {
	local status=0
	gone "$segfs_pid" || echo "# segfs did not end"
	wait "$segfs_pid" || status=$?
	segfs_pid=
	[ $status -eq 0 ] || {
		echo "# segfs ended with $status:"
		tail -n 60 "$log" | sed 's/^/# /'
	}
	mv "$log" "$log.$((++stops))"
	return $status
}
stops=0

done_testing() {
	echo "1..$count"
	[ $failures -eq 0 ]
	exit
}
