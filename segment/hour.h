// SPDX-License-Identifier: MIT
// The listing of one hour: for each start time the best segment, in time order, without temps and without what a
// tombstone bars. Immutable once read, but for the sizes, which are filled in once when somebody needs them.
#ifndef SEGMENT_HOUR_H
#define SEGMENT_HOUR_H

#include <glib.h>

#include "segment/name.h"

typedef struct {
    gint64 duration; // microseconds
    gint64 size; // bytes; negative until it had to be known (see segment_hour_load_sizes)
    guint32 offset; // of its start from the hour's, microseconds
    guint32 name; // where its file's name is in SegmentHour.names
    guint32 hash; // its first bytes
    guint8 type; // SegmentType
} SegmentEntry;

typedef struct {
    gint64 start; // microseconds since 1970
    guint n_entries;
    SegmentEntry *entries; // by offset, each once
    char *names;
    gsize memory; // bytes that all of it takes

    guint n_worse; // segments that are not the best of their start time
    guint n_barred; // segments that a tombstone hides
    guint n_temp;
    guint n_skipped; // names that are no segment's, and segments that are no file
    char *skipped; // the first of them, for a message; NULL where there is none

    GPtrArray *tombstones; // names of the tombstone files here; NULL where there is none

    gatomicrefcount references;
    GMutex sizes_lock;
    int has_sizes; // atomic
} SegmentHour;

// Says whether a tombstone elsewhere in the stream bars HASH.
typedef gboolean (*SegmentBarredFunc)(const guint8 hash[SEGMENT_HASH_SIZE], gpointer data);

// Reads the directory open at DIR_FD (which stays the caller's) as the hour that starts at START. PATH is for messages.
// BARRED may be NULL. Errors: SEGMENT_ERRNO.
SegmentHour *segment_hour_read(int dir_fd, const char *path, gint64 start, SegmentBarredFunc barred, gpointer data,
                               GError **error);

// Fills in every entry's size. ENOENT (SEGMENT_ERRNO) where a file is gone: the listing is out of date.
gboolean segment_hour_load_sizes(SegmentHour *hour, int dir_fd, const char *path, GError **error);

static inline gboolean segment_hour_has_sizes(SegmentHour *hour)
{
    return g_atomic_int_get(&hour->has_sizes) != 0;
}

static inline const char *segment_hour_name(const SegmentHour *hour, const SegmentEntry *entry)
{
    return hour->names + entry->name;
}

static inline gint64 segment_entry_start(const SegmentHour *hour, const SegmentEntry *entry)
{
    return hour->start + entry->offset;
}

// The entry named NAME (in the store's spelling), or NULL.
const SegmentEntry *segment_hour_find(const SegmentHour *hour, const char *name);

// The index of the first entry whose offset is not before OFFSET; n_entries where there is none.
guint segment_hour_search(const SegmentHour *hour, gint64 offset);

// A number that two equal listings share, on every node. Takes time in proportion to the listing.
guint64 segment_hour_digest(const SegmentHour *hour);

SegmentHour *segment_hour_ref(SegmentHour *hour);
void segment_hour_unref(SegmentHour *hour);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SegmentHour, segment_hour_unref)

#endif
