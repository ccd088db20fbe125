// SPDX-License-Identifier: MIT
// The cuts that were used lately. Their names are only ever made up by lookups, so a table on disk remembers which id
// stands for which name: an NFS handle of a cut outlives the daemon, and `ls range` and `ls frame` have something to
// show.
#ifndef FS_RECENT_H
#define FS_RECENT_H

#include <glib.h>

typedef struct FsRecent FsRecent;

// Keeps the table in DIRECTORY, which is made if need be; where it cannot be, or is NULL, in memory alone.
FsRecent *fs_recent_new(const char *directory);
void fs_recent_free(FsRecent *recent);

// The cut at PATH, from the mount's root, was used under ID.
void fs_recent_add(FsRecent *recent, guint64 id, const char *path);

// The path of ID, or NULL. Free it.
char *fs_recent_find(FsRecent *recent, guint64 id);

// The names in DIRECTORY, each once (char *).
GPtrArray *fs_recent_list(FsRecent *recent, const char *directory);

// Grows with every name that is new.
guint fs_recent_generation(FsRecent *recent);

#endif
