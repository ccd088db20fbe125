# SPDX-License-Identifier: MIT
# Options that change what is shown, in each of the three ways to say them; and segfsctl best.
. "${top_srcdir:-.}/tests/functions.sh"

make_store 1 20 1000
rm "$store/desertbus/source/$hour/$(name 3)"
first=$(name 1)

start --portable-names --umask=077 --uid=12 --gid=34
is "portable names" "$(ls "$stream/$hour" | head -n 1)" "20231110T000000.000000$(echo "$first" | cut -c 13-)"
ok "the store's names are found all the same" test -f "$stream/$hour/$first"
is "no colon anywhere" "$(ls -R "$stream/$hour" | grep -c :.*ts)" 0
ok "a playlist has them, too" test -f "$stream/$(grep -m 1 '\.ts$' "$stream/playlist.m3u8")"
is "uid, gid and umask" "$(stat -c '%u %g %a' "$stream/$hour/$first")" "12 34 400"
ok "ends" stop

start -o portable_names,umask=022
is "by -o" "$(ls "$stream/$hour" | head -n 1)" "20231110T000000.000000$(echo "$first" | cut -c 13-)"
ok "ends" stop

unknown() { # WORDS... WANTED
	local wanted=${!#}
	is "refused: ${*:1:$#-1}" "$("$segfs" "${@:1:$#-1}" "$store" "$mnt" 2>&1 | head -n 1)" "$wanted"
}
unknown --foo "segfs: unknown option '--foo'"
unknown -o foo "segfs: unknown option 'foo'"
unknown -o ro,foo=bar "segfs: unknown option 'foo'"
unknown -z "segfs: unknown option '-z'"
unknown --umask=9 "segfs: '9' is no value for 'umask'"
unknown --uid=nobody-of-that-name "segfs: 'nobody-of-that-name' is no value for 'uid'"
unknown --log=file "segfs: 'file' is no value for 'log'"
unknown --cache-memory=1X "segfs: '1X' is no value for 'cache_memory'"
unknown -o umask "segfs: option 'umask' needs a value"
printf '[segfs]\nstore=x\nfoo=bar\n' >"$work/conf"
unknown --config "$work/conf" "segfs: $work/conf: unknown key 'foo'"
printf '[segfs]\numask=9\n' >"$work/conf"
unknown --config "$work/conf" "segfs: $work/conf: '9' is no value for 'umask'"
printf '[other]\n' >"$work/conf"
unknown --config "$work/conf" "segfs: $work/conf: unknown group 'other'"
unknown --config "$work/none" "segfs: $work/none: No such file or directory"
is "usage is status 2" "$("$segfs" --foo >/dev/null 2>&1 || echo $?)" 2
is "STORE and MOUNTPOINT are needed" "$("$segfs" "$store" 2>&1 | head -n 1)" "segfs: STORE and MOUNTPOINT are needed"
is "not three of them" "$("$segfs" "$store" "$mnt" x 2>&1 | head -n 1)" "segfs: too many arguments: 'x'"

# segfsctl best, in a store and in a mount.
best() { "$segfsctl" best "$@"; }
wanted="$(printf '%s/%s\n%s/%s\nhole 2023-11-10T00:06:00.000000 2023-11-10T00:09:00.000000\n%s/%s' \
	$hour "$first" $hour "$(name 2)" $hour "$(name 3)")"
is "best in a store" "$(best "$store/desertbus/source" 2023-11-10T00 20231110T001000)" "$wanted"
start
is "best in a mount" "$(best "$stream" 20231110T00 +10m)" "$wanted"
fails "holes can be a failure" best --no-holes "$stream" 20231110T00 +10m
ok "where there are any" best --no-holes "$stream" 20231110T00 +1m
fails "END not after START" best "$stream" 20231110T00 20231110T00
fails "no time" best "$stream" now later
fails "no stream" best "$mnt/desertbus" 20231110T00 +1m
fails "no command" "$segfsctl" frobnicate
ok "ends" stop
done_testing
