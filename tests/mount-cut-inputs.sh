# SPDX-License-Identifier: MIT
# Cuts of streams that are not as one would wish: other frame rates, rounded and jumping stamps, missing sound, broken
# segments, another size or codec from some segment on.
. "${top_srcdir:-.}/tests/functions.sh"
. "$top_srcdir/tests/cuts.sh"

# STREAM RANGES MODES OPTION OF make-media.py...: ranges in seconds; modes that work, by commas. MODE+ is with .holes;
# of MODE! the open ends with ENOTSUP.
streams() {
	cat <<-END
		25 3.1,9.3 smart,fast,full --fps 25 --kind bframes
		ntsc 3.1,9.3;1,2.1 smart,full --fps 30000/1001 --kind pyramid
		ntsc-fast 3.1,9.3 fast --fps 30000/1001
		50 3.1,9.3 smart,fast,full --fps 50 --kind pyramid
		ms-30 3.1,9.3 smart,fast,full --ms
		ms-60 3.137,9.3;1,2.1 smart,full --ms --fps 60 --kind pyramid
		vfr 3.1,9.3 smart,fast,full --vfr --fps 60
		vfr-ms 3.1,9.3 smart,full --vfr --fps 60 --ms --kind bframes
		jump 2.5,9.3 smart,fast!,full --jump 2:-3000 --jump 4:20000
		restart 3.1,9.3 smart,fast,full --counters restart --kind pyramid
		no-audio 3.1,9.3;1,2.5 smart,full --audio 0
		no-video 3.1,9.3;1,2.5 smart --no-video
		two-id3 3.1,9.3;1,2.5 smart,full --audio 2 --id3 --kind bframes
		mute 3.1,9.3 smart,fast,full --mute 2 --kind bframes
		name 3.1,9.3 smart,full --name-error 10
		hole 2.5,9.3 smart+,full+ --hole 2
		partial 2.5,11.3 smart+,full+ --partial 2 --suspect 4
		truncated 2.5,9.3 smart+,full+ --truncated 2
		corrupt 2.5,9.3 smart+,full+ --corrupt 2
		size 2.5,9.3 smart!,full --change 2:360p
		codec 2.5,9.3 smart!,full --change 2:hevc
		hevc 4,8 fast,full --codec hevc
		hevc-pyramid 4,8 full --codec hevc --kind pyramid
		av1 4,8 smart,fast,full --codec av1
		av1-odd 2.5,9.3 smart!,fast!,full --codec av1
		noise 3.1,9.3;1,2.5 smart --noise 60 --kind pyramid
	END
}

while read -r name _ _ options; do
	# shellcheck disable=SC2086
	python3 "$top_srcdir/tests/make-media.py" "$store" --stream "desertbus/$name" --manifest "$work/$name.manifest.json" \
		--seconds 12 $options &
	[ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
done < <(streams)
wait

ok "mounts" start
while read -r name list modes _; do
	for mode in ${modes//,/ }; do
		kind=${mode%[+!]}
		path=$mnt/desertbus/$name/range/$(name_of "$list" "$kind")
		case $mode in
		*!) errno "$name: no $kind cut" ENOTSUP open "$path" ;;
		*+) ok "$name: $kind, with holes" check_cut "$name" "$list" "${path%.ts}.holes.ts" "--$kind" --broken ;;
		*) ok "$name: $kind" check_cut "$name" "$list" "$path" "--$kind" ;;
		esac
		# An mp4 of each, but of AV1.
		case $name-$mode in
		av1-*) ;;
		*-smart) ok "$name: as an mp4" check_movie "${path%.ts}.mp4" ;;
		*-smart+) ok "$name: as an mp4, with holes" check_movie "${path%.ts}.holes.mp4" ;;
		esac
	done
	rm -f "$work/$name.judge"
done < <(streams)
ok "ends" stop
done_testing
