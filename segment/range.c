// SPDX-License-Identifier: MIT
// Walks the hours' listings once. Nothing is copied: a part of a range is two indices.
#include "segment/range.h"

#include "segment/time.h"

static void add_hole(SegmentRange *range, gint64 start, gint64 end)
{
    SegmentHole hole = {.start = start, .end = MAX(start, end)};
    g_array_append_val(range->holes, hole);
}

static void add_segment(SegmentRange *range, SegmentHour *hour, guint entry, gboolean after_hole)
{
    if (range->hours->len == 0 || g_ptr_array_index(range->hours, range->hours->len - 1) != (gpointer) hour)
        g_ptr_array_add(range->hours, segment_hour_ref(hour));
    SegmentRef ref = {.hour = range->hours->len - 1, .entry = entry & 0x7fffffff, .after_hole = after_hole};
    g_array_append_val(range->refs, ref);
}

SegmentRange *segment_range_new(gint64 start, gint64 end, gboolean accept_holes)
{
    SegmentRange *range = g_new0(SegmentRange, 1);
    range->start = start;
    range->end = end;
    range->hours = g_ptr_array_new_with_free_func((GDestroyNotify) segment_hour_unref);
    range->refs = g_array_new(FALSE, FALSE, sizeof(SegmentRef));
    range->holes = g_array_new(FALSE, FALSE, sizeof(SegmentHole));
    range->accept_holes = accept_holes;
    range->reached = start;
    range->joins = TRUE;
    return range;
}

// Whether ENTRY is part of the range, and whether it comes after a hole.
static gboolean takes(SegmentRange *range, gint64 start, gint64 end, gboolean *after_hole)
{
    if (range->refs->len == 0) {
        *after_hole = start > range->start;
        return *after_hole || range->start < end;
    }
    gint64 gap = start - range->reached;
    if (gap < -SEGMENT_FUDGE) {
        range->n_overlaps++;
        return FALSE;
    }
    *after_hole = !range->joins || gap > SEGMENT_FUDGE;
    return TRUE;
}

gboolean segment_range_add_hour(SegmentRange *range, SegmentHour *hour)
{
    for (guint i = 0; i < hour->n_entries; i++) {
        const SegmentEntry *entry = &hour->entries[i];
        gint64 start = segment_entry_start(hour, entry), end = start + entry->duration;
        gboolean after_hole;

        if (start >= range->end) {
            // What follows without a gap shows that nothing is missing up to END, be it a few ms from the last end.
            if (range->refs->len > 0 && range->joins && start - range->reached <= SEGMENT_FUDGE)
                range->reached = range->end;
            return TRUE;
        }
        if (!takes(range, start, end, &after_hole))
            continue;
        if (after_hole) {
            add_hole(range, range->reached, start);
            if (!range->accept_holes)
                return TRUE;
        }
        add_segment(range, hour, i, after_hole);
        range->reached = end;
        range->joins = entry->type == SEGMENT_FULL;
        if (range->end <= end)
            return TRUE;
    }
    return FALSE;
}

void segment_range_finish(SegmentRange *range)
{
    gboolean stopped = !range->accept_holes && range->holes->len > 0;
    if (!stopped && (range->refs->len == 0 || !range->joins || range->reached < range->end)) {
        range->ends_in_hole = TRUE;
        add_hole(range, range->reached, range->end);
    }
}

void segment_range_free(SegmentRange *range)
{
    if (range == NULL)
        return;
    g_ptr_array_unref(range->hours);
    g_array_unref(range->refs);
    g_array_unref(range->holes);
    g_free(range);
}
