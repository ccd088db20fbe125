#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether an MP4 file is the cut that a transport stream is: the same pictures and sound, bit by bit, shown at the same
times; and whether its boxes (ISO/IEC 14496-12) are in order.

compare-mp4.py [--constant|--variable] FILE.mp4 FILE.ts

Says what is wrong, and exits with 1; or says what there is. Standard library and ffmpeg."""
import argparse
import struct
import subprocess
import sys

CONTAINERS = b"moov trak mdia minf stbl edts dinf udta".split()
# What may follow a frame of sound that is not the next one: half a frame at each join, and rounding
MAX_SOUND = 0.0165
faults = []


def fault(text, *values):
    if len(faults) < 12:
        faults.append(text % values)


# ---- boxes

def boxes(data, at, end):
    """type, where its content begins, its end"""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        if size < head or at + size > end:
            fault("a box %r of %d bytes at %d", kind, size, at)
            return
        yield kind, at + head, at + size
        at += size
    if at != end:
        fault("%d bytes behind the last box", end - at)


def tree(data, at, end):
    found = []
    for kind, begin, stop in boxes(data, at, end):
        found.append((kind, tree(data, begin, stop) if kind in CONTAINERS else (begin, stop)))
    return found


def find(node, *path):
    for kind in path:
        node = next((content for name, content in node if name == kind), None)
        if node is None:
            return None
    return node


def numbers(data, place, form, skip=0):
    """the entries of a table that begins with their count"""
    begin = place[0] + 4 + skip
    count = struct.unpack_from(">I", data, begin)[0]
    size = struct.calcsize(form)
    if begin + 4 + count * size > place[1]:
        fault("a table of %d entries is longer than its box", count)
        return []
    return [struct.unpack_from(form, data, begin + 4 + i * size) for i in range(count)]


def check_track(data, track, spans):
    """the handler; what is wrong with the tables of it is said"""
    table = find(track, b"mdia", b"minf", b"stbl")
    handler = bytes(data[find(track, b"mdia", b"hdlr")[0] + 8:][:4]).decode()
    sizes = [n for n, in numbers(data, find(table, b"stsz"), ">I", 4)]
    durations = numbers(data, find(table, b"stts"), ">II")
    offsets = find(table, b"ctts")
    long_offsets = find(table, b"co64")
    chunks = numbers(data, long_offsets or find(table, b"stco"), ">Q" if long_offsets else ">I")
    runs = numbers(data, find(table, b"stsc"), ">III")
    entries = struct.unpack_from(">I", data, find(table, b"stsd")[0] + 4)[0]
    if sum(n for n, _ in durations) != len(sizes):
        fault("%s: %d durations of %d samples", handler, sum(n for n, _ in durations), len(sizes))
    if offsets and sum(n for n, _ in numbers(data, offsets, ">Ii")) != len(sizes):
        fault("%s: ctts is not of %d samples", handler, len(sizes))
    if any(d == 0 or d >= 1 << 31 for _, d in durations) or any(v < 0 for _, v in
                                                              (numbers(data, offsets, ">Ii") if offsets else [])):
        fault("%s: a duration of nothing, or an offset that is negative", handler)
    at = 0
    for i, (first, n, entry) in enumerate(runs):
        last = runs[i + 1][0] if i + 1 < len(runs) else len(chunks) + 1
        if not 1 <= entry <= entries:
            fault("%s: there is no sample entry %d", handler, entry)
        for chunk in range(first, last):
            size = sum(sizes[at:at + n])
            spans.append((chunks[chunk - 1][0], chunks[chunk - 1][0] + size))
            at += n
    if at != len(sizes):
        fault("%s: %d samples in the chunks instead of %d", handler, at, len(sizes))
    return handler, durations


def check_boxes(path, rate):
    with open(path, "rb") as file:
        data = file.read()
    root = tree(data, 0, len(data))
    kinds = [kind for kind, _ in root]
    if kinds != [b"ftyp", b"moov", b"free", b"mdat"]:
        fault("the boxes are %r", kinds)
        return
    spans = []
    for kind, track in find(root, b"moov"):
        if kind != b"trak":
            continue
        handler, durations = check_track(data, track, spans)
        if handler == "vide" and rate == "constant" and len(durations) != 1:
            fault("the rate is not constant: %r", durations[:6])
        if handler == "vide" and rate == "variable" and len(durations) == 1:
            fault("the rate is constant")
    begin, end = find(root, b"mdat")
    spans.sort()
    for i, (first, last) in enumerate(spans):
        if first < begin or last > end or (i > 0 and first < spans[i - 1][1]):
            fault("samples at %d to %d are outside of mdat, or in those of others", first, last)


# ---- samples

def packets(path, stream, filters):
    """PTS and digest of each packet, in order"""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:" + stream, "-c", "copy", "-bsf", filters,
               "-copyts", "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True)
    unit, found = None, []
    for line in done.stdout.splitlines():
        if line.startswith("#tb"):
            num, den = line.split(":")[1].split("/")
            unit = int(num) / int(den)
        elif not line.startswith("#"):
            fields = [field.strip() for field in line.split(",")]
            found.append((int(fields[2]) * unit, fields[5]))
    return found


def unwrap(found):
    wrap, before = (1 << 33) / 90000, None
    for pts, digest in found:
        while before is not None and pts < before - wrap / 2:
            pts += wrap
        before = pts
        yield pts, digest


def compare(name, mp4, ts, most, origin):
    """Returns by how much their times differ at most."""
    mp4, ts = list(unwrap(mp4)), list(unwrap(ts))
    if [digest for _, digest in mp4] != [digest for _, digest in ts]:
        same = sum(1 for a, b in zip(mp4, ts) if a[1] == b[1])
        fault("%s: %d packets, %d in the transport stream, %d of them the same", name, len(mp4), len(ts), same)
        return 0
    off = max((abs((a[0] - origin[0]) - (b[0] - origin[1])) for a, b in zip(mp4, ts)), default=0)
    if off > most:
        fault("%s: %.1f ms off", name, off * 1000)
    return off


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--constant", dest="rate", action="store_const", const="constant")
    parser.add_argument("--variable", dest="rate", action="store_const", const="variable")
    parser.add_argument("mp4")
    parser.add_argument("ts")
    args = parser.parse_args()
    check_boxes(args.mp4, args.rate)
    video = [packets(args.mp4, "v:0", "h264_mp4toannexb,filter_units=remove_types=7-9|12"),
             packets(args.ts, "v:0", "filter_units=remove_types=7-9|12")]
    origin = [min((pts for pts, _ in list(unwrap(found))), default=0) for found in video]
    said = []
    if video[0] or video[1]:
        # A stamp is put on the next frame, if it is not a frame off.
        off = compare("video", *video, 0.034 if args.rate != "variable" else 0.0006, origin)
        said.append("%d pictures, at most %.1f ms off" % (len(video[0]), off * 1000))
    for track in range(9):
        sound = [packets(args.mp4, "a:%d" % track, "null"), packets(args.ts, "a:%d" % track, "aac_adtstoasc")]
        if not sound[0] and not sound[1]:
            break
        if not video[0] and track == 0:
            origin = [next(unwrap(found))[0] for found in sound]
        off = compare("sound %d" % track, *sound, MAX_SOUND, origin)
        said.append("%d frames of sound, at most %.1f ms off" % (len(sound[0]), off * 1000))
    for text in faults:
        print(text)
    if not said:
        print("there is nothing in it")
    if faults or not said:
        sys.exit(1)
    print("OK: " + "; ".join(said))


main()
