// SPDX-License-Identifier: MIT
// Boxes (ISO/IEC 14496-12 4.2): numbers with their most significant byte in front, one box in the other. A box's size
// is filled in when it ends.
#ifndef CUT_BOX_H
#define CUT_BOX_H

#include <glib.h>

void cut_box_put_8(GByteArray *out, guint value);
void cut_box_put_16(GByteArray *out, guint value);
void cut_box_put_32(GByteArray *out, guint32 value);
void cut_box_put_64(GByteArray *out, guint64 value);
void cut_box_put_zeros(GByteArray *out, guint n);
void cut_box_put_text(GByteArray *out, const char *text); // without its end
void cut_box_put_bytes(GByteArray *out, GBytes *bytes);

// Begins a box of a TYPE of four letters; what comes back ends it.
guint cut_box_begin(GByteArray *out, const char *type);
guint cut_box_begin_full(GByteArray *out, const char *type, guint version, guint32 flags);
void cut_box_end(GByteArray *out, guint box);

#endif
