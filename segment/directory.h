// SPDX-License-Identifier: MIT
// Reading directories by descriptor.
#ifndef SEGMENT_DIRECTORY_H
#define SEGMENT_DIRECTORY_H

#include <dirent.h>
#include <glib.h>

typedef DIR SegmentDirectory;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SegmentDirectory, closedir)

// Opens the directory NAME below the one open at DIR_FD ("." for that one), from its beginning. PATH is for messages.
// Errors: SEGMENT_ERRNO.
DIR *segment_directory_open(int dir_fd, const char *name, const char *path, GError **error);

// The next entry, "." and ".." among them; NULL at the end, or with the error set.
const struct dirent *segment_directory_next(DIR *directory, const char *path, GError **error);

#endif
