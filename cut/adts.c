// SPDX-License-Identifier: MIT
// What is no frame is skipped byte by byte, until one begins.
#include "cut/adts.h"

#include "cut/ts.h"

#define MAX_FRAME 8191 // its length has 13 bits

gsize cut_adts_read(const guint8 *data, guint *rate, guint *samples)
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

static guint to_stamp(guint64 n_samples, guint rate)
{
    return (guint) ((n_samples * CUT_STAMP_HZ + rate / 2) / rate);
}

void cut_adts_init(CutAdts *adts)
{
    adts->carry = g_byte_array_new();
    adts->pts = CUT_NO_STAMP;
}

void cut_adts_clear(CutAdts *adts)
{
    g_clear_pointer(&adts->carry, g_byte_array_unref);
}

void cut_adts_reset(CutAdts *adts)
{
    g_byte_array_set_size(adts->carry, 0);
    adts->pts = CUT_NO_STAMP;
}

void cut_adts_push(CutAdts *adts, const guint8 *payload, gsize size, gint64 pts, CutAdtsFunc func, gpointer data)
{
    gsize old = adts->carry->len, at = 0;
    gboolean reached = old == 0; // the first frame that begins in this packet: its PTS counts from here
    gint64 base = reached ? pts : adts->pts;
    guint64 n_samples = 0;
    guint rate = 48000, samples;
    g_byte_array_append(adts->carry, payload, (guint) size);
    const guint8 *bytes = adts->carry->data;
    while (at + CUT_ADTS_HEADER <= adts->carry->len) {
        gsize length = cut_adts_read(bytes + at, &rate, &samples);
        if (!reached && at >= old) {
            reached = TRUE;
            base = pts;
            n_samples = 0;
        }
        if (length == 0) {
            at++;
            continue;
        }
        if (at + length > adts->carry->len)
            break;
        func(bytes + at, length, base == CUT_NO_STAMP ? base : base + to_stamp(n_samples, rate),
             to_stamp(samples, rate), data);
        n_samples += samples;
        at += length;
    }
    if (!reached && at >= old) {
        base = pts;
        n_samples = 0;
    }
    adts->pts = base == CUT_NO_STAMP ? base : base + to_stamp(n_samples, rate);
    // What is longer than a frame is no beginning of one.
    g_byte_array_remove_range(adts->carry, 0, (guint) at);
    if (adts->carry->len > MAX_FRAME)
        g_byte_array_set_size(adts->carry, 0);
}
