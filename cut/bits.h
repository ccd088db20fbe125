// SPDX-License-Identifier: MIT
// Bits of a NAL unit, without its emulation prevention bytes (ITU-T H.264 7.3.1, 9.1).
#ifndef CUT_BITS_H
#define CUT_BITS_H

#include <glib.h>

typedef struct {
    const guint8 *data;
    gsize size, at; // bytes
    guint bit; // of the byte at AT, from its most significant one
    guint zeros; // bytes of zero just before AT
    gboolean overrun; // more was read than there is
} CutBits;

static inline CutBits cut_bits(const guint8 *data, gsize size)
{
    return (CutBits){.data = data, .size = size};
}

static inline guint cut_bits_one(CutBits *bits)
{
    if (bits->bit == 0 && bits->zeros >= 2 && bits->at < bits->size && bits->data[bits->at] == 3) {
        bits->at++;
        bits->zeros = 0;
    }
    if (bits->at >= bits->size) {
        bits->overrun = TRUE;
        return 0;
    }
    guint value = bits->data[bits->at] >> (7 - bits->bit) & 1;
    if (++bits->bit == 8) {
        bits->zeros = bits->data[bits->at] == 0 ? bits->zeros + 1 : 0;
        bits->bit = 0;
        bits->at++;
    }
    return value;
}

static inline guint32 cut_bits_read(CutBits *bits, guint n)
{
    guint32 value = 0;
    while (n-- > 0)
        value = value << 1 | cut_bits_one(bits);
    return value;
}

// ue(v) and se(v)
static inline guint32 cut_bits_ue(CutBits *bits)
{
    guint n = 0;
    while (n < 32 && !bits->overrun && cut_bits_one(bits) == 0)
        n++;
    return n >= 32 ? 0 : (1U << n) - 1 + cut_bits_read(bits, n);
}

static inline gint32 cut_bits_se(CutBits *bits)
{
    guint32 value = cut_bits_ue(bits);
    return (value & 1) != 0 ? (gint32) (value / 2 + 1) : -(gint32) (value / 2);
}

#endif
