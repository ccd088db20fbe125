// SPDX-License-Identifier: MIT
// One stream: the cache of its hours' listings, ranges of it, and its files. What its tombstones bar is bar.c's, and
// how it is found out what there is on disk is scan.c's.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/lock.h"
#include "segment/store-private.h"
#include "segment/time.h"
#include "segment/tombstone.h"

#define MAX_READINGS 8 // of an hour that changes while it is read
#define BATCH 64 // hours that a range reads before it looks at them

static void stream_hour_free(gpointer data)
{
    StreamHour *sh = data;
    g_clear_pointer(&sh->tombstones, g_hash_table_unref);
    g_clear_pointer(&sh->hour, segment_hour_unref);
    g_free(sh);
}

SegmentStream *segment_stream_new(SegmentStore *store, const char *path)
{
    SegmentStream *stream = g_new0(SegmentStream, 1);
    stream->store = store;
    stream->path = g_strdup(path);
    stream->wd = -1;
    stream->hours = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, stream_hour_free);
    stream->sorted = g_array_new(FALSE, FALSE, sizeof(gint64));
    stream->barred = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, g_free, NULL);
    g_rw_lock_init(&stream->barred_lock);
    return stream;
}

void segment_stream_free(SegmentStream *stream)
{
    g_hash_table_unref(stream->hours);
    g_array_unref(stream->sorted);
    g_hash_table_unref(stream->barred);
    g_rw_lock_clear(&stream->barred_lock);
    g_free(stream->path);
    g_free(stream);
}

const char *segment_stream_path(const SegmentStream *stream)
{
    return stream->path;
}

SegmentStore *segment_stream_store(const SegmentStream *stream)
{
    return stream->store;
}

int segment_stream_generation(const SegmentStream *stream)
{
    return g_atomic_int_get(&stream->generation);
}

void segment_stream_tell(SegmentStream *stream, SegmentChangeType type, gint64 hour, const char *file,
                         const SegmentName *name)
{
    SegmentChange change = {.type = type, .stream = stream, .hour = hour, .file = file, .name = name};
    g_atomic_int_inc(&stream->generation);
    for (guint i = 0; i < stream->store->n_listeners; i++)
        stream->store->listeners[i](&change, stream->store->listener_data[i]);
}

char *segment_stream_hour_path(const SegmentStream *stream, gint64 hour)
{
    char name[SEGMENT_HOUR_TEXT_SIZE];
    return g_build_filename(stream->path, segment_hour_name_format(hour, name), NULL);
}

int segment_stream_open_hour(const SegmentStream *stream, gint64 hour, char **path, GError **error)
{
    *path = segment_stream_hour_path(stream, hour);
    int fd = openat(stream->store->fd, *path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        segment_error_set_errno(error, errno, "cannot open", *path);
    return fd;
}

// ---- the cache of hours. With the store's lock held.

void segment_stream_drop_hour(StreamHour *sh)
{
    SegmentStore *store = sh->stream->store;
    sh->generation++;
    if (sh->hour == NULL)
        return;
    g_queue_unlink(&store->lru, &sh->lru);
    store->cache_memory -= sh->hour->memory;
    g_clear_pointer(&sh->hour, segment_hour_unref);
}

void segment_stream_keep_hour(StreamHour *sh, SegmentHour *hour)
{
    SegmentStore *store = sh->stream->store;
    if (sh->hour != NULL) {
        store->cache_memory -= sh->hour->memory;
        segment_hour_unref(sh->hour);
        g_queue_unlink(&store->lru, &sh->lru);
    }
    sh->hour = segment_hour_ref(hour);
    sh->lru = (GList){.data = sh};
    g_queue_push_head_link(&store->lru, &sh->lru);
    store->cache_memory += hour->memory;

    while (store->cache_memory > store->cache_limit && store->lru.length > 1) {
        StreamHour *oldest = g_queue_peek_tail(&store->lru);
        int generation = oldest->generation;
        segment_stream_drop_hour(oldest);
        // Forgotten, not changed.
        oldest->generation = generation;
    }
}

void segment_stream_recount(SegmentStream *stream)
{
    GHashTableIter iter;
    gpointer value;
    stream->n_unscanned = stream->n_unwatched = 0;
    g_hash_table_iter_init(&iter, stream->hours);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const StreamHour *sh = value;
        stream->n_unscanned += sh->exists && !sh->scanned ? 1 : 0;
        stream->n_unwatched += sh->exists && sh->wd < 0 ? 1 : 0;
    }
}

void segment_stream_doubt_hour(StreamHour *sh)
{
    sh->wd = -1;
    sh->scanned = FALSE;
    sh->stream->listed = FALSE;
    sh->stream->list_generation++;
    segment_stream_drop_hour(sh);
    segment_stream_recount(sh->stream);
}

void segment_stream_drop_all(SegmentStream *stream)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, stream->hours);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        StreamHour *sh = value;
        // Added again: that is no change where the watch is still there.
        sh->wd = -1;
        sh->scanned = FALSE;
        segment_stream_drop_hour(sh);
    }
    stream->wd = -1;
    stream->listed = FALSE;
    stream->list_generation++;
    segment_stream_recount(stream);
}

gboolean segment_stream_has_hours(SegmentStream *stream, const SegmentWait *wait, GError **error)
{
    SEGMENT_LOCK_SCOPE(&stream->store->lock);
    return segment_stream_make_ready(stream, wait, error) && stream->sorted->len > 0;
}

GArray *segment_stream_hours(SegmentStream *stream, const SegmentWait *wait, GError **error)
{
    SEGMENT_LOCK_SCOPE(&stream->store->lock);
    return segment_stream_make_ready(stream, wait, error) ? g_array_ref(stream->sorted) : NULL;
}

gboolean segment_stream_is_watched(SegmentStream *stream)
{
    SEGMENT_LOCK_SCOPE(&stream->store->lock);
    return stream->wd >= 0 && stream->n_unwatched == 0;
}

gboolean segment_stream_hour_is_watched(SegmentStream *stream, gint64 hour)
{
    SEGMENT_LOCK_SCOPE(&stream->store->lock);
    const StreamHour *sh = g_hash_table_lookup(stream->hours, &hour);
    return sh != NULL && sh->exists && sh->wd >= 0;
}

// ---- reading hours

// Reads the hour, or only its sizes where the listing is there. Without the lock.
static SegmentHour *read_hour(StreamHour *sh, SegmentHour *known, gboolean sizes, GError **error)
{
    g_autofree char *path = NULL;
    segment_autofd int fd = segment_stream_open_hour(sh->stream, sh->start, &path, error);
    if (fd < 0)
        return NULL;
    g_autoptr(SegmentHour) hour = known != NULL
                                      ? segment_hour_ref(known)
                                      : segment_hour_read(fd, path, sh->start, segment_stream_bars, sh->stream, error);
    if (hour == NULL)
        return NULL;
    if (sizes && !segment_hour_load_sizes(hour, fd, path, error)) {
        // ENOENT would say that there is no such hour.
        if (segment_error_is_errno(*error, ENOENT))
            (*error)->code = ESTALE;
        return NULL;
    }
    if (known == NULL)
        segment_stream_warn_of_skipped(sh, hour, path);
    return g_steal_pointer(&hour);
}

// With the lock held, but not while it reads. NULL without an error: it changed meanwhile.
static SegmentHour *load_hour(StreamHour *sh, gboolean sizes, gboolean last_try, GError **error)
{
    SegmentStore *store = sh->stream->store;
    int generation = sh->generation;
    g_autoptr(SegmentHour) known = sh->hour != NULL ? segment_hour_ref(sh->hour) : NULL;
    g_autoptr(GError) failure = NULL;

    sh->loading++;
    store->n_hours_read += known == NULL ? 1 : 0;
    g_mutex_unlock(&store->lock);
    g_autoptr(SegmentHour) hour = read_hour(sh, known, sizes, &failure);
    g_mutex_lock(&store->lock);
    sh->loading--;
    g_cond_broadcast(&store->loaded);

    if (hour != NULL && generation == sh->generation) {
        segment_stream_keep_hour(sh, hour);
        return g_steal_pointer(&hour);
    }
    if (hour == NULL)
        segment_stream_drop_hour(sh);
    gboolean stale = segment_error_is_errno(failure, ESTALE);
    if (!last_try && (hour != NULL || stale || segment_error_is_errno(failure, ENOENT)))
        return NULL;
    if (stale)
        failure->code = EIO;
    if (hour == NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    return g_steal_pointer(&hour);
}

SegmentHour *segment_stream_hour(SegmentStream *stream, gint64 start, gboolean sizes, const SegmentWait *wait,
                                 GError **error)
{
    SegmentStore *store = stream->store;
    SEGMENT_LOCK_SCOPE(&store->lock);

    for (int readings = 0;;) {
        if (!segment_stream_make_ready(stream, wait, error))
            return NULL;
        StreamHour *sh = g_hash_table_lookup(stream->hours, &start);
        if (sh == NULL || !sh->exists) {
            g_autofree char *path = segment_stream_hour_path(stream, start);
            segment_error_set_errno(error, ENOENT, "no hour", path);
            return NULL;
        }
        if (sh->hour != NULL && (!sizes || segment_hour_has_sizes(sh->hour))) {
            g_queue_unlink(&store->lru, &sh->lru);
            g_queue_push_head_link(&store->lru, &sh->lru);
            return segment_hour_ref(sh->hour);
        }
        if (!segment_wait_may_block(wait)) {
            segment_stream_would_block(error, stream->path);
            return NULL;
        }
        if (segment_wait_is_over(wait, error))
            return NULL;
        if (sh->loading) {
            g_cond_wait(&store->loaded, &store->lock);
            continue;
        }
        g_autoptr(GError) failure = NULL;
        SegmentHour *hour = load_hour(sh, sizes, ++readings == MAX_READINGS, &failure);
        if (hour != NULL)
            return hour;
        if (failure != NULL) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
    }
}

typedef struct {
    SegmentStream *stream;
    gboolean sizes;
    const SegmentWait *wait;
    const gint64 *starts;
    SegmentHour *hours[BATCH];
    GError *errors[BATCH];
} Batch;

static void load_one(guint i, gpointer data)
{
    Batch *batch = data;
    if (batch->hours[i] == NULL)
        batch->hours[i] =
            segment_stream_hour(batch->stream, batch->starts[i], batch->sizes, batch->wait, &batch->errors[i]);
}

// Gives RANGE the next N hours; *DONE when it needs no more.
static gboolean add_batch(SegmentRange *range, Batch *batch, guint n, gboolean *done, GError **error)
{
    gboolean missing = FALSE, ok = TRUE;
    for (guint i = 0; i < n; i++) {
        g_autoptr(GError) failure = NULL;
        batch->errors[i] = NULL;
        batch->hours[i] =
            segment_stream_hour(batch->stream, batch->starts[i], batch->sizes, &segment_no_wait, &failure);
        missing = missing || batch->hours[i] == NULL;
        if (missing && !segment_wait_may_block(batch->wait) && segment_error_would_block(failure))
            ok = segment_stream_would_block(ok ? error : NULL, batch->stream->path);
    }
    if (ok && missing)
        segment_store_parallel(batch->stream->store, n, load_one, batch);

    for (guint i = 0; i < n; i++) {
        if (ok && !*done && batch->hours[i] != NULL) {
            *done = segment_range_add_hour(range, batch->hours[i]);
        } else if (ok && !*done && batch->errors[i] != NULL && !segment_error_is_errno(batch->errors[i], ENOENT)) {
            g_propagate_error(error, g_steal_pointer(&batch->errors[i]));
            ok = FALSE;
        }
        g_clear_error(&batch->errors[i]);
        segment_hour_unref(batch->hours[i]);
    }
    return ok;
}

SegmentRange *segment_stream_range(SegmentStream *stream, gint64 start, gint64 end, gboolean accept_holes,
                                   gboolean sizes, const SegmentWait *wait, GError **error)
{
    g_autoptr(GArray) starts = segment_stream_hours(stream, wait, error);
    if (starts == NULL)
        return NULL;

    g_autoptr(SegmentRange) range = segment_range_new(start, end, accept_holes);
    Batch batch = {.stream = stream, .sizes = sizes, .wait = wait};
    const gint64 *times = (const gint64 *) (const void *) starts->data;
    guint first = 0, last;
    gboolean done = FALSE;
    while (first < starts->len && times[first] < segment_time_hour(start) - SEGMENT_HOUR_LENGTH)
        first++;
    // The hour after END, too, where its first segment may show that the last one reaches END (segment_range_add_hour).
    for (last = first; last < starts->len && times[last] <= end + SEGMENT_FUDGE; last++)
        ;
    for (guint i = first; i < last && !done; i += BATCH) {
        batch.starts = times + i;
        if (!add_batch(range, &batch, MIN(BATCH, last - i), &done, error))
            return NULL;
    }
    segment_range_finish(range);
    return g_steal_pointer(&range);
}

// ---- files

int segment_stream_open_file(SegmentStream *stream, gint64 hour, const char *file, GError **error)
{
    g_autofree char *directory = segment_stream_hour_path(stream, hour);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    struct stat st;
    // Not blocking: it may have become a FIFO.
    segment_autofd int fd = openat(stream->store->fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        segment_error_set_errno(error, errno, "cannot open", path);
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        segment_error_set_errno(error, ENOENT, "no regular file", path);
        return -1;
    }
    return segment_fd_steal(&fd);
}

void segment_store_expect_hour(SegmentStore *store, const char *path, gint64 hour)
{
    SEGMENT_LOCK_SCOPE(&store->lock);
    SegmentStream *stream = g_hash_table_lookup(store->streams, path);
    const StreamHour *sh = stream != NULL ? g_hash_table_lookup(stream->hours, &hour) : NULL;
    if (stream == NULL || (sh != NULL && sh->exists))
        return;
    stream->listed = FALSE;
    stream->list_generation++;
}

// What the watch would find out a little later.
static void apply(SegmentStream *stream, gint64 hour, const char *file, SegmentChangeType type)
{
    SegmentStore *store = stream->store;
    SegmentName name;

    g_mutex_lock(&store->lock);
    StreamHour *sh = g_hash_table_lookup(stream->hours, &hour);
    gboolean known = sh != NULL && sh->exists, exists;
    if (known) {
        segment_stream_check_tombstone(sh, file, &exists);
        // A scan that is under way may have missed it.
        sh->generation++;
    } else {
        stream->listed = FALSE;
        stream->list_generation++;
    }
    g_mutex_unlock(&store->lock);
    g_autoptr(GError) error = NULL;
    if (!known && !segment_stream_has_hours(stream, NULL, &error) && error != NULL)
        g_warning("%s", error->message);
    // Also where the watch was faster: its listener may still be at work, and the caller relies on it being done.
    if (segment_name_parse(file, &name))
        segment_stream_tell(stream, type, hour, file, &name);
}

static gboolean check_tombstone_name(const char *file, GError **error)
{
    SegmentName name;
    if (segment_name_parse(file, &name) && name.tombstone)
        return TRUE;
    g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME, "%s: not the name of a segment's tombstone", file);
    return FALSE;
}

gboolean segment_stream_bury(SegmentStream *stream, gint64 hour, const char *file, uid_t uid, gid_t gid, mode_t mode,
                             GError **error)
{
    if (!check_tombstone_name(file, error))
        return FALSE;
    g_autofree char *path = NULL;
    segment_autofd int fd = segment_stream_open_hour(stream, hour, &path, error);
    if (fd < 0 || !segment_tombstone_create(fd, path, file, uid, gid, mode, error))
        return FALSE;
    apply(stream, hour, file, SEGMENT_CHANGE_TOMBSTONE);
    return TRUE;
}

gboolean segment_stream_unbury(SegmentStream *stream, gint64 hour, const char *file, GError **error)
{
    if (!check_tombstone_name(file, error))
        return FALSE;
    g_autofree char *path = NULL;
    segment_autofd int fd = segment_stream_open_hour(stream, hour, &path, error);
    if (fd < 0 || !segment_tombstone_remove(fd, path, file, error))
        return FALSE;
    apply(stream, hour, file, SEGMENT_CHANGE_UNTOMBSTONE);
    return TRUE;
}
