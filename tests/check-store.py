#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Says what is wrong with a store: a file under a segment's final name whose bytes are not those of its hash; a name
that a report of tests/publish gives as "done" or "was" and that is not there. Fails where there is any.

check-store.py STORE [REPORT]
"""
import base64
import hashlib
import os
import re
import sys

SEGMENT = re.compile(r"^\d\d:\d\d(\.\d+)?-[\d.]+-(full|suspect|partial)-([\w-]{43})\.ts$")
store = sys.argv[1]
problems, found = [], set()
for directory, directories, files in os.walk(store):
    directories[:] = [d for d in directories if not d.startswith(".")]
    for file in files:
        match = SEGMENT.match(file)
        if not match:
            continue
        path = os.path.join(directory, file)
        with open(path, "rb") as f:
            digest = hashlib.sha256(f.read()).digest()
        found.add(os.path.relpath(path, store))
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != match[3]:
            problems.append(f"{path} is not whole ({os.path.getsize(path)} bytes)")
if len(sys.argv) > 2:
    with open(sys.argv[2]) as f:
        for line in f:
            words = line.split()
            # The last line may be cut off.
            if line.endswith("\n") and words[0] in ("done", "was") and words[1] not in found:
                problems.append(f"{words[1]} was reported {words[0]}, and is not there")
print("\n".join(problems) or f"{len(found)} whole")
sys.exit(len(problems) > 0)
