// SPDX-License-Identifier: MIT
// Reads every segment of a store again, from the disk, and moves what is not what its name says into quarantine. It can
// be ended at any time: the next one goes on where it was.
#ifndef SEGMENT_SCRUB_H
#define SEGMENT_SCRUB_H

#include <glib.h>

#include "segment/error.h"

typedef struct {
    gint64 rate; // bytes a second; 0: as fast as it goes
    gboolean restart; // from the beginning, whatever an earlier one did
    gboolean dry_run; // nothing is moved, nor remembered
} SegmentScrubOptions;

typedef struct {
    guint n_hours, n_hours_done; // those that an earlier one did are done
    guint64 n_files, n_bytes; // that were read
    guint n_bad; // files that are not what they should be, or cannot be read
    guint n_odd; // that were something else when they were read again: it is not the disk's fault alone
    const char *path; // the file that was read last, from the store's root; NULL at the end of an hour
    const char *complaint; // what is wrong with it; NULL where nothing is
} SegmentScrubProgress;

// Called after each file.
typedef void (*SegmentScrubFunc)(const SegmentScrubProgress *progress, gpointer data);

// Scrubs the store open at ROOT_FD. FALSE where it could not be done to its end, which a bad file is no reason for:
// many of them in a row that cannot be read are (SEGMENT_ERRNO, EIO). EBUSY where another one is at work.
gboolean segment_scrub(int root_fd, const SegmentScrubOptions *options, SegmentScrubFunc func, gpointer data,
                       const SegmentWait *wait, GError **error);

#endif
