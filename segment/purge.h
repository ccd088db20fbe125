// SPDX-License-Identifier: MIT
// Deletes what tombstones hide. The tombstones stay: they keep it from coming back.
#ifndef SEGMENT_PURGE_H
#define SEGMENT_PURGE_H

#include <glib.h>

#include "segment/error.h"

// Whether everybody who could bring back what TOMBSTONE hides knows of it. HOUR is the path of its directory.
typedef gboolean (*SegmentConfirmFunc)(const char *hour, const char *tombstone, gpointer data);

// A file that was deleted, or is KEPT, as no tombstone of its hash is confirmed; its path from the store's root, and its
// size in bytes.
typedef void (*SegmentPurgeFunc)(const char *file, gint64 size, gboolean kept, gpointer data);

// Deletes, in the store open at ROOT_FD, each segment whose hash a tombstone bars in its stream, if one of those
// tombstones is confirmed. DRY_RUN: only tells. Errors: SEGMENT_ERRNO, SEGMENT_ERROR_CANCELLED.
gboolean segment_purge(int root_fd, gboolean dry_run, SegmentConfirmFunc confirm, SegmentPurgeFunc func, gpointer data,
                       const SegmentWait *wait, GError **error);

#endif
