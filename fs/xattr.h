// SPDX-License-Identifier: MIT
// Extended attributes: what segfs knows of a segment or a cut, for programs. All are texts, read-only.
#ifndef FS_XATTR_H
#define FS_XATTR_H

#include <glib.h>

#include "fs/tree.h"

// The value of the attribute NAME of NODE, or NULL with *CODE set: ENODATA, or EOPNOTSUPP for a namespace that there is
// none of (programs then stop to ask: ls does for every file). Free it.
char *fs_xattr_get(const FsNode *node, const char *name, int *code);

// Sets it. Gives 0 or an errno: there is one alone, user.segfs.accept of .segfs/peers.json, by which the tombstones that
// the peer of that name is held for are accepted; ENOENT where there is nothing to accept.
int fs_xattr_set(FsTree *tree, const FsNode *node, const char *name, const char *value, gsize size);

// The names of all, each with its NUL, and their length in *SIZE. Free it.
char *fs_xattr_list(const FsNode *node, gsize *size);

#endif
