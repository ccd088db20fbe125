#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a store of true names and hashes: make-store.py DIRECTORY HOURS PER-HOUR SIZE [--sparse] [--links N]

The stream is desertbus/source from 2023-11-10T00; segments are of equal length, without holes, and of SIZE random but
reproducible bytes. --sparse: files of that size without content, under made-up hashes, for listings alone. --links N:
only N different contents, the others are hard links to them."""
import argparse
import base64
import datetime
import hashlib
import os
import random


def segment_name(start, duration, digest):
    text = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return "%s-%s-full-%s.ts" % (start.strftime("%M:%S.%f"), duration, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("hours", type=int)
    parser.add_argument("per_hour", type=int)
    parser.add_argument("size", type=int)
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--links", type=int, default=0)
    parser.add_argument("--stream", default="desertbus/source")
    args = parser.parse_args()
    rng = random.Random(args.size)
    step = 3600.0 / args.per_hour
    made = []
    for hour in range(args.hours):
        start = datetime.datetime(2023, 11, 10) + datetime.timedelta(hours=hour)
        folder = os.path.join(args.directory, args.stream, start.strftime("%Y-%m-%dT%H"))
        os.makedirs(folder, exist_ok=True)
        for i in range(args.per_hour):
            at = start + datetime.timedelta(seconds=i * step)
            if args.links and len(made) == args.links:
                path, digest = made[(hour * args.per_hour + i) % args.links]
                os.link(path, os.path.join(folder, segment_name(at, step, digest)))
                continue
            content = b"" if args.sparse else rng.randbytes(args.size)
            digest = rng.randbytes(32) if args.sparse else hashlib.sha256(content).digest()
            path = os.path.join(folder, segment_name(at, step, digest))
            with open(path, "wb") as file:
                file.write(content)
                if args.sparse:
                    file.truncate(args.size)
            if args.links:
                made.append((path, digest))


main()
