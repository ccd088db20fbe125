// SPDX-License-Identifier: MIT
// File descriptors that close themselves at the end of their scope (g_autofd is only in GLib 2.76 and later), and
// reading and writing by them to the last byte.
#ifndef SEGMENT_FD_H
#define SEGMENT_FD_H

#include <glib.h>
#include <unistd.h>

static inline void segment_fd_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define segment_autofd __attribute__((cleanup(segment_fd_close)))

// Gives *FD to the caller, who has to close it.
static inline int segment_fd_steal(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

// Reads SIZE bytes at OFFSET. FALSE, with errno set, where that fails; EIO where there are fewer.
gboolean segment_fd_read(int fd, gpointer data, gsize size, gint64 offset);

// Writes SIZE bytes. FALSE, with errno set, where that fails.
gboolean segment_fd_write(int fd, gconstpointer data, gsize size);

#endif
