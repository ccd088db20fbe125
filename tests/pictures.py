#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at pictures of the streams that make-media.py makes. Standard library and the ffmpeg command line only.

numbers FILE...                 prints the frame number that each picture carries, -1 where it carries none
frames MANIFEST DIR EXT         reads DIR/TIME.EXT for many TIMEs around the frames and segments of the stream; prints each
                                whose number is not that of the last frame whose time is not after TIME
same MANIFEST FILE N            prints by how many levels the PNG differs from frame N, at most, as ffmpeg decodes it
columns FILE                    prints a waveform: its size, and for each column the first and last row that is drawn
"""
import datetime
import json
import os
import subprocess
import sys
from fractions import Fraction

CELLS = 27


def run(command, stdin=b""):
    return subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-v", "error"] + command, input=stdin, check=True,
                          stdout=subprocess.PIPE).stdout


def size_of(path):
    text = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", path],
                          check=True, stdout=subprocess.PIPE).stdout.decode()
    return tuple(int(n) for n in text.strip().split(","))


def number(luma, width):
    cell = width // 32
    row = luma[cell // 2 * width:(cell // 2 + 1) * width]
    cells = [row[i * cell + cell // 2] for i in range(CELLS)]
    bits = [int(c > (cells[0] + cells[1]) / 2) for c in cells[2:]]
    if cells[0] < cells[1] + 60 or sum(bits) % 2:
        return -1
    return sum(bit << i for i, bit in enumerate(bits[:24]))


def numbers(paths):
    """All have one size and kind: they are decoded by one ffmpeg."""
    width, height = size_of(paths[0])
    codec = {"png": "png", "jpg": "mjpeg"}[paths[0].rsplit(".", 1)[1]]
    stream = b"".join(open(path, "rb").read() for path in paths)
    luma = run(["-f", "image2pipe", "-c:v", codec, "-i", "pipe:0", "-f", "rawvideo", "-fps_mode", "passthrough",
                "-pix_fmt", "gray", "pipe:1"], stream)
    size = width * height
    return [number(luma[i:i + size], width) for i in range(0, len(luma), size)]


def frame_times(manifest):
    """(microseconds, exactly, from the start of the stream; number) of each frame, by its segment's name"""
    fps, begin = Fraction(manifest["fps"]), datetime.datetime.fromisoformat(manifest["start"])
    kept = set(manifest.get("numbers", range(manifest["frames"])))
    times = []
    for segment in manifest["segments"]:
        start = (datetime.datetime.fromisoformat(segment["start"]) - begin) // datetime.timedelta(microseconds=1)
        for i in range(segment["frames"]):
            if segment["first_frame"] + i in kept:
                # Stamps count 90 kHz.
                ticks = round(i * 90000 / fps)
                times.append((start + Fraction(ticks * 100, 9), segment["first_frame"] + i))
    return times


def name_of(manifest, microseconds, colons):
    when = datetime.datetime.fromisoformat(manifest["start"]) + datetime.timedelta(microseconds=microseconds)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f" if colons else "%Y%m%dT%H%M%S.%f")


def frames(path, directory, ext):
    manifest = json.load(open(path))
    times = frame_times(manifest)
    starts = [i for i, (_, n) in enumerate(times) if n in {s["first_frame"] for s in manifest["segments"]}]
    chosen = {i + d for i in starts for d in (-4, -3, -2, -1, 0, 1, 2, 3)} | set(range(0, len(times), 17))
    wanted = {}
    for i in sorted(i for i in chosen if 0 <= i < len(times)):
        exact = -(-times[i][0].numerator // times[i][0].denominator)
        end = times[i + 1][0] if i + 1 < len(times) else times[i][0] + 20000
        # Stamps in ms: at a frame's own time it is not known which one it is.
        tries = [int(times[i][0] + end) // 2] if manifest["ms"] else [exact - 1, exact, int(times[i][0] + end) // 2]
        for at in tries:
            wanted[at] = max((n for t, n in times if t <= at), default=None)
    wanted = {at: n for at, n in wanted.items() if n is not None}
    paths = [os.path.join(directory, name_of(manifest, at, k % 2) + "." + ext) for k, at in enumerate(wanted)]
    for file, got, n in zip(paths, numbers(paths), wanted.values(), strict=True):
        if got != n:
            print("%s is frame %d instead of %d" % (file, got, n))


def same(path, file, n):
    manifest = json.load(open(path))
    store = os.path.join(os.path.dirname(path), manifest["store"])
    stream = b"".join(open(os.path.join(store, s["path"]), "rb").read() for s in manifest["segments"])
    convert = ["-fps_mode", "passthrough", "-f", "rawvideo", "-sws_flags", "bicubic+full_chroma_int+accurate_rnd",
               "-pix_fmt", "rgb24", "pipe:1"]
    a = run(["-i", file] + convert)
    b = run(["-f", "mpegts", "-i", "pipe:0", "-vf", "select=eq(n\\,%d)" % n] + convert, stream)
    print(max(abs(x - y) for x, y in zip(a, b, strict=True)))


def columns(file):
    width, height = size_of(file)
    alpha = run(["-i", file, "-f", "rawvideo", "-pix_fmt", "rgba", "pipe:1"])[3::4]
    print(width, height)
    for x in range(width):
        rows = [y for y in range(height) if alpha[y * width + x] > 0]
        print(*((rows[0], rows[-1]) if rows else ("-", "-")))


def main():
    op, *args = sys.argv[1:]
    if op == "numbers":
        print(*numbers(args))
    elif op == "frames":
        frames(*args)
    elif op == "same":
        same(args[0], args[1], int(args[2]))
    else:
        columns(*args)


main()
