// SPDX-License-Identifier: MIT
// H.264's sequence parameter sets (ITU-T H.264 7.3.2.1.1): what has to be the same for pictures to follow each other.
#ifndef CUT_SPS_H
#define CUT_SPS_H

#include <glib.h>

typedef struct {
    guint profile, level, id;
    guint chroma_format, bit_depth, chroma_depth;
    guint log2_max_frame_num, poc_type, log2_max_poc_lsb;
    guint refs;
    guint width, height; // pixels
    gboolean frame_mbs_only, has_scaling;
    guint sar_width, sar_height; // of a pixel; 1:1 where it is not said
    guint primaries, transfer, matrix; // ISO/IEC 23091-2; 2: not said
    gboolean is_full_range;
    guint32 num_units_in_tick, time_scale; // 0: not said
} CutSps;

// Reads the NAL unit at DATA, which begins with its header. FALSE where it is none.
gboolean cut_sps_parse(const guint8 *data, gsize size, CutSps *sps);

// Whether pictures of both can be in one stream: their size, form and rate are the same.
gboolean cut_sps_fits(const CutSps *a, const CutSps *b);

#endif
