// SPDX-License-Identifier: MIT
// Headers of AAC frames (ISO 13818-7 6.2, ADTS).
#ifndef CUT_ADTS_H
#define CUT_ADTS_H

#include <glib.h>

#define CUT_ADTS_HEADER 7

// The bytes of the frame whose header is at DATA, its samples and their rate; 0 where there is none.
static inline gsize cut_adts_read(const guint8 *data, guint *rate, guint *samples)
{
    static const guint rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                  22050, 16000, 12000, 11025, 8000,  7350};
    guint index = data[2] >> 2 & 0x0F;
    gsize length = (gsize) (data[3] & 3) << 11 | (gsize) data[4] << 3 | data[5] >> 5;
    if (data[0] != 0xFF || (data[1] & 0xF6) != 0xF0 || index >= G_N_ELEMENTS(rates) || length < CUT_ADTS_HEADER)
        return 0;
    *rate = rates[index];
    *samples = 1024 * ((data[6] & 3) + 1U);
    return length;
}

#endif
