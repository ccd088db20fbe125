// SPDX-License-Identifier: MIT
// .segfs/status.json: what this mount is and does.
#ifndef FS_STATUS_H
#define FS_STATUS_H

#include <glib.h>

#include "fs/tree.h"

// The text as of now.
GBytes *fs_status_text(FsTree *tree);

#endif
