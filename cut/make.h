// SPDX-License-Identifier: MIT
// From a plan's part to its bytes.
#ifndef CUT_MAKE_H
#define CUT_MAKE_H

#include "cut/engine.h"
#include "cut/sources.h"
#include "cut/timeline.h"

// How the edge of PART is to be made out of SOURCES; all but its sound.
void cut_make_spec(const CutPlan *plan, const CutPart *part, const CutSources *sources, CutEdgeSpec *spec);

// Makes part NUMBER of PLAN, whose timeline is known.
GBytes *cut_make_part(CutEngine *engine, CutPlan *plan, guint number, const int *cancelled, GError **error);

// Asks for it. Free with cut_make_request_clear().
void cut_make_request(CutPlan *plan, const CutTimeline *timeline, guint number, CutBlobRequest *request);
void cut_make_request_clear(CutBlobRequest *request);

#endif
