// SPDX-License-Identifier: MIT
// Channels, their qualities, their hours: what has a plain name, and in the end that of an hour.
#include "segment/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "segment/beneath.h"
#include "segment/directory.h"
#include "segment/error.h"
#include "segment/fd.h"
#include "segment/time.h"

#define DEPTH 3 // of an hour

static void hour_free(gpointer data)
{
    SegmentWalkHour *hour = data;
    g_free(hour->stream);
    g_free(hour->path);
    g_free(hour);
}

static int compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *segment_walk_files(int dir_fd, const char *path, GError **error)
{
    g_autoptr(SegmentDirectory) dir = segment_directory_open(dir_fd, ".", path, error);
    if (dir == NULL)
        return NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) failure = NULL;
    const struct dirent *entry;
    while ((entry = segment_directory_next(dir, path, &failure)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_ptr_array_sort(names, compare_texts);
    return g_steal_pointer(&names);
}

static void add_hour(GPtrArray *hours, const char *stream, const char *name)
{
    gint64 start;
    if (!segment_hour_name_parse(name, &start))
        return;
    SegmentWalkHour *hour = g_new0(SegmentWalkHour, 1);
    hour->stream = g_strdup(stream);
    hour->hour = start;
    hour->path = g_build_filename(stream, name, NULL);
    g_ptr_array_add(hours, hour);
}

// Adds what is below the directory at PATH, which DEPTH names lead to.
static gboolean walk(GPtrArray *hours, int parent_fd, const char *name, const char *path, int depth, GError **error)
{
    segment_autofd int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Files lie about as well, and what is gone by now is no failure.
    if (fd < 0 && (errno == ENOTDIR || errno == ENOENT))
        return TRUE;
    if (fd < 0)
        return segment_error_set_errno(error, errno, "cannot open", path);
    g_autoptr(GPtrArray) names = segment_walk_files(fd, path, error);
    if (names == NULL)
        return FALSE;
    for (guint i = 0; i < names->len; i++) {
        const char *below = g_ptr_array_index(names, i);
        g_autofree char *full = depth == 0 ? g_strdup(below) : g_build_filename(path, below, NULL);
        if (!segment_beneath_name_is_plain(below))
            continue;
        if (depth == DEPTH - 1)
            add_hour(hours, path, below);
        else if (!walk(hours, fd, below, full, depth + 1, error))
            return FALSE;
    }
    return TRUE;
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const SegmentWalkHour *const *) a)->path, (*(const SegmentWalkHour *const *) b)->path);
}

GPtrArray *segment_walk_hours(int root_fd, GError **error)
{
    g_autoptr(GPtrArray) hours = g_ptr_array_new_with_free_func(hour_free);
    if (!walk(hours, root_fd, ".", ".", 0, error))
        return NULL;
    // Not the order of the walk, where a slash comes before all else.
    g_ptr_array_sort(hours, compare_paths);
    return g_steal_pointer(&hours);
}
