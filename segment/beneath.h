// SPDX-License-Identifier: MIT
// Directories of the store by their path from its root, made where they are missing, and durably so. A path from
// elsewhere leads nowhere else: each part of it is a plain name. (Links that the operator made are followed, as they
// are in reading.)
#ifndef SEGMENT_BENEATH_H
#define SEGMENT_BENEATH_H

#include <glib.h>

// Whether NAME may be a file or directory of the store: no slash, no dot at its beginning, no control character, and
// not too long.
gboolean segment_beneath_name_is_plain(const char *name);

// Whether PATH is CHANNEL/QUALITY, each a plain name.
gboolean segment_beneath_path_is_stream(const char *path);

// Opens the directory at PATH beneath the one open at ROOT_FD. MAKE: with all that leads to it, where it is missing. A
// dot is allowed at the beginning of the first name, for directories of the store's own. Gives a descriptor, or -1.
// Errors: BAD_NAME, SEGMENT_ERRNO.
int segment_beneath_open(int root_fd, const char *path, gboolean make, GError **error);

// Has the entries that lead to PATH on disk, PATH's own included, but not what is in it.
gboolean segment_beneath_sync(int root_fd, const char *path, GError **error);

#endif
