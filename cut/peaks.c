// SPDX-License-Identifier: MIT
// The way from samples to columns is one division for each column that a frame of sound touches.
#include "cut/peaks.h"

#include <math.h>

#include "segment/time.h"

#define LANES 8 // samples that are compared at the same time

CutPeaks *cut_peaks_new(guint n_columns, gint64 length)
{
    CutPeaks *peaks = g_new(CutPeaks, 1);
    g_assert(n_columns > 0 && length > 0);
    peaks->n_columns = n_columns;
    peaks->length = length;
    peaks->columns = g_new(CutPeak, n_columns);
    for (guint i = 0; i < n_columns; i++)
        peaks->columns[i] = (CutPeak){.low = INFINITY, .high = -INFINITY};
    return peaks;
}

void cut_peaks_free(CutPeaks *peaks)
{
    if (peaks == NULL)
        return;
    g_free(peaks->columns);
    g_free(peaks);
}

// A × B / C, rounded down; none of it is negative. The product does not fit into 64 bits.
static gint64 scale(gint64 a, gint64 b, gint64 c)
{
    return (gint64) ((unsigned __int128) a * (guint64) b / (guint64) c);
}

static gint64 scale_up(gint64 a, gint64 b, gint64 c)
{
    return (gint64) (((unsigned __int128) a * (guint64) b + (guint64) c - 1) / (guint64) c);
}

// What is no number, or out of all proportion, is not sound.
static void find_peak(CutPeak *peak, const float *samples, guint n)
{
    float low[LANES], high[LANES];
    guint i = 0;
    for (guint lane = 0; lane < LANES; lane++) {
        low[lane] = peak->low;
        high[lane] = peak->high;
    }
    for (; i + LANES <= n; i += LANES) {
        for (guint lane = 0; lane < LANES; lane++) {
            low[lane] = samples[i + lane] < low[lane] ? samples[i + lane] : low[lane];
            high[lane] = samples[i + lane] > high[lane] ? samples[i + lane] : high[lane];
        }
    }
    for (guint lane = 0; i < n; i++, lane++) {
        low[lane] = samples[i] < low[lane] ? samples[i] : low[lane];
        high[lane] = samples[i] > high[lane] ? samples[i] : high[lane];
    }
    for (guint lane = 0; lane < LANES; lane++) {
        peak->low = MIN(peak->low, low[lane]);
        peak->high = MAX(peak->high, high[lane]);
    }
}

void cut_peaks_add(CutPeaks *peaks, const float *samples, guint n, guint rate, gint64 position, gint64 begin,
                   gint64 end)
{
    begin = MAX(begin, 0);
    end = MIN(end, peaks->length);
    // A sample lasts until the next one.
    gint64 from = MAX(begin, position), to = MIN(end, position + scale_up(n, SEGMENT_SECOND, rate));
    if (rate == 0 || from >= to)
        return;
    guint column = (guint) scale(from, peaks->n_columns, peaks->length);
    for (; column < peaks->n_columns; column++) {
        gint64 left = MAX(from, scale(column, peaks->length, peaks->n_columns));
        gint64 right = MIN(to, scale_up(column + 1, peaks->length, peaks->n_columns));
        if (left >= to)
            break;
        gint64 first = scale(left - position, rate, SEGMENT_SECOND);
        gint64 last = MIN(n, scale_up(right - position, rate, SEGMENT_SECOND));
        if (first < last)
            find_peak(&peaks->columns[column], samples + first, (guint) (last - first));
    }
}

void cut_peaks_merge(CutPeaks *peaks, const CutPeaks *other)
{
    g_assert(peaks->n_columns == other->n_columns);
    for (guint i = 0; i < peaks->n_columns; i++) {
        peaks->columns[i].low = MIN(peaks->columns[i].low, other->columns[i].low);
        peaks->columns[i].high = MAX(peaks->columns[i].high, other->columns[i].high);
    }
}

static guint row_of(float value, guint height)
{
    float root = copysignf(sqrtf(CLAMP(fabsf(value), 0.0F, 1.0F)), value);
    return (guint) lrintf((1 - root) / 2 * (float) (height - 1));
}

gboolean cut_peaks_rows(const CutPeaks *peaks, guint i, guint height, guint *top, guint *bottom)
{
    const CutPeak *peak = &peaks->columns[i];
    if (!(peak->low <= peak->high))
        return FALSE;
    *top = row_of(peak->high, height);
    *bottom = row_of(peak->low, height);
    return TRUE;
}
