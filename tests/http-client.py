#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that are not well-behaved: http-client.py PORT COMMAND [ARGUMENT...]

idle                   connects and says nothing: prints whether it is ended within ten seconds
dribble TEXT           sends TEXT a byte every 50 ms, again and again, without ever ending its request
stall PATH             asks for PATH and takes a kilobyte every 0.5 s: prints "ended" or "all"
steady PATH RATE       takes RATE bytes a second: prints how many there were
hold PATH              takes the first 64 KiB, prints "open", waits for a line, prints whether it gets the rest
raw TEXT               sends TEXT (with \\r, \\n, \\0 and \\xHH) and prints the first line of the answer
crowd N                opens N connections that say nothing, then asks for /healthz: prints the status
"""
import socket
import sys
import time


def connect(buffer=None):
    s = socket.socket()
    if buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    s.settimeout(30)
    s.connect(("127.0.0.1", int(sys.argv[1])))
    return s


def ask(s, path):
    s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += s.recv(1)
    size = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return int(size[0].split(b":")[1])


def is_ended(s, send=None):
    deadline = time.monotonic() + 10
    at = 0
    s.settimeout(0.05)
    while time.monotonic() < deadline:
        try:
            if send:
                s.send(send[at % len(send):at % len(send) + 1])
                at += 1
            if s.recv(1000) == b"":
                return "ended"
            # An answer (400, say): what follows is its end.
            send = None
        except socket.timeout:
            pass
        except OSError:
            return "ended"
    return "open"


def take(s, left, chunk, pause):
    got = 0
    while got < left:
        try:
            data = s.recv(min(chunk, left - got))
        except OSError:
            break
        if not data:
            break
        got += len(data)
        time.sleep(pause)
    return got


def main():
    command, arguments = sys.argv[2], sys.argv[3:]
    if command == "idle":
        print(is_ended(connect()))
    elif command == "dribble":
        print(is_ended(connect(), arguments[0].encode()))
    elif command == "stall":
        s = connect(4096)
        size = ask(s, arguments[0])
        deadline = time.monotonic() + 8
        got = 0
        while got < size and time.monotonic() < deadline:
            n = take(s, min(1000, size - got), 1000, 0.5)
            if n == 0:
                break
            got += n
        # What is in the buffers, and then the end.
        got += take(s, size - got, 1 << 20, 0)
        print("all" if got == size else "ended")
    elif command == "steady":
        s = connect(4096)
        size, rate = ask(s, arguments[0]), int(arguments[1])
        print(take(s, size, rate // 10, 0.1))
    elif command == "hold":
        s = connect(4096)
        size = ask(s, arguments[0])
        got = take(s, 65536, 65536, 0)
        print("open", flush=True)
        sys.stdin.readline()
        got += take(s, size - got, 1 << 20, 0)
        print("all" if got == size else "ended")
    elif command == "raw":
        s = connect()
        s.sendall(arguments[0].encode("latin-1").decode("unicode_escape").encode("latin-1"))
        print(s.recv(4096).split(b"\r\n")[0].decode("latin-1"))
    elif command == "crowd":
        crowd = [connect() for _ in range(int(arguments[0]))]
        s = connect()
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        print(s.recv(4096).split(b" ")[1].decode())
        del crowd


main()
