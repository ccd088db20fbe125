// SPDX-License-Identifier: MIT
// What a peer's listing of an hour has that ours lacks. Pure: names in, names out.
#ifndef SYNC_DIFF_H
#define SYNC_DIFF_H

#include "segment/hour.h"

#define SYNC_SAME_TIME 1000 // microseconds: a segment with such a difference, and all else the same, is the same one

typedef struct {
    gint64 hour; // its start
    gint64 newest; // segments that start later are left for another time
    SegmentBarredFunc barred; // says what is barred here; NULL: nothing
    gpointer data;
} SyncDiffOptions;

// Names (char *), in the peer's order, each once.
typedef struct {
    GPtrArray *tombstones, *segments;
    GPtrArray *files; // other ones: *.json
    guint n_recent; // segments that are left for another time
    guint n_bad; // names that cannot be a file's here
    char *bad; // the first of them, escaped for a message; NULL where there is none
} SyncDiff;

// THEIRS are a peer's names, whatever they are; OURS are all names of the hour here, but for what is barred. What a
// tombstone bars, one of ours or of theirs, is not missing.
SyncDiff *sync_diff_new(const GPtrArray *theirs, const GPtrArray *ours, const SyncDiffOptions *options);
void sync_diff_free(SyncDiff *diff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncDiff, sync_diff_free)

// Of how many files it tells.
guint sync_diff_size(const SyncDiff *diff);

// Where FILE's name ends with its hash, as that of a chat's batch does (TIME-HASH.json, wubloader's chat_archiver), that.
gboolean sync_file_name_hash(const char *file, guint8 hash[SEGMENT_HASH_SIZE]);

#endif
