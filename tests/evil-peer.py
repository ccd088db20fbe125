# SPDX-License-Identifier: MIT
"""A peer that means harm.

    evil-peer.py MODE          prints its port, and serves until it is killed

It has one stream, evil/source, with an hour of a few good segments and what MODE has of bad ones; a second hour has good
ones alone: whatever MODE is, all good ones are to be had ("drip" is only slow, and its bad one is good). It counts
requests for /secret, where some of it points to: GET /count tells. Good segments are printed by `evil-peer.py good`, one
PATH a line.
"""
import base64
import gzip
import hashlib
import http.server
import json
import sys
import threading
import time

HOUR, NEXT = "2023-11-10T00", "2023-11-10T01"
mode = sys.argv[1]
secrets = 0


def hash_of(body):
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")


def segment(minute, body, kind="full"):
    return "%02d:00.0-2.0-%s-%s.ts" % (minute, kind, hash_of(body))


good = {HOUR: {}, NEXT: {}}
for i in range(5):
    for hour in good:
        content = ("%s %d " % (hour, i)).encode() * 1000
        good[hour][segment(i, content)] = content
if mode == "good":
    for hour, files in good.items():
        for name in files:
            print("evil/source/%s/%s" % (hour, name))
    sys.exit()

WANTED = b"what it should be" * 1000
BAD = segment(30, WANTED)
H = hash_of(b"x")
NAMES = [
    "../../../escaped", "../escaped-30:00-2.0-full-%s.ts" % H, "/tmp/escaped", "30:00-2.0-full-%s.ts\n" % H, "30:00\0.ts",
    "30:00-2.0-full-%s.ts\0.json" % H, "\ud800.ts", "30:00-2.0-full-%s.ts\udfff" % H, "x" * 5000, "30:00-inf-full-%s.ts" % H,
    "30:00-1e308-full-%s.ts" % H, "99:00-2.0-full-%s.ts" % H, "30:00--2.0-full-%s.ts" % H, "..", ".", "", ".hidden.json",
    "a/b.json", "..\\x.json", "\x1b[31m.json", "-rf.ts", "%2e%2e%2fescaped.json", None, 7, ["x"], {"x": "y"},
]


def names_of(hour):
    names = list(good.get(hour, {}))
    if hour == HOUR:
        if mode == "names":
            names += NAMES
        elif mode == "tombstones":
            names = [n[:-2] + "tombstone" for n in names]
            names += ["%02d:%02d-2.0-full-%s.tombstone" % (i // 60, i % 60, hash_of(b"%d" % i)) for i in range(3600)]
        elif mode not in ("million", "deep", "nolist"):
            names.append(BAD)
    return names


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def head(self, status, length=None, **fields):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def body(self, body, **fields):
        self.head(200, len(body), **fields)
        self.wfile.write(body)

    def listing(self, hour):
        if hour == HOUR and mode == "million":
            self.body(("[" + ", ".join('"%d"' % i for i in range(1000000)) + "]").encode())
        elif hour == HOUR and mode == "deep":
            self.body(b"[" * 200000 + b"]" * 200000)
        elif hour == HOUR and mode == "nolist":
            self.body(b'{"a": "b"}')
        else:
            self.body(json.dumps(names_of(hour)).encode())

    def endless(self, pause):
        self.head(200, Connection="close")
        self.close_connection = True
        while True:
            self.wfile.write(b"x" if pause else b"x" * 65536)
            self.wfile.flush()
            time.sleep(pause)

    def bad_segment(self):
        if mode == "hash":
            self.body(b"something else")
        elif mode == "short":
            self.head(200, len(WANTED), Connection="close")
            self.wfile.write(WANTED[:-100])
            self.close_connection = True
        elif mode == "long":
            self.body(WANTED + b"more")
        elif mode == "huge":
            self.head(200, 1 << 40, Connection="close")
            self.close_connection = True
            self.wfile.write(b"x" * 100000)
        elif mode == "endless":
            self.endless(0)
        elif mode == "slow":
            self.endless(2)
        elif mode == "drip":
            self.head(200, len(WANTED))
            for i in range(0, len(WANTED), 1000):
                self.wfile.write(WANTED[i:i + 1000])
                self.wfile.flush()
                time.sleep(0.25)
        elif mode == "zero":
            self.body(b"")
        elif mode == "gzip":
            self.body(gzip.compress(b"\0" * (1 << 26)), Content_Encoding="gzip")
        elif mode == "file":
            self.head(302, 0, Location="file:///etc/passwd")
        elif mode == "redirect":
            self.head(302, 0, Location="http://127.0.0.1:%d/secret" % self.server.server_port)
        elif mode == "fields":
            self.send_response(200)
            while True:
                self.send_header("X-Endless", "x" * 1000)
                self.flush_headers()
        else:
            self.head(500, 0)

    def do_GET(self):
        global secrets
        path = self.path.split("?")[0].strip("/").split("/")
        try:
            if path[0] == "secret":
                secrets += 1
                self.body(WANTED)
            elif path[0] == "count":
                self.body(b"%d" % secrets)
            elif mode == "digests" and path == ["digests"]:
                self.body(json.dumps({"evil/source": "x", "../x": "y", "a": "b", "evil/../..": "z"}).encode())
            elif mode == "digests" and path[0] == "digests":
                self.body(json.dumps({HOUR: "lies", NEXT: "", "../..": "x", "2023-13-40T99": "x", "x": 7}).encode())
            elif path == ["files"]:
                self.body(json.dumps(["evil", "..", "a/b", ".x", ""] if mode == "names" else ["evil"]).encode())
            elif path[:2] == ["files", "evil"] and len(path) == 2:
                self.body(json.dumps(["source", "..", "../x"] if mode == "names" else ["source"]).encode())
            elif path[:3] == ["files", "evil", "source"] and len(path) == 3:
                self.body(json.dumps([HOUR, NEXT, "../..", "2023-11-10T77", "x"]).encode())
            elif path[:3] == ["files", "evil", "source"]:
                self.listing(path[3])
            elif path[0] == "segments" and path[-1] in good.get(path[-2], {}):
                self.body(good[path[-2]][path[-1]])
            elif path[0] == "segments":
                self.bad_segment()
            else:
                self.head(404, 0)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever).run()
