// SPDX-License-Identifier: MIT
// Frame rates: whether the time stamps of pictures are those of a constant one, apart from their rounding.
#ifndef CUT_RATE_H
#define CUT_RATE_H

#include <glib.h>

#include "cut/samples.h"

typedef struct {
    guint num, den; // NUM frames in DEN seconds
} CutRate;

// The stamps of SAMPLES' pictures in the order in which they are shown, into SORTED (gint64, 90 kHz).
void cut_rate_sort(const CutSamples *samples, GArray *sorted);

// The number of the frame that is shown TICKS (90 kHz) after the first one, by the nearest.
gint64 cut_rate_number(const CutRate *rate, gint64 ticks);

// The same, faster where it is EXPECTED.
gint64 cut_rate_next(const CutRate *rate, gint64 ticks, gint64 expected);

// Whether SORTED stamps are frames of RATE, no two of them the same. *N_STEPS: how often the distance of two is not one
// frame.
gboolean cut_rate_fits(const CutRate *rate, const GArray *sorted, guint *n_steps);

// A usual rate that fits, the one of the stream's own parameter sets in front. FALSE where none does.
gboolean cut_rate_find(const CutSamples *samples, const GArray *sorted, CutRate *rate);

#endif
