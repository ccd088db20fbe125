#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests in shell cannot do themselves: exact errors, open handles, threads, file handles.

errno OP PATH [ARG]      tries OP and prints the errno's name, or OK
missing DIR NAME...      prints the names for which a stat in DIR does not end with ENOENT
hold PATH [PATH...]      opens all and reads a byte of each, says "open", waits for a line, then prints for each what
                         a read, an fstat and a read through a mapping come to, until standard input ends
compare A B              reads A at random, by threads and through a map, and compares with B
many N OP PATTERN        does OP N times at once, on PATTERN with a number in it; prints how many worked
save-handle PATH FILE    name_to_handle_at;   open-handle MOUNT FILE   open_by_handle_at: prints SHA-256 or the listing
shutdown PATH           has the file system that PATH is on stop at once, as when its power is cut
listdir PATH BATCH       lists it by getdents of BATCH names at a time, opening it anew and seeking for each
"""
import ctypes
import errno
import fcntl
import hashlib
import mmap
import os
import random
import signal
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


def op_open(path):
    os.close(os.open(path, os.O_RDONLY))


def op_read(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        while os.read(fd, 1 << 20):
            pass
    finally:
        os.close(fd)


def op_create(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))


def op_write(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.write(fd, b"x")
    finally:
        os.close(fd)


def op_mknod(path):
    os.mknod(path, 0o644)


OPS = {
    "stat": os.stat, "open": op_open, "read": op_read, "create": op_create, "write": op_write, "mknod": op_mknod,
    "mkdir": os.mkdir, "unlink": os.unlink, "rmdir": os.rmdir, "listdir": os.listdir, "touch": os.utime,
    "rename": lambda p, q: os.rename(p, q), "link": lambda p, q: os.link(p, q),
    "symlink": lambda p, q: os.symlink(q, p), "chmod": lambda p: os.chmod(p, 0o600),
    "chown": lambda p: os.chown(p, 1, 1), "truncate": lambda p: os.truncate(p, 1),
    "append": lambda p: os.close(os.open(p, os.O_WRONLY | os.O_APPEND)),
    "getxattr": lambda p, n: os.getxattr(p, n), "setxattr": lambda p, n: os.setxattr(p, n, b"x"),
    "listxattr": os.listxattr, "readlink": os.readlink, "statvfs": os.statvfs,
}


def attempt(function, *args):
    try:
        function(*args)
        return "OK"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def cmd_errno(op, path, *rest):
    print(attempt(OPS[op], path, *rest))


def cmd_missing(directory, *names):
    for name in names:
        result = attempt(os.stat, os.path.join(directory, name))
        if result != "ENOENT":
            print(ascii(name), result)


def mapped_read(view):
    """In a child: a page that cannot be had is SIGBUS."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGBUS, signal.SIG_DFL)
        view[0]
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return "OK" if status == 0 else "SIGBUS" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGBUS else "?"


def cmd_hold(*paths):
    held = []
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.pread(fd, 1, 0)
        view = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
        view[0]
        held.append((fd, view))
    print("open", flush=True)
    for _ in sys.stdin:
        for fd, view in held:
            print(attempt(os.pread, fd, 1, 0), attempt(os.fstat, fd), mapped_read(view), flush=True)


def cmd_compare(a, b, seconds="1", threads="64"):
    size = os.stat(a).st_size
    if size != os.stat(b).st_size:
        sys.exit("sizes differ: %d %d" % (size, os.stat(b).st_size))
    other = os.open(b, os.O_RDONLY)
    wanted = mmap.mmap(other, 0, prot=mmap.PROT_READ)
    bad = []

    def read_all(index):
        fd = os.open(a, os.O_RDONLY)
        at = 0
        while True:
            part = os.read(fd, 65536 + index)
            if not part:
                break
            if part != wanted[at:at + len(part)]:
                bad.append(at)
            at += len(part)
        if at != size:
            bad.append(at)
        os.close(fd)

    def read_random(index):
        rng = random.Random(index)
        fd = os.open(a, os.O_RDONLY)
        view = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            at = rng.randrange(size)
            length = rng.choice((1, 188, 4096, 70000, 300000))
            if os.pread(fd, length, at) != wanted[at:at + length] or view[at:at + length] != wanted[at:at + length]:
                bad.append(at)
        os.close(fd)

    todo = [threading.Thread(target=read_all if i % 2 else read_random, args=(i,)) for i in range(int(threads))]
    for thread in todo:
        thread.start()
    for thread in todo:
        thread.join()
    if bad:
        sys.exit("wrong at %s" % bad[:5])


def cmd_many(n, op, pattern):
    results = []
    todo = [threading.Thread(target=lambda i=i: results.append(attempt(OPS[op], pattern % i))) for i in range(int(n))]
    for thread in todo:
        thread.start()
    for thread in todo:
        thread.join()
    print(results.count("OK"))


def cmd_save_handle(path, file):
    buffer = ctypes.create_string_buffer(8 + 128)
    struct.pack_into("Ii", buffer, 0, 128, 0)
    mount = ctypes.c_int()
    if libc.name_to_handle_at(-100, os.fsencode(path), buffer, ctypes.byref(mount), 0) < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    length = struct.unpack_from("I", buffer, 0)[0]
    with open(file, "wb") as out:
        out.write(buffer.raw[:8 + length])


def cmd_open_handle(mount, file):
    with open(file, "rb") as saved:
        handle = ctypes.create_string_buffer(saved.read())
    mount_fd = os.open(mount, os.O_RDONLY | os.O_DIRECTORY)
    fd = libc.open_by_handle_at(mount_fd, handle, os.O_RDONLY)
    if fd < 0:
        sys.exit(errno.errorcode[ctypes.get_errno()])
    try:
        names = sorted(os.listdir(fd))
        print(hashlib.sha256("\n".join(names).encode()).hexdigest())
    except NotADirectoryError:
        digest = hashlib.sha256()
        while True:
            part = os.read(fd, 1 << 20)
            if not part:
                break
            digest.update(part)
        print(digest.hexdigest())


def cmd_shutdown(path):
    fd = os.open(path, os.O_RDONLY)
    # EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (<linux/ext4.h>)
    fcntl.ioctl(fd, 0x8004587d, struct.pack("I", 2))
    os.close(fd)


def cmd_listdir(path, size):
    names, offset = [], 0
    buffer = ctypes.create_string_buffer(int(size))
    while True:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        os.lseek(fd, offset, os.SEEK_SET)
        n = libc.getdents64(fd, buffer, len(buffer))
        os.close(fd)
        if n < 0:
            sys.exit(os.strerror(ctypes.get_errno()))
        if n == 0:
            break
        at = 0
        while at < n:
            _, offset, length, _ = struct.unpack_from("QqHB", buffer.raw, at)
            names.append(buffer.raw[at + 19:at + length].split(b"\0")[0].decode(errors="surrogateescape"))
            at += length
    print("\n".join(sorted(n for n in names if n not in (".", ".."))))


if __name__ == "__main__":
    globals()["cmd_" + sys.argv[1].replace("-", "_")](*sys.argv[2:])
