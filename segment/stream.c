// SPDX-License-Identifier: MIT
// One stream: its hours, their listings, and the hashes that its tombstones bar.
//
// A tombstone bars its hash in the whole stream, so before anything of a stream is shown, the tombstones of all its
// hours have been read (a "scan": names only, by several threads), and kept true by the watch from then on.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/lock.h"
#include "segment/store-private.h"
#include "segment/time.h"
#include "segment/tombstone.h"

#define CHECK_INTERVAL G_TIME_SPAN_SECOND // how long an answer holds where there is no watch
#define RACY_SECONDS 2 // a directory that changed so lately may change again within its time's granularity
#define MAX_READINGS 8 // of an hour that changes while it is read
#define BATCH 64 // hours that a range reads before it looks at them

static guint hash_hash(gconstpointer key)
{
    guint v;
    memcpy(&v, key, sizeof v);
    return v;
}

static gboolean hash_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, SEGMENT_HASH_SIZE) == 0;
}

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
    stream->barred = g_hash_table_new_full(hash_hash, hash_equal, g_free, NULL);
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
    if (stream->store->listener != NULL)
        stream->store->listener(&change, stream->store->listener_data);
}

static char *hour_path(const SegmentStream *stream, gint64 hour)
{
    char name[SEGMENT_HOUR_TEXT_SIZE];
    return g_build_filename(stream->path, segment_hour_name_format(hour, name), NULL);
}

static int open_hour(const SegmentStream *stream, gint64 hour, char **path, GError **error)
{
    *path = hour_path(stream, hour);
    int fd = openat(stream->store->fd, *path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        segment_error_set_errno(error, errno, "cannot open", *path);
    return fd;
}

// ---- barred hashes. All with the store's lock held, but for segment_stream_is_barred().

gboolean segment_stream_is_barred(SegmentStream *stream, const guint8 hash[SEGMENT_HASH_SIZE])
{
    if (g_atomic_int_get(&stream->n_barred) == 0)
        return FALSE;
    g_rw_lock_reader_lock(&stream->barred_lock);
    gboolean barred = g_hash_table_contains(stream->barred, hash);
    g_rw_lock_reader_unlock(&stream->barred_lock);
    return barred;
}

static gboolean is_barred(const guint8 hash[SEGMENT_HASH_SIZE], gpointer stream)
{
    return segment_stream_is_barred(stream, hash);
}

// Adds DELTA to the number of tombstones that bar HASH. TRUE where that bars it, or sets it free.
static gboolean count_bar(SegmentStream *stream, const guint8 hash[SEGMENT_HASH_SIZE], int delta)
{
    g_rw_lock_writer_lock(&stream->barred_lock);
    int before = GPOINTER_TO_INT(g_hash_table_lookup(stream->barred, hash)), after = before + delta;
    if (after > 0)
        g_hash_table_replace(stream->barred, g_memdup2(hash, SEGMENT_HASH_SIZE), GINT_TO_POINTER(after));
    else
        g_hash_table_remove(stream->barred, hash);
    g_atomic_int_set(&stream->n_barred, (int) g_hash_table_size(stream->barred));
    g_rw_lock_writer_unlock(&stream->barred_lock);
    gboolean changed = (before > 0) != (after > 0);
    stream->n_bar_changes += changed ? 1 : 0;
    return changed;
}

static gboolean lists_hash(const SegmentHour *hour, const guint8 hash[SEGMENT_HASH_SIZE])
{
    for (guint i = 0; i < hour->n_entries; i++) {
        SegmentName name;
        if (hour->entries[i].hash == hash_hash(hash) &&
            segment_name_parse(segment_hour_name(hour, &hour->entries[i]), &name) && hash_equal(name.hash, hash))
            return TRUE;
    }
    return FALSE;
}

static gboolean lists_barred(SegmentStream *stream, const SegmentHour *hour, const GHashTable *first_bytes)
{
    for (guint i = 0; i < hour->n_entries; i++) {
        SegmentName name;
        if (g_hash_table_contains((GHashTable *) first_bytes, GUINT_TO_POINTER(hour->entries[i].hash)) &&
            segment_name_parse(segment_hour_name(hour, &hour->entries[i]), &name) &&
            segment_stream_is_barred(stream, name.hash))
            return TRUE;
    }
    return FALSE;
}

// Listings that HASH is in, or was kept out of, have to be read again.
static void drop_hours_with(SegmentStream *stream, const guint8 hash[SEGMENT_HASH_SIZE], gboolean barred)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, stream->hours);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        StreamHour *sh = value;
        if (sh->loading || (sh->hour != NULL && (barred ? lists_hash(sh->hour, hash) : sh->hour->n_barred > 0)))
            segment_stream_drop_hour(sh);
    }
}

// The listings that have any barred hash. One by one, each of a scan's thousands of tombstones would look at all of them.
static void drop_hours_with_barred(SegmentStream *stream)
{
    g_autoptr(GHashTable) first_bytes = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, stream->barred);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_hash_table_add(first_bytes, GUINT_TO_POINTER(hash_hash(key)));
    g_hash_table_iter_init(&iter, stream->hours);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        StreamHour *sh = value;
        if (sh->loading || (sh->hour != NULL && lists_barred(stream, sh->hour, first_bytes)))
            segment_stream_drop_hour(sh);
    }
    stream->has_new_bars = FALSE;
}

// DROP: at once what has its hash; else it is left to drop_hours_with_barred().
static gboolean add_tombstone(StreamHour *sh, const char *file, gboolean drop)
{
    SegmentName name;
    if (!segment_name_parse(file, &name) || !name.tombstone)
        return FALSE;
    if (sh->tombstones == NULL)
        sh->tombstones = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!g_hash_table_add(sh->tombstones, g_strdup(file)))
        return FALSE;
    if (name.type == SEGMENT_TEMP)
        return TRUE;
    if (count_bar(sh->stream, name.hash, 1)) {
        g_atomic_int_inc(&sh->stream->store->revocations);
        if (drop)
            drop_hours_with(sh->stream, name.hash, TRUE);
        else
            sh->stream->has_new_bars = TRUE;
    }
    return TRUE;
}

static gboolean remove_tombstone(StreamHour *sh, const char *file)
{
    SegmentName name;
    if (sh->tombstones == NULL || !g_hash_table_remove(sh->tombstones, file))
        return FALSE;
    if (segment_name_parse(file, &name) && name.type != SEGMENT_TEMP && count_bar(sh->stream, name.hash, -1))
        drop_hours_with(sh->stream, name.hash, FALSE);
    return TRUE;
}

// The disk is asked, since events and the calls of this process come in any order.
gboolean segment_stream_check_tombstone(StreamHour *sh, const char *file, gboolean *exists)
{
    g_autofree char *directory = hour_path(sh->stream, sh->start);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    *exists = faccessat(sh->stream->store->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    return *exists ? add_tombstone(sh, file, TRUE) : remove_tombstone(sh, file);
}

// Makes NAMES, of which there are none where it is NULL, the hour's tombstones, as a part of a scan.
static void set_tombstones(StreamHour *sh, GPtrArray *names)
{
    g_autoptr(GHashTable) now = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; names != NULL && i < names->len; i++)
        g_hash_table_add(now, g_ptr_array_index(names, i));

    if (sh->tombstones != NULL) {
        g_autoptr(GList) before = g_hash_table_get_keys(sh->tombstones);
        for (GList *l = before; l != NULL; l = l->next) {
            // A copy: the name goes with its entry.
            g_autofree char *name = g_strdup(l->data);
            if (!g_hash_table_contains(now, name))
                remove_tombstone(sh, name);
        }
    }
    for (guint i = 0; names != NULL && i < names->len; i++)
        add_tombstone(sh, g_ptr_array_index(names, i), FALSE);
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

static void keep_hour(StreamHour *sh, SegmentHour *hour)
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

static void recount(SegmentStream *stream)
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
    recount(sh->stream);
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
    recount(stream);
}

// ---- listing and scanning

static gint compare_times(gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;
    return (x > y) - (x < y);
}

// The hours in the stream's directory, open at DIR_FD; sorted.
static GArray *read_hours(int dir_fd, const char *path, GError **error)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        segment_error_set_errno(error, errno, "cannot open", path);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    GArray *hours = g_array_new(FALSE, FALSE, sizeof(gint64));
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        gint64 hour;
        struct stat st;
        if (!segment_hour_name_parse(entry->d_name, &hour))
            continue;
        if (entry->d_type == DT_DIR ||
            ((entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) && fstatat(dir_fd, entry->d_name, &st, 0) == 0 &&
             S_ISDIR(st.st_mode)))
            g_array_append_val(hours, hour);
    }
    closedir(dir);
    g_array_sort(hours, compare_times);
    return hours;
}

static void forget_hour(StreamHour *sh)
{
    set_tombstones(sh, NULL);
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
                                                       compare_times) == NULL))
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

static void warn_of_skipped(StreamHour *sh, const SegmentHour *hour, const char *path)
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
    sh->loading = FALSE;
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
    sh->loading = TRUE;
    g_mutex_unlock(&store->lock);

    // Where there is no watch this is done every second: no more than a look at the directory, if that is enough.
    if (known && watch == NULL) {
        g_autofree char *known_path = hour_path(sh->stream, sh->start);
        if (fstatat(store->fd, known_path, &st, 0) == 0 && inode == st.st_ino && same_time(&mtime, &st.st_mtim)) {
            end_scan(sh);
            return;
        }
    }
    segment_autofd int fd = open_hour(sh->stream, sh->start, &path, &error);
    if (fd >= 0) {
        if (watch != NULL && wd < 0)
            wd = segment_watch_add(watch, fd, sh->stream, sh);
        if (fstat(fd, &st) == 0 && known && wd < 0 && inode == st.st_ino && same_time(&mtime, &st.st_mtim)) {
            end_scan(sh);
            return;
        }
        hour = segment_hour_read(fd, path, sh->start, is_barred, sh->stream, &error);
    }

    g_mutex_lock(&store->lock);
    sh->loading = FALSE;
    store->n_hours_read += hour != NULL ? 1 : 0;
    gboolean current = generation == sh->generation;
    if (wd < 0)
        segment_stream_drop_hour(sh);
    if (hour != NULL && current) {
        if (store->cache_memory + hour->memory <= store->cache_limit)
            keep_hour(sh, hour);
        set_tombstones(sh, hour->tombstones);
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
        warn_of_skipped(sh, hour, path);
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
        drop_hours_with_barred(stream);
    recount(stream);
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

static gboolean would_block(GError **error, const char *path)
{
    g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, path);
    return FALSE;
}

// With the lock held, before and after: the hours and tombstones are known.
static gboolean make_ready(SegmentStream *stream, const SegmentWait *wait, GError **error)
{
    SegmentStore *store = stream->store;
    while (!is_ready(stream)) {
        if (!segment_wait_may_block(wait))
            return would_block(error, stream->path);
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

gboolean segment_stream_has_hours(SegmentStream *stream, const SegmentWait *wait, GError **error)
{
    SEGMENT_LOCK_SCOPE(&stream->store->lock);
    return make_ready(stream, wait, error) && stream->sorted->len > 0;
}

GArray *segment_stream_hours(SegmentStream *stream, const SegmentWait *wait, GError **error)
{
    SEGMENT_LOCK_SCOPE(&stream->store->lock);
    return make_ready(stream, wait, error) ? g_array_ref(stream->sorted) : NULL;
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
    segment_autofd int fd = open_hour(sh->stream, sh->start, &path, error);
    if (fd < 0)
        return NULL;
    g_autoptr(SegmentHour) hour =
        known != NULL ? segment_hour_ref(known) : segment_hour_read(fd, path, sh->start, is_barred, sh->stream, error);
    if (hour == NULL)
        return NULL;
    if (sizes && !segment_hour_load_sizes(hour, fd, path, error)) {
        // ENOENT would say that there is no such hour.
        if (segment_error_is_errno(*error, ENOENT))
            (*error)->code = ESTALE;
        return NULL;
    }
    if (known == NULL)
        warn_of_skipped(sh, hour, path);
    return g_steal_pointer(&hour);
}

// With the lock held, but not while it reads. NULL without an error: it changed meanwhile.
static SegmentHour *load_hour(StreamHour *sh, gboolean sizes, gboolean last_try, GError **error)
{
    SegmentStore *store = sh->stream->store;
    int generation = sh->generation;
    g_autoptr(SegmentHour) known = sh->hour != NULL ? segment_hour_ref(sh->hour) : NULL;
    g_autoptr(GError) failure = NULL;

    sh->loading = TRUE;
    store->n_hours_read += known == NULL ? 1 : 0;
    g_mutex_unlock(&store->lock);
    g_autoptr(SegmentHour) hour = read_hour(sh, known, sizes, &failure);
    g_mutex_lock(&store->lock);
    sh->loading = FALSE;
    g_cond_broadcast(&store->loaded);

    if (hour != NULL && generation == sh->generation) {
        keep_hour(sh, hour);
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
        if (!make_ready(stream, wait, error))
            return NULL;
        StreamHour *sh = g_hash_table_lookup(stream->hours, &start);
        if (sh == NULL || !sh->exists) {
            g_autofree char *path = hour_path(stream, start);
            segment_error_set_errno(error, ENOENT, "no hour", path);
            return NULL;
        }
        if (sh->hour != NULL && (!sizes || segment_hour_has_sizes(sh->hour))) {
            g_queue_unlink(&store->lru, &sh->lru);
            g_queue_push_head_link(&store->lru, &sh->lru);
            return segment_hour_ref(sh->hour);
        }
        if (!segment_wait_may_block(wait)) {
            would_block(error, stream->path);
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
        batch->hours[i] = segment_stream_hour(batch->stream, batch->starts[i], batch->sizes, &segment_no_wait, &failure);
        missing = missing || batch->hours[i] == NULL;
        if (missing && !segment_wait_may_block(batch->wait) && segment_error_would_block(failure))
            ok = would_block(ok ? error : NULL, batch->stream->path);
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
    g_autofree char *directory = hour_path(stream, hour);
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
    segment_autofd int fd = open_hour(stream, hour, &path, error);
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
    segment_autofd int fd = open_hour(stream, hour, &path, error);
    if (fd < 0 || !segment_tombstone_remove(fd, path, file, error))
        return FALSE;
    apply(stream, hour, file, SEGMENT_CHANGE_UNTOMBSTONE);
    return TRUE;
}
