// SPDX-License-Identifier: MIT
// The order is: create, give to its owner, fsync the file, fsync the directory. A failure on the way leaves what there
// is of the tombstone in place: to hide too much is the safe side.
#include "segment/tombstone.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "segment/error.h"
#include "segment/fd.h"

static gboolean fail(GError **error, int code, const char *what, const char *path, const char *file)
{
    g_autofree char *full = g_build_filename(path, file, NULL);
    return segment_error_set_errno(error, code, what, full);
}

gboolean segment_tombstone_create(int dir_fd, const char *path, const char *file, uid_t uid, gid_t gid, mode_t mode,
                                  GError **error)
{
    gboolean created = TRUE;
    segment_autofd int fd = openat(dir_fd, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0666);
    if (fd < 0 && errno == EEXIST) {
        created = FALSE;
        fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    }
    if (fd < 0)
        return fail(error, errno, "cannot create", path, file);
    // Who may not give files away leaves it with the daemon's user.
    if (created && fchown(fd, uid, gid) < 0 && errno != EPERM)
        return fail(error, errno, "cannot give away", path, file);
    if (fsync(fd) < 0)
        return fail(error, errno, "cannot sync", path, file);
    return fsync(dir_fd) == 0 || fail(error, errno, "cannot sync the directory of", path, file);
}

gboolean segment_tombstone_remove(int dir_fd, const char *path, const char *file, GError **error)
{
    if (unlinkat(dir_fd, file, 0) < 0)
        return fail(error, errno, "cannot remove", path, file);
    return fsync(dir_fd) == 0 || fail(error, errno, "cannot sync the directory of", path, file);
}
