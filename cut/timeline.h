// SPDX-License-Identifier: MIT
// How the parts of a cut become one stream: what is added to the time stamps, clock references and continuity counters
// of each, and which frames of sound its edges take. It follows from the plan and from what is in its segments.
#ifndef CUT_TIMELINE_H
#define CUT_TIMELINE_H

#include "cut/edge.h"
#include "cut/engine.h"

typedef struct CutTimeline CutTimeline;

// Computed when it is first asked for; it stays with the plan. Errors: CUT_ERROR_UNSUPPORTED where the segments do not
// fit together; SEGMENT_ERROR_WOULD_BLOCK; those of reading.
const CutTimeline *cut_timeline_get(CutEngine *engine, CutPlan *plan, const SegmentWait *wait, GError **error);

// What is added to the packets of part NUMBER.
void cut_timeline_patch(const CutTimeline *timeline, guint number, CutPatch *patch);

// Whether part NUMBER, a whole segment, cannot be patched packet by packet.
gboolean cut_timeline_straddles(const CutTimeline *timeline, guint number);

typedef struct {
    guint number; // of the part
    guint n_audio;
    CutEdgeAudio audio[CUT_EDGE_AUDIO];
} CutTimelineSound;

// What sound part NUMBER takes; NULL: all that is in it.
const CutTimelineSound *cut_timeline_sound(const CutTimeline *timeline, guint number);

// Of a cut that is encoded as a whole: what all its pictures are like. 0: there are none.
void cut_timeline_picture(const CutTimeline *timeline, guint *width, guint *height, int *format);

// Bytes of memory that it takes.
gsize cut_timeline_size(const CutTimeline *timeline);

#endif
