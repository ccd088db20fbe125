// SPDX-License-Identifier: MIT
// Boxes: that they lie in each other, and that numbers become as long as they have to be.
#include "cut/mp4.h"

#include <string.h>

#include "segment/time.h"

static guint32 get_32(const guint8 *data)
{
    guint32 value;
    memcpy(&value, data, sizeof value);
    return GUINT32_FROM_BE(value);
}

// The content of the box at PATH ("moov/trak/…"), or NULL; *SIZE of it.
static const guint8 *find(const guint8 *data, gsize size, const char *path, gsize *length)
{
    for (gsize at = 0; at + 8 <= size; at += get_32(data + at)) {
        gsize own = get_32(data + at);
        g_assert_cmpuint(own, >=, 8);
        g_assert_cmpuint(at + own, <=, size);
        if (memcmp(data + at + 4, path, 4) != 0)
            continue;
        *length = own - 8;
        return path[4] == '/' ? find(data + at + 8, own - 8, path + 5, length) : data + at + 8;
    }
    return NULL;
}

static CutMp4Track *add_video(CutMp4 *mp4, gint64 offset)
{
    static const guint8 sps[] = {0x67, 100, 0, 40, 0x80}, pps[] = {0x68, 0x80};
    g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    g_ptr_array_add(sets, g_bytes_new(sps, sizeof sps));
    g_ptr_array_add(sets, g_bytes_new(pps, sizeof pps));
    CutMp4Picture picture = {.width = 64,
                             .height = 48,
                             .sar_width = 4,
                             .sar_height = 3,
                             .primaries = 1,
                             .transfer = 1,
                             .matrix = 1,
                             .chroma_format = 1,
                             .luma_depth = 8,
                             .chroma_depth = 8,
                             .sets = sets};
    CutMp4Track *track = cut_mp4_add_track(mp4, CUT_MP4_VIDEO, 15360);
    g_ptr_array_add(track->entries, cut_mp4_video_entry(&picture, mp4->is_quicktime));
    for (guint32 i = 0; i < 10; i++) {
        guint32 size = 100 + i;
        g_array_append_val(track->sizes, size);
        cut_mp4_add_run(track->durations, 1, 256);
    }
    guint32 one = 1;
    g_array_append_val(track->syncs, one);
    const CutMp4Chunk chunks[] = {{1000, 4, 0}, {2000, 4, 0}, {offset, 2, 0}};
    g_array_append_vals(track->chunks, chunks, G_N_ELEMENTS(chunks));
    track->duration = 2560;
    return track;
}

static CutMp4 *new_movie(gboolean is_quicktime)
{
    CutMp4 *mp4 = cut_mp4_new(is_quicktime, 90000);
    mp4->created = 1573613151 * SEGMENT_SECOND;
    mp4->title = g_strdup("channel/quality");
    return mp4;
}

static void test_tables(gconstpointer is_quicktime)
{
    g_autoptr(CutMp4) mp4 = new_movie(is_quicktime != NULL);
    CutMp4Track *track = add_video(mp4, 3000);
    const CutMp4Edit edit = {15000, 512};
    g_array_append_val(track->edits, edit);
    CutMp4Track *timecode = cut_mp4_add_track(mp4, CUT_MP4_TIMECODE, 15360);
    g_ptr_array_add(timecode->entries, cut_mp4_timecode_entry(15360, 256, 60, FALSE));
    cut_mp4_add_chapter(mp4, 0, "one");
    cut_mp4_add_chapter(mp4, 7500, "two");
    g_autoptr(GByteArray) head = cut_mp4_head(mp4, 0);
    gsize size;
    const guint8 *box = find(head->data, head->len, "ftyp", &size);
    g_assert_cmpmem(box, 4, is_quicktime != NULL ? "qt  " : "isom", 4);
    box = find(head->data, head->len, "moov/mvhd", &size);
    g_assert_cmpuint(get_32(box + 4), ==, 1573613151U + 2082844800U);
    g_assert_cmpuint(get_32(box + 16), ==, 15000); // as long as its edits
    // One run of durations, two of chunks.
    box = find(head->data, head->len, "moov/trak/mdia/minf/stbl/stts", &size);
    g_assert_cmpuint(size, ==, 16);
    g_assert_cmpuint(get_32(box + 8), ==, 10);
    box = find(head->data, head->len, "moov/trak/mdia/minf/stbl/stsc", &size);
    g_assert_cmpuint(get_32(box + 4), ==, 2);
    g_assert_cmpuint(get_32(box + 8 + 12), ==, 3);
    box = find(head->data, head->len, "moov/trak/mdia/minf/stbl/stco", &size);
    g_assert_cmpuint(get_32(box + 4), ==, 3);
    g_assert_null(find(head->data, head->len, "moov/trak/mdia/minf/stbl/ctts", &size));
    g_assert_nonnull(find(head->data, head->len, "moov/trak/edts/elst", &size));
    box = find(head->data, head->len, "moov/trak/tref/tmcd", &size);
    g_assert_cmpuint(get_32(box), ==, 2);
    box = find(head->data, head->len, "moov/udta/chpl", &size);
    g_assert_cmpuint(box[8], ==, 2);
    // avcC of a high profile says its format once more.
    box = find(head->data, head->len, "moov/trak/mdia/minf/stbl/stsd", &size);
    const guint8 *avcc = find(box + 8 + 8 + 78, size - 8 - 8 - 78, "avcC", &size);
    static const guint8 expected[] = {1,  100,  0, 40, 0xFF, 0xE1, 0,    5,    0x67, 100,  0,
                                      40, 0x80, 1, 0,  2,    0x68, 0x80, 0xFD, 0xF8, 0xF8, 0};
    g_assert_cmpmem(avcc, size, expected, sizeof expected);
}

static void test_large(void)
{
    g_autoptr(CutMp4) mp4 = new_movie(FALSE);
    CutMp4Track *track = add_video(mp4, G_GINT64_CONSTANT(0x123456789));
    const CutMp4Edit edit = {G_GINT64_CONSTANT(0x100000000), 512};
    g_array_append_val(track->edits, edit);
    g_autoptr(GByteArray) head = cut_mp4_head(mp4, 0);
    gsize size;
    g_assert_null(find(head->data, head->len, "moov/trak/mdia/minf/stbl/stco", &size));
    const guint8 *box = find(head->data, head->len, "moov/trak/mdia/minf/stbl/co64", &size);
    g_assert_cmpuint(get_32(box + 8 + 16), ==, 1);
    g_assert_cmphex(get_32(box + 8 + 20), ==, 0x23456789);
    box = find(head->data, head->len, "moov/trak/edts/elst", &size);
    g_assert_cmpuint(box[0], ==, 1);
    box = find(head->data, head->len, "moov/trak/tkhd", &size);
    g_assert_cmpuint(box[0], ==, 1);
    g_assert_cmpuint(size, ==, 96);
    box = find(head->data, head->len, "moov/trak/mdia/mdhd", &size);
    g_assert_cmpuint(box[0], ==, 0);
}

static void test_runs(void)
{
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(CutMp4Run));
    cut_mp4_add_run(runs, 3, 7);
    cut_mp4_add_run(runs, 2, 7);
    cut_mp4_add_run(runs, 1, -7);
    g_assert_cmpuint(runs->len, ==, 2);
    g_assert_cmpuint(g_array_index(runs, CutMp4Run, 0).count, ==, 5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/mp4/tables", NULL, test_tables);
    g_test_add_data_func("/mp4/tables/quicktime", "qt", test_tables);
    g_test_add_func("/mp4/large", test_large);
    g_test_add_func("/mp4/runs", test_runs);
    return g_test_run();
}
