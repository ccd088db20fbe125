#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes ./configure.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
exec autoreconf --install --force "$@"
