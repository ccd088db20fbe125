// SPDX-License-Identifier: MIT
// Runs: where a range is made of edges and of whole segments, by the segments' names and sizes alone.
#ifndef CUT_RUN_H
#define CUT_RUN_H

#include "cut/plan.h"

// The version of how edges are made: their bytes may change only with it.
#define CUT_EDGE_VERSION 1

// Adds the runs of RANGE to RUNS (CutRun): edges where MODE has some. Segments next to it are looked up in STREAM. What
// is SPLIT has a run for each part of it without a hole; without edges it need not be.
gboolean cut_runs_add(GArray *runs, SegmentStream *stream, const SegmentRange *range, CutMode mode, gboolean split,
                      const SegmentWait *wait, GError **error);
void cut_run_clear(gpointer run);

guint cut_run_n_parts(const CutRun *run);
// Part I of the run, from 0; all but its size and what it is in the plan.
void cut_run_part(const CutRun *run, guint i, CutMode mode, CutPart *part);
gint64 cut_run_part_size(const CutRun *run, CutMode mode, const CutPart *part);

#endif
