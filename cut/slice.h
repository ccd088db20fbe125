// SPDX-License-Identifier: MIT
// Makes pictures that were encoded the beginning of a coded video sequence that goes on with pictures which are copied:
// the number of each, and its place in the order of showing, are written anew into its slices' headers (ITU-T H.264
// 7.3.3), and they refer to the stream's own sequence parameter set. Needed where the first picture that is copied is
// no IDR: a decoder then counts on from what was before it.
#ifndef CUT_SLICE_H
#define CUT_SLICE_H

#include <glib.h>

#include "cut/sps.h"

// What a picture says of its place.
typedef struct {
    CutSps sps; // that holds for it
    GBytes *sps_nal; // the same as it stands in the stream
    guint frame_num;
    guint poc_lsb;
} CutSlicePlace;

// Reads where PICTURE (in Annex B form) is; SPS_NAL is the parameter set that holds for it. FALSE, with *PLACE
// undefined, where that cannot be continued: fields, scaling matrices, or an order of showing of another kind.
gboolean cut_slice_read(const guint8 *picture, gsize size, GBytes *sps_nal, CutSlicePlace *place);

// PICTURE, which is the BEFORE-th before the one at PLACE, and was made by libx264, for there. It is an IDR where it
// was one. NULL where it is not understood.
typedef struct CutSliceRewriter CutSliceRewriter;
CutSliceRewriter *cut_slice_rewriter_new(const CutSlicePlace *place);
void cut_slice_rewriter_free(CutSliceRewriter *rewriter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutSliceRewriter, cut_slice_rewriter_free)
GBytes *cut_slice_rewrite(CutSliceRewriter *rewriter, GBytes *picture, guint before);

#endif
