#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speaks NFSv4.0 (RFC 7530) to a server on loopback, no more than it takes to use a file handle that was got before:

nfs4.py PORT handle PATH...    prints the handles of the paths, in hex, one a line
nfs4.py PORT read HANDLE [N]   prints the SHA-256 of what is read from it, from byte N on
nfs4.py PORT list HANDLE       prints the names in it, sorted
An error is printed by its number (70: NFS4ERR_STALE), with exit status 1."""
import hashlib
import os
import socket
import struct
import sys

OP_GETFH, OP_LOOKUP, OP_PUTFH, OP_PUTROOTFH, OP_READ, OP_READDIR = 10, 15, 22, 24, 25, 26
LAST_FRAGMENT = 0x80000000  # RFC 5531 11
CHUNK = 65536


def opaque(data):
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form="I"):
        value, = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return value

    def bytes(self):
        length = self.number()
        value = self.data[self.at:self.at + length]
        self.at += length + -length % 4
        return value


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.xid = os.getpid()

    def receive(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                sys.exit("the server has closed the connection")
            data += part
        return data

    def compound(self, *operations):
        """Gives a reader that is before the result of the last operation. All but it have no result of their own."""
        self.xid += 1
        credentials = struct.pack(">I", 0) + opaque(b"localhost") + struct.pack(">III", 0, 0, 0)
        call = struct.pack(">IIIIII", self.xid, 0, 2, 100003, 4, 1) + struct.pack(">I", 1) + opaque(credentials)
        call += struct.pack(">II", 0, 0) + opaque(b"") + struct.pack(">II", 0, len(operations))
        call += b"".join(struct.pack(">I", number) + arguments for number, arguments in operations)
        self.socket.sendall(struct.pack(">I", LAST_FRAGMENT | len(call)) + call)
        reply, last = b"", False
        while not last:
            header, = struct.unpack(">I", self.receive(4))
            last = header & LAST_FRAGMENT != 0
            reply += self.receive(header & ~LAST_FRAGMENT)
        reader = Reader(reply)
        xid, kind, denied = reader.number(), reader.number(), reader.number()
        reader.number()
        reader.bytes()
        if xid != self.xid or kind != 1 or denied != 0 or reader.number() != 0:
            sys.exit("the server does not take the call")
        status = reader.number()
        reader.bytes()
        count = reader.number()
        if status != 0:
            print(status)
            sys.exit(1)
        for _ in range(count):
            reader.number(), reader.number()
        return reader

    def handle(self, path):
        names = [name for name in path.split("/") if name]
        return self.compound((OP_PUTROOTFH, b""), *((OP_LOOKUP, opaque(name.encode())) for name in names),
                             (OP_GETFH, b"")).bytes()

    def read(self, handle, first=0):
        digest, offset, end = hashlib.sha256(), first, False
        while not end:
            # A state id of zeros is that of nobody's open file.
            arguments = bytes(16) + struct.pack(">QI", offset, CHUNK)
            reader = self.compound((OP_PUTFH, opaque(handle)), (OP_READ, arguments))
            end = reader.number() != 0
            data = reader.bytes()
            digest.update(data)
            offset += len(data)
        return digest.hexdigest()

    def list(self, handle):
        names, cookie, verifier, end = [], 0, 0, False
        while not end:
            arguments = struct.pack(">QQIII", cookie, verifier, CHUNK, CHUNK, 0)
            reader = self.compound((OP_PUTFH, opaque(handle)), (OP_READDIR, arguments))
            verifier = reader.number("Q")
            while reader.number() != 0:
                cookie = reader.number("Q")
                names.append(reader.bytes().decode(errors="surrogateescape"))
                for _ in range(reader.number()):
                    reader.number()
                reader.bytes()
            end = reader.number() != 0
        return sorted(names)


def main():
    client, command = Client(int(sys.argv[1])), sys.argv[2]
    if command == "read":
        print(client.read(bytes.fromhex(sys.argv[3]), *map(int, sys.argv[4:])))
        return
    for argument in sys.argv[3:]:
        if command == "handle":
            print(client.handle(argument).hex())
        else:
            print("\n".join(client.list(bytes.fromhex(argument))))


main()
