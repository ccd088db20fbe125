// SPDX-License-Identifier: MIT
// The names in a directory of the store that a peer may know.
#ifndef SYNC_NAMES_H
#define SYNC_NAMES_H

#include "segment/store.h"

typedef enum {
    SYNC_NAMES_DIRECTORIES,
    SYNC_NAMES_HOURS, // directories that are hours'
    SYNC_NAMES_FILES,
    SYNC_NAMES_JSON, // files that end with .json
} SyncNamesKind;

// Those of KIND in the directory PATH of STORE ("." for its root), in the order of their bytes; no hidden ones. None
// where there is no such directory. Errors: SEGMENT_ERRNO.
GPtrArray *sync_names_read(SegmentStore *store, const char *path, SyncNamesKind kind, GError **error);

// The segments in the hour PATH of STREAM that nothing bars, with files that end with .json, and, into *TOMBSTONES, its
// tombstones; both in the order of their bytes.
GPtrArray *sync_names_read_hour(SegmentStream *stream, const char *path, GPtrArray **tombstones, GError **error);

// All files below the directory PATH of STORE, as paths from there.
GPtrArray *sync_names_walk(SegmentStore *store, const char *path, GError **error);

#endif
