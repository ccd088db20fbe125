# SPDX-License-Identifier: MIT
# For tests of several nodes. Sourced after functions.sh.
#
#   node NAME [OPTION...]   starts one: its store is $work/NAME, its mount $work/mnt-NAME, its log $work/log-NAME; it asks
#                           the peers in $work/nodes each second
#   node_url NAME           where it listens
#   node_pid NAME
#   end_node NAME           unmounts it, and says whether it ended well
#   peers_state NAME FILTER what jq's FILTER finds in its peers.json
#   files NAME              the files of its store
#   alike NAME...           all have the same files
#   within SECONDS COMMAND...  it succeeds by then

touch "$work/nodes"
declare -A pids

node() {
	local name=$1
	shift
	mkdir -p "$work/$name" "$work/mnt-$name"
	$SEGFS_WRAPPER "$segfs" -f --log=stderr --cache="$work/cache-$name" --listen=:0 --name="$name" \
		--nodes="$work/nodes" --sync-interval=1 --recent-cutoff=0 --min-free=1M "$@" \
		"$work/$name" "$work/mnt-$name" >"$work/log-$name" 2>&1 &
	pids[$name]=$!
	until_ok grep -q "is mounted on" "$work/log-$name"
}
node_url() { grep -m 1 -oE 'https?://[^ ]+' "$work/log-$1"; }
node_pid() { echo "${pids[$1]}"; }
end_node() {
	local status=0
	umount "$work/mnt-$1" || umount -l "$work/mnt-$1"
	wait "${pids[$1]}" || status=$?
	unset "pids[$1]"
	[ $status -eq 0 ] || sed 's/^/# /' "$work/log-$1"
	return $status
}
end_nodes() {
	local name
	for name in "${!pids[@]}"; do
		kill -CONT "${pids[$name]}"
		umount -l "$work/mnt-$name"
		kill "${pids[$name]}"
	done 2>/dev/null
	wait "${pids[@]}" 2>/dev/null
}
at_end end_nodes
peers_state() { jq -r "$2" "$work/mnt-$1/.segfs/peers.json"; }
files() { (cd "$work/$1" && find . -type f ! -path './.*' | sort); }
alike() {
	local name first=$1
	for name; do
		[ "$(files "$name")" = "$(files "$first")" ] || return 1
	done
}
within() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt "$deadline" ] || return 1
		read -r -t 0.05 <> <(:) || :
	done
}
