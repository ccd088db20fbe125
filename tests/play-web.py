#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows a video in a browser, out of a plain web server, and says which frames are seen.

play-web.py BROWSER FILE SECONDS...

Seeks to each of SECONDS and prints the number of the frame that is drawn there, as its barcode says (make-media.py), or
what is wrong. The server knows Range, as any does; what it was asked for is told on standard error."""
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

PAGE = """<!doctype html><meta charset=utf-8><video id=v muted preload=auto src=/video></video><script>
const times = %s, found = [], v = document.getElementById("v");
function tell(text) { fetch("/result", { method: "POST", body: text }); }
function number() {
  const c = document.createElement("canvas"), cell = v.videoWidth / 32;
  c.width = v.videoWidth; c.height = v.videoHeight;
  const g = c.getContext("2d");
  g.drawImage(v, 0, 0);
  const bits = [];
  for (let i = 0; i < 27; i++)
    bits.push(g.getImageData(Math.floor((i + 0.5) * cell), Math.floor(cell / 2), 1, 1).data[0] > 127 ? 1 : 0);
  let n = 0;
  for (let i = 0; i < 24; i++) n += bits[2 + i] << i;
  return bits[0] == 1 && bits[1] == 0 ? n : "no barcode: " + bits.join("");
}
async function run() {
  for (const time of times) {
    const seeked = new Promise(done => v.addEventListener("seeked", done, { once: true }));
    v.currentTime = time;
    await seeked;
    await new Promise(done => v.requestVideoFrameCallback ? setTimeout(done, 60) : done());
    found.push(number());
  }
  tell(found.join(" "));
}
v.onerror = () => tell("error " + v.error.code + " " + v.error.message);
v.onloadeddata = () => { v.onloadeddata = null; run().catch(e => tell("error " + e)); };
</script>"""

browser, path, times = sys.argv[1], sys.argv[2], [float(text) for text in sys.argv[3:]]
result, done = [], threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path != "/video":
            body = (PAGE % times).encode() if self.path == "/" else b""
            self.reply(200 if body else 404, "text/html", len(body))
            self.wfile.write(body)
            return
        size = os.path.getsize(path)
        match = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        first = int(match[1]) if match else 0
        last = min(int(match[2]) if match and match[2] else size - 1, size - 1)
        kind = "video/mp4"
        self.reply(206 if match else 200, kind, last + 1 - first,
                   {"Content-Range": "bytes %d-%d/%d" % (first, last, size)} if match else {})
        with open(path, "rb") as file:
            file.seek(first)
            left = last + 1 - first
            while left > 0:
                data = file.read(min(left, 1 << 16))
                if not data:
                    break
                try:
                    self.wfile.write(data)
                except OSError:  # it has seen enough
                    break
                left -= len(data)

    def do_POST(self):
        result.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.reply(200, "text/plain", 0)
        done.set()

    def reply(self, code, kind, length, more=()):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        for name in more:
            self.send_header(name, more[name])
        self.end_headers()

    def log_message(self, form, *args):
        print(self.command, self.path, self.headers.get("Range"), *args[1:2], file=sys.stderr)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
home = tempfile.mkdtemp(prefix="play-web-")
process = subprocess.Popen([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            "--no-first-run", "--user-data-dir=" + home, "--autoplay-policy=no-user-gesture-required",
                            "http://127.0.0.1:%d/" % server.server_port],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": home})
done.wait(90)
process.terminate()
try:
    process.wait(10)
except subprocess.TimeoutExpired:
    process.kill()
    process.wait()
shutil.rmtree(home, ignore_errors=True)
print(result[0] if result else "error: the browser says nothing")
