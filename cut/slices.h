// SPDX-License-Identifier: MIT
// Slices: the samples of a segment, or edge, as an MP4 file has them, one behind the other. Those that were used last
// stay in memory; all readers share them, and no two make the same.
#ifndef CUT_SLICES_H
#define CUT_SLICES_H

#include <glib.h>

#include "segment/error.h"

#define CUT_SLICE_KEY 32 // bytes: what tells apart what they are made of

typedef struct CutSlices CutSlices;

CutSlices *cut_slices_new(void);
void cut_slices_free(CutSlices *slices);

typedef GBytes *(*CutSliceFunc)(gpointer data, GError **error);

// The slice of KEY; FUNC makes it where it is not there. Free it. Errors: those of FUNC; where somebody else makes it,
// and that cannot be waited for, SEGMENT_ERROR_WOULD_BLOCK.
GBytes *cut_slices_get(CutSlices *slices, const guint8 *key, CutSliceFunc func, gpointer data, const SegmentWait *wait,
                       GError **error);

// Has a thread make a slice that will be wanted next: calls FUNC with DATA. FALSE where it has enough to do; then DATA is
// still the caller's. What was begun is waited for in cut_slices_free().
typedef void (*CutSliceAheadFunc)(gpointer data);
gboolean cut_slices_ahead(CutSlices *slices, CutSliceAheadFunc func, gpointer data);

#endif
