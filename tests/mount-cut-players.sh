# SPDX-License-Identifier: MIT
# What programs make of an MP4: that they take its rate for constant, play it without a complaint, and seek to the right
# frame. Programs that are not there are left out (scripts/install-deps --players).
. "${top_srcdir:-.}/tests/functions.sh"
. "$top_srcdir/tests/cuts.sh"

[ -z "$SEGFS_WRAPPER" ] || skip_all "the programs are what is tested"
fps=60 width=320 height=180
python3 "$top_srcdir/tests/make-media.py" "$store" --stream desertbus/source --manifest "$work/source.json" \
	--seconds 24 --fps $fps --kind pyramid
has() { # WHAT PROGRAM
	command -v "$2" >/dev/null && return
	skip "$1" "there is no $2"
	return 1
}
# Programs that do not run as root, or write into their home
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$work/nobody" "$@"; }
# Does it, and fails where it says something, too
quiet() {
	"$@" >"$work/said" 2>&1 </dev/null && ! grep . "$work/said"
}

ok "mounts" start -o allow_other
first=$((3 * fps + 6)) # the number of the frame that is shown at 3.1 s
file=$stream/range/$(spans_of 3.1,18.3).mp4
chmod 755 "$work"
for form in mp4 mov; do
	if has "mediainfo: $form" mediainfo; then
		is "mediainfo: $form has a constant rate" \
			"$(mediainfo --Inform="Video;%FrameRate_Mode% %FrameRate%" "${file%mp4}$form")" "CFR 60.000"
	fi
	if has "mpv: $form" mpv; then
		ok "mpv plays $form" quiet mpv --no-config --vo=null --ao=null --untimed --msg-level=all=warn "${file%mp4}$form"
	fi
	if has "VLC: $form" cvlc; then
		mkdir -p "$work/nobody" && chown 65534 "$work/nobody"
		ok "VLC plays $form" as_nobody cvlc -q --intf dummy --vout dummy --aout dummy --rate 32 --play-and-exit \
			"${file%mp4}$form"
		ok "VLC has no complaint" quiet as_nobody cvlc -q --intf dummy --vout dummy --aout dummy --rate 32 \
			--play-and-exit "${file%mp4}$form"
	fi
	if has "GStreamer: $form" gst-launch-1.0; then
		# Errors alone: it warns of every file that is not in fragments, or has a timecode.
		ok "GStreamer plays $form" quiet env GST_DEBUG=1 GST_DEBUG_NO_COLOR=1 GST_REGISTRY="$work/registry" \
			gst-launch-1.0 -q filesrc location="${file%mp4}$form" ! qtdemux name=d d.video_0 ! queue ! h264parse ! \
			avdec_h264 ! fakesink d.audio_0 ! queue ! avdec_aac ! fakesink
	fi
done

# Numbers of the frames in raw pictures of gray, by their barcodes
numbers() {
	python3 - "$1" $width $height <<-'END'
		import sys
		width, height = int(sys.argv[2]), int(sys.argv[3])
		data, cell = open(sys.argv[1], "rb").read(), width // 32
		for at in range(0, len(data), width * height):
		    row = data[at + cell // 2 * width:][:width]
		    bits = [row[cell * i + cell // 2] > 127 for i in range(27)]
		    print(sum(bit << i for i, bit in enumerate(bits[2:26])) if bits[0] and not bits[1] else -1)
	END
}
if has "melt" melt; then
	printf '%s\n' description=test frame_rate_num=$fps frame_rate_den=1 width=$width height=$height progressive=1 \
		sample_aspect_num=1 sample_aspect_den=1 display_aspect_num=16 display_aspect_den=9 colorspace=601 >"$work/profile"
	places=() wanted=()
	for i in $(seq 30); do
		n=$((i * 7919 % (15 * fps)))
		places+=("$file" "in=$n" "out=$n")
		wanted+=($((first + n)))
	done
	ok "melt seeks" melt -silent -profile "$work/profile" "${places[@]}" -consumer avformat:"$work/frames" f=rawvideo \
		vcodec=rawvideo pix_fmt=gray an=1 real_time=-1
	is "melt: thirty seeks, and none is wrong" "$(numbers "$work/frames" | paste -sd' ')" "${wanted[*]}"
fi

if has "Chromium" chromium; then
	times=() wanted=()
	for n in 60 13 700 911 0 333 334; do
		times+=("$(awk "BEGIN { print ($n + 0.5) / $fps }")")
		wanted+=($((first + n)))
	done
	is "Chromium plays it from a plain web server, and shows the right frames" \
		"$(python3 "$top_srcdir/tests/play-web.py" chromium "$file" "${times[@]}" 2>"$work/asked")" "${wanted[*]}"
fi
ok "ends" stop
done_testing
