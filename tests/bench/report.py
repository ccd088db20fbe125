#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of `make bench`: report.py RESULTS DIRECTORY RUNS. Medians, ratios, and whether what was to be reached was.

Lines of RESULTS are a row's name and one value: seconds for best*, milliseconds for ls*, stat* and idle_cpu, MB/s for
reads, KiB for best_rss and read_ahead."""
import collections
import os
import platform
import statistics
import subprocess
import sys

values = collections.defaultdict(list)
with open(sys.argv[1]) as results:
    for line in results:
        name, value = line.split()
        values[name].append(float(value))
m = {name: statistics.median(v) for name, v in values.items()}
rows = []


def row(label, value, wanted="", reached=None):
    rows.append((label, value, wanted, "" if reached is None else "ok" if reached else "MISS"))


def spread(name, scale, form):
    return (form + " (" + form + "-" + form + ")") % (
        m[name] * scale, min(values[name]) * scale, max(values[name]) * scale)


def at_most(label, name, scale, form, limit, wanted):
    row(label, spread(name, scale, form), wanted, m[name] * scale <= limit)


def times(label, name, than, limit):
    ratio = m[name] / m[than]
    row(label, spread(name, 1, "%.2f") + " ms = %.1f x native" % ratio, "<= %g x" % limit if limit else "",
        ratio <= limit if limit else None)


def share(label, name, than, than_label, limit):
    ratio = m[name] / m[than]
    row(label, spread(name, 0.001, "%.2f") + " GB/s = %.2f x %s" % (ratio, than_label),
        ">= %g x" % limit if limit else "", ratio >= limit if limit else None)


def first_line(command):
    return subprocess.run(command, capture_output=True, text=True).stdout.strip().split("\n")[0]


def machine():
    cpu, memory = "?", 0
    with open("/proc/cpuinfo") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), cpu)
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 1e6
    kind = first_line(["stat", "-f", "-c", "%T", sys.argv[2]])
    print("%d x %s, %.0f GB, Linux %s, store on %s%s" % (
        os.cpu_count(), cpu, memory, platform.release(), kind, " (not a disk)" if kind == "tmpfs" else ""))
    print("medians (lowest-highest) of %s runs; load before: %.1f; what is compared was measured in the same run" % (
        sys.argv[3], os.getloadavg()[2]))


if "best" in m:  # listings
    at_most("best segments of 168 x 1,800, nothing cached: s", "best", 1, "%.3f", 0.2, "<= 0.2 s")
    at_most("  resident memory: MB", "best_rss", 1.024e-3, "%.0f", 60, "<= 60 MB")
    at_most("  the same again, nothing changed: ms", "best_again", 1000, "%.2f", 5, "<= 5 ms")
    row("ls -l of an hour of 1,800, native", spread("ls_native", 1, "%.2f") + " ms")
    times("  through the mount, first", "ls_first", "ls_native", 6)
    times("  again", "ls_again", "ls_native", 3)
    times("  in the moment of the mount", "ls_fresh", "ls_native", None)
if "small_native" in m:  # reads
    for size, label in (("small", "300 MB"), ("big", "2.8 GB")):
        row("read of %s, native" % label, spread(size + "_native", 0.001, "%.2f") + " GB/s")
        row("  a passthrough, cold, read-ahead %.0f KiB, too" % m["read_ahead"],
            spread(size + "_pass", 0.001, "%.2f") + " GB/s")
        share("  a rough cut, cold in the mount", size + "_segfs", size + "_pass", "passthrough", 0.9)
        share("    against one with its own read-ahead, %.0f KiB" % m["pass_read_ahead"],
              size + "_segfs", size + "_pass_plain", "passthrough", None)
        share("  a rough cut again", size + "_again", size + "_native", "native", 0.7)
        share("    the passthrough again", size + "_pass_again", size + "_native", "native", None)
if "stat_first" in m:  # stats
    at_most("stat of a rough cut of 168 hours, first: ms", "stat_first", 1, "%.1f", 250, "<= 0.25 s")
    row("  in the moment of the mount", spread("stat_fresh", 1, "%.1f") + " ms")
    at_most("  again: ms", "stat_again", 1, "%.3f", 1, "<= 1 ms")
if "cut_stat" in m:  # cuts
    row("cuts of an hour of 1080p60 at 6 Mbit/s, ten minutes of it repeated", "")
    at_most("  stat of a smart cut, first: ms", "cut_stat", 1, "%.1f", 100, "<= 0.1 s")
    at_most("  again: ms", "cut_stat_again", 1, "%.3f", 1, "<= 1 ms")
    at_most("  its first byte, first time: ms", "cut_first_byte", 1, "%.0f", 700, "<= 0.7 s")
    at_most("  last 64 KB right after open, first time: ms", "cut_tail", 1, "%.0f", 400, "<= 0.4 s")
    at_most("  again: ms", "cut_tail_again", 1, "%.2f", 1, "<= 1 ms")
    at_most("  CPU to make both edges, and the index: ms", "cut_cpu", 1, "%.0f", 1100, "<= 1.1 s")
    at_most("  peak memory: MB", "cut_memory", 1.024e-3, "%.0f", 200, "<= 200 MB")
    row("  reading all of the rough cut, 2.7 GB", spread("cut_rough", 0.001, "%.2f") + " GB/s")
    share("  of the smart one", "cut_smart", "cut_rough", "rough", 0.9)
    at_most("  frame in the middle of a GOP: ms", "frame", 1, "%.0f", 260, "<= 0.26 s")
    at_most("  waveform of ten minutes: ms", "waveform", 1, "%.0f", 200, "<= 0.2 s")
    at_most("    memory that it takes: MB", "waveform_memory", 1.024e-3, "%.0f", 32, "<= 32 MB")
    row("  a minute by ffmpeg, as wubloader's full cut: ms", spread("cut_full_ffmpeg", 1, "%.0f"))
    row("  full cut of a minute: ms", spread("cut_full", 1, "%.0f") + " = %.2f x ffmpeg" % (
        m["cut_full"] / m["cut_full_ffmpeg"]), "<= 0.7 x", m["cut_full"] <= 0.7 * m["cut_full_ffmpeg"])
if "movie_stat" in m:  # movies
    row("an MP4 of the hour by ffmpeg -c copy, faststart: ms", spread("movie_ffmpeg", 1, "%.0f"))
    at_most("  stat of the virtual one, nothing indexed: ms", "movie_stat", 1, "%.0f", 800, "<= 0.8 s")
    at_most("  another one, all indexed: ms", "movie_stat_indexed", 1, "%.1f", 10, "<= 10 ms")
    at_most("  its head, with edges made: ms", "movie_head", 1, "%.1f", 20, "<= 20 ms")
    share("  reading all of it", "movie_read", "movie_smart", "smart .ts", 0.6)
    at_most("  64 KB somewhere: ms", "movie_random", 1, "%.2f", 2, "<= 2 ms")
    at_most("  memory that it takes: MB", "movie_memory", 1.024e-3, "%.0f", 64, "<= 64 MB")
if "idle_pass" in m:  # peers
    row("backfill, loopback", "")
    at_most("  3,600 segments of 1 KB: s", "backfill_small", 0.001, "%.2f", 2, "<= 2 s")
    row("  3,600 of 1.5 MB (5.4 GB) by cp and sync: s", spread("backfill_copy", 0.001, "%.2f"))
    speed = m["backfill_copy"] / m["backfill_large"]
    row("    by backfill: s", spread("backfill_large", 0.001, "%.2f") + " = %.2f x the speed of cp" % speed, ">= 0.7 x",
        speed >= 0.7)
    at_most("    memory: MB", "backfill_memory", 1.024e-3, "%.0f", 64, "<= 64 MB")
    at_most("  a pass of 168 x 1,800, nothing new: ms", "idle_pass", 1, "%.1f", 10, "<= 10 ms")
    at_most("    requests", "idle_requests", 1, "%.0f", 1, "1")
    row("serving: lists of 1,800 names a second", spread("serve_listing", 1, "%.0f"), ">= 4000",
        m["serve_listing"] >= 4000)
    if "serve_nginx" in m:
        row("  segments of 1.5 MB, eight connections, by nginx", spread("serve_nginx", 0.001, "%.2f") + " GB/s")
        share("    by segfs", "serve_segments", "serve_nginx", "nginx", 0.9)
    else:
        row("  segments of 1.5 MB, eight connections", spread("serve_segments", 0.001, "%.2f") + " GB/s (no nginx here)")
    at_most("  memory of the daemon: MB", "serve_memory", 1.024e-3, "%.0f", 64, "<= 64 MB")
if "idle_cpu" in m:  # idle
    row("idle daemon, ten seconds: CPU", "%.0f ms" % m["idle_cpu"], "0", m["idle_cpu"] == 0)
    row("  context switches of all threads", "%.0f" % m["idle_switches"], "0", m["idle_switches"] == 0)

machine()
print()
for columns in rows:
    print(("%-50s %-46s %-9s %s" % columns).rstrip())
