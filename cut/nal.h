// SPDX-License-Identifier: MIT
// What a coded picture is, by its NAL units in Annex B form (ITU-T H.264 7.3, H.265 7.3). Looks no further than its
// first slice's header.
#ifndef CUT_NAL_H
#define CUT_NAL_H

#include <glib.h>

typedef struct {
    gboolean is_idr; // nothing after it refers to anything before it
    gboolean is_key; // the same for what is shown after it: IDR, recovery point, IRAP
    gboolean is_reference; // other pictures may refer to it
    const guint8 *sps; // the sequence parameter set in front of it, or NULL
    gsize sps_size;
    gboolean has_pps;
} CutPicture;

// The first NAL unit at or after AT: where it begins, behind its start code, and how long it is. SIZE where there is
// none.
gsize cut_nal_next(const guint8 *data, gsize size, gsize at, gsize *length);

// Where the first NAL unit behind AT begins: behind its start code. SIZE where there is none.
gsize cut_nal_start(const guint8 *data, gsize size, gsize at);

// H.264: what tells one parameter set, SPS or PPS, from the others: its type and number (7.4.2.1.1, 7.4.2.2).
guint cut_nal_set_key(const guint8 *data, gsize size);

// H.264: whether the SEI NAL unit at DATA says that all after it is known (D.1.8).
gboolean cut_nal_has_recovery_point(const guint8 *data, gsize size);

// H.264: the first NAL unit of a type, or NULL.
const guint8 *cut_nal_find(const guint8 *data, gsize size, guint type, gsize *length);

void cut_nal_scan_h264(const guint8 *data, gsize size, CutPicture *picture);
void cut_nal_scan_hevc(const guint8 *data, gsize size, CutPicture *picture);

#endif
