# SPDX-License-Identifier: MIT
"""The packets of a transport stream (ISO 13818-1), as far as tests change them: short, in memory, one programme."""
import base64
import hashlib

WRAP = 1 << 33
NULL_PID = 0x1FFF
ID3_PID = 0x0150
VIDEO_TYPES = (0x1B, 0x24, "AV01")
AV1 = b"\5\4AV01"  # registration_descriptor, ISO 13818-1 2.6.8
AUDIO_TYPES = (0x0F, 0x11)


def segment_name(start, duration, kind, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return "%s-%s-%s-%s.ts" % (start.strftime("%M:%S.%f"), repr(round(duration, 6)), kind, digest)


def crc32(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc.to_bytes(4, "big")


def get_stamp(b, at):
    return (b[at] >> 1 & 7) << 30 | b[at + 1] << 22 | b[at + 2] >> 1 << 15 | b[at + 3] << 7 | b[at + 4] >> 1


def put_stamp(b, at, value):
    value %= WRAP
    b[at] = b[at] & 0xF1 | value >> 30 << 1
    b[at + 1] = value >> 22 & 255
    b[at + 2] = value >> 14 & 254 | 1
    b[at + 3] = value >> 7 & 255
    b[at + 4] = value << 1 & 254 | 1


class Stream:
    def __init__(self, data):
        self.packets = [bytearray(data[i:i + 188]) for i in range(0, len(data) // 188 * 188, 188)]
        self.pmt_pid, self.types = None, {}
        for packet in self.packets:
            if self.pid(packet) == 0 and self.pmt_pid is None:
                section = self.section(packet)
                self.pmt_pid = (section[10] & 31) << 8 | section[11]
            elif self.pid(packet) == self.pmt_pid:
                streams = self.parse_pmt(self.section(packet))[1]
                self.types = {pid: "AV01" if AV1 in text else kind for kind, pid, text in streams}
                break

    @staticmethod
    def pid(packet):
        return (packet[1] & 31) << 8 | packet[2]

    @staticmethod
    def payload(packet):
        """where its payload begins; 188 without one"""
        if not packet[3] & 0x10:
            return 188
        return 5 + packet[4] if packet[3] & 0x20 else 4

    def section(self, packet):
        at = self.payload(packet)
        at += 1 + packet[at]
        return bytes(packet[at:at + 3 + ((packet[at + 1] & 15) << 8 | packet[at + 2])])

    @staticmethod
    def parse_pmt(section):
        """its head with the programme's descriptors, and its streams: type, PID, descriptors"""
        at = 12 + ((section[10] & 15) << 8 | section[11])
        head, streams = section[:at], []
        while at < len(section) - 4:
            length = (section[at + 3] & 15) << 8 | section[at + 4]
            pid = (section[at + 1] & 31) << 8 | section[at + 2]
            streams.append((section[at], pid, section[at + 5:at + 5 + length]))
            at += 5 + length
        return head, streams

    def change_pmt(self, change):
        for packet in self.packets:
            if self.pid(packet) != self.pmt_pid or not packet[1] & 0x40:
                continue
            head, streams = change(*self.parse_pmt(self.section(packet)))
            body = bytearray(head)
            for kind, pid, text in streams:
                body += bytes([kind, 0xE0 | pid >> 8, pid & 255, 0xF0 | len(text) >> 8, len(text) & 255]) + text
            body[1:3] = (0xB000 | (len(body) + 1)).to_bytes(2, "big")
            body += crc32(body)
            at = self.payload(packet)
            packet[at:] = (b"\0" + body).ljust(188 - at, b"\xff")

    def audio_pids(self):
        return [pid for pid, kind in self.types.items() if kind in AUDIO_TYPES]

    def video_pid(self):
        return next((pid for pid, kind in self.types.items() if kind in VIDEO_TYPES), None)

    def stamps(self, packet):
        """where a PES header in it has PTS and DTS; none without one"""
        at = self.payload(packet)
        if not packet[1] & 0x40 or at > 174 or packet[at:at + 3] != b"\0\0\1" or self.pid(packet) not in self.types:
            return []
        return [at + 9 + 5 * i for i in range({2: 1, 3: 2}.get(packet[at + 7] >> 6, 0))]

    def round_stamps(self, unit):
        for packet in self.packets:
            for at in self.stamps(packet):
                put_stamp(packet, at, (get_stamp(packet, at) + unit // 2) // unit * unit)

    def shift_stamps(self, shift):
        for packet in self.packets:
            for at in self.stamps(packet):
                put_stamp(packet, at, get_stamp(packet, at) + shift)
            if packet[3] & 0x20 and packet[4] >= 7 and packet[5] & 0x10:
                base = int.from_bytes(packet[6:10], "big") << 1 | packet[10] >> 7
                base = (base + shift) % WRAP
                packet[6:10] = (base >> 1).to_bytes(4, "big")
                packet[10] = packet[10] & 0x7F | (base & 1) << 7

    def remove(self, pids):
        self.packets = [p for p in self.packets if self.pid(p) not in pids]
        self.change_pmt(lambda head, streams: (head, [s for s in streams if s[1] not in pids]))

    def add_id3(self, n):
        """A tag with each second's first video frame, from the N-th tag on; returns how many there are then."""
        def change(head, streams):
            # metadata_pointer_descriptor and metadata_descriptor, ISO 13818-1 2.6.58 and 2.6.60
            pointer = bytes([0x25, 15]) + b"\xff\xffID3 \xffID3 \0\x1f\0\1"
            body = bytearray(head) + pointer
            body[10:12] = (0xF000 | (len(body) - 12)).to_bytes(2, "big")
            return bytes(body), streams + [(0x15, ID3_PID, bytes([0x26, 13]) + b"\xff\xffID3 \xffID3 \0\x0f")]

        self.change_pmt(change)
        packets, video, last = [], self.video_pid(), None
        for packet in self.packets:
            packets.append(packet)
            stamps = self.stamps(packet) if self.pid(packet) == video else []
            if stamps:
                pts = get_stamp(packet, stamps[0])
                if last is None or (pts - last) % WRAP < WRAP // 2 and (pts - last) % WRAP >= 90000:
                    packets.append(self.id3_packet(n, pts))
                    last, n = pts, n + 1
        self.packets = packets
        return n

    @staticmethod
    def id3_packet(n, pts):
        text = b"\3tag %d\0" % n
        frame = b"TIT2" + len(text).to_bytes(4, "big") + b"\0\0" + text
        tag = b"ID3\4\0\0" + len(frame).to_bytes(4, "big") + frame
        pes = bytearray(b"\0\0\1\xbd" + (len(tag) + 8).to_bytes(2, "big") + b"\x84\x80\5\x21\0\1\0\1")
        put_stamp(pes, 9, pts)
        pes += tag
        stuffing = 188 - 4 - len(pes)
        head = bytes([0x47, 0x40 | ID3_PID >> 8, ID3_PID & 255, 0x30, stuffing - 1, 0]) + b"\xff" * (stuffing - 2)
        return bytearray(head + pes)

    def renumber(self, counters):
        """Continuity counters run on from those of COUNTERS, by PID."""
        for packet in self.packets:
            pid = self.pid(packet)
            if pid == NULL_PID:
                continue
            if packet[3] & 0x10:
                counters[pid] = (counters.get(pid, -1) + 1) & 15
            packet[3] = packet[3] & 0xF0 | counters.get(pid, 0)

    def units(self):
        """of the video: PTS, and the start of each unit's first packet's payload"""
        video = self.video_pid()
        found = []
        for packet in self.packets:
            if self.pid(packet) != video:
                continue
            stamps = self.stamps(packet)
            if stamps:
                at = self.payload(packet)
                found.append([get_stamp(packet, stamps[0]), bytes(packet[at + 9 + packet[at + 8]:])])
            elif found and len(found[-1][1]) < 1000:
                found[-1][1] += bytes(packet[self.payload(packet):])
        return found

    def facts(self):
        """What a manifest says of a segment: PTS of its first unit, how many units after it are shown before it, and of
        H.264 whether it is an IDR picture."""
        units = self.units()
        if not units:
            stamps = (get_stamp(p, s[0]) for p in self.packets for s in [self.stamps(p)] if s)
            return {"first_pts": next(stamps, None), "units": 0}
        first, head = units[0]
        leading = sum(1 for pts, _ in units[1:] if (pts - first) % WRAP > WRAP // 2)
        nals = set()
        at = head.find(b"\0\0\1")
        while 0 <= at < len(head) - 3:
            nals.add(head[at + 3] & 31)
            at = head.find(b"\0\0\1", at + 3)
        facts = {"first_pts": first, "units": len(units), "leading": leading}
        if self.types[self.video_pid()] == 0x1B:
            facts["idr"] = 5 in nals
        return facts

    def data(self):
        return b"".join(self.packets)


def name_av1(data):
    """What ffmpeg muxes as private data, without a name, gets that of AV1."""
    stream = Stream(data)
    stream.change_pmt(lambda head, streams: (head, [(k, pid, AV1 if k == 6 else text) for k, pid, text in streams]))
    return stream.data()


def first_stamp(data):
    return Stream(data).facts()["first_pts"]


class Unit:
    """A coded picture, or an ADTS frame."""
    def __init__(self, pts, dts, data):
        self.pts, self.dts, self.data = pts, dts, data

    def moved(self, ticks):
        return Unit(self.pts + ticks, self.dts + ticks, self.data)


def pes_units(stream, pid):
    """the PES packets of a PID"""
    units = []
    for packet in stream.packets:
        if stream.pid(packet) != pid:
            continue
        at = stream.payload(packet)
        stamps = stream.stamps(packet)
        if stamps:
            pts = get_stamp(packet, stamps[0])
            units.append(Unit(pts, get_stamp(packet, stamps[-1]), bytearray()))
            at += 9 + packet[at + 8]
        if units:
            units[-1].data += packet[at:]
    return units


def adts_units(stream, pid):
    """the ADTS frames of a PID whose PES packets begin with one and have stamps, at 48 kHz"""
    frames = []
    for unit in pes_units(stream, pid):
        at, n = 0, 0
        while at + 7 <= len(unit.data):
            size = (unit.data[at + 3] & 3) << 11 | unit.data[at + 4] << 3 | unit.data[at + 5] >> 5
            frames.append(Unit(unit.pts + 1920 * n, unit.pts + 1920 * n, unit.data[at:at + size]))
            at, n = at + size, n + 1
    return frames


def packets_of(pid, unit, stream_id, pcr=None):
    """one PES packet; with a PCR of 90 kHz before it"""
    has_dts = unit.pts != unit.dts
    head = bytearray(10 if has_dts else 5)
    head[0] = 0x31 if has_dts else 0x21
    put_stamp(head, 0, unit.pts)
    if has_dts:
        head[5] = 0x11
        put_stamp(head, 5, unit.dts)
    length = len(head) + 3 + len(unit.data)
    data = (b"\0\0\1" + bytes([stream_id]) + (0 if stream_id == 0xE0 else length).to_bytes(2, "big") +
            bytes([0x80, 0xC0 if has_dts else 0x80, len(head)]) + head + unit.data)
    packets, first = [], True
    while data:
        field = b""
        if first and pcr is not None:
            field = b"\x10" + (pcr % WRAP >> 1).to_bytes(4, "big") + bytes([(pcr & 1) << 7 | 0x7E, 0])
        room = 184 - (len(field) + 1 if field else 0)
        if len(data) < room:
            if not field and room - len(data) == 1:
                field = None  # a field of a length byte alone
            else:
                field = (field or b"\0").ljust(len(field) + room - len(data) - (0 if field else 1), b"\xff")
        adaptation = b"\0" if field is None else bytes([len(field)]) + field if field else b""
        size = 184 - len(adaptation)
        head = bytes([0x47, (0x40 if first else 0) | pid >> 8, pid & 255, 0x30 if adaptation else 0x10])
        packets.append(bytearray(head + adaptation + data[:size]))
        data, first = data[size:], False
    return packets


def mux(tables, video_pid, video, audio_pid, audio, lead=63000):
    """A stream of TABLES (the packets of PAT and PMT), and of units in the order of their DTS; the first PCR is 0 where
    the first DTS is LEAD."""
    units = [(unit.dts, 0, unit) for unit in video] + [(unit.dts, 1, unit) for unit in audio]
    units.sort(key=lambda u: u[:2])
    packets = []
    for dts, kind, unit in units:
        if kind == 0:
            packets += [bytearray(p) for p in tables] if not packets else []
            packets += packets_of(video_pid, unit, 0xE0, dts - lead)
        elif packets:
            packets += packets_of(audio_pid, unit, 0xC0)
    stream = Stream(b"")
    stream.packets = packets
    stream.renumber({})
    return stream
