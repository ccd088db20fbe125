// SPDX-License-Identifier: MIT
// The chain of best segments that a range of the stream's clock is made of, and the holes in it.
//
// It begins with the first segment that covers START; the next is the first one that starts no more than 10 ms before
// the previous end (what starts earlier overlaps: it is skipped and counted). A gap of more than 10 ms, or a segment
// that is not full, makes a hole after it. What starts at or after END is never part of it. The rule is wubloader's
// (get_best_segments); tests/data has its answers.
#ifndef SEGMENT_RANGE_H
#define SEGMENT_RANGE_H

#include <glib.h>

#include "segment/hour.h"

#define SEGMENT_FUDGE G_GINT64_CONSTANT(10000) // microseconds by which segments may overlap or miss each other

typedef struct {
    guint32 hour; // index into SegmentRange.hours
    guint32 entry : 31; // index into that hour's entries
    guint32 after_hole : 1; // there is a hole between the previous one (or START) and this one
} SegmentRef;

typedef struct {
    gint64 start, end; // microseconds since 1970
} SegmentHole;

typedef struct {
    gint64 start, end;
    GPtrArray *hours; // SegmentHour, a reference each
    GArray *refs; // SegmentRef, in time order
    GArray *holes; // SegmentHole; one is empty where a segment that is not full meets the next without a gap
    gboolean ends_in_hole;
    guint n_overlaps;

    gboolean accept_holes;
    gint64 reached; // the end of the last segment taken, or END where the next one shows that nothing is missing
    gboolean joins; // the last segment taken is full: the next can follow it
} SegmentRange;

// An empty range. Where ACCEPT_HOLES is not set the walk stops at the first hole.
SegmentRange *segment_range_new(gint64 start, gint64 end, gboolean accept_holes);

// Walks over the next hour; the first should be the one before START's, since its last segment may cover START. Keeps a
// reference where it uses it. TRUE when no further hour can add anything.
gboolean segment_range_add_hour(SegmentRange *range, SegmentHour *hour);

// To be called once after the last hour: notes what is missing at the end.
void segment_range_finish(SegmentRange *range);

void segment_range_free(SegmentRange *range);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SegmentRange, segment_range_free)

static inline SegmentHour *segment_range_hour(const SegmentRange *range, guint i)
{
    return g_ptr_array_index(range->hours, g_array_index(range->refs, SegmentRef, i).hour);
}

static inline const SegmentEntry *segment_range_entry(const SegmentRange *range, guint i)
{
    return &segment_range_hour(range, i)->entries[g_array_index(range->refs, SegmentRef, i).entry];
}

#endif
