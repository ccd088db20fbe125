// SPDX-License-Identifier: MIT
// What the bytes of a cut are: parts in order, each a segment, an edge that stands for some segments, or a text (or
// picture) that is there already. A plan is a pure function of the request and of the segments' names and sizes, and
// never changes; nothing is read for it, but for a picture.
#ifndef CUT_PLAN_H
#define CUT_PLAN_H

#include <glib.h>

#include "cut/request.h"
#include "segment/playlist.h"
#include "segment/store.h"

#define CUT_HASH_SIZE 32

// Segments without a hole between them; of a rough transport stream, all of a range.
typedef struct {
    const SegmentRange *range; // one of CutPlan.ranges
    guint first_ref, n_refs; // of the range
    guint n_head, n_tail; // how many of them the edge at the beginning, and at the end, stands for; 0: there is none
    gint64 start, end; // microseconds since 1970: what is shown of it
    SegmentRange *before, *after; // the segment before it, and behind it, where edges may need them; or NULL
    guint first_part;
} CutRun;

typedef struct {
    SegmentStream *stream;
    CutRequest *request;
    GPtrArray *ranges; // SegmentRange; one for each span of the request
    GArray *runs; // CutRun; none of a playlist or report
    guint n_segments;
    guint n_parts;
    gint64 *offsets; // of each part's first byte, and behind the last its end; NULL for a text
    struct CutMovie *movie; // of an MP4: what its bytes are; the parts are those of the transport stream; else NULL
    GBytes *text; // of a playlist, report or picture; else NULL
    gint64 size; // bytes; of an archive (CUT_FORMAT_MKV) those that it is made of
    gint64 mtime; // microseconds since 1970: the newest segment's start
    guint n_holes;
    gatomicrefcount references;

    GMutex lock;
    gpointer derived; // what was computed from it, by timeline.c; guarded by the lock
    GDestroyNotify free_derived;
} CutPlan;

typedef struct {
    const CutRun *run;
    guint number;
    guint first_ref, n_refs; // the segments that it is, or stands for
    gboolean is_head, is_tail; // it has the run's beginning, its end
    gboolean is_made; // an edge: its bytes are no segment's
    gint64 size; // bytes
} CutPart;

// What was found in the segments of a cut, for a report.
typedef struct {
    char *obstacle; // why they cannot be made into one stream; NULL: they can, or nobody looked
    char *mp4; // what they are like as an MP4 file; or NULL
} CutFindings;

typedef struct {
    const char *base; // of a playlist's URIs
    SegmentUriStyle uris;
    // For a report: fills in the FINDINGS. FALSE where that cannot be waited for. May be NULL.
    gboolean (*inspect)(CutPlan *plan, const SegmentWait *wait, gpointer data, CutFindings *findings, GError **error);
    // Makes a picture out of the content of the segments that the plan has. NULL: there are no pictures.
    GBytes *(*render)(CutPlan *plan, const SegmentWait *wait, gpointer data, GError **error);
    // Lays out a plan that has its parts as an MP4 file. NULL: there are none.
    gboolean (*lay_out_movie)(CutPlan *plan, const SegmentWait *wait, gpointer data, GError **error);
    gpointer data; // of all
} CutTextOptions;

// Plans REQUEST, which it takes over in any case. Errors: CUT_ERROR_HOLES, CUT_ERROR_UNSUPPORTED, those of
// segment_stream_range().
CutPlan *cut_plan_new(SegmentStream *stream, CutRequest *request, const CutTextOptions *options,
                      const SegmentWait *wait, GError **error);

// The part that holds the byte at OFFSET, which is less than the plan's size.
guint cut_plan_find(const CutPlan *plan, gint64 offset);

void cut_plan_part(const CutPlan *plan, guint i, CutPart *part);

// Whether its parts are patched to be one stream; else they are the segments' own bytes.
static inline gboolean cut_plan_is_patched(const CutPlan *plan)
{
    return plan->request->mode != CUT_MODE_ROUGH || plan->request->format != CUT_FORMAT_TS;
}

// The segment REF of a run's range.
static inline const SegmentEntry *cut_run_entry(const CutRun *run, guint ref, SegmentHour **hour)
{
    *hour = segment_range_hour(run->range, ref);
    return segment_range_entry(run->range, ref);
}

// SHA-256 over all that decides its bytes.
void cut_plan_hash(const CutPlan *plan, guint8 hash[CUT_HASH_SIZE]);

// Whether a tombstone bars one of its segments.
gboolean cut_plan_is_barred(const CutPlan *plan);

// Whether a change of what starts at TIME can change it.
gboolean cut_plan_depends_on(const CutPlan *plan, gint64 time);

CutPlan *cut_plan_ref(CutPlan *plan);
void cut_plan_unref(CutPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutPlan, cut_plan_unref)

#endif
