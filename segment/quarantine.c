// SPDX-License-Identifier: MIT
// A rename, and a sync of both directories. Where the store's parts are on several disks (a stream may be a link) the
// stream's own disk has the quarantine, so that it stays a rename: then it is .quarantine/ in the hour.
#include "segment/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/beneath.h"
#include "segment/error.h"
#include "segment/fd.h"

#define MAX_NUMBER 1000

static gboolean move(int from, int to, const char *file)
{
    if (renameat2(from, file, to, file, RENAME_NOREPLACE) == 0)
        return TRUE;
    for (int i = 1; i < MAX_NUMBER && errno == EEXIST; i++) {
        g_autofree char *name = g_strdup_printf("%s.%d", file, i);
        if (renameat2(from, file, to, name, RENAME_NOREPLACE) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean segment_quarantine_move(int root_fd, const char *directory, const char *file, GError **error)
{
    g_autofree char *there = g_build_filename(SEGMENT_QUARANTINE, directory, NULL);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    segment_autofd int from = segment_beneath_open(root_fd, directory, FALSE, error);
    segment_autofd int to = from < 0 ? -1 : segment_beneath_open(root_fd, there, TRUE, error);
    if (to < 0)
        return FALSE;
    gboolean moved = move(from, to, file);
    if (!moved && errno == EXDEV) {
        segment_autofd int near = -1;
        if (mkdirat(from, SEGMENT_QUARANTINE, 0777) < 0 && errno != EEXIST)
            return segment_error_set_errno(error, errno, "cannot make a quarantine for", path);
        near = openat(from, SEGMENT_QUARANTINE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        moved = near >= 0 && move(from, near, file) && fsync(near) == 0;
    }
    if (!moved)
        return segment_error_set_errno(error, errno, "cannot move into quarantine", path);
    if (!segment_beneath_sync(root_fd, there, error))
        return FALSE;
    return (fsync(to) == 0 && fsync(from) == 0) || segment_error_set_errno(error, errno, "cannot sync", there);
}
