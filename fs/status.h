// SPDX-License-Identifier: MIT
// .segfs/status.json: what this mount is and does; .segfs/peers.json and .segfs/metrics, where there are peers.
#ifndef FS_STATUS_H
#define FS_STATUS_H

#include <glib.h>

#include "fs/tree.h"

// Whether there is a file NAME of this kind.
gboolean fs_status_has(const FsTree *tree, const char *name);

// The text of the one at PATH as of now.
GBytes *fs_status_text(FsTree *tree, const char *path);

#endif
