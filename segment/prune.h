// SPDX-License-Identifier: MIT
// Deletes old segments. Tombstones stay, for ever: what they hide is hidden also after it is gone.
#ifndef SEGMENT_PRUNE_H
#define SEGMENT_PRUNE_H

#include <glib.h>

#include "segment/error.h"

// A file that was deleted: its path from the store's root, and its size in bytes.
typedef void (*SegmentPruneFunc)(const char *file, gint64 size, gpointer data);

// Deletes the segments, temporary ones too, of all hours that end at BEFORE (microseconds since 1970) or earlier, in
// the store open at ROOT_FD, and the hours that are empty then. DRY_RUN: only tells. Other files are left. Errors:
// SEGMENT_ERRNO, SEGMENT_ERROR_CANCELLED.
gboolean segment_prune(int root_fd, gint64 before, gboolean dry_run, SegmentPruneFunc func, gpointer data,
                       const SegmentWait *wait, GError **error);

#endif
