// SPDX-License-Identifier: MIT
// The store: the directory that holds CHANNEL/QUALITY/HOUR/FILE, its streams, and a cache of hours that all readers
// share. An hour is read once however many ask for it at the same time, and dropped when its directory changes: by
// inotify where that works, and by the directory's time where it does not (see segment_stream_is_watched).
//
// All functions may be called from any thread. None calls the listener with a lock held.
#ifndef SEGMENT_STORE_H
#define SEGMENT_STORE_H

#include <glib.h>
#include <sys/types.h>

#include "segment/error.h"
#include "segment/hour.h"
#include "segment/range.h"

typedef struct SegmentStore SegmentStore;
typedef struct SegmentStream SegmentStream;

typedef enum {
    SEGMENT_CHANGE_SEGMENT, // a segment came, went, or was written to
    SEGMENT_CHANGE_TOMBSTONE, // a hash is barred from now on
    SEGMENT_CHANGE_UNTOMBSTONE, // a tombstone is gone
    SEGMENT_CHANGE_HOURS, // an hour's directory came or went
    SEGMENT_CHANGE_EVERYTHING, // changes were lost: whatever was known of the stream may be wrong
} SegmentChangeType;

typedef struct {
    SegmentChangeType type;
    SegmentStream *stream;
    gint64 hour; // its start
    const char *file; // the file's name, where there is one
    const SegmentName *name; // the same, parsed
} SegmentChange;

// Called after the change has taken effect here.
typedef void (*SegmentChangeFunc)(const SegmentChange *change, gpointer data);

#define SEGMENT_MAX_LISTENERS 4

typedef struct {
    gsize cache_memory; // bytes for hours that nobody holds; 0: 128 MiB
    gboolean no_watch; // go by times alone
} SegmentStoreOptions;

typedef struct {
    guint n_streams, n_hours, n_hours_cached, n_hours_watched, n_tombstones, n_skipped;
    gsize cache_memory;
    guint64 n_hours_read;
} SegmentStoreStatus;

// Opens the store at PATH. No thread is started before segment_store_start().
SegmentStore *segment_store_open(const char *path, const SegmentStoreOptions *options, GError **error);

// Has LISTENER, one of SEGMENT_MAX_LISTENERS at most, told of every change, from the thread that watches, or from the one
// that changes, after those that were added before it. To be called before anything can change: there is no lock.
void segment_store_add_listener(SegmentStore *store, SegmentChangeFunc listener, gpointer data);

// Starts the thread that watches. Without it the store goes by times alone.
gboolean segment_store_start(SegmentStore *store, GError **error);

// Ends it. The listener hears only of what this process does itself from then on.
void segment_store_stop(SegmentStore *store);

// Stops the store, if that was not done yet, and frees all, streams included.
void segment_store_free(SegmentStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SegmentStore, segment_store_free)

const char *segment_store_path(const SegmentStore *store); // absolute
int segment_store_fd(const SegmentStore *store); // of its directory; the store's own
void segment_store_get_status(SegmentStore *store, SegmentStoreStatus *status);

// How often a hash was barred so far. While it has not moved, nothing that was checked before has to be checked again.
int segment_store_revocations(const SegmentStore *store);

// The stream CHANNEL/QUALITY: a directory with at least one hour in it, and not a chat. It lives as long as the store.
// ENOENT where it is none.
SegmentStream *segment_store_stream(SegmentStore *store, const char *path, const SegmentWait *wait, GError **error);

const char *segment_stream_path(const SegmentStream *stream);
SegmentStore *segment_stream_store(const SegmentStream *stream);

// Grows with every change of the stream. What was computed before it grew may be out of date.
int segment_stream_generation(const SegmentStream *stream);

// The starts of its hours, in order (gint64).
GArray *segment_stream_hours(SegmentStream *stream, const SegmentWait *wait, GError **error);

// Whether changes of the stream's list of hours, or of the hour that starts at HOUR, are told to the listener. Where
// not, an answer holds for a second.
gboolean segment_stream_is_watched(SegmentStream *stream);
gboolean segment_stream_hour_is_watched(SegmentStream *stream, gint64 hour);

// The hour that starts at HOUR, with sizes where asked for. ENOENT where there is no such directory.
SegmentHour *segment_stream_hour(SegmentStream *stream, gint64 hour, gboolean sizes, const SegmentWait *wait,
                                 GError **error);

// The range START to END, sizes included where asked for. Hours are read by several threads.
SegmentRange *segment_stream_range(SegmentStream *stream, gint64 start, gint64 end, gboolean accept_holes,
                                   gboolean sizes, const SegmentWait *wait, GError **error);

// Whether a tombstone bars HASH in this stream, as far as it is known: it is, once anything was listed.
gboolean segment_stream_is_barred(SegmentStream *stream, const guint8 hash[SEGMENT_HASH_SIZE]);

// How often a hash was barred in this stream, or set free. What was listed before it moved may be out of date in any hour.
guint segment_stream_bar_changes(SegmentStream *stream);

// Says that the directory of the hour that starts at HOUR was made in the stream at PATH: whoever asks from now on is
// told of it, without having to wait for the watch, or for the next look.
void segment_store_expect_hour(SegmentStore *store, const char *path, gint64 hour);

// Opens a file of an hour for reading. Gives its descriptor, or -1: ENOENT where it is no regular file.
int segment_stream_open_file(SegmentStream *stream, gint64 hour, const char *file, GError **error);

// Creates the tombstone named FILE. When it returns TRUE the tombstone is on disk and in effect, and the listener has
// been told. It is the caller's (where this process may give files away); one that exists already is made sure of.
gboolean segment_stream_bury(SegmentStream *stream, gint64 hour, const char *file, uid_t uid, gid_t gid, mode_t mode,
                             GError **error);

// Removes the tombstone named FILE, durably.
gboolean segment_stream_unbury(SegmentStream *stream, gint64 hour, const char *file, GError **error);

#endif
