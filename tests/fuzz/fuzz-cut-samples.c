// SPDX-License-Identifier: MIT
// Segments: what an MP4 file says of them is what is written of them; and packed samples that somebody else may have
// written.
#include "cut/samples.h"

#include "cut/rate.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/ts-input.h"

static void check_sums(const CutSamples *samples)
{
    gint64 sum = 0;
    guint n_sync = 0;
    for (guint i = 0; i < samples->pictures->len; i++) {
        const CutPictureSample *picture = &g_array_index(samples->pictures, CutPictureSample, i);
        sum += picture->size;
        n_sync += picture->is_sync ? 1 : 0;
    }
    fuzz_assert(sum == samples->picture_size && n_sync == samples->n_sync && samples->n_tracks <= CUT_SAMPLE_TRACKS);
    for (guint i = 0; i < samples->n_tracks; i++) {
        const CutSampleTrack *track = &samples->tracks[i];
        gint64 own = 0;
        for (guint k = 0; k < track->frames->len; k++)
            own += g_array_index(track->frames, CutSoundSample, k).size;
        fuzz_assert(own == track->size && track->rate > 0);
        sum += own;
    }
    fuzz_assert(sum == cut_samples_size(samples));
}

static void check_segment(const guint8 *data, gsize size)
{
    g_autoptr(CutSamples) samples = cut_samples_new();
    g_autoptr(CutSamples) again = cut_samples_new();
    g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(gint64));
    cut_samples_scan(samples, data, size);
    check_sums(samples);
    // Not more than there is: a length of four bytes for a start code of three, of which each NAL unit has one.
    fuzz_assert(cut_samples_size(samples) <= (gint64) size * 4 / 3);
    g_autofree guint8 *out = g_malloc(MAX(1, (gsize) cut_samples_size(samples)));
    fuzz_assert(cut_samples_write(samples, data, size, out));
    g_autoptr(GBytes) packed = cut_samples_pack(samples);
    fuzz_assert(cut_samples_unpack(again, packed));
    g_autoptr(GBytes) packed_again = cut_samples_pack(again);
    fuzz_assert(g_bytes_equal(packed, packed_again));
    cut_rate_sort(samples, sorted);
    for (guint i = 1; i < sorted->len; i++)
        fuzz_assert(g_array_index(sorted, gint64, i - 1) <= g_array_index(sorted, gint64, i));
    CutRate rate;
    (void) cut_rate_find(samples, sorted, &rate);
}

static void check_packed(const guint8 *data, gsize size)
{
    g_autoptr(CutSamples) samples = cut_samples_new();
    g_autoptr(GBytes) packed = g_bytes_new(data, size);
    if (!cut_samples_unpack(samples, packed))
        return;
    check_sums(samples);
    g_autoptr(GBytes) packed_again = cut_samples_pack(samples);
    g_autoptr(CutSamples) again = cut_samples_new();
    fuzz_assert(cut_samples_unpack(again, packed_again));
    check_sums(again);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_auto(TsInput) input = {0};
    if (!ts_input_read(data, size, &input))
        return 0;
    if ((input.options[0] & 1) != 0)
        check_packed(input.data, input.size);
    else
        check_segment(input.data, input.size);
    return 0;
}
