// SPDX-License-Identifier: MIT
// Tombstones on disk. A tombstone that was reported made survives a loss of power.
#ifndef SEGMENT_TOMBSTONE_H
#define SEGMENT_TOMBSTONE_H

#include <glib.h>
#include <sys/types.h>

// Creates the tombstone FILE in the directory open at DIR_FD, and has both on disk before it returns TRUE. It belongs
// to UID and GID where this process may give files away. One that exists is made durable and left as it is. PATH, the
// directory's, is for messages.
gboolean segment_tombstone_create(int dir_fd, const char *path, const char *file, uid_t uid, gid_t gid, mode_t mode,
                                  GError **error);

// Removes it, durably.
gboolean segment_tombstone_remove(int dir_fd, const char *path, const char *file, GError **error);

#endif
