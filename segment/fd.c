// SPDX-License-Identifier: MIT
// Calls that end early, or are interrupted, are repeated for what is left.
#include "segment/fd.h"

#include <errno.h>

gboolean segment_fd_read(int fd, gpointer data, gsize size, gint64 offset)
{
    for (gsize done = 0; done < size;) {
        ssize_t n = pread(fd, (char *) data + done, size - done, (off_t) offset + (off_t) done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return FALSE;
        done += (gsize) n;
    }
    return TRUE;
}

gboolean segment_fd_write(int fd, gconstpointer data, gsize size)
{
    for (gsize done = 0; done < size;) {
        ssize_t n = write(fd, (const char *) data + done, size - done);
        if (n < 0 && errno != EINTR)
            return FALSE;
        done += n > 0 ? (gsize) n : 0;
    }
    return TRUE;
}
