// SPDX-License-Identifier: MIT
// What a cut is made of, for people (.txt) and for programs (.json): its segments, its holes, its size.
#ifndef CUT_REPORT_H
#define CUT_REPORT_H

#include "cut/plan.h"

void cut_report_append_text(GString *text, const CutPlan *plan, const CutFindings *findings);
void cut_report_append_json(GString *text, const CutPlan *plan, const CutFindings *findings);

#endif
