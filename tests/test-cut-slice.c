// SPDX-License-Identifier: MIT
// Pictures that are numbered anew say what they should, of the right parameter sets, and are else as they were.
#include "cut/slice.h"

#include <string.h>

#include "cut/demux.h"
#include "cut/nal.h"
#include "tests/media.h"

enum { SLICE = 1, IDR = 5, SPS = 7, PPS = 8 };

typedef struct {
    GBytes *bytes;
    CutDemux *demux;
    GPtrArray *pictures; // GBytes
} Stream;

static void stream_free(Stream *stream)
{
    g_ptr_array_unref(stream->pictures);
    cut_demux_free(stream->demux);
    g_bytes_unref(stream->bytes);
    g_free(stream);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stream, stream_free)

static Stream *stream_load(const char *seed)
{
    Stream *stream = g_new0(Stream, 1);
    stream->bytes = media_load(seed);
    CutSource source = {.data = g_bytes_get_data(stream->bytes, NULL), .size = g_bytes_get_size(stream->bytes)};
    stream->demux = cut_demux_new(&source, 1, 0);
    stream->pictures = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    for (guint i = 0; i < stream->demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(stream->demux, i);
        if (unit->type == CUT_UNIT_PICTURE)
            g_ptr_array_add(stream->pictures, g_bytes_new(cut_demux_data(stream->demux, unit), unit->size));
    }
    return stream;
}

static const guint8 *find(GBytes *picture, guint type, gsize *size)
{
    gsize all;
    const guint8 *data = g_bytes_get_data(picture, &all);
    return cut_nal_find(data, all, type, size);
}

static GBytes *find_bytes(GBytes *picture, guint type)
{
    gsize size;
    const guint8 *data = find(picture, type, &size);
    g_assert_nonnull(data);
    return g_bytes_new(data, size);
}

static void read_place(GBytes *picture, GBytes *sps, CutSlicePlace *place)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(picture, &size);
    g_assert_true(cut_slice_read(data, size, sps, place));
}

// Decoding: the first picture is number 0, and each reference picture counts one more.
static void test_read(void)
{
    g_autoptr(Stream) stream = stream_load("like-encoded"); // without B frames
    g_autoptr(GBytes) sps = find_bytes(g_ptr_array_index(stream->pictures, 0), SPS);
    for (guint i = 1; i < 8; i++) {
        CutSlicePlace place;
        read_place(g_ptr_array_index(stream->pictures, i), sps, &place);
        g_assert_cmpuint(place.sps.width, ==, 64);
        g_assert_cmpuint(place.sps.height, ==, 48);
        g_assert_cmpuint(place.frame_num, ==, i);
        g_assert_true(place.sps.poc_type == 2 || place.poc_lsb == 2 * i);
    }
}

static void test_rewrite(void)
{
    g_autoptr(Stream) open = stream_load("open"), plain = stream_load("like-encoded");
    g_autoptr(GBytes) sps = find_bytes(g_ptr_array_index(open->pictures, 0), SPS);
    CutSlicePlace place;
    read_place(g_ptr_array_index(open->pictures, 1), sps, &place);
    place.frame_num = 3;
    place.poc_lsb = 2;
    g_autoptr(CutSliceRewriter) rewriter = cut_slice_rewriter_new(&place);
    const guint n = 8;
    for (guint i = 0; i < n; i++) {
        GBytes *picture = g_ptr_array_index(plain->pictures, i);
        g_autoptr(GBytes) written = cut_slice_rewrite(rewriter, picture, n - i);
        g_assert_nonnull(written);
        gsize old_size, new_size;
        const guint type = i == 0 ? IDR : SLICE;
        const guint8 *old = find(picture, type, &old_size), *new = find(written, type, &new_size);
        g_assert_nonnull(new);
        // The coded picture's end is the same, byte by byte: what stands before it are a few bytes.
        gsize tail = old_size - MIN(12, old_size - 2);
        g_assert_cmpuint(new_size, >=, tail);
        g_assert_cmpmem(new + new_size - tail, tail, old + old_size - tail, tail);
        if (i == 0) {
            g_autoptr(GBytes) own = find_bytes(written, SPS);
            g_assert_true(g_bytes_equal(own, sps));
            g_assert_nonnull(find(written, PPS, &new_size));
            continue;
        }
        CutSlicePlace got;
        read_place(written, sps, &got);
        const guint max = 1U << place.sps.log2_max_frame_num, max_lsb = 1U << place.sps.log2_max_poc_lsb;
        g_assert_cmpuint(got.frame_num, ==, (3 + max - (n - i)) % max);
        g_assert_cmpuint(got.poc_lsb, ==, (2 + max_lsb - 2 * (n - i)) % max_lsb);
    }
}

// A slice needs its parameter sets; and what is cut short is not understood, or not longer than it was.
static void test_broken(void)
{
    g_autoptr(Stream) open = stream_load("open"), plain = stream_load("like-encoded");
    g_autoptr(GBytes) sps = find_bytes(g_ptr_array_index(open->pictures, 0), SPS);
    CutSlicePlace place;
    read_place(g_ptr_array_index(open->pictures, 1), sps, &place);
    g_autoptr(CutSliceRewriter) rewriter = cut_slice_rewriter_new(&place);
    g_assert_null(cut_slice_rewrite(rewriter, g_ptr_array_index(plain->pictures, 1), 1));
    gsize size;
    const guint8 *data = g_bytes_get_data(g_ptr_array_index(plain->pictures, 0), &size);
    for (gsize length = 0; length < MIN(size, 400); length++) {
        g_autoptr(GBytes) part = g_bytes_new(data, length);
        g_autoptr(CutSliceRewriter) own = cut_slice_rewriter_new(&place);
        g_autoptr(GBytes) written = cut_slice_rewrite(own, part, 1);
        g_assert_true(written == NULL || g_bytes_get_size(written) <= length + 2 * g_bytes_get_size(sps) + 64);
    }
}

// ---- parameter sets

typedef struct {
    guint8 bytes[64];
    guint n;
} Bits;

static void put(Bits *bits, guint value, guint n)
{
    while (n-- > 0) {
        bits->bytes[bits->n / 8] |= (guint8) ((value >> n & 1) << (7 - bits->n % 8));
        bits->n++;
    }
}

static void put_ue(Bits *bits, guint value)
{
    guint n = g_bit_storage(value + 1);
    put(bits, 0, n - 1);
    put(bits, value + 1, n);
}

// Baseline, of frames; without a crop and VUI
static gboolean parse(guint id, guint frame_num, guint poc_type, guint poc_lsb, guint refs, guint width, guint height,
                      CutSps *sps)
{
    Bits bits = {{0}, 0};
    put(&bits, 0x67, 8);
    put(&bits, 66, 8);
    put(&bits, 0, 8);
    put(&bits, 30, 8);
    put_ue(&bits, id);
    put_ue(&bits, frame_num);
    put_ue(&bits, poc_type);
    if (poc_type == 0)
        put_ue(&bits, poc_lsb);
    put_ue(&bits, refs);
    put(&bits, 0, 1);
    put_ue(&bits, width);
    put_ue(&bits, height);
    put(&bits, 1, 1); // frame_mbs_only_flag
    put(&bits, 1, 1);
    put(&bits, 0, 1); // no crop
    put(&bits, 0, 1); // no VUI
    put(&bits, 1, 1);
    return cut_sps_parse(bits.bytes, (bits.n + 7) / 8, sps);
}

static void test_sps(void)
{
    CutSps sps, other;
    g_assert_true(parse(31, 12, 0, 12, 16, 119, 67, &sps));
    g_assert_cmpuint(sps.id, ==, 31);
    g_assert_cmpuint(sps.profile, ==, 66);
    g_assert_cmpuint(sps.level, ==, 30);
    g_assert_cmpuint(sps.log2_max_frame_num, ==, 16);
    g_assert_cmpuint(sps.log2_max_poc_lsb, ==, 16);
    g_assert_cmpuint(sps.refs, ==, 16);
    g_assert_cmpuint(sps.width, ==, 1920);
    g_assert_cmpuint(sps.height, ==, 1088);
    g_assert_true(parse(0, 0, 2, 0, 1, 119, 67, &other));
    g_assert_true(cut_sps_fits(&sps, &other));
    g_assert_true(parse(0, 0, 2, 0, 1, 118, 67, &other));
    g_assert_false(cut_sps_fits(&sps, &other));
    // What H.264 does not allow is none, however large.
    g_assert_false(parse(32, 0, 2, 0, 1, 10, 10, &sps));
    g_assert_false(parse(0, 13, 2, 0, 1, 10, 10, &sps));
    g_assert_false(parse(0, 0xFFFFFF0, 2, 0, 1, 10, 10, &sps));
    g_assert_false(parse(0, 0, 3, 0, 1, 10, 10, &sps));
    g_assert_false(parse(0, 0, 0, 13, 1, 10, 10, &sps));
    g_assert_false(parse(0, 0, 0, 0xFFFFFFFD, 1, 10, 10, &sps));
    g_assert_false(parse(0, 0, 2, 0, 17, 10, 10, &sps));
    g_assert_false(parse(0, 0, 2, 0, 1, 0xFFFFFFF, 10, &sps));
    g_assert_false(parse(0, 0, 2, 0, 1, 10, 5000, &sps));
}

// ---- NAL units

static void test_nal(void)
{
    static const guint8 data[] = {9, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0, 0, 1, 0x65, 4};
    static const guint wanted[][2] = {{4, 3}, {11, 2}, {19, 2}};
    gsize at = 0, length = 0;
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
        at = cut_nal_next(data, sizeof data, at + length, &length);
        g_assert_cmpuint(at, ==, wanted[i][0]);
        g_assert_cmpuint(length, ==, wanted[i][1]);
    }
    g_assert_cmpuint(cut_nal_next(data, sizeof data, at + length, &length), ==, sizeof data);
    g_assert_true(cut_nal_find(data, sizeof data, PPS, &length) == data + 11);
    g_assert_null(cut_nal_find(data, sizeof data, SLICE, &length));
}

// Empty units in a row take no stack.
static void test_nal_empty(void)
{
    const gsize n = 3 * 1000 * 1000;
    g_autofree guint8 *data = g_malloc0(n);
    gsize length;
    for (gsize i = 2; i < n; i += 3)
        data[i] = 1;
    g_assert_cmpuint(cut_nal_next(data, n, 0, &length), >=, n - 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/slice/read", test_read);
    g_test_add_func("/slice/rewrite", test_rewrite);
    g_test_add_func("/slice/broken", test_broken);
    g_test_add_func("/slice/sps", test_sps);
    g_test_add_func("/slice/nal", test_nal);
    g_test_add_func("/slice/nal/empty", test_nal_empty);
    return g_test_run();
}
