// SPDX-License-Identifier: MIT
#include "cut/rate.h"

#include "cut/nal.h"
#include "cut/sps.h"
#include "cut/ts.h"

#define MAX_RATE 300 // what is more is the unit of stamps, not a rate
#define TOLERANCE 100 // ticks: two stamps that are each rounded to a millisecond, and a little more

void cut_rate_sort(const CutSamples *samples, GArray *sorted)
{
    g_array_set_size(sorted, samples->pictures->len);
    gint64 *stamps = (gint64 *) (void *) sorted->data;
    // They are nearly in order.
    for (guint i = 0; i < samples->pictures->len; i++) {
        gint64 pts = g_array_index(samples->pictures, CutPictureSample, i).pts;
        guint at = i;
        for (; at > 0 && stamps[at - 1] > pts; at--)
            stamps[at] = stamps[at - 1];
        stamps[at] = pts;
    }
}

gint64 cut_rate_number(const CutRate *rate, gint64 ticks)
{
    gint64 unit = (gint64) CUT_STAMP_HZ * rate->den, value = ticks * rate->num;
    return (value >= 0 ? value + unit / 2 : value - unit / 2) / unit;
}

gint64 cut_rate_next(const CutRate *rate, gint64 ticks, gint64 expected)
{
    gint64 unit = (gint64) CUT_STAMP_HZ * rate->den, off = ticks * rate->num - expected * unit;
    return ABS(off) < unit / 2 ? expected : cut_rate_number(rate, ticks);
}

gboolean cut_rate_fits(const CutRate *rate, const GArray *sorted, guint *n_steps)
{
    const gint64 *stamps = (const gint64 *) (const void *) sorted->data;
    gint64 before = -1;
    *n_steps = 0;
    for (guint i = 0; i < sorted->len; i++) {
        gint64 ticks = stamps[i] - stamps[0];
        // Nothing is that long.
        if (ticks > G_MAXINT64 / G_MAXUINT32)
            return FALSE;
        gint64 number = cut_rate_next(rate, ticks, before + 1);
        gint64 error = ticks * rate->num - number * CUT_STAMP_HZ * rate->den; // in parts of a tick
        if (number <= before || ABS(error) > TOLERANCE * (gint64) rate->num)
            return FALSE;
        *n_steps += number != before + 1 ? 1 : 0;
        before = number;
    }
    return TRUE;
}

static gboolean find_own(const CutSamples *samples, CutRate *rate)
{
    for (guint i = 0; i < samples->sets->len; i++) {
        CutSps sps;
        gsize size;
        const guint8 *data = g_bytes_get_data(g_ptr_array_index(samples->sets, i), &size);
        // Two ticks are a frame.
        if (cut_sps_parse(data, size, &sps) && sps.time_scale > 0 && sps.num_units_in_tick > 0 &&
            sps.num_units_in_tick <= G_MAXUINT32 / 2) {
            guint32 a = sps.time_scale, b = 2 * sps.num_units_in_tick;
            while (b != 0) {
                guint32 rest = a % b;
                a = b;
                b = rest;
            }
            *rate = (CutRate){sps.time_scale / a, 2 * sps.num_units_in_tick / a};
            return rate->num <= MAX_RATE * (guint64) rate->den && rate->num <= 1000000;
        }
    }
    return FALSE;
}

gboolean cut_rate_find(const CutSamples *samples, const GArray *sorted, CutRate *rate)
{
    static const CutRate usual[] = {{60, 1},       {30, 1}, {50, 1},       {25, 1},  {60000, 1001},
                                    {30000, 1001}, {24, 1}, {24000, 1001}, {48, 1},  {120, 1},
                                    {15, 1},       {12, 1}, {10, 1},       {100, 1}, {120000, 1001}};
    guint n_steps;
    if (find_own(samples, rate) && cut_rate_fits(rate, sorted, &n_steps))
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(usual); i++) {
        *rate = usual[i];
        // Half the rate fits as well, but leaves nothing out.
        if (cut_rate_fits(rate, sorted, &n_steps) && n_steps <= sorted->len / 4)
            return TRUE;
    }
    return FALSE;
}
