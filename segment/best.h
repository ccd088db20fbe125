// SPDX-License-Identifier: MIT
// Which of all segments with one start time is the one to use. The rule is wubloader's (common/segments.py):
// any full beats any suspect beats any partial; among fulls the longest, then the largest, then the highest hash;
// among suspects, and among partials, the largest, then the highest name.
#ifndef SEGMENT_BEST_H
#define SEGMENT_BEST_H

#include <glib.h>

#include "segment/name.h"

typedef struct {
    const char *text; // the file's name
    SegmentName name;
    gint64 size; // bytes; negative: not known
} SegmentCandidate;

// Whether the choice between A and B hangs on their sizes.
gboolean segment_best_needs_size(const SegmentCandidate *a, const SegmentCandidate *b);

// Greater than 0 where A is to be used rather than B. Never 0 for two different names.
int segment_best_compare(const SegmentCandidate *a, const SegmentCandidate *b);

#endif
