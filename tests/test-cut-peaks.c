// SPDX-License-Identifier: MIT
// Columns of waveforms, against a slow way to find them.
#include "cut/peaks.h"

#include <math.h>

#include "segment/time.h"

#define RATE 48000

static void test_empty(void)
{
    g_autoptr(CutPeaks) peaks = cut_peaks_new(3, 1);
    guint top, bottom;
    for (guint i = 0; i < 3; i++)
        g_assert_false(cut_peaks_rows(peaks, i, 64, &top, &bottom));
    cut_peaks_free(NULL);
}

static void test_rows(void)
{
    static const struct {
        float low, high;
        guint top, bottom;
    } cases[] = {
        {0, 0, 32, 32}, {-1, 1, 0, 64}, {-0.25F, 0.25F, 16, 48}, {-7, NAN, 0, 0}, {-7, 9, 0, 64}, {0.25F, 1, 0, 16},
    };
    g_autoptr(CutPeaks) peaks = cut_peaks_new(1, 10);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint top, bottom;
        peaks->columns[0] = (CutPeak){.low = cases[i].low, .high = cases[i].high};
        gboolean is_drawn = cut_peaks_rows(peaks, 0, 65, &top, &bottom);
        g_assert_cmpint(is_drawn, ==, !isnan(cases[i].high));
        if (is_drawn) {
            g_assert_cmpuint(top, ==, cases[i].top);
            g_assert_cmpuint(bottom, ==, cases[i].bottom);
        }
        g_assert_true(!is_drawn || (cut_peaks_rows(peaks, 0, 1, &top, &bottom) && top == 0 && bottom == 0));
    }
}

// Silence but for one sample: where it is seen.
static void test_one_sample(void)
{
    float samples[RATE / 10] = {0};
    g_autoptr(CutPeaks) peaks = cut_peaks_new(10, SEGMENT_SECOND / 10);
    samples[RATE / 20] = 0.5F; // at 50 ms, where the sixth column begins
    cut_peaks_add(peaks, samples, G_N_ELEMENTS(samples), RATE, 0, 0, G_MAXINT64);
    for (guint i = 0; i < 10; i++) {
        g_assert_cmpfloat(peaks->columns[i].low, ==, 0);
        g_assert_cmpfloat(peaks->columns[i].high, ==, i == 5 ? 0.5F : 0);
    }
}

// What is not a number is no sound, and does not hide what is.
static void test_no_numbers(void)
{
    float samples[32];
    g_autoptr(CutPeaks) peaks = cut_peaks_new(1, SEGMENT_SECOND);
    for (guint i = 0; i < G_N_ELEMENTS(samples); i++)
        samples[i] = NAN;
    cut_peaks_add(peaks, samples, G_N_ELEMENTS(samples), RATE, 0, 0, G_MAXINT64);
    g_assert_cmpfloat(peaks->columns[0].low, >, peaks->columns[0].high);
    samples[7] = -0.5F;
    cut_peaks_add(peaks, samples, G_N_ELEMENTS(samples), RATE, 0, 0, G_MAXINT64);
    g_assert_cmpfloat(peaks->columns[0].low, ==, -0.5F);
    g_assert_cmpfloat(peaks->columns[0].high, ==, -0.5F);
}

static void test_clip(void)
{
    float samples[1000];
    g_autoptr(CutPeaks) peaks = cut_peaks_new(100, 100000);
    for (guint i = 0; i < G_N_ELEMENTS(samples); i++)
        samples[i] = 0.1F;
    // From 5 ms before the beginning on; of it 10 to 15 ms. Then far away on both sides.
    cut_peaks_add(peaks, samples, G_N_ELEMENTS(samples), RATE, -5000, 10000, 15000);
    cut_peaks_add(peaks, samples, G_N_ELEMENTS(samples), RATE, -100000000, 0, G_MAXINT64);
    cut_peaks_add(peaks, samples, G_N_ELEMENTS(samples), RATE, 100000, 0, G_MAXINT64);
    cut_peaks_add(peaks, samples, 0, RATE, 50000, 0, G_MAXINT64);
    for (guint i = 0; i < 100; i++)
        g_assert_cmpint(peaks->columns[i].low <= peaks->columns[i].high, ==, i >= 10 && i < 15);
}

// Columns that are shorter than a sample have the one that they are in; a very long picture does not overflow.
static void test_extremes(void)
{
    static const float samples[] = {-0.5F, 0.25F, 0.75F};
    g_autoptr(CutPeaks) narrow = cut_peaks_new(1000, 50);
    cut_peaks_add(narrow, samples, 3, RATE, 0, 0, G_MAXINT64);
    for (guint i = 0; i < 1000; i++)
        g_assert_cmpfloat(narrow->columns[i].low, <=, narrow->columns[i].high);
    g_assert_cmpfloat(narrow->columns[0].high, ==, -0.5F);
    g_assert_cmpfloat(narrow->columns[999].low, ==, 0.75F);

    gint64 length = G_GINT64_CONSTANT(250000000000000000); // 8,000 years
    g_autoptr(CutPeaks) wide = cut_peaks_new(16384, length);
    cut_peaks_add(wide, samples, 3, RATE, length - 40, 0, length);
    cut_peaks_add(wide, samples, 3, RATE, length / 2, 0, length);
    g_assert_cmpfloat(wide->columns[16383].high, >=, 0.25F);
    g_assert_cmpfloat(wide->columns[8192].high, ==, 0.75F);
}

// In pieces, in any order, by two: the same.
static void test_random(void)
{
    enum { N = 20000 };
    g_autofree float *samples = g_new(float, N);
    for (int round = 0; round < 50; round++) {
        guint n_columns = (guint) g_test_rand_int_range(1, 700), rate = (guint) g_test_rand_int_range(8000, 96001);
        gint64 length = (gint64) N * SEGMENT_SECOND / rate;
        g_autoptr(CutPeaks) whole = cut_peaks_new(n_columns, length);
        g_autoptr(CutPeaks) a = cut_peaks_new(n_columns, length), b = cut_peaks_new(n_columns, length);
        for (guint i = 0; i < N; i++)
            samples[i] = (float) g_test_rand_double_range(-1, 1);
        cut_peaks_add(whole, samples, N, rate, 0, 0, length);
        for (guint i = 0, n; i < N; i += n) {
            // As a frame's position is: in whole microseconds.
            n = (guint) g_test_rand_int_range(1, 3000);
            n = MIN(n, N - i);
            cut_peaks_add(g_test_rand_bit() ? a : b, samples + i, n, rate, (gint64) i * SEGMENT_SECOND / rate, 0,
                          length);
        }
        cut_peaks_merge(a, b);
        for (guint c = 0; c < n_columns; c++) {
            // Of the samples on a column's borders one or two may be in it or not.
            gint64 first = (gint64) c * N / n_columns, last = ((gint64) c + 1) * N / n_columns;
            float low = 1, high = -1;
            for (gint64 i = first + 2; i < last - 2; i++) {
                low = MIN(low, samples[i]);
                high = MAX(high, samples[i]);
            }
            g_assert_true(a->columns[c].low <= low && a->columns[c].high >= high);
            g_assert_true(whole->columns[c].low <= low && whole->columns[c].high >= high);
            g_assert_true(a->columns[c].low >= -1 && a->columns[c].high <= 1);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/peaks/empty", test_empty);
    g_test_add_func("/peaks/rows", test_rows);
    g_test_add_func("/peaks/one-sample", test_one_sample);
    g_test_add_func("/peaks/no-numbers", test_no_numbers);
    g_test_add_func("/peaks/clip", test_clip);
    g_test_add_func("/peaks/extremes", test_extremes);
    g_test_add_func("/peaks/random", test_random);
    return g_test_run();
}
