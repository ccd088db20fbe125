// SPDX-License-Identifier: MIT
// The order of candidates for one start time; a total order, so that every node chooses the same.
#include "segment/best.h"

#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

gboolean segment_best_needs_size(const SegmentCandidate *a, const SegmentCandidate *b)
{
    if (a->name.type != b->name.type)
        return FALSE;
    return a->name.type != SEGMENT_FULL || a->name.duration == b->name.duration;
}

int segment_best_compare(const SegmentCandidate *a, const SegmentCandidate *b)
{
    // The enumeration goes from best to worst.
    int order = COMPARE(b->name.type, a->name.type);
    if (order == 0 && a->name.type == SEGMENT_FULL)
        order = COMPARE(a->name.duration, b->name.duration);
    if (order == 0)
        order = COMPARE(a->size, b->size);
    if (order == 0 && a->name.type == SEGMENT_FULL)
        order = memcmp(a->name.hash, b->name.hash, sizeof a->name.hash);
    if (order == 0)
        order = strcmp(a->text, b->text);
    return order;
}
