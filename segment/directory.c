// SPDX-License-Identifier: MIT
// opendir(3) and readdir(3) with errors that say where.
#include "segment/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "segment/error.h"
#include "segment/fd.h"

DIR *segment_directory_open(int dir_fd, const char *name, const char *path, GError **error)
{
    segment_autofd int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL)
        segment_error_set_errno(error, errno, "cannot open", path);
    else
        segment_fd_steal(&fd); // the stream's now
    return directory;
}

const struct dirent *segment_directory_next(DIR *directory, const char *path, GError **error)
{
    errno = 0;
    const struct dirent *entry = readdir(directory);
    if (entry == NULL && errno != 0)
        segment_error_set_errno(error, errno, "cannot read", path);
    return entry;
}
