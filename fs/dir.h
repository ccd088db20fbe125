// SPDX-License-Identifier: MIT
// An open directory: a snapshot of its names in the order of stable keys. A key depends on the name alone, so that a
// reader may go on from one in another snapshot, as an NFS server does for every chunk.
#ifndef FS_DIR_H
#define FS_DIR_H

#include <glib.h>
#include <sys/types.h>

#include "fs/tree.h"

typedef struct FsDir FsDir;

typedef struct {
    char name[SEGMENT_NAME_MAX + 1];
    guint64 id;
    mode_t type; // S_IFREG, S_IFDIR or S_IFLNK
    guint64 key; // of the entry: where to go on after it; less than 2⁶³
    const SegmentEntry *segment; // of FsDir's hour; NULL elsewhere
} FsDirEntry;

// A snapshot of the directory NODE.
FsDir *fs_dir_open(FsTree *tree, FsNode *node, const SegmentWait *wait, GError **error);
void fs_dir_free(FsDir *dir);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FsDir, fs_dir_free)

// The first entry behind the key AFTER; 0 for the first one of all, which is "." FALSE at the end.
gboolean fs_dir_next(const FsDir *dir, guint64 after, FsDirEntry *entry);

// The listing of an hour's directory; NULL for others.
const SegmentHour *fs_dir_hour(const FsDir *dir);

// Whether it may have changed since.
gboolean fs_dir_is_stale(const FsDir *dir);

#endif
