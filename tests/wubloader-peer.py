# SPDX-License-Identifier: MIT
"""Answers as wubloader's restreamer does (its main.py), as far as its backfiller asks.

    wubloader-peer.py STORE      prints its port, and serves until it is killed
"""
import http.server
import json
import os
import sys
import urllib.parse

store = sys.argv[1]


def listdir(path):
    try:
        return sorted(n for n in os.listdir(path) if not n.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def hour(path, tombstones):
    names = listdir(path)
    buried = {n[: -len(".tombstone")] for n in names if n.endswith(".tombstone")}
    names = [n for n in names if os.path.splitext(n)[0] not in buried and "-temp-" not in n]
    return names + ([n + ".tombstone" for n in sorted(buried)] if tombstones else [])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        names = [urllib.parse.unquote(n) for n in url.path.strip("/").split("/")]
        path = os.path.join(store, *names[1:])
        if any(n in ("", ".", "..") for n in names):
            self.answer(403)
        elif names[0] == "files" and len(names) == 4:
            self.answer(200, json.dumps(hour(path, "tombstones=true" in url.query)).encode())
        elif names[0] == "files" and len(names) < 4:
            self.answer(200, json.dumps(listdir(path)).encode())
        elif names[0] == "extras" and len(names) == 2:
            found = [os.path.relpath(os.path.join(d, f), path) for d, _, files in os.walk(path) for f in files]
            self.answer(200, json.dumps(found).encode())
        elif names[0] == "segments" and os.path.isfile(path):
            with open(path, "rb") as file:
                self.answer(200, file.read())
        else:
            self.answer(404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
