// SPDX-License-Identifier: MIT
// The waveform of a cut: a picture of its sound, one range after the other.
#ifndef CUT_WAVEFORM_H
#define CUT_WAVEFORM_H

#include "cut/plan.h"

// Whether a picture of the size that REQUEST asks for can be made.
gboolean cut_waveform_is_possible(const CutRequest *request);

// Draws PLAN, whose ranges and runs are known, as a PNG; by several threads. What is known of the segments before its
// runs is dropped from the plan. Errors: CUT_ERROR_HOLES where there is no sound in any segment, CUT_ERROR_CODEC where
// nothing is a transport stream, those of cut_sound_read().
GBytes *cut_waveform_render(CutPlan *plan, const SegmentWait *wait, GError **error);

#endif
