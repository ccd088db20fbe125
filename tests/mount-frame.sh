# SPDX-License-Identifier: MIT
# Frames by their time: of streams of each kind the right one, and as ffmpeg decodes it; and what is no frame.
. "${top_srcdir:-.}/tests/functions.sh"

pictures() { python3 "$top_srcdir/tests/pictures.py" "$@"; }

# STREAM OPTION OF make-media.py...
streams() {
	cat <<-END
		plain
		25 --fps 25 --kind bframes
		ntsc --fps 30000/1001 --kind pyramid
		bframes --fps 60 --kind bframes --gops 3
		pyramid --fps 60 --kind pyramid
		open --fps 60 --kind open
		open-25 --fps 25 --kind open
		wrap --kind pyramid --wrap-after 4.5
		jump --kind bframes --jump 2:-3000 --jump 4:20000
		name --kind pyramid --name-error 10
		vfr --vfr --fps 60
		ms --ms --fps 60 --kind bframes
		hevc --codec hevc --kind bframes
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
make broken --kind bframes --hole 1 --partial 3
make corrupt --corrupt 0,1,2,3,4
make silent --no-video
make late --kind open --hole 0
make source
wait
garbage=desertbus/garbage/$hour
mkdir -p "$store/$garbage"
head -c 18800 /dev/urandom >"$store/$garbage/00:00.000000-2.0-full-$(printf 'A%.0s' {1..43}).ts"

ok "mounts" start
while read -r name _; do
	is "$name: frames" "$(pictures frames "$work/$name.manifest.json" "$mnt/desertbus/$name/frame" png 2>&1)" ""
done < <(streams)
is "as JPEG" "$(pictures frames "$work/open.manifest.json" "$mnt/desertbus/open/frame" jpg 2>&1)" ""
for name in plain ntsc pyramid open; do
	manifest=$work/$name.manifest.json
	for at in 3.4 6; do
		png=$mnt/desertbus/$name/frame/20231110T00000$at.png
		is "$name: pixel by pixel, at $at" "$(pictures same "$manifest" "$png" "$(pictures numbers "$png")")" 0
	done
done

at=20231110T000003.4
frame=$stream/frame
is "a PNG's size" "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 "$frame/$at.png")" png,320,180
is "a JPEG's" "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 "$frame/$at.jpg")" mjpeg,320,180
is "colours of JPEG" "$(ffprobe -v error -show_entries stream=color_range -of csv=p=0 "$frame/$at.jpg")" pc
is "its size is true" "$(stat -c %s "$frame/$at.png")" "$(wc -c <"$frame/$at.png")"
is "its time is its segment's" "$(stat -c %Y.%y "$frame/$at.png" | cut -c 1-29)" "1699574402.2023-11-10 00:00:0"
is "the same in another spelling" "$(sha256sum <"$frame/2023-11-10T00:00:03.400Z.png")" "$(sha256sum <"$frame/$at.png")"
is "ls lists what was used" "$(ls "$frame")" "$(printf '%s\n' "2023-11-10T00:00:03.400Z.png" $at.jpg $at.png)"
is "not elsewhere" "$(ls "$stream/range")" ""

for bad in x.png "$at" "$at.gif" "$at.PNG" "$at.png.png" "$at-$at.png" "$at+1s.png" "$at.10x10.png" .png "20231310T00.png" \
	"._$at.png" "$at.1234567.png"; do
	errno "outside the grammar: $bad" ENOENT stat "$frame/$bad"
done
errno "before all" ENODATA stat "$frame/20231109T235959.999.png"
errno "after all" ENODATA stat "$frame/20231110T000010.png"
errno "the last one" OK stat "$frame/20231110T000009.999.png"
errno "a hole" ENODATA stat "$mnt/desertbus/broken/frame/20231110T000002.5.png"
errno "after it" OK stat "$mnt/desertbus/broken/frame/20231110T000004.png"
errno "what there is of a partial segment" OK stat "$mnt/desertbus/broken/frame/20231110T000006.5.png"
errno "what there is not" ENODATA stat "$mnt/desertbus/broken/frame/20231110T000007.9.png"
errno "no pictures" ENODATA stat "$mnt/desertbus/silent/frame/$at.png"
errno "no transport stream" EIO stat "$mnt/desertbus/garbage/frame/20231110T000001.png"
errno "an open GOP that begins the stream" OK read "$mnt/desertbus/late/frame/20231110T000002.png"
is "and its number" "$(pictures numbers "$mnt/desertbus/late/frame/20231110T000002.5.png")" 75
for second in 0 1 2 3 4 5 6 7 8 9; do
	probe errno read "$mnt/desertbus/corrupt/frame/20231110T00000$second.9.png"
done | grep -vxE 'OK|EIO' >"$work/bad"
is "corrupt segments" "$(cat "$work/bad")" ""
errno "create" EPERM create "$frame/foo.png"
errno "rm" EPERM unlink "$frame/$at.png"

# What is asked for by many at once is made for each who still wants it.
is "twenty at once" "$(probe many 20 read "$frame/20231110T0000%02d.25.png")" 10
probe save-handle "$frame/$at.png" "$work/handle"
sum=$(sha256sum <"$frame/$at.png" | cut -d ' ' -f 1)
ok "ends" stop

ok "mounts again" start
is "a handle outlives the daemon" "$(probe open-handle "$mnt" "$work/handle")" "$sum"
segment=$(find "$store/desertbus/source/$hour" -name '00:02*.ts' -printf '%f\n')
coproc probe hold "$frame/$at.png" "$frame/20231110T000001.9.png"
hold_pid=$COPROC_PID
read -r line <&"${COPROC[0]}"
is "two are open" "$line" open
: >"$stream/$hour/${segment%.ts}.tombstone"
errno "after a tombstone" ENODATA stat "$frame/$at.png"
errno "its neighbour" OK read "$frame/20231110T000001.9.png"
echo >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
is "who had it open gets an error" "$line" "EIO EIO SIGBUS"
read -r line <&"${COPROC[0]}"
is "who had its neighbour does not" "$line" "OK OK OK"
exec {COPROC[1]}>&-
wait "$hold_pid"
ok "ends" stop
done_testing
