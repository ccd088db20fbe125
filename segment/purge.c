// SPDX-License-Identifier: MIT
// Stream by stream: the tombstones of all its hours, then its files.
#include "segment/purge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/name.h"
#include "segment/walk.h"

typedef struct {
    const char *hour; // the walk's
    char *name;
} Tombstone;

typedef struct {
    int root_fd;
    gboolean dry_run;
    SegmentConfirmFunc confirm;
    SegmentPurgeFunc func;
    gpointer data;
    const SegmentWait *wait;
    GHashTable *tombstones; // of the stream: hash → GPtrArray of Tombstone
    GHashTable *confirmed; // hash → TRUE or FALSE, of those that were asked about
} Purge;

static void tombstone_free(gpointer data)
{
    Tombstone *tombstone = data;
    g_free(tombstone->name);
    g_free(tombstone);
}

// The names in HOUR, with its directory in *FD; none where it is gone.
static GPtrArray *list(const Purge *purge, const SegmentWalkHour *hour, int *fd, GError **error)
{
    if (segment_wait_is_over(purge->wait, error))
        return NULL;
    *fd = openat(purge->root_fd, hour->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0)
        return segment_walk_files(*fd, hour->path, error);
    if (errno == ENOENT || errno == ENOTDIR)
        return g_ptr_array_new();
    segment_error_set_errno(error, errno, "cannot open", hour->path);
    return NULL;
}

static gboolean add_tombstones(Purge *purge, const SegmentWalkHour *hour, GError **error)
{
    segment_autofd int fd = -1;
    g_autoptr(GPtrArray) files = list(purge, hour, &fd, error);
    for (guint i = 0; files != NULL && i < files->len; i++) {
        SegmentName name;
        if (!segment_name_parse(g_ptr_array_index(files, i), &name) || !name.tombstone || name.type == SEGMENT_TEMP)
            continue;
        GPtrArray *same = g_hash_table_lookup(purge->tombstones, name.hash);
        if (same == NULL) {
            same = g_ptr_array_new_with_free_func(tombstone_free);
            g_hash_table_insert(purge->tombstones, g_memdup2(name.hash, sizeof name.hash), same);
        }
        Tombstone *tombstone = g_new0(Tombstone, 1);
        tombstone->hour = hour->path;
        tombstone->name = g_strdup(g_ptr_array_index(files, i));
        g_ptr_array_add(same, tombstone);
    }
    return files != NULL;
}

// Asked once for each hash, and only where there is something to delete.
static gboolean is_confirmed(Purge *purge, const guint8 *hash, const GPtrArray *tombstones)
{
    gpointer known;
    gboolean confirmed = FALSE;
    if (g_hash_table_lookup_extended(purge->confirmed, hash, NULL, &known))
        return GPOINTER_TO_INT(known);
    for (guint i = 0; i < tombstones->len && !confirmed; i++) {
        const Tombstone *tombstone = g_ptr_array_index(tombstones, i);
        confirmed = purge->confirm(tombstone->hour, tombstone->name, purge->data);
    }
    g_hash_table_insert(purge->confirmed, g_memdup2(hash, SEGMENT_HASH_SIZE), GINT_TO_POINTER(confirmed));
    return confirmed;
}

static gboolean purge_hour(Purge *purge, const SegmentWalkHour *hour, GError **error)
{
    segment_autofd int fd = -1;
    g_autoptr(GPtrArray) files = list(purge, hour, &fd, error);
    for (guint i = 0; files != NULL && i < files->len; i++) {
        const char *file = g_ptr_array_index(files, i);
        g_autofree char *path = g_build_filename(hour->path, file, NULL);
        SegmentName name;
        struct stat st;
        if (!segment_name_parse(file, &name) || name.tombstone || name.type == SEGMENT_TEMP)
            continue;
        const GPtrArray *tombstones = g_hash_table_lookup(purge->tombstones, name.hash);
        if (tombstones == NULL || fstatat(fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
            continue;
        if (segment_wait_is_over(purge->wait, error))
            return FALSE;
        gboolean confirmed = is_confirmed(purge, name.hash, tombstones);
        if (confirmed && !purge->dry_run && unlinkat(fd, file, 0) < 0 && errno != ENOENT)
            return segment_error_set_errno(error, errno, "cannot delete", path);
        purge->func(path, st.st_size, !confirmed, purge->data);
    }
    return files != NULL;
}

// The hours FIRST to LAST - 1 of HOURS are a stream's.
static gboolean purge_stream(Purge *purge, const GPtrArray *hours, guint first, guint last, GError **error)
{
    g_hash_table_remove_all(purge->tombstones);
    g_hash_table_remove_all(purge->confirmed);
    for (guint i = first; i < last; i++) {
        if (!add_tombstones(purge, g_ptr_array_index(hours, i), error))
            return FALSE;
    }
    for (guint i = first; i < last && g_hash_table_size(purge->tombstones) > 0; i++) {
        if (!purge_hour(purge, g_ptr_array_index(hours, i), error))
            return FALSE;
    }
    return TRUE;
}

gboolean segment_purge(int root_fd, gboolean dry_run, SegmentConfirmFunc confirm, SegmentPurgeFunc func, gpointer data,
                       const SegmentWait *wait, GError **error)
{
    g_autoptr(GHashTable) tombstones =
        g_hash_table_new_full(segment_hash_hash, segment_hash_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
    g_autoptr(GHashTable) confirmed = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, g_free, NULL);
    Purge purge = {root_fd, dry_run, confirm, func, data, wait, tombstones, confirmed};
    g_autoptr(GPtrArray) hours = segment_walk_hours(root_fd, error);
    for (guint first = 0, last; hours != NULL && first < hours->len; first = last) {
        const char *stream = ((const SegmentWalkHour *) g_ptr_array_index(hours, first))->stream;
        for (last = first + 1; last < hours->len; last++) {
            if (strcmp(((const SegmentWalkHour *) g_ptr_array_index(hours, last))->stream, stream) != 0)
                break;
        }
        if (!purge_stream(&purge, hours, first, last, error))
            return FALSE;
    }
    return hours != NULL;
}
