// SPDX-License-Identifier: MIT
// Node ids (inode numbers): a 64-bit hash of a node's path, and for a cut of its plan, too, so that they are the same
// after a restart and on every node, and an NFS handle outlives the daemon.
//
// The upper 16 bits depend on the directory's path alone: for an id never seen since start-up, only the directories
// with that prefix have to be searched.
#ifndef FS_ID_H
#define FS_ID_H

#include <glib.h>

#define FS_ID_ROOT 1 // FUSE_ROOT_ID

// The part that all entries of the directory at PATH ("" for the root) share.
guint16 fs_id_prefix(const char *directory);

// The id of DIRECTORY/NAME, whose directory has PREFIX. SALT, which may be NULL, is a plan's hash.
guint64 fs_id_make(guint16 prefix, const char *directory, const char *name, const guint8 *salt, gsize salt_size);

static inline guint16 fs_id_get_prefix(guint64 id)
{
    return (guint16) (id >> 48);
}

#endif
