// SPDX-License-Identifier: MIT
// Reads directories.
#include "sync/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "segment/beneath.h"
#include "segment/directory.h"
#include "segment/fd.h"
#include "segment/time.h"

#define MAX_DEPTH 8 // of extras: a link may lead to where it is
#define MAX_EXTRAS 100000 // files

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

// A link counts as what it leads to, as for the mount.
static mode_t type_of(int dir_fd, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return DTTOIF(entry->d_type);
    return fstatat(dir_fd, entry->d_name, &st, 0) == 0 ? st.st_mode & S_IFMT : 0;
}

static gboolean is_wanted(int dir_fd, const struct dirent *entry, SyncNamesKind kind)
{
    gint64 hour;
    const char *name = entry->d_name;
    if (!segment_beneath_name_is_plain(name))
        return FALSE;
    switch (kind) {
    case SYNC_NAMES_HOURS:
        return segment_hour_name_parse(name, &hour) && type_of(dir_fd, entry) == S_IFDIR;
    case SYNC_NAMES_DIRECTORIES:
        return type_of(dir_fd, entry) == S_IFDIR;
    case SYNC_NAMES_JSON:
        return g_str_has_suffix(name, ".json") && type_of(dir_fd, entry) == S_IFREG;
    case SYNC_NAMES_FILES:
        return type_of(dir_fd, entry) == S_IFREG;
    }
    return FALSE;
}

// NULL without an error where there is none.
static DIR *open_directory(SegmentStore *store, const char *path, GError **error)
{
    g_autoptr(GError) failure = NULL;
    DIR *dir = segment_directory_open(segment_store_fd(store), path, path, &failure);
    if (dir == NULL && !segment_error_is_errno(failure, ENOENT) && !segment_error_is_errno(failure, ENOTDIR))
        g_propagate_error(error, g_steal_pointer(&failure));
    return dir;
}

GPtrArray *sync_names_read(SegmentStore *store, const char *path, SyncNamesKind kind, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) failure = NULL;
    g_autoptr(SegmentDirectory) dir = open_directory(store, path, &failure);
    const struct dirent *entry;
    while (dir != NULL && (entry = segment_directory_next(dir, path, &failure)) != NULL) {
        if (is_wanted(dirfd(dir), entry, kind))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_ptr_array_sort(names, compare_names);
    return g_steal_pointer(&names);
}

// ---- hours

static void add_to_hour(const char *text, GPtrArray *segments, GPtrArray *tombstones, GHashTable *barred)
{
    SegmentName name;
    if (!segment_name_parse(text, &name)) {
        if (g_str_has_suffix(text, ".json"))
            g_ptr_array_add(segments, g_strdup(text));
        return;
    }
    if (name.type == SEGMENT_TEMP && !name.tombstone)
        return;
    g_ptr_array_add(name.tombstone ? tombstones : segments, g_strdup(text));
    if (name.tombstone && name.type != SEGMENT_TEMP)
        g_hash_table_add(barred, g_memdup2(name.hash, SEGMENT_HASH_SIZE));
}

// What a tombstone bars, here or elsewhere in the stream, goes.
static void remove_barred(SegmentStream *stream, GPtrArray *segments, GHashTable *barred)
{
    guint n = 0;
    for (guint i = 0; i < segments->len; i++) {
        char *text = g_ptr_array_index(segments, i);
        SegmentName name;
        segments->pdata[i] = NULL;
        if (segment_name_parse(text, &name) &&
            (g_hash_table_contains(barred, name.hash) || segment_stream_is_barred(stream, name.hash)))
            g_free(text);
        else
            segments->pdata[n++] = text;
    }
    g_ptr_array_set_size(segments, (int) n);
}

GPtrArray *sync_names_read_hour(SegmentStream *stream, const char *path, GPtrArray **tombstones, GError **error)
{
    g_autoptr(GPtrArray) segments = g_ptr_array_new_with_free_func(g_free),
                         buried = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) barred = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, g_free, NULL);
    g_autoptr(GError) failure = NULL;
    g_autoptr(SegmentDirectory) dir = open_directory(segment_stream_store(stream), path, &failure);
    const struct dirent *entry;
    while (dir != NULL && (entry = segment_directory_next(dir, path, &failure)) != NULL) {
        // A tombstone hides whatever it is.
        if (g_str_has_suffix(entry->d_name, ".tombstone") || is_wanted(dirfd(dir), entry, SYNC_NAMES_FILES))
            add_to_hour(entry->d_name, segments, buried, barred);
    }
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    remove_barred(stream, segments, barred);
    g_ptr_array_sort(segments, compare_names);
    g_ptr_array_sort(buried, compare_names);
    *tombstones = g_steal_pointer(&buried);
    return g_steal_pointer(&segments);
}

// ---- extras

// Adds what is below PATH, which is PREFIX (empty, or with a slash at its end) from where it began.
static gboolean walk(SegmentStore *store, const char *path, const char *prefix, guint depth, GPtrArray *files,
                     GError **error)
{
    g_autoptr(GPtrArray) here = sync_names_read(store, path, SYNC_NAMES_FILES, error);
    g_autoptr(GPtrArray) below = here != NULL ? sync_names_read(store, path, SYNC_NAMES_DIRECTORIES, error) : NULL;
    if (below == NULL)
        return FALSE;
    for (guint i = 0; i < here->len && files->len < MAX_EXTRAS; i++)
        g_ptr_array_add(files, g_strconcat(prefix, g_ptr_array_index(here, i), NULL));
    for (guint i = 0; i < below->len && depth < MAX_DEPTH && files->len < MAX_EXTRAS; i++) {
        const char *name = g_ptr_array_index(below, i);
        g_autofree char *path_below = g_build_filename(path, name, NULL);
        g_autofree char *prefix_below = g_strconcat(prefix, name, "/", NULL);
        if (!walk(store, path_below, prefix_below, depth + 1, files, error))
            return FALSE;
    }
    return TRUE;
}

GPtrArray *sync_names_walk(SegmentStore *store, const char *path, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    if (!walk(store, path, "", 1, files, error))
        return NULL;
    g_ptr_array_sort(files, compare_names);
    return g_steal_pointer(&files);
}
