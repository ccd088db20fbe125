// SPDX-License-Identifier: MIT
// All hours of a store, for what goes through it from one end to the other.
#ifndef SEGMENT_WALK_H
#define SEGMENT_WALK_H

#include <glib.h>

typedef struct {
    char *stream; // CHANNEL/QUALITY; a chat is one here, too
    gint64 hour; // its start
    char *path; // of its directory, from the store's root
} SegmentWalkHour;

// The hours (SegmentWalkHour) of the store open at ROOT_FD, in the order of their paths. What cannot be listed is an
// error (SEGMENT_ERRNO).
GPtrArray *segment_walk_hours(int root_fd, GError **error);

// The names in the directory open at DIR_FD, in their order; dot files are among them, "." and ".." are not. PATH is
// for messages.
GPtrArray *segment_walk_files(int dir_fd, const char *path, GError **error);

#endif
