#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One measurement, for tests/bench/run:

ls DIRECTORY           milliseconds that `ls -l DIRECTORY` takes
stat PATH              milliseconds of one stat
read PATH              MB/s of one pass from beginning to end, in steps of 1 MiB, the file being open already
cold PATH              the same with none of its pages in the cache: those of a pass before are dropped just before it,
                       so that it is handed memory that is as warm as the next one's, also in a virtual machine
drop PATH              drops its pages; measures nothing
byte PATH OFFSET       milliseconds from open to the first byte, or, where OFFSET is negative, the last ones
random PATH            milliseconds that 64 KB somewhere take: the median of 25 places
once PATH              milliseconds of one pass
used PID               milliseconds of CPU so far, and the most KiB that were resident
read-ahead PATH [KIB]  the read-ahead of the file system that PATH is on; sets it first where KIB is given
idle PID SECONDS       milliseconds of CPU and context switches that all threads of PID had in that time
"""
import ctypes
import mmap
import os
import random
import statistics
import sys
import time


def cmd_ls(path):
    actions = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.perf_counter()
    status = os.waitpid(os.posix_spawnp("ls", ["ls", "-l", path], os.environ, file_actions=actions), 0)[1]
    took = time.perf_counter() - begin
    if status != 0:
        sys.exit("ls -l %s failed" % path)
    print("%.3f" % (took * 1000))


def cmd_stat(path):
    begin = time.perf_counter()
    os.stat(path)
    print("%.4f" % ((time.perf_counter() - begin) * 1000))


def one_pass(file):
    """MB/s."""
    buffer = bytearray(1 << 20)
    total = 0
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    begin = time.perf_counter()
    while True:
        n = file.readinto(buffer)
        if not n:
            break
        total += n
    took = time.perf_counter() - begin
    if total != size:
        sys.exit("%s has %d bytes, read were %d" % (file.name, size, total))
    return total / took / 1e6


def cached_pages(file):
    libc = ctypes.CDLL(None, use_errno=True)
    size = os.fstat(file.fileno()).st_size
    with mmap.mmap(file.fileno(), size, flags=mmap.MAP_PRIVATE) as view:
        resident = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
        address = ctypes.addressof(ctypes.c_char.from_buffer(view))
        if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), resident) < 0:
            sys.exit("mincore: %s" % os.strerror(ctypes.get_errno()))
    return sum(bytes(resident))


def drop(file):
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached_pages(file) != 0:
        sys.exit("%s is still in the cache" % file.name)


def cmd_read(path):
    with open(path, "rb", buffering=0) as file:
        print("%.1f" % one_pass(file))


def cmd_cold(path):
    with open(path, "rb", buffering=0) as file:
        one_pass(file)
        drop(file)
        print("%.1f" % one_pass(file))


def cmd_drop(path):
    with open(path, "rb", buffering=0) as file:
        drop(file)


def cmd_random(path):
    places, took = random.Random(1), []
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        size = os.fstat(file.fileno()).st_size
        for _ in range(25):
            offset = places.randrange(size - 65536)
            begin = time.perf_counter()
            if len(os.pread(file.fileno(), 65536, offset)) != 65536:
                sys.exit("%s: a short read" % path)
            took.append(time.perf_counter() - begin)
    print("%.3f" % (statistics.median(took) * 1000))


def cmd_byte(path, offset):
    offset = int(offset)
    begin = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        if offset < 0:
            offset += os.fstat(file.fileno()).st_size
        if not os.pread(file.fileno(), 1 if offset == 0 else 65536, offset):
            sys.exit("%s has nothing at %d" % (path, offset))
    print("%.3f" % ((time.perf_counter() - begin) * 1000))


def cmd_once(path):
    with open(path, "rb", buffering=0) as file:
        begin = time.perf_counter()
        one_pass(file)
        print("%.0f" % ((time.perf_counter() - begin) * 1000))


def cmd_used(pid):
    with open("/proc/%s/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    with open("/proc/%s/status" % pid) as file:
        resident = next(line.split()[1] for line in file if line.startswith("VmHWM"))
    print((int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK"), resident)


def cmd_read_ahead(path, kib=None):
    device = os.stat(path).st_dev
    control = "/sys/class/bdi/%d:%d/read_ahead_kb" % (os.major(device), os.minor(device))
    if kib is not None:
        with open(control, "w") as file:
            file.write(kib)
    with open(control) as file:
        print(file.read().strip())


def usage(pid):
    ticks = switches = 0
    for task in os.listdir("/proc/%s/task" % pid):
        with open("/proc/%s/task/%s/stat" % (pid, task)) as file:
            fields = file.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        with open("/proc/%s/task/%s/status" % (pid, task)) as file:
            switches += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return ticks * 1000 // os.sysconf("SC_CLK_TCK"), switches


def cmd_idle(pid, seconds):
    before = usage(pid)
    time.sleep(float(seconds))
    after = usage(pid)
    print(after[0] - before[0], after[1] - before[1])


if __name__ == "__main__":
    globals()["cmd_" + sys.argv[1].replace("-", "_")](*sys.argv[2:])
