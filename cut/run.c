// SPDX-License-Identifier: MIT
// How far an edge reaches: over the segment that START, or END, falls into; and further where pictures or sound of one
// segment may lie in the next file, or where what follows may refer to what is cut away.
#include "cut/run.h"

#include "cut/edge.h"
#include "cut/ts.h"
#include "segment/time.h"

// Sound and reordered pictures are at most this far from their segment's boundary.
#define REACH (SEGMENT_SECOND / 2)
// The room of an edge: its segments' sizes, of those that are cut into the half more, and this for tables and stuffing;
// where all is encoded, three times as much. With that the pictures of tests/mount-cut-matrix.sh, and edges in noise
// (mount-cut-inputs.sh), are within 42 dB.
#define SLACK (64 * 1024)

static gint64 entry_start(const CutRun *run, guint ref)
{
    SegmentHour *hour;
    const SegmentEntry *entry = cut_run_entry(run, ref, &hour);
    return segment_entry_start(hour, entry);
}

static gint64 entry_end(const CutRun *run, guint ref)
{
    return entry_start(run, ref) + segment_range_entry(run->range, ref)->duration;
}

// The one segment from START to END in the stream, if it is full and begins no more than the fudge from where it
// should.
static gboolean find_neighbour(SegmentStream *stream, gint64 start, gint64 end, SegmentRange **found,
                               const SegmentWait *wait, GError **error)
{
    g_autoptr(SegmentRange) range = segment_stream_range(stream, start, end, TRUE, TRUE, wait, error);
    if (range == NULL)
        return FALSE;
    if (range->refs->len > 0 && segment_range_entry(range, 0)->type == SEGMENT_FULL)
        *found = g_steal_pointer(&range);
    return TRUE;
}

static gboolean find_neighbours(CutRun *run, SegmentStream *stream, gboolean follows, const SegmentWait *wait,
                                GError **error)
{
    gint64 begin = entry_start(run, run->first_ref), end = entry_end(run, run->first_ref + run->n_refs - 1);
    if (!find_neighbour(stream, begin - 2 * SEGMENT_FUDGE, begin, &run->before, wait, error))
        return FALSE;
    if (run->before != NULL) {
        const SegmentEntry *entry = segment_range_entry(run->before, 0);
        gint64 its_end = segment_entry_start(segment_range_hour(run->before, 0), entry) + entry->duration;
        if (ABS(its_end - begin) > SEGMENT_FUDGE)
            g_clear_pointer(&run->before, segment_range_free);
    }
    if (!follows || run->end < end - REACH)
        return TRUE;
    if (!find_neighbour(stream, end + 2 * SEGMENT_FUDGE, end + 3 * SEGMENT_FUDGE, &run->after, wait, error))
        return FALSE;
    if (run->after != NULL) {
        gint64 its_start = segment_entry_start(segment_range_hour(run->after, 0), segment_range_entry(run->after, 0));
        if (ABS(its_start - end) > SEGMENT_FUDGE || its_start < run->end)
            g_clear_pointer(&run->after, segment_range_free);
    }
    return TRUE;
}

// The edge at the beginning goes on over the segment behind the first one, since that may begin with pictures that
// refer to those before it; but not where all is encoded.
static void find_edges(CutRun *run, CutMode mode)
{
    guint first = run->first_ref, last = first + run->n_refs - 1, head = first, tail = last;
    while (head < last && entry_end(run, head) - run->start < REACH)
        head++;
    if (mode != CUT_MODE_FULL)
        head = MIN(head + 1, last);
    while (tail > first && run->end - entry_start(run, tail) < REACH)
        tail--;
    run->n_head = head - first + 1;
    run->n_tail = last - tail + 1;
    if (run->n_head + run->n_tail > run->n_refs ||
        (run->n_head + run->n_tail == run->n_refs && mode != CUT_MODE_FULL)) {
        run->n_head = run->n_refs;
        run->n_tail = 0;
    }
}

static gboolean add_run(GArray *runs, SegmentStream *stream, const SegmentRange *range, guint first, guint end,
                        CutMode mode, const SegmentWait *wait, GError **error)
{
    CutRun run = {.range = range, .first_ref = first, .n_refs = end - first};
    if (mode == CUT_MODE_ROUGH) {
        g_array_append_val(runs, run);
        return TRUE;
    }
    gint64 begins = entry_start(&run, first), ends = entry_end(&run, end - 1);
    // Behind a hole it begins with its first segment; before one it ends when that does, whenever that is.
    gboolean after_hole = begins > range->start;
    gboolean before_hole = end < range->refs->len || (range->ends_in_hole && ends < range->end) ||
                           segment_range_entry(range, end - 1)->type != SEGMENT_FULL;
    run.start = after_hole ? begins : range->start;
    run.end = before_hole && end < range->refs->len ? ends + SEGMENT_SECOND : range->end;
    find_edges(&run, mode);
    gboolean ok = find_neighbours(&run, stream, !before_hole, wait, error);
    if (ok)
        g_array_append_val(runs, run);
    else
        cut_run_clear(&run);
    return ok;
}

gboolean cut_runs_add(GArray *runs, SegmentStream *stream, const SegmentRange *range, CutMode mode, gboolean split,
                      const SegmentWait *wait, GError **error)
{
    guint n = range->refs->len;
    for (guint first = 0, end; first < n; first = end) {
        end = first + 1;
        while (end < n && !(split && g_array_index(range->refs, SegmentRef, end).after_hole))
            end++;
        if (!add_run(runs, stream, range, first, end, mode, wait, error))
            return FALSE;
    }
    return TRUE;
}

void cut_run_clear(gpointer data)
{
    CutRun *run = data;
    segment_range_free(run->before);
    segment_range_free(run->after);
}

guint cut_run_n_parts(const CutRun *run)
{
    return run->n_refs - run->n_head - run->n_tail + (run->n_head > 0 ? 1 : 0) + (run->n_tail > 0 ? 1 : 0);
}

void cut_run_part(const CutRun *run, guint i, CutMode mode, CutPart *part)
{
    guint n = cut_run_n_parts(run);
    part->run = run;
    part->is_head = run->n_head > 0 && i == 0;
    part->is_tail = (run->n_tail > 0 && i == n - 1) || (part->is_head && n == 1);
    part->is_made = part->is_head || part->is_tail || mode == CUT_MODE_FULL;
    if (part->is_head) {
        part->first_ref = run->first_ref;
        part->n_refs = run->n_head;
    } else if (part->is_tail) {
        part->first_ref = run->first_ref + run->n_refs - run->n_tail;
        part->n_refs = run->n_tail;
    } else {
        part->first_ref = run->first_ref + (run->n_head > 0 ? run->n_head - 1 : 0) + i;
        part->n_refs = 1;
    }
}

gint64 cut_run_part_size(const CutRun *run, CutMode mode, const CutPart *part)
{
    gint64 size = 0;
    for (guint ref = part->first_ref; ref < part->first_ref + part->n_refs; ref++) {
        gint64 own = segment_range_entry(run->range, ref)->size;
        gboolean is_cut =
            (part->is_head && ref == part->first_ref) || (part->is_tail && ref == part->first_ref + part->n_refs - 1);
        size += mode == CUT_MODE_FULL ? 3 * own : is_cut ? own + own / 2 : own;
    }
    if (!part->is_made)
        return size;
    return (size + SLACK) / CUT_TS_PACKET * CUT_TS_PACKET;
}
