// SPDX-License-Identifier: MIT
// A waveform's columns: of each the lowest and the highest sample that falls into it. Columns are of equal length, and
// together as long as what is drawn. All pure; samples are looked at and not kept.
#ifndef CUT_PEAKS_H
#define CUT_PEAKS_H

#include <glib.h>

typedef struct {
    float low, high; // -1 to 1; LOW is greater than HIGH where there is no sound
} CutPeak;

typedef struct {
    guint n_columns;
    gint64 length; // microseconds, of all of them
    CutPeak *columns;
} CutPeaks;

CutPeaks *cut_peaks_new(guint n_columns, gint64 length);
void cut_peaks_free(CutPeaks *peaks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutPeaks, cut_peaks_free)

// Takes N samples of one channel at RATE, the first of which is at POSITION (microseconds from the beginning, maybe
// before it); of these, what is at or after BEGIN and before END.
void cut_peaks_add(CutPeaks *peaks, const float *samples, guint n, guint rate, gint64 position, gint64 begin,
                   gint64 end);

// Adds what OTHER, of the same columns, has found.
void cut_peaks_merge(CutPeaks *peaks, const CutPeaks *other);

// The rows of HEIGHT that column I is drawn in: full scale is all of them, and amplitudes are drawn as their square
// root. FALSE where nothing is.
gboolean cut_peaks_rows(const CutPeaks *peaks, guint i, guint height, guint *top, guint *bottom);

#endif
