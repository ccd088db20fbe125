// SPDX-License-Identifier: MIT
// Samples are what a demuxer finds, in the form of MP4; however their bytes are spread over packets.
#include "cut/samples.h"

#include <string.h>

#include "cut/demux.h"
#include "cut/nal.h"
#include "tests/media.h"

// From Annex B to lengths, by the other parser.
static void append_picture(GByteArray *out, const guint8 *data, gsize size)
{
    gsize length;
    for (gsize at = cut_nal_next(data, size, 0, &length); at < size;
         at = cut_nal_next(data, size, at + length, &length)) {
        guint type = data[at] & 0x1F;
        gsize used = length;
        while (used > 0 && data[at + used - 1] == 0)
            used--;
        guint32 bytes = GUINT32_TO_BE((guint32) used);
        if (type == 7 || type == 8 || type == 9 || type == 12 || used == 0)
            continue;
        g_byte_array_append(out, (const guint8 *) &bytes, sizeof bytes);
        g_byte_array_append(out, data + at, (guint) used);
    }
}

static guint8 *write_all(const CutSamples *samples, const guint8 *data, gsize size)
{
    gsize length = (gsize) cut_samples_size(samples);
    guint8 *out = g_malloc(length + 1);
    out[length] = 0xA5;
    g_assert_true(cut_samples_write(samples, data, size, out));
    g_assert_cmphex(out[length], ==, 0xA5);
    return out;
}

static void check_pack(const CutSamples *samples)
{
    g_autoptr(GBytes) packed = cut_samples_pack(samples);
    g_autoptr(CutSamples) again = cut_samples_new();
    g_assert_true(cut_samples_unpack(again, packed));
    g_assert_cmpint(cut_samples_size(again), ==, cut_samples_size(samples));
    g_assert_cmpuint(again->n_sync, ==, samples->n_sync);
    g_assert_cmpmem(again->pictures->data, again->pictures->len * sizeof(CutPictureSample), samples->pictures->data,
                    samples->pictures->len * sizeof(CutPictureSample));
    g_autoptr(GBytes) packed_again = cut_samples_pack(again);
    g_assert_true(g_bytes_equal(packed, packed_again));
    // What is cut off is nothing.
    for (gsize n = 0; n < g_bytes_get_size(packed); n++) {
        g_autoptr(GBytes) part = g_bytes_new_from_bytes(packed, 0, n);
        g_assert_false(cut_samples_unpack(again, part));
    }
}

static void test_seed(gconstpointer seed)
{
    g_autoptr(GBytes) bytes = media_load(seed);
    g_autoptr(CutSamples) samples = cut_samples_new();
    g_autoptr(GByteArray) expected = g_byte_array_new();
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    CutSource source = {.data = data, .size = size, .is_whole = TRUE};
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    cut_samples_scan(samples, data, size);
    g_assert_cmpint(samples->fault, ==, CUT_SAMPLES_OK);
    guint n_pictures = 0, n_frames = 0;
    for (guint pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < demux->units->len; i++) {
            const CutUnit *unit = cut_demux_unit(demux, i);
            const guint8 *content = cut_demux_data(demux, unit);
            if (pass == 0 && unit->type == CUT_UNIT_PICTURE) {
                const CutPictureSample *picture = &g_array_index(samples->pictures, CutPictureSample, n_pictures++);
                guint before = expected->len;
                append_picture(expected, content, unit->size);
                g_assert_cmpuint(picture->size, ==, expected->len - before);
                g_assert_cmpint(picture->pts, ==, unit->pts);
                g_assert_cmpint(picture->dts, ==, unit->dts);
                g_assert_cmpint(picture->is_sync, ==, unit->is_key);
            } else if (pass == 1 && unit->type == CUT_UNIT_AUDIO) {
                const CutSoundSample *frame = &g_array_index(samples->tracks[0].frames, CutSoundSample, n_frames++);
                g_byte_array_append(expected, content + 7, (guint) unit->size - 7);
                g_assert_cmpuint(frame->size, ==, unit->size - 7);
                g_assert_cmpint(frame->pts, ==, unit->pts);
            }
        }
    }
    g_assert_cmpuint(n_pictures, ==, samples->pictures->len);
    g_assert_cmpuint(n_frames, ==, samples->n_tracks > 0 ? samples->tracks[0].frames->len : 0);
    g_autofree guint8 *out = write_all(samples, data, size);
    g_assert_cmpmem(out, (gsize) cut_samples_size(samples), expected->data, expected->len);
    check_pack(samples);
}

// Bytes that are mostly zeros and ones, in PES packets whose first packets end anywhere.
static void test_start_codes(void)
{
    g_autoptr(CutSamples) samples = cut_samples_new();
    for (guint round = 0; round < 3000; round++) {
        g_autoptr(Media) media = media_new();
        g_autoptr(GByteArray) expected = g_byte_array_new();
        media_add_tables(media, 0x1B);
        guint n_pictures = 0;
        for (guint i = 0; i < 3; i++) {
            guint8 picture[700] = {0, 0, 1, 0x65, 0x80};
            gsize size = (gsize) g_test_rand_int_range(5, sizeof picture);
            for (gsize k = 5; k < size; k++) {
                gint32 random = g_test_rand_int_range(0, 24);
                picture[k] = random < 14 ? 0 : random < 18 ? 1 : (guint8) random;
            }
            picture[size - 1] = g_test_rand_bit() ? 0x80 : 0;
            media_add_pes(media, MEDIA_VIDEO, 9000 + 3600 * i, 9000 + 3600 * i, CUT_NO_STAMP, picture, size,
                          g_test_rand_bit() ? 0 : (guint) g_test_rand_int_range(20, 160));
            guint before = expected->len;
            append_picture(expected, picture, size);
            g_assert_cmpuint(expected->len, >, before);
            n_pictures++;
        }
        cut_samples_scan(samples, media->bytes->data, media->bytes->len);
        g_assert_cmpuint(samples->pictures->len, ==, n_pictures);
        g_autofree guint8 *out = write_all(samples, media->bytes->data, media->bytes->len);
        g_assert_cmpmem(out, (gsize) cut_samples_size(samples), expected->data, expected->len);
    }
}

// A PES packet without a time goes on with the picture before it.
static void test_no_stamp(void)
{
    static const guint8 first[] = {0, 0, 1, 0x65, 1, 2, 3}, rest[] = {4, 5, 0, 0, 1, 0x41, 6};
    static const guint8 expected[] = {0, 0, 0, 6, 0x65, 1, 2, 3, 4, 5, 0, 0, 0, 2, 0x41, 6};
    g_autoptr(Media) media = media_new();
    g_autoptr(CutSamples) samples = cut_samples_new();
    media_add_tables(media, 0x1B);
    media_add_pes(media, MEDIA_VIDEO, 9000, 9000, CUT_NO_STAMP, first, sizeof first, 0);
    media_add_pes(media, MEDIA_VIDEO, CUT_NO_STAMP, CUT_NO_STAMP, CUT_NO_STAMP, rest, sizeof rest, 0);
    cut_samples_scan(samples, media->bytes->data, media->bytes->len);
    g_assert_cmpuint(samples->pictures->len, ==, 1);
    g_autofree guint8 *out = write_all(samples, media->bytes->data, media->bytes->len);
    g_assert_cmpmem(out, (gsize) cut_samples_size(samples), expected, sizeof expected);
}

// Stamps go on over the wrap; frames that lie in two packets are one.
static void test_sound(gconstpointer straddling)
{
    g_autoptr(Media) media = media_new();
    g_autoptr(CutSamples) samples = cut_samples_new();
    const gint64 pts = CUT_STAMP_WRAP - 19200;
    media_add_tables(media, 0);
    media_add_sound(media, pts, 100, 0, GPOINTER_TO_UINT(straddling));
    cut_samples_scan(samples, media->bytes->data, media->bytes->len);
    g_assert_cmpuint(samples->n_tracks, ==, 1);
    const CutSampleTrack *track = &samples->tracks[0];
    g_assert_cmpuint(track->rate, ==, 48000);
    g_assert_cmphex(track->config >> 11, ==, 2); // AAC LC
    g_assert_cmpuint(track->frames->len, ==, 100);
    for (guint i = 0; i < 100; i++) {
        const CutSoundSample *frame = &g_array_index(track->frames, CutSoundSample, i);
        g_assert_cmpint(frame->pts, ==, pts + 1920 * i);
        g_assert_cmpuint(frame->size, ==, MEDIA_FRAME - 7);
    }
    g_free(write_all(samples, media->bytes->data, media->bytes->len));
    check_pack(samples);
}

static void test_faults(void)
{
    static const guint8 a[] = {0, 0, 1, 0x67, 77, 0, 40, 0x80, 1, 0, 0, 1, 0x65, 1};
    static const guint8 b[] = {0, 0, 1, 0x67, 77, 0, 40, 0x80, 2, 0, 0, 1, 0x65, 1};
    static const guint8 other[] = {0, 0, 1, 0x67, 77, 0, 40, 0x40, 2, 0, 0, 1, 0x65, 1}; // number 1
    g_autoptr(CutSamples) samples = cut_samples_new();
    for (guint i = 0; i < 2; i++) {
        g_autoptr(Media) media = media_new();
        media_add_tables(media, 0x1B);
        media_add_pes(media, MEDIA_VIDEO, 9000, 9000, CUT_NO_STAMP, a, sizeof a, 0);
        media_add_pes(media, MEDIA_VIDEO, 12600, 12600, CUT_NO_STAMP, i == 0 ? b : other, sizeof b, 0);
        cut_samples_scan(samples, media->bytes->data, media->bytes->len);
        g_assert_cmpint(samples->fault, ==, i == 0 ? CUT_SAMPLES_SETS : CUT_SAMPLES_OK);
        g_assert_cmpuint(samples->sets->len, ==, 2);
    }
    g_autoptr(Media) hevc = media_new();
    media_add_tables(hevc, 0x24);
    media_add_pes(hevc, MEDIA_VIDEO, 9000, 9000, CUT_NO_STAMP, a, sizeof a, 0);
    cut_samples_scan(samples, hevc->bytes->data, hevc->bytes->len);
    g_assert_cmpint(samples->fault, ==, CUT_SAMPLES_VIDEO);
}

// What was read from one segment is not written from another.
static void test_other(void)
{
    g_autoptr(GBytes) a = media_load("head");
    g_autoptr(GBytes) b = media_load("open");
    g_autoptr(CutSamples) samples = cut_samples_new();
    gsize size;
    const guint8 *data = g_bytes_get_data(a, &size);
    cut_samples_scan(samples, data, size);
    g_autofree guint8 *out = g_malloc((gsize) cut_samples_size(samples));
    g_assert_true(cut_samples_write(samples, data, size, out));
    g_assert_false(cut_samples_write(samples, data, size / 2, out));
    data = g_bytes_get_data(b, &size);
    g_assert_false(cut_samples_write(samples, data, size, out));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/samples/pyramid", "head", test_seed);
    g_test_add_data_func("/samples/open-gop", "open", test_seed);
    g_test_add_data_func("/samples/inside", "inside", test_seed);
    g_test_add_data_func("/samples/sound", "sound", test_seed);
    g_test_add_func("/samples/start-codes", test_start_codes);
    g_test_add_func("/samples/no-stamp", test_no_stamp);
    g_test_add_data_func("/samples/frames", GUINT_TO_POINTER(0), test_sound);
    g_test_add_data_func("/samples/frames/straddling", GUINT_TO_POINTER(11), test_sound);
    g_test_add_func("/samples/faults", test_faults);
    g_test_add_func("/samples/other", test_other);
    return g_test_run();
}
