// SPDX-License-Identifier: MIT
// What store.c, stream.c and watch.c share.
//
// LOCKS. SegmentStore.lock guards everything below that is not marked otherwise. Inside it only
// SegmentStream.barred_lock and a SegmentHour's sizes_lock may be taken. Directories are read, and the listener is
// called, without it.
#ifndef SEGMENT_STORE_PRIVATE_H
#define SEGMENT_STORE_PRIVATE_H

#include "segment/store.h"
#include "segment/watch.h"

// One hour's directory. Never freed before the stream is, so that it may be used without the lock while loading.
typedef struct {
    SegmentStream *stream;
    gint64 start;
    gboolean exists;
    int wd; // the watch on it, or -1
    int generation; // of events; a reading that it grew during is out of date
    guint loading; // how many read it; wait for SegmentStore.loaded
    gboolean scanned; // its tombstones are known
    gboolean warned; // about names that are no segments
    gboolean unreadable; // when it was scanned last, which was logged
    gboolean racy; // not watched, and the directory changed so lately that its time proves nothing
    ino_t inode; // of the directory when it was read, and its time
    struct timespec mtime;
    GHashTable *tombstones; // names; NULL where there is none
    SegmentHour *hour; // the cached listing, or NULL
    GList lru; // in SegmentStore.lru while cached
} StreamHour;

struct SegmentStream {
    SegmentStore *store;
    char *path; // CHANNEL/QUALITY
    int generation; // atomic
    int wd; // the watch on its directory, or -1
    int list_generation; // of events in its directory
    gboolean listed; // the hours are known
    gboolean scanning; // somebody lists and scans it; wait for SegmentStore.loaded
    gint64 checked; // monotonic time of the last look, for what is not watched
    guint n_unscanned, n_unwatched; // hours
    GHashTable *hours; // gint64 → StreamHour
    GArray *sorted; // starts of those that exist; a snapshot that is replaced, never changed

    GRWLock barred_lock;
    GHashTable *barred; // hash → how many tombstones bar it; guarded by barred_lock
    int n_barred; // atomic; its size
    gboolean has_new_bars; // a scan found some: listings that have them are to be dropped before it ends
    guint n_bar_changes; // how often a hash was barred or set free
};

struct SegmentStore {
    char *path;
    int fd;
    gsize cache_limit;
    SegmentWatch *watch; // NULL: go by times
    gboolean may_watch;
    SegmentChangeFunc listeners[SEGMENT_MAX_LISTENERS];
    gpointer listener_data[SEGMENT_MAX_LISTENERS];
    guint n_listeners;
    int revocations; // atomic

    GMutex lock;
    GCond loaded;
    GHashTable *streams; // path → SegmentStream
    GQueue lru; // StreamHour, the one used last first
    gsize cache_memory;
    guint64 n_hours_read;
    GThreadPool *loaders; // NULL until needed; guarded by lock
};

// stream.c
SegmentStream *segment_stream_new(SegmentStore *store, const char *path);
void segment_stream_free(SegmentStream *stream);
gboolean segment_stream_has_hours(SegmentStream *stream, const SegmentWait *wait, GError **error);
void segment_stream_tell(SegmentStream *stream, SegmentChangeType type, gint64 hour, const char *file,
                         const SegmentName *name);
// With the lock held:
void segment_stream_drop_hour(StreamHour *sh);
void segment_stream_drop_all(SegmentStream *stream);
// Has it scanned, and watched, anew.
void segment_stream_doubt_hour(StreamHour *sh);
void segment_stream_keep_hour(StreamHour *sh, SegmentHour *hour);
void segment_stream_recount(SegmentStream *stream);
// With or without it:
char *segment_stream_hour_path(const SegmentStream *stream, gint64 hour); // from the store's root
// Opens the hour's directory; *PATH is set in any case.
int segment_stream_open_hour(const SegmentStream *stream, gint64 hour, char **path, GError **error);
void segment_stream_warn_of_skipped(StreamHour *sh, const SegmentHour *hour, const char *path);
gboolean segment_stream_would_block(GError **error, const char *path); // FALSE

// bar.c
// Learns whether the tombstone FILE is there. TRUE where that is news. With the lock held.
gboolean segment_stream_check_tombstone(StreamHour *sh, const char *file, gboolean *exists);
gboolean segment_stream_bars(const guint8 hash[SEGMENT_HASH_SIZE], gpointer stream); // a SegmentBarredFunc
void segment_stream_set_tombstones(StreamHour *sh, GPtrArray *names);
void segment_stream_drop_barred(SegmentStream *stream); // after those: listings with something that is barred by now

// scan.c: with the lock held, before and after, but not while it reads: the hours and tombstones are known.
gboolean segment_stream_make_ready(SegmentStream *stream, const SegmentWait *wait, GError **error);

// store.c: runs FUNC for 0 to N-1 on several threads, the caller's among them, and returns when all are done.
void segment_store_parallel(SegmentStore *store, guint n, void (*func)(guint i, gpointer data), gpointer data);

#endif
