# SPDX-License-Identifier: MIT
# Waveforms: the sound of make-media.py is silent for the first 40 ms of each second, and so are they; what is missing is
# empty; and what has no waveform.
. "${top_srcdir:-.}/tests/functions.sh"

# The columns of a picture, as "WIDTH HEIGHT" and then a letter each: "." is empty, "-" is silent, "#" is not, "?" is neither
draw() {
	python3 "$top_srcdir/tests/pictures.py" columns "$1" | awk 'NR == 1 { height = $2; print; next }
		{ n = $2 - $1 + 1; printf "%s", ($1 == "-" ? "." : n <= height / 5 ? "-" : n >= height / 2 ? "#" : "?") }
		END { print "" }'
}

# A second in columns of 10 ms, and what is to be made of the rest; the edges of the silence are a frame of sound or so.
second() { # TEXT
	awk -v text="$1" 'BEGIN { for (i = 1; i <= length(text); i += 100) {
		s = substr(text, i, 100); print substr(s, 2, 2), (substr(s, 8, 90) ~ /^#+$/ ? "loud" : s) } }' | sort -u
}

is_right() { # WHAT PATH
	is "$1" "$(second "$(draw "$2" | sed -n 2p)")" "-- loud"
}

# STREAM OPTION OF make-media.py...
streams() {
	cat <<-END
		plain
		60 --fps 60 --kind bframes --gops 3
		open --kind open
		ntsc --fps 30000/1001
		wrap --kind pyramid --wrap-after 4.5
		jump --jump 2:-3000 --jump 4:20000
		ms --ms --fps 60
		two-id3 --audio 2 --id3 --kind bframes
	END
}

make() { # STREAM OPTION...
	python3 "$top_srcdir/tests/make-media.py" "$store" --stream "desertbus/$1" --manifest "$work/$1.manifest.json" \
		--seconds 10 "${@:2}" &
	[ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
}
while read -r name options; do
	# shellcheck disable=SC2086
	make "$name" $options
done < <(streams)
make hole --hole 2
make mute --mute 2
make broken --partial 1 --truncated 2 --corrupt 3
make quiet --audio 0
make no-video --no-video
make long --fill-to 7200
make source
wait
garbage=desertbus/garbage/$hour
mkdir -p "$store/$garbage"
head -c 18800 /dev/urandom >"$store/$garbage/00:00.000000-2.0-full-$(printf 'A%.0s' {1..43}).ts"

at=20231110T0000
ok "mounts" start
while read -r name _; do
	range=$mnt/desertbus/$name/range
	is_right "$name" "$range/${at}00-${at}10.1000x64.png"
	is_right "$name: a part of it" "$range/${at}03+5s.500x100.png"
	is_right "$name: three parts" "$range/${at}05+2s,${at}01+3s,${at}05+1s.600x64.png"
done < <(streams)

range=$stream/range
is "its size" "$(draw "$range/$at+10s.png" | sed -n 1p)" "1024 64"
is "another size" "$(draw "$range/$at+10s.301x17.png" | sed -n 1p)" "301 17"
is "two columns" "$(draw "$range/$at+10s.2x64.png" | sed -n 2p)" "##"
is "two of silence" "$(draw "$range/${at}05.01-${at}05.03.2x64.png" | sed -n 2p)" "--"
is "one of each" "$(draw "$range/${at}05.005-${at}05.1.3x64.png" | sed -n 2p | cut -c 1,3)" "-#"
is "one pixel" "$(draw "$range/$at+10s.1x1.png" | sed -n 1p)" "1 1"
is "more columns than samples" "$(draw "$range/${at}05.5-${at}05.5001.1000x64.png" | sed -n 2p | tr -d '?#-')" ""
is "its size is true" "$(stat -c %s "$range/$at+10s.png")" "$(wc -c <"$range/$at+10s.png")"
is "its time is the newest segment's" "$(stat -c %Y "$range/$at+10s.png")" 1699574408
is "in another spelling the same" "$(sha256sum <"$range/2023-11-10T00:00+10s.png")" "$(sha256sum <"$range/$at+10s.png")"
is "ground and colour" "$(ffmpeg -nostdin -v error -i "$range/$at+10s.png" -f rawvideo -pix_fmt rgba - | od -An -v -tx1 -w4 |
	sort -u | tr -d ' \n')" "2a7ac8002a7ac8ff"

# A hole of two seconds, where sound of the segments around it may reach into it by a frame or two.
range=$mnt/desertbus/hole/range
errno "a hole" ENODATA stat "$range/$at+10s.png"
columns=$(draw "$range/$at+10s.holes.1000x64.png" | sed -n 2p)
is "is empty" "$(echo "${columns:415:170}" | tr -d .)" ""
is "nothing else is" "${columns:0:385}${columns:615}" "$(echo "${columns:0:385}${columns:615}" | tr -d .)"
columns=$(draw "$mnt/desertbus/mute/range/$at+10s.1000x64.png" | sed -n 2p)
is "what has no sound is empty, too" "$(echo "${columns:415:170}" | tr -d .)" ""
is "and nothing else" "${columns:0:385}${columns:615}" "$(echo "${columns:0:385}${columns:615}" | tr -d .)"
errno "broken segments" OK read "$mnt/desertbus/broken/range/$at+10s.holes.png"

range=$stream/range
# Its segments begin with a frame of sound, up to 21 ms from where their names say.
columns=$(draw "$mnt/desertbus/no-video/range/${at}02+1s.100x64.png" | sed -n 2p)
is "no pictures" "$(echo "${columns:10:85}" | tr -d '#')$(echo "${columns:0:7}" | grep -o -- --)" --
errno "no sound" ENODATA stat "$mnt/desertbus/quiet/range/$at+10s.png"
errno "no segments" ENODATA stat "$range/20331110T0000+10s.holes.png"
errno "no transport stream" EIO stat "$mnt/desertbus/garbage/range/$at+1s.png"
errno "too large" ENOTSUP stat "$range/$at+10s.16384x16384.png"
errno "as large as it can be" OK stat "$range/$at+10s.16384x512.png"
errno "END not after START" EINVAL stat "$range/$at-$at.png"
errno "no size" ENOENT stat "$range/$at+10s.0x64.png"

# Two hours: who goes away is not worked for any more.
ticks() { awk '{ print $14 + $15 }' "/proc/$segfs_pid/stat"; }
rests() {
	local before
	before=$(ticks)
	read -r -t 0.1 <> <(:) || :
	[ "$(ticks)" -le $((before + 2)) ]
}
long=$mnt/desertbus/long/range
if [ "$SANITIZERS" = no ] && [ -z "$SEGFS_WRAPPER" ]; then
	stat "$long/20231110T0000+10s.txt" >/dev/null
	before=$(ticks)
	fails "is interrupted" timeout -s INT 0.1 stat "$long/20231110T00-20231110T02.png"
	until_ok rests
	stopped=$(($(ticks) - before))
	peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$segfs_pid/status")
	before=$(ticks)
	ok "all of it" stat "$long/20231110T00-20231110T02.png"
	whole=$(($(ticks) - before))
	ok "$stopped of $whole ticks were spent" [ $((2 * stopped)) -lt $whole ]
	after=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$segfs_pid/status")
	ok "memory grew by $((after - peak)) kB" [ $((after - peak)) -lt 16384 ]
else
	ok "all of it" stat "$long/20231110T00+10m.png"
fi
sums() { sha256sum "$stream/range/$at+10s.png" "$long/20231110T0001+6m.png" | cut -d ' ' -f 1; }
sums=$(sums)
ok "ends" stop

ok "mounts again" start
is "the same from a second daemon" "$(sums)" "$sums"
segment=$(find "$store/desertbus/source/$hour" -name '00:02*.ts' -printf '%f\n')
coproc probe hold "$stream/range/$at+10s.png" "$stream/range/${at}05+3s.png"
hold_pid=$COPROC_PID
read -r line <&"${COPROC[0]}"
is "two are open" "$line" open
: >"$stream/$hour/${segment%.ts}.tombstone"
errno "after a tombstone" ENODATA stat "$stream/range/$at+10s.png"
errno "with holes" OK stat "$stream/range/$at+10s.holes.png"
errno "one without it" OK stat "$stream/range/${at}05+3s.png"
echo >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
is "who had it open gets an error" "$line" "EIO EIO SIGBUS"
read -r line <&"${COPROC[0]}"
is "who had one without it does not" "$line" "OK OK OK"
exec {COPROC[1]}>&-
wait "$hold_pid"
ok "ends" stop
done_testing
