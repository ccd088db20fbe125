#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""judge-cuts.py MANIFEST DIR: cuts to try the judge with, some good, most wrong in one way each.

The stream is one of make-media.py without B-frames, of at least eight seconds. Prints for each cut its file's name,
what the judge has to find wrong ("-": nothing), its options, and the ranges."""
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mpegts  # noqa: E402
from mpegts import Unit  # noqa: E402

SOUND = 1920
LEAD = 63000


class Source:
    def __init__(self, manifest):
        with open(manifest) as file:
            self.manifest = json.load(file)
        store = os.path.join(os.path.dirname(os.path.abspath(manifest)), self.manifest["store"])
        self.data = b""
        for segment in self.manifest["segments"]:
            with open(os.path.join(store, segment["path"]), "rb") as file:
                self.data += file.read()
        stream = mpegts.Stream(self.data)
        self.video_pid, self.audio_pid = stream.video_pid(), stream.audio_pids()[0]
        pids = (0, stream.pmt_pid)
        self.tables = [next(p for p in stream.packets if stream.pid(p) == pid) for pid in pids]
        first = self.manifest["segments"][0]["first_pts"]
        self.video = [u.moved(-first) for u in mpegts.pes_units(stream, self.video_pid)]
        self.audio = [u.moved(-first) for u in mpegts.adts_units(stream, self.audio_pid)]
        rate, scale = self.manifest["fps"].split("/")
        self.step = 90000 * int(scale) // int(rate)

    def splice(self, ranges):
        """Pictures and sound of a smart cut of RANGES, in seconds, that each begin with a segment."""
        video, audio, at, heard = [], [], LEAD, None
        for start, end in ranges:
            start, end = round(start * 90000), round(end * 90000)
            pictures = [u for u in self.video if start <= u.pts < end]
            move = at - pictures[0].pts
            at += len(pictures) * self.step
            if heard is None:
                heard = min((u.pts for u in self.audio), key=lambda t: abs(t - start)) + move
            first = min(range(len(self.audio)), key=lambda i: abs(self.audio[i].pts + move - heard))
            for unit in self.audio[first:]:
                if heard + SOUND // 2 > at:
                    break
                audio.append(Unit(heard, heard, unit.data))
                heard += SOUND
            video += [u.moved(move) for u in pictures]
        return video, audio

    def mux(self, video, audio, lead=LEAD):
        return mpegts.mux(self.tables, self.video_pid, video, self.audio_pid, audio, lead)


def encode(source, video, folder, options):
    """Pictures encoded again by ffmpeg; they keep their stamps."""
    plain, coded = os.path.join(folder, "plain.ts"), os.path.join(folder, "coded.ts")
    with open(plain, "wb") as file:
        file.write(source.mux(video, []).data())
    subprocess.run(["ffmpeg", "-nostdin", "-y", "-v", "error", "-i", plain, "-c:v", "libx264", "-bf", "0"] + options +
                   ["-f", "mpegts", coded], check=True)
    with open(coded, "rb") as file:
        stream = mpegts.Stream(file.read())
    units = mpegts.pes_units(stream, stream.video_pid())
    os.unlink(plain)
    os.unlink(coded)
    return [Unit(old.pts, old.dts, new.data) for old, new in zip(video, units)]


def changed(units, i, pts=0, dts=None, data=None):
    """UNITS with the I-th one changed"""
    unit = units[i]
    new = Unit(unit.pts + pts, unit.dts + (pts if dts is None else dts), data or unit.data)
    return units[:i] + [new] + units[i + 1:]


def garbled(data, at):
    return data[:at] + bytes(b ^ 0x55 for b in data[at:at + 20]) + data[at + 20:]


def pictures_wrong(source, folder, video, audio):
    """what is wrong with units, as (name, what is found, pictures, sound)"""
    n, step = len(video) // 2, source.step
    late = [u.moved(step) for u in video[n:]]
    coded = encode(source, video[:60], folder, ["-crf", "12", "-g", "60"]) + video[60:]
    broken = garbled(video[n].data, len(video[n].data) // 2)
    bad = encode(source, video[:60], folder, ["-crf", "40", "-g", "60"]) + video[60:]
    return [
        ("coded", "-", coded, audio),
        ("coded-badly", "PSNR", bad, audio),
        ("dropped", "frames", video[:n] + video[n + 1:], audio),
        ("dropped-closed", "frames", video[:-1], audio),
        ("doubled", "frames", video[:n] + [video[n - 1].moved(step)] + late, audio),
        ("extra", "frames", video + [u.moved(step * (len(video) - 60)) for u in source.video[:1]], audio),
        ("shown-late", "step", changed(video, n, pts=300, dts=0), audio),
        ("paused", "step", video[:n] + late, audio),
        ("broken", r"\(corrupt\|decode\|PSNR\)", changed(video, n, data=broken), audio),
        ("dts-twice", "DTS", changed(video, n, dts=-step), audio),
    ]


def sounds_wrong(source, video, audio):
    n = len(audio) // 2
    return [
        ("sound-late", "sync", video, [u.moved(1800) for u in audio]),
        ("sound-early", "sync", video, [u.moved(-1800) for u in audio]),
        ("sound-foreign", "foreign", video, changed(audio, n, data=source.audio[5].data)),
        ("sound-unknown", "foreign", video, changed(audio, n, data=garbled(audio[n].data, 60))),
        ("sound-missing", "gap", video, audio[:n] + audio[n + 1:]),
        ("sound-closed", "order", video, audio[:n] + [u.moved(-SOUND) for u in audio[n + 1:]]),
        ("sound-doubled", "order", video, audio[:n] + [u.moved(SOUND) for u in audio[n - 1:]]),
        ("sound-stamp", "gap", video, changed(audio, n, pts=200)),
        ("sound-short", "silent", video, audio[:-4]),
        ("sound-too-long", "foreign", video, audio + [audio[-1].moved(SOUND * i) for i in (1, 2, 3)]),
        ("silent", "silent", video, []),
        ("sound-not-aac", "ADTS", video, changed(audio, n, data=b"\0" * 40)),
    ]


def find(stream, pid, n, has_pcr=False):
    """the N-th packet of PID"""
    found = [i for i, p in enumerate(stream.packets) if stream.pid(p) == pid and
             (not has_pcr or (p[3] & 0x20 and p[4] and p[5] & 0x10))]
    return found[n]


def packets_wrong(source, video, audio):
    """as (name, what is found, bytes)"""
    made = source.mux(video, audio)
    bytes_ = made.data()
    result = []

    def change(name, found, edit):
        stream = mpegts.Stream(bytes_)
        edit(stream)
        result.append((name, found, stream.data()))

    def flip_counter(packet):
        packet[3] ^= 1

    def move_pcr(stream, i, ticks):
        only = mpegts.Stream(b"")
        only.packets, only.types = [stream.packets[i]], {}
        only.shift_stamps(ticks)

    v, a = source.video_pid, source.audio_pid
    change("counter-video", "continuity", lambda s: s.packets.pop(find(s, v, 41)))
    change("counter-sound", "continuity", lambda s: flip_counter(s.packets[find(s, a, 41)]))
    change("counter-tables", "continuity", lambda s: s.packets.insert(500, bytearray(s.packets[0])))
    change("counter-twice", "continuity", lambda s: s.packets.insert(find(s, v, 41), s.packets[find(s, v, 41)]))
    change("pcr-back", "PCR", lambda s: move_pcr(s, find(s, v, 40, True), -9000))
    change("pcr-late", "lead", lambda s: move_pcr(s, find(s, v, 40, True), 64000))
    change("pcr-ahead", "PCR", lambda s: [s.packets[find(s, v, i, True)].__setitem__(5, 0) for i in [30] * 16])
    change("null-packets", "-", lambda s: s.packets.insert(300, bytearray(b"\x47\x1f\xff\x10" + b"\xff" * 184)))
    result.append(("whole", "-", bytes_))
    result.append(("pcr-start", "PCR", source.mux(video, audio, LEAD - 900).data()))
    result.append(("sync-byte", "sync", bytes_[:188 * 300] + b"\0" + bytes_[188 * 300 + 1:]))
    result.append(("cut-short", "sync", bytes_[:-100]))
    result.append(("empty", "sync", b""))
    return result


def cut(source, folder):
    three = [(2, 5.1), (6, 8), (0, 2.7)]
    ranges = ";".join("%s,%s" % r for r in three)
    video, audio = source.splice(three)
    units = pictures_wrong(source, folder, video, audio) + sounds_wrong(source, video, audio)
    for name, found, pictures, sounds in units:
        yield name, found, "", ranges, source.mux(pictures, sounds).data()
    for name, found, data in packets_wrong(source, video, audio):
        yield name, found, "", ranges, data
    data = source.mux(video, audio).data()
    yield "range-early", "frames", "", ranges.replace("2,5.1", "1.96,5.1"), data
    yield "range-late", "frames", "", ranges.replace("5.1", "5.11"), data
    yield "range-same", "-", "", ranges.replace("5.1", "5.08"), data
    yield "order", "frames", "", "6,8;2,5.1;0,2.7", data
    yield "join", "join", "", ranges, join_wrong(source, three)
    yield "copied", "copied", "--copied-min=235", ranges, data
    yield "copied-all", "-", "--copied-min=234", ranges, data
    whole = ",".join(["0", "8"])
    yield "fast", "-", "--fast", whole, source.data
    stream = mpegts.Stream(source.data)
    stream.shift_stamps(-900)
    yield "fast-moved", "step", "--fast", whole, stream.data()


def join_wrong(source, ranges):
    """the second range a frame too late, with its sound"""
    video, audio = source.splice(ranges)
    n = sum(1 for u in source.video if round(ranges[0][0] * 90000) <= u.pts < round(ranges[0][1] * 90000))
    at = video[n].pts
    return source.mux(video[:n] + [u.moved(source.step) for u in video[n:]],
                      [u if u.pts < at - SOUND else u.moved(source.step) for u in audio]).data()


def main():
    source, folder = Source(sys.argv[1]), sys.argv[2]
    for name, found, options, ranges, data in cut(source, folder):
        with open(os.path.join(folder, name + ".ts"), "wb") as file:
            file.write(data)
        print("%s\t%s\t%s\t%s" % (name, found, options or "--", ranges))


main()
