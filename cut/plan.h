// SPDX-License-Identifier: MIT
// What the bytes of a cut are: parts in order, each a whole segment, or a text that is there already. A plan is a pure
// function of the request and the segments, and never changes.
#ifndef CUT_PLAN_H
#define CUT_PLAN_H

#include <glib.h>

#include "cut/request.h"
#include "segment/playlist.h"
#include "segment/store.h"

#define CUT_HASH_SIZE 32

typedef struct {
    SegmentStream *stream;
    CutRequest *request;
    GPtrArray *ranges; // SegmentRange; one for each span of the request
    guint *first_parts; // the part that each range begins with
    guint n_parts; // segments
    gint64 *offsets; // of each part's first byte, and behind the last its end; NULL for a text
    GBytes *text; // of a playlist or report; else NULL
    gint64 size; // bytes
    gint64 mtime; // microseconds since 1970: the newest segment's start
    guint n_holes;
    gatomicrefcount references;
} CutPlan;

typedef struct {
    const char *base; // of a playlist's URIs
    SegmentUriStyle uris;
} CutTextOptions;

// Plans REQUEST, which it takes over in any case. Errors: CUT_ERROR_HOLES, CUT_ERROR_UNSUPPORTED, those of
// segment_stream_range().
CutPlan *cut_plan_new(SegmentStream *stream, CutRequest *request, const CutTextOptions *options,
                      const SegmentWait *wait, GError **error);

// The part that holds the byte at OFFSET, which is less than the plan's size.
guint cut_plan_find(const CutPlan *plan, gint64 offset);

// The segment that part I is.
const SegmentEntry *cut_plan_segment(const CutPlan *plan, guint i, SegmentHour **hour);

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
