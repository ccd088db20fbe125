// SPDX-License-Identifier: MIT
// As wubloader's backfiller does it (delete_old): by the hours' names, not by the files' times, which may be a copy's.
#include "segment/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/name.h"
#include "segment/time.h"
#include "segment/walk.h"

static gboolean prune_hour(int root_fd, const char *directory, gboolean dry_run, SegmentPruneFunc func, gpointer data,
                           const SegmentWait *wait, GError **error)
{
    segment_autofd int fd = openat(root_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return TRUE;
    if (fd < 0)
        return segment_error_set_errno(error, errno, "cannot open", directory);
    g_autoptr(GPtrArray) files = segment_walk_files(fd, directory, error);
    for (guint i = 0; files != NULL && i < files->len; i++) {
        const char *file = g_ptr_array_index(files, i);
        g_autofree char *path = g_build_filename(directory, file, NULL);
        SegmentName name;
        struct stat st;
        if (segment_wait_is_over(wait, error))
            return FALSE;
        if (!segment_name_parse(file, &name) || name.tombstone || fstatat(fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            S_ISDIR(st.st_mode))
            continue;
        if (!dry_run && unlinkat(fd, file, 0) < 0 && errno != ENOENT)
            return segment_error_set_errno(error, errno, "cannot delete", path);
        func(path, st.st_size, data);
    }
    // With anything left in it, it stays.
    if (files != NULL && !dry_run && unlinkat(root_fd, directory, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY &&
        errno != EEXIST && errno != ENOENT && errno != ENOTDIR)
        return segment_error_set_errno(error, errno, "cannot remove", directory);
    return files != NULL;
}

gboolean segment_prune(int root_fd, gint64 before, gboolean dry_run, SegmentPruneFunc func, gpointer data,
                       const SegmentWait *wait, GError **error)
{
    g_autoptr(GPtrArray) hours = segment_walk_hours(root_fd, error);
    for (guint i = 0; hours != NULL && i < hours->len; i++) {
        const SegmentWalkHour *hour = g_ptr_array_index(hours, i);
        if (hour->hour + SEGMENT_HOUR_LENGTH <= before &&
            !prune_hour(root_fd, hour->path, dry_run, func, data, wait, error))
            return FALSE;
    }
    return hours != NULL;
}
