#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a stream of live video that tells of itself: DIR/STREAM/HOUR/SEGMENT.ts, and a manifest, DIR.manifest.json.

Frame n is shown at START + n / fps and carries n as a barcode on its top edge: 27 square cells, as wide as the
picture's 32nd part: white, black, 24 bits of n from the lowest, even parity. The sound of track k is, on the left, a
sine of 400 + 1200 k + 50 (second mod 20) Hz, silent for the first 40 ms of each second; with what is on the right no
two frames of it are alike. Segments are what HLS gives: cut before a key frame, so that with B-frames the sound around
a boundary lies in the later file. What an encoder would not do is done to the packets afterwards. K counts segments
from 0. Standard library and the ffmpeg command line only."""
import argparse
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from fractions import Fraction

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mpegts  # noqa: E402

CELLS = 27
SIZES = {
    "180p": (320, 180, ["-preset", "veryfast", "-b:v", "400k", "-maxrate", "500k", "-bufsize", "800k"]),
    "360p": (640, 360, ["-preset", "veryfast", "-b:v", "900k", "-maxrate", "1100k", "-bufsize", "1800k"]),
    "720p": (1280, 720, ["-preset", "superfast", "-b:v", "2500k", "-maxrate", "2800k", "-bufsize", "5000k"]),
    "1080p": (1920, 1080, ["-preset", "ultrafast", "-b:v", "5800k", "-maxrate", "6200k", "-bufsize", "6000k"]),
}
KINDS = {
    "plain": ["bframes=0"],
    "bframes": ["bframes=2", "b-adapt=0", "b-pyramid=none"],
    "pyramid": ["bframes=3", "b-adapt=0", "b-pyramid=normal"],
    "open": ["bframes=3", "b-adapt=0", "b-pyramid=none", "open-gop=1"],
}


def barcode(n):
    bits = [n >> i & 1 for i in range(24)]
    return bytes([255, 0] + [255 * b for b in bits + [sum(bits) & 1]])


def is_kept(n, gop):
    """with a variable frame rate: which frames there are; a segment's first always"""
    return n % gop == 0 or n % 3 == 0 or (7 * (n // 3) ** 2 + n // 3) % 5 > 1


def video_input(args, width, height):
    cell = width // 32
    graph = "testsrc2=s=%dx%d:r=%s:d=%s" % (width, height, args.fps, float(args.frames / args.fps + 1))
    if args.noise:
        graph += ",noise=alls=%d:allf=t+u" % args.noise
    filters = "[1:v]scale=%d:%d:flags=neighbor[code]" % (cell * CELLS, cell)
    filters += ";[0:v][code]overlay=shortest=1,format=yuv420p"
    if args.vfr:
        filters += (",select='not(mod(n,%d))+not(mod(n,3))+gt(mod(7*floor(n/3)*floor(n/3)+floor(n/3),5),1)'" %
                    args.segment_frames)
    return (["-f", "lavfi", "-i", graph, "-f", "rawvideo", "-pixel_format", "gray", "-video_size", "%dx1" % CELLS,
             "-framerate", str(args.fps), "-i", "pipe:0"], filters + "[v]")


def sound(track):
    on = "gte(mod(t,1),0.04)"
    left = "0.5*%s*sin(2*PI*(t*(%d+50*mod(floor(t),20))+3*mod(t,1)*mod(t,1)))" % (on, 400 + 1200 * track)
    right = "0.4*%s*sin(2*PI*t*(%d+7*floor(t)))" % (on, 3000 + 100 * track)
    return "%s|%s" % (left, right)


def encoder(args, codec, options):
    keyint = -(-args.segment_frames // args.gops)
    params = ["keyint=%d" % keyint, "min-keyint=%d" % min(keyint, 4), "scenecut=0"] + KINDS[args.kind]
    force = ["-force_key_frames", "expr:eq(mod(n,%d),0)" % args.segment_frames]
    if args.vfr:
        times = [float(n / args.fps) for n in range(0, args.frames, args.segment_frames)]
        force = ["-force_key_frames", ",".join("%.6f" % t for t in times)]
    if codec == "av1":
        return ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-row-mt", "0", "-b:v", "400k", "-g",
                str(keyint), "-pix_fmt", "yuv420p"] + force
    if codec == "hevc":
        params = [p for p in params if not p.startswith(("b-pyramid", "open-gop"))]
        params += ["log-level=error", "repeat-headers=1", "b-pyramid=%d" % (args.kind == "pyramid")]
        if args.kind == "open":
            force = []  # a forced key frame closes the GOP
        else:
            params += ["open-gop=0"]
        return ["-c:v", "libx265"] + options + ["-x265-params", ":".join(params)] + force
    # Every segment has its parameter sets, as in HLS; left to itself ffmpeg writes them in front of an IDR alone.
    sets = ["-bsf:v", "dump_extra=freq=keyframe"] if args.kind == "open" else []
    return ["-c:v", "libx264", "-profile:v", "high"] + options + ["-x264-params", ":".join(params)] + force + sets


def encode(args, out, size, codec):
    """One pass of ffmpeg into OUT/0000000.ts and so on."""
    width, height, options = SIZES[size]
    inputs, maps, graph = [], [], []
    video = ["-vn"]
    if args.video:
        inputs, filters = video_input(args, width, height)
        graph, maps = ["-filter_complex", filters], ["-map", "[v]"]
        video = encoder(args, codec, options) + ["-fps_mode", "passthrough"]
        if args.vfr:
            video += ["-enc_time_base", "1/90000"]
    first = 2 if args.video else 0
    length = float(args.frames / args.fps)
    for track in range(args.audio):
        inputs += ["-f", "lavfi", "-i", "aevalsrc='%s':s=48000:c=stereo:d=%s" % (sound(track), length)]
        maps += ["-map", "%d:a" % (first + track)]
    audio = ["-c:a", "aac", "-b:a", "160k"] if args.audio else []
    bounds = [float(k * args.segment_frames / args.fps) for k in range(1, -(-args.frames // args.segment_frames))]
    threads = ["-threads", str(args.threads)] if args.threads else []
    # Of AV1 it says that it is muxed as private data.
    level = "fatal" if codec == "av1" else "error"
    command = (["ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", level] + inputs + graph + maps + video +
               threads + audio + ["-f", "segment", "-segment_times", ",".join("%.6f" % b for b in bounds),
                                  "-segment_time_delta", "0.004", "-segment_format", "mpegts",
                                  os.path.join(out, "%07d.ts")])
    process = subprocess.Popen(command, stdin=subprocess.PIPE)

    def feed():
        try:
            for n in range(args.frames if args.video else 0):
                process.stdin.write(barcode(n))
            process.stdin.close()
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=feed)
    feeder.start()
    if process.wait() != 0:
        sys.exit("make-media: ffmpeg failed")
    feeder.join()
    made = [open(os.path.join(out, name), "rb").read() for name in sorted(os.listdir(out))]
    if codec == "av1":
        made = [mpegts.name_av1(data) for data in made]
    wanted = len(bounds) + 1
    if len(made) < wanted:
        sys.exit("make-media: %d segments instead of %d" % (len(made), wanted))
    return made[:wanted - 1] + [b"".join(made[wanted - 1:])]


def encode_all(args):
    with tempfile.TemporaryDirectory(prefix="make-media-") as out:
        made = encode(args, out, args.size, args.codec)
    if args.change:
        k, what = args.change
        with tempfile.TemporaryDirectory(prefix="make-media-") as out:
            size, codec = (what, args.codec) if what in SIZES else (args.size, what)
            made[k:] = encode(args, out, size, codec)[k:]
    return made


def change_packets(args, made):
    """What is done to the packets of segments that ffmpeg made."""
    counters = {}
    shift = round(args.pts_offset * 90000)
    if args.wrap_after is not None:
        first = [mpegts.first_stamp(data) for data in made[:1]][0]
        shift = (1 << 33) - first - round(args.wrap_after * 90000)
        shift -= shift % 90
    id3 = 0
    for k, data in enumerate(made):
        stream = mpegts.Stream(data)
        for at, seconds in args.jump:
            if at == k:
                shift += round(seconds * 90000)
        if args.ms:
            stream.round_stamps(90)
        if shift:
            stream.shift_stamps(shift)
        if k in args.mute:
            stream.remove(stream.audio_pids())
        if args.id3:
            id3 = stream.add_id3(id3)
        if args.counters == "run":
            stream.renumber(counters)
        elif args.id3:
            stream.renumber({})
        made[k] = stream.data()


def damage(args, k, data):
    """The type of segment K, its bytes, and what is wrong with it."""
    packets = len(data) // 188
    if k in args.partial:
        return "partial", data[:packets * 6 // 10 * 188], "partial"
    if k in args.suspect:
        return "suspect", data[:packets * 95 // 100 * 188], "suspect"
    if k in args.truncated:
        return "full", data[:packets * 8 // 10 * 188 + 100], "truncated"
    if k in args.corrupt:
        garbled = bytearray(data)
        rng = random.Random(k)
        for _ in range(12):
            at = rng.randrange(len(data) * 4 // 10, len(data) * 6 // 10)
            garbled[at:at + 40] = rng.randbytes(40)
        return "full", bytes(garbled[:len(data)]), "corrupt"
    return "full", data, None


def store(args, made):
    """Writes the segments, and returns what the manifest says of them."""
    begin = datetime.datetime.fromisoformat(args.start)
    entries = []
    for k, data in enumerate(made):
        first = k * args.segment_frames
        frames = min(args.segment_frames, args.frames - first)
        offset = -args.name_error if k % 2 else 0
        length = frames / args.fps + (args.name_error if k % 2 else 0) * Fraction(1, 1000)
        start = begin + datetime.timedelta(microseconds=round(first / args.fps * 1000000) + 1000 * offset)
        kind, content, fault = damage(args, k, data)
        name = mpegts.segment_name(start, float(length), kind, content)
        path = os.path.join(args.stream, start.strftime("%Y-%m-%dT%H"), name)
        entry = {"path": path, "start": start.isoformat(timespec="microseconds"), "duration": float(length),
                 "type": kind, "first_frame": first, "frames": frames}
        entry.update(mpegts.Stream(data).facts())
        if k in args.hole:
            fault = "hole"
        if fault:
            entry["fault"] = fault
        if k in args.mute:
            entry["mute"] = True
        entries.append(entry)
        if k in args.hole:
            continue
        full = os.path.join(args.directory, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content)
    return entries


def fill(args, entries):
    """Repeats the stream by hard links, until there are --fill-to seconds of it."""
    begin = datetime.datetime.fromisoformat(args.start)
    length = args.segment_frames / args.fps
    k = len(entries)
    while k * length < args.fill_to:
        entry = entries[k % len(entries)]
        start = begin + datetime.timedelta(microseconds=round(k * length * 1000000))
        folder = os.path.join(args.directory, args.stream, start.strftime("%Y-%m-%dT%H"))
        os.makedirs(folder, exist_ok=True)
        rest = os.path.basename(entry["path"]).split("-", 1)[1]
        os.link(os.path.join(args.directory, entry["path"]), os.path.join(folder, start.strftime("%M:%S.%f-") + rest))
        k += 1
    return k


def check_kind(args, entries):
    """Whether the encoder did what it was asked for."""
    if not args.video or args.codec != "h264" or args.change:
        return
    later = entries[1:]
    if args.kind == "open":
        good = all(not e["idr"] and e["leading"] > 0 for e in later)
    else:
        good = all(e["idr"] and e["leading"] == 0 for e in later)
    if not good:
        sys.exit("make-media: the segments do not start as they should")


def numbers(text):
    return [int(n) for n in text.split(",")]


def pair(convert):
    def parse(text):
        k, value = text.split(":", 1)
        return int(k), convert(value)
    return parse


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("directory", metavar="DIR")
    add("--stream", default="desertbus/source")
    add("--manifest", metavar="FILE", help="elsewhere than beside DIR")
    add("--start", default="2023-11-10T00:00:00", help="UTC")
    add("--seconds", type=Fraction, default=Fraction(40), help="of unique media")
    add("--segment", type=Fraction, default=Fraction(2), help="seconds, rounded to frames")
    add("--fps", type=Fraction, help="such as 60 or 30000/1001; 30 by default")
    add("--size", default="180p", help=", ".join(SIZES) + "; with a frame rate after it, as 1080p60")
    add("--kind", choices=KINDS, default="plain")
    add("--gops", type=int, default=1, help="a segment")
    add("--codec", choices=["h264", "hevc", "av1"], default="h264")
    add("--noise", type=int, default=0, help="strength, 0 to 100")
    add("--vfr", action="store_true", help="frames are missing, irregularly")
    add("--ms", action="store_true", help="time stamps rounded to milliseconds, as RTMP has them")
    add("--pts-offset", type=float, default=0, metavar="SECONDS")
    add("--wrap-after", type=float, metavar="SECONDS", help="PTS passes 2^33 that long after the start")
    add("--jump", type=pair(float), action="append", default=[], metavar="K:SECONDS",
        help="stamps jump before segment K")
    add("--counters", choices=["run", "restart"], default="run", help="continuity counters from segment to segment")
    add("--audio", type=int, default=1, metavar="TRACKS")
    add("--no-video", dest="video", action="store_false")
    add("--mute", type=numbers, default=[], metavar="K,K", help="segments without their audio PIDs")
    add("--id3", action="store_true", help="a PID of timed ID3, one each second")
    add("--name-error", type=int, default=0, metavar="MS", help="every second segment's name begins that much early")
    for fault in "hole", "partial", "suspect", "truncated", "corrupt":
        add("--" + fault, type=numbers, default=[], metavar="K,K")
    add("--change", type=pair(str), metavar="K:WHAT", help="from segment K on: another size, or h264, hevc, av1")
    add("--fill-to", type=float, default=0, metavar="SECONDS", help="repeat it by hard links")
    add("--threads", type=int, help="of the encoder; small pictures have 1, so that the bytes are the same each time")
    args = parser.parse_args()
    size, _, rate = args.size.partition("p")
    args.size = size + "p"
    args.fps = args.fps or Fraction(rate or 30)
    if args.threads is None:
        args.threads = 1 if args.size in ("180p", "360p") else 0
    args.segment_frames = round(args.segment * args.fps)
    args.frames = round(args.seconds * args.fps)
    return args


def main():
    args = arguments()
    made = encode_all(args)
    if (args.counters == "run" or args.ms or args.pts_offset or args.wrap_after is not None or args.jump or args.mute or
            args.id3):
        change_packets(args, made)
    entries = store(args, made)
    check_kind(args, entries)
    path = args.manifest or os.path.normpath(args.directory) + ".manifest.json"
    manifest = {
        "store": os.path.relpath(args.directory, os.path.dirname(os.path.abspath(path))),
        "stream": args.stream, "start": args.start,
        "fps": "%d/%d" % (args.fps.numerator, args.fps.denominator), "frames": args.frames if args.video else 0,
        "width": SIZES[args.size][0], "height": SIZES[args.size][1], "codec": args.codec, "kind": args.kind,
        "gops": args.gops, "ms": args.ms, "audio": [{"base": 400 + 1200 * k} for k in range(args.audio)],
        "seconds": float(args.frames / args.fps), "segments": entries,
    }
    if args.vfr:
        manifest["numbers"] = [n for n in range(args.frames) if is_kept(n, args.segment_frames)]
    if args.fill_to:
        manifest["filled"] = fill(args, entries)
    with open(path, "w") as file:
        json.dump(manifest, file, indent=1)


main()
