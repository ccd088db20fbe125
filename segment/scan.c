// SPDX-License-Identifier: MIT
// Finds out which hours a stream has, and which tombstones.
//
// A tombstone bars its hash in the whole stream, so before anything of a stream is shown, all its hours have been read
// for their tombstones (a "scan", by several threads), which the watch keeps true from then on. Where there is no watch
// it is done again every second, as far as the directories' times do not prove that nothing has changed.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/directory.h"
#include "segment/fd.h"
#include "segment/store-private.h"
#include "segment/time.h"

#define CHECK_INTERVAL G_TIME_SPAN_SECOND // how long an answer holds where there is no watch
#define RACY_SECONDS 2 // a directory that changed so lately may change again within its time's granularity

// The hours in the stream's directory, open at DIR_FD; sorted.
static GArray *read_hours(int dir_fd, const char *path, GError **error)
{
    g_autoptr(SegmentDirectory) dir = segment_directory_open(dir_fd, ".", path, error);
    if (dir == NULL)
        return NULL;
    g_autoptr(GArray) hours = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GError) failure = NULL;
    const struct dirent *entry;
    while ((entry = segment_directory_next(dir, path, &failure)) != NULL) {
        gint64 hour;
        struct stat st;
        if (!segment_hour_name_parse(entry->d_name, &hour))
            continue;
        if (entry->d_type == DT_DIR || ((entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) &&
                                        fstatat(dir_fd, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode)))
            g_array_append_val(hours, hour);
    }
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_array_sort(hours, segment_time_compare);
    return g_steal_pointer(&hours);
}

static void forget_hour(StreamHour *sh)
{
    segment_stream_set_tombstones(sh, NULL);
    segment_stream_drop_hour(sh);
    sh->exists = sh->scanned = FALSE;
    sh->wd = -1;
}

// With the lock held: what exists from now on.
static void set_hours(SegmentStream *stream, GArray *starts)
{
    GHashTableIter iter;
    gpointer value;
    gboolean changed = stream->sorted->len != starts->len;

    for (guint i = 0; i < starts->len; i++) {
        gint64 start = g_array_index(starts, gint64, i);
        StreamHour *sh = g_hash_table_lookup(stream->hours, &start);
        changed = changed || start != g_array_index(stream->sorted, gint64, i);
        if (sh == NULL) {
            sh = g_new0(StreamHour, 1);
            sh->stream = stream;
            sh->start = start;
            sh->wd = -1;
            g_hash_table_insert(stream->hours, &sh->start, sh);
        }
        sh->exists = TRUE;
    }
    g_hash_table_iter_init(&iter, stream->hours);
    while (changed && g_hash_table_iter_next(&iter, NULL, &value)) {
        StreamHour *sh = value;
        // (An empty array has no data.)
        if (sh->exists && (starts->len == 0 || bsearch(&sh->start, starts->data, starts->len, sizeof(gint64),
                                                       segment_time_compare) == NULL))
            forget_hour(sh);
    }
    if (changed) {
        g_array_unref(stream->sorted);
        stream->sorted = g_array_ref(starts);
    }
}

static gboolean list(SegmentStream *stream, GError **error)
{
    SegmentStore *store = stream->store;
    g_autoptr(GArray) starts = NULL;

    g_mutex_lock(&store->lock);
    int generation = stream->list_generation, wd = stream->wd;
    SegmentWatch *watch = store->watch;
    g_mutex_unlock(&store->lock);

    segment_autofd int fd = openat(store->fd, stream->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
        return segment_error_set_errno(error, errno, "cannot open", stream->path);
    if (fd < 0) {
        starts = g_array_new(FALSE, FALSE, sizeof(gint64));
        wd = -1;
    } else {
        if (watch != NULL && wd < 0)
            wd = segment_watch_add(watch, fd, stream, NULL);
        starts = read_hours(fd, stream->path, error);
        if (starts == NULL)
            return FALSE;
    }

    g_mutex_lock(&store->lock);
    set_hours(stream, starts);
    // Not where it may be that of a directory that is gone by now: it is added again, then.
    stream->listed = generation == stream->list_generation;
    stream->wd = stream->listed ? wd : -1;
    stream->checked = g_get_monotonic_time();
    g_mutex_unlock(&store->lock);
    return TRUE;
}

static gboolean same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

void segment_stream_warn_of_skipped(StreamHour *sh, const SegmentHour *hour, const char *path)
{
    if (hour->n_skipped == 0 || sh->warned)
        return;
    sh->warned = TRUE;
    g_autofree char *name = g_strescape(hour->skipped, NULL);
    g_warning("%s: skipped %u that are no segments, \"%s\" for one", path, hour->n_skipped, name);
}

static void end_scan(StreamHour *sh)
{
    g_mutex_lock(&sh->stream->store->lock);
    sh->loading--;
    g_mutex_unlock(&sh->stream->store->lock);
}

// Reads one hour for its tombstones, unless its time proves that they are known. Its listing is a by-product, and kept
// where there is room: reading a directory takes longer than making sense of it.
static void scan_hour(guint i, gpointer data)
{
    StreamHour *sh = g_ptr_array_index((GPtrArray *) data, i);
    SegmentStore *store = sh->stream->store;
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(SegmentHour) hour = NULL;
    struct stat st = {0};

    g_mutex_lock(&store->lock);
    int generation = sh->generation, wd = sh->wd;
    gboolean known = sh->scanned && !sh->racy;
    struct timespec mtime = sh->mtime;
    ino_t inode = sh->inode;
    SegmentWatch *watch = store->watch;
    // A hash that is barred meanwhile makes it out of date.
    sh->loading++;
    g_mutex_unlock(&store->lock);

    // Where there is no watch this is done every second: no more than a look at the directory, if that is enough.
    if (known && watch == NULL) {
        g_autofree char *known_path = segment_stream_hour_path(sh->stream, sh->start);
        if (fstatat(store->fd, known_path, &st, 0) == 0 && inode == st.st_ino && same_time(&mtime, &st.st_mtim)) {
            end_scan(sh);
            return;
        }
    }
    segment_autofd int fd = segment_stream_open_hour(sh->stream, sh->start, &path, &error);
    if (fd >= 0) {
        if (watch != NULL && wd < 0)
            wd = segment_watch_add(watch, fd, sh->stream, sh);
        if (fstat(fd, &st) == 0 && known && wd < 0 && inode == st.st_ino && same_time(&mtime, &st.st_mtim)) {
            end_scan(sh);
            return;
        }
        hour = segment_hour_read(fd, path, sh->start, segment_stream_bars, sh->stream, &error);
    }

    g_mutex_lock(&store->lock);
    sh->loading--;
    store->n_hours_read += hour != NULL ? 1 : 0;
    gboolean current = generation == sh->generation;
    if (wd < 0)
        segment_stream_drop_hour(sh);
    if (hour != NULL && current) {
        if (store->cache_memory + hour->memory <= store->cache_limit)
            segment_stream_keep_hour(sh, hour);
        segment_stream_set_tombstones(sh, hour->tombstones);
    }
    // As in list().
    sh->wd = current ? wd : -1;
    sh->inode = st.st_ino;
    sh->mtime = st.st_mtim;
    sh->racy = st.st_mtim.tv_sec >= g_get_real_time() / G_TIME_SPAN_SECOND - RACY_SECONDS;
    // An hour that cannot be read hides nothing of the others; it will say so itself when it is asked for.
    sh->scanned = current || hour == NULL;
    gboolean tell = error != NULL && !segment_error_is_errno(error, ENOENT) && !sh->unreadable;
    sh->unreadable = error != NULL;
    g_mutex_unlock(&store->lock);
    if (hour != NULL)
        segment_stream_warn_of_skipped(sh, hour, path);
    if (tell)
        g_warning("%s; its tombstones are not known", error->message);
}

static gboolean list_and_scan(SegmentStream *stream, GError **error)
{
    SegmentStore *store = stream->store;
    GHashTableIter iter;
    gpointer value;

    g_mutex_lock(&store->lock);
    gboolean first = stream->checked == 0;
    guint n_bar_changes = stream->n_bar_changes;
    g_mutex_unlock(&store->lock);
    if (!list(stream, error))
        return FALSE;

    g_autoptr(GPtrArray) hours = g_ptr_array_new();
    g_mutex_lock(&store->lock);
    g_hash_table_iter_init(&iter, stream->hours);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        StreamHour *sh = value;
        if (sh->exists && (!sh->scanned || sh->wd < 0))
            g_ptr_array_add(hours, sh);
    }
    g_mutex_unlock(&store->lock);

    segment_store_parallel(store, hours->len, scan_hour, hours);

    g_mutex_lock(&store->lock);
    if (stream->has_new_bars)
        segment_stream_drop_barred(stream);
    segment_stream_recount(stream);
    gboolean told = first || n_bar_changes == stream->n_bar_changes;
    g_mutex_unlock(&store->lock);
    // Tombstones that came, or went, together with their hour; they count in hours that were shown before.
    if (!told)
        segment_stream_tell(stream, SEGMENT_CHANGE_EVERYTHING, 0, NULL, NULL);
    return TRUE;
}

static gboolean is_ready(const SegmentStream *stream)
{
    if (!stream->listed || stream->n_unscanned > 0)
        return FALSE;
    gboolean by_time = stream->wd < 0 || stream->n_unwatched > 0;
    return !by_time || g_get_monotonic_time() - stream->checked < CHECK_INTERVAL;
}

gboolean segment_stream_would_block(GError **error, const char *path)
{
    g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, path);
    return FALSE;
}

// With the lock held, before and after: the hours and tombstones are known.
gboolean segment_stream_make_ready(SegmentStream *stream, const SegmentWait *wait, GError **error)
{
    SegmentStore *store = stream->store;
    while (!is_ready(stream)) {
        if (!segment_wait_may_block(wait))
            return segment_stream_would_block(error, stream->path);
        if (segment_wait_is_over(wait, error))
            return FALSE;
        if (stream->scanning) {
            g_cond_wait(&store->loaded, &store->lock);
            continue;
        }
        stream->scanning = TRUE;
        g_mutex_unlock(&store->lock);
        gboolean ok = list_and_scan(stream, error);
        g_mutex_lock(&store->lock);
        stream->scanning = FALSE;
        g_cond_broadcast(&store->loaded);
        if (!ok)
            return FALSE;
    }
    return TRUE;
}
