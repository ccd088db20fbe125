// SPDX-License-Identifier: MIT
// One frame: the picture that is shown at a point in time, by the clock of the segment that it is in.
#ifndef CUT_FRAME_H
#define CUT_FRAME_H

#include "cut/plan.h"

// Adds to PLAN the segments that its frame may be in or may need. CUT_ERROR_HOLES where there is none.
gboolean cut_frame_locate(CutPlan *plan, const SegmentWait *wait, GError **error);

// Decodes and encodes it, once PLAN has its run, and takes out of PLAN what was not needed. Reads and decodes at once,
// whatever WAIT allows. Errors: CUT_ERROR_HOLES where there is no picture at that time, CUT_ERROR_CODEC, those of
// cut_sources_load().
GBytes *cut_frame_render(CutPlan *plan, const SegmentWait *wait, GError **error);

#endif
