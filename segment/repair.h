// SPDX-License-Identifier: MIT
// Puts in order what programs that died, or a power cut, left in a store. It can be mounted, and written to, meanwhile.
#ifndef SEGMENT_REPAIR_H
#define SEGMENT_REPAIR_H

#include <glib.h>

#include "segment/store.h"

typedef struct {
    gint64 min_age; // microseconds since a temporary file was written to, before it counts as left
    gboolean dry_run;
} SegmentRepairOptions;

// FILE is a path from the store's root, DONE what was done with it ("is partial as NAME", "removed: ...").
typedef void (*SegmentRepairFunc)(const char *file, const char *done, gpointer data);

// Temporary files that nobody writes to any more: segments become partial ones under the hash of what there is of them;
// where that could show what a tombstone hides, they go into quarantine; empty ones are removed. Segments without a
// byte go into quarantine. Errors: SEGMENT_ERRNO, SEGMENT_ERROR_CANCELLED.
gboolean segment_repair(SegmentStore *store, const SegmentRepairOptions *options, SegmentRepairFunc func, gpointer data,
                        const SegmentWait *wait, GError **error);

#endif
