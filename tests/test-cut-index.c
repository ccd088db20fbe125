// SPDX-License-Identifier: MIT
// What is known of a segment by its head and tail is what is in it.
#include "cut/index.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cut/demux.h"
#include "cut/request.h"
#include "cut/sps.h"
#include "segment/error.h"
#include "tests/media.h"

static void scan(const guint8 *data, gsize size, CutIndex *index)
{
    g_autoptr(GError) error = NULL;
    CutIndex again;
    cut_index_scan(data, size, "it", index, &error);
    g_assert_no_error(error);
    // The same out of a file.
    int fd = memfd_create("segment", MFD_CLOEXEC);
    g_assert_cmpint(write(fd, data, size), ==, size);
    cut_index_read(fd, (gint64) size, "it", &again, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(&again, sizeof again, index, sizeof *index);
    close(fd);
}

static void test_pictures(gconstpointer seed)
{
    g_autoptr(GBytes) bytes = media_load(seed);
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    CutIndex index;
    scan(data, size, &index);
    CutSource source = {.data = data, .size = size, .is_whole = TRUE};
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    gint64 first_pts = CUT_NO_STAMP, first_dts = 0, last_dts = 0, last_pts = 0;
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type != CUT_UNIT_PICTURE)
            continue;
        if (first_pts == CUT_NO_STAMP) {
            first_pts = unit->pts;
            first_dts = unit->dts;
            g_assert_cmpint(index.is_idr, ==, unit->is_idr);
            g_assert_cmpint(index.is_key, ==, unit->is_key);
        }
        last_dts = unit->dts;
        last_pts = MAX(last_pts, unit->pts);
    }
    g_assert_cmpint(index.pts, ==, first_pts);
    g_assert_cmpint(index.dts, ==, first_dts);
    g_assert_cmpint(index.last_dts, ==, last_dts);
    g_assert_cmpint(index.end, ==, last_pts + CUT_STAMP_HZ / 25);
    g_assert_false(index.straddles);
    if (index.video_type != CUT_TYPE_H264)
        return;
    CutSps sps;
    g_assert_cmpuint(index.sps_size, >, 0);
    g_assert_true(cut_sps_parse(index.sps, index.sps_size, &sps));
    g_assert_cmpuint(sps.width, ==, 64);
    g_assert_cmpuint(sps.height, ==, 48);
}

// A long one, of which the middle is not read; it begins with counters of its own, and goes over the wrap.
static void test_sound(gconstpointer straddling)
{
    g_autoptr(Media) media = media_new();
    const gint64 pts = CUT_STAMP_WRAP - 19200;
    const guint n = 8000;
    CutIndex index;
    media->counters[0] = 3;
    media->counters[MEDIA_AUDIO] = 9;
    media_add_tables(media, 0);
    media_add_sound(media, pts, n, 0, GPOINTER_TO_UINT(straddling));
    guint8 last = (media->counters[MEDIA_AUDIO] + 15) % 16;
    scan(media->bytes->data, media->bytes->len, &index);
    g_assert_cmpuint(index.video_pid, ==, 0);
    g_assert_cmphex(index.pcr_pid, ==, MEDIA_AUDIO);
    g_assert_cmpuint(index.n_pids, ==, 3);
    g_assert_cmpint(index.straddles, ==, straddling != NULL);
    CutIndexPid *sound = cut_index_find(&index, MEDIA_AUDIO), *pat = cut_index_find(&index, 0);
    g_assert_cmpuint(sound->first, ==, 9);
    g_assert_cmpuint(sound->last, ==, last);
    g_assert_cmpuint(pat->first, ==, 3);
    g_assert_cmpuint(pat->last, ==, 3);
    g_assert_cmpuint(sound->type, ==, CUT_TYPE_AAC);
    if (straddling != NULL)
        return;
    g_assert_cmpint(sound->pts, ==, pts);
    g_assert_cmpint(index.pts, ==, pts);
    g_assert_cmpint(index.end, ==, (pts + 1920 * n) & (CUT_STAMP_WRAP - 1));
    g_assert_cmpint(index.first_pcr, ==, (pts - 20000) * 300);
    g_assert_cmpint(index.last_pcr, ==, ((pts + 1920 * (n - 8) - 20000) & (CUT_STAMP_WRAP - 1)) * 300);
}

// A stream that is not there but at the end.
static void test_late(void)
{
    g_autoptr(Media) media = media_new();
    const guint8 picture[100] = {0};
    CutIndex index;
    media_add_tables(media, CUT_TYPE_MPEG2);
    for (guint i = 0; i < 4000; i++)
        media_add_pes(media, MEDIA_VIDEO, 3000 * i, 3000 * i, 3000 * 300 * i, picture, sizeof picture, 0);
    media->counters[MEDIA_AUDIO] = 7;
    media_add_sound(media, 90000, 8, 0, 0);
    scan(media->bytes->data, media->bytes->len, &index);
    CutIndexPid *sound = cut_index_find(&index, MEDIA_AUDIO);
    g_assert_nonnull(sound);
    g_assert_cmpuint(sound->first, ==, 7);
    g_assert_cmpint(index.end, ==, 3000 * 4000);
    g_assert_cmpint(index.last_dts, ==, 3000 * 3999);
}

static void check_failure(const guint8 *data, gsize size)
{
    CutIndex index;
    g_autoptr(GError) error = NULL;
    g_assert_false(cut_index_scan(data, size, "some/path", &index, &error));
    g_assert_error(error, CUT_ERROR, CUT_ERROR_CODEC);
    g_assert_nonnull(strstr(error->message, "some/path"));
}

static void test_errors(void)
{
    g_autoptr(Media) media = media_new();
    g_autoptr(GError) error = NULL;
    CutIndex index;
    guint8 zeros[1000] = {0};
    check_failure(zeros, 0);
    check_failure(zeros, sizeof zeros);
    media_add_tables(media, CUT_TYPE_MPEG2);
    check_failure(media->bytes->data, media->bytes->len);
    // A table that looks like a picture is none.
    memcpy(zeros, media->bytes->data, 5);
    zeros[6] = 1;
    g_byte_array_prepend(media->bytes, zeros, CUT_TS_PACKET);
    check_failure(media->bytes->data, media->bytes->len);
    // A file that became shorter.
    int fd = memfd_create("segment", MFD_CLOEXEC);
    g_assert_false(cut_index_read(fd, 1880, "some/path", &index, &error));
    g_assert_error(error, SEGMENT_ERRNO, EIO);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/index/pyramid", "head", test_pictures);
    g_test_add_data_func("/index/open-gop", "open", test_pictures);
    g_test_add_data_func("/index/mpeg2", "mpeg2-full", test_pictures);
    g_test_add_data_func("/index/sound", GUINT_TO_POINTER(0), test_sound);
    g_test_add_data_func("/index/straddling", GUINT_TO_POINTER(11), test_sound);
    g_test_add_func("/index/late", test_late);
    g_test_add_func("/index/errors", test_errors);
    return g_test_run();
}
