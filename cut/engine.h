// SPDX-License-Identifier: MIT
// What all cuts of a process share: indices of segments, and edges that were made.
#ifndef CUT_ENGINE_H
#define CUT_ENGINE_H

#include <glib.h>

#include "cut/blobs.h"
#include "cut/index.h"
#include "cut/plan.h"

typedef struct CutEngine CutEngine;

// Edges, and archives while there are some, are kept in DIRECTORY, which may be NULL, up to LIMIT bytes of each.
CutEngine *cut_engine_new(const char *directory, gint64 limit);
void cut_engine_free(CutEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutEngine, cut_engine_free)

CutBlobs *cut_engine_blobs(CutEngine *engine);
struct CutArchives;
struct CutArchives *cut_engine_archives(CutEngine *engine);
struct CutSampleCache *cut_engine_samples(CutEngine *engine);
struct CutSlices *cut_engine_slices(CutEngine *engine);

// Reads the indices of N segments of RANGE, from FIRST on, into INDICES, by several threads.
gboolean cut_engine_index(CutEngine *engine, SegmentStream *stream, const SegmentRange *range, guint first, guint n,
                          CutIndex *indices, const SegmentWait *wait, GError **error);

// What a report says of what is in the segments of PLAN: CutTextOptions.inspect, with the engine as its data. Of too many
// segments to look into it says nothing.
gboolean cut_engine_inspect(CutPlan *plan, const SegmentWait *wait, gpointer engine, CutFindings *findings,
                            GError **error);

// Makes the picture that PLAN is: CutTextOptions.render, with the engine as its data. No more are made at the same time
// than there is room for: of frames as many as there are processors.
GBytes *cut_engine_render(CutPlan *plan, const SegmentWait *wait, gpointer engine, GError **error);

#endif
