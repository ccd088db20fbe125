// SPDX-License-Identifier: MIT
// An open file of the tree: a segment, a cut, a text, or a file passed through. Its content is fixed when it is opened.
#ifndef FS_FILE_H
#define FS_FILE_H

#include <glib.h>

#include "fs/tree.h"

typedef struct FsFile FsFile;

// Opens NODE for reading. ESTALE where it is revoked: its name has to be looked up again. EIO where its file is gone.
FsFile *fs_file_open(FsTree *tree, FsNode *node, const SegmentWait *wait, GError **error);
FsFile *fs_file_ref(FsFile *file);
void fs_file_unref(FsFile *file);

// Reads at OFFSET, as pread(2) does: any number of threads may, in any order. Gives the number of bytes, less than SIZE
// only at the end, or a negative errno: EIO where a tombstone came since, or where the store's file is not what it was;
// EAGAIN where something has to be made first, and WAIT says not to wait for that.
// The reply to who reads is to be given between fs_tree_begin_read() and fs_tree_end_read(), with fs_file_is_revoked()
// asked in between.
gssize fs_file_read(FsFile *file, void *buffer, gsize size, gint64 offset, const SegmentWait *wait);

// Whether a tombstone came since it was opened; once it did it stays so.
gboolean fs_file_is_revoked(FsFile *file);

FsNode *fs_file_node(FsFile *file);

#endif
