// SPDX-License-Identifier: MIT
// Streams are taken apart into the units that they were made of, on one line of time.
#include "cut/demux.h"

#include <string.h>

#include "segment/time.h"
#include "tests/media.h"

#define START (G_GINT64_CONSTANT(1573610400) * SEGMENT_SECOND) // 2019-11-13T02

static CutSource source_of(const Media *media, gint64 start)
{
    return (CutSource){.data = media->bytes->data, .size = media->bytes->len, .start = start, .is_whole = TRUE};
}

static guint count(const CutDemux *demux, CutUnitType type)
{
    guint n = 0;
    for (guint i = 0; i < demux->units->len; i++)
        n += cut_demux_unit(demux, i)->type == type ? 1 : 0;
    return n;
}

// All frames of sound follow each other, from PTS on, with the numbers from FIRST on.
static void check_sound(const CutDemux *demux, gint64 pts, guint n, guint first)
{
    guint found = 0;
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type != CUT_UNIT_AUDIO)
            continue;
        g_assert_cmpuint(unit->size, ==, MEDIA_FRAME);
        g_assert_cmpint(unit->pts, ==, pts + 1920 * (gint64) found);
        g_assert_cmpuint(unit->duration, ==, 1920);
        g_assert_cmphex(cut_demux_data(demux, unit)[MEDIA_FRAME - 1], ==, (first + found) % 200);
        g_assert_false(unit->is_damaged);
        found++;
    }
    g_assert_cmpuint(found, ==, n);
}

// Two segments of which the second begins behind the wrap.
static void test_wrap(gconstpointer straddling)
{
    g_autoptr(Media) a = media_new(), b = media_new();
    const gint64 pts = CUT_STAMP_WRAP - 30 * 1920;
    media_add_tables(a, 0);
    media_add_sound(a, pts, 48, 0, GPOINTER_TO_UINT(straddling));
    media_add_tables(b, 0);
    media_add_sound(b, pts + 48 * 1920, 48, 48, GPOINTER_TO_UINT(straddling));
    CutSource sources[] = {source_of(a, START), source_of(b, START + 1024 * 1000)};
    g_autoptr(CutDemux) demux = cut_demux_new(sources, 2, 0);
    check_sound(demux, pts, 96, 0);
    for (guint s = 0; s < 2; s++) {
        g_assert_cmpint(cut_demux_source(demux, s)->shift, ==, 0);
        g_assert_cmpint(cut_demux_source(demux, s)->pts, ==, pts + s * 48 * 1920);
    }
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->pcr != CUT_NO_STAMP && unit->type == CUT_UNIT_AUDIO)
            g_assert_cmpint(unit->pts - unit->pcr / 300, <=, 20000 + 8 * 1920);
    }
}

// A stream that began anew in its second segment: that goes on behind the first, or the first comes to be before it.
static void test_restart(gconstpointer data)
{
    const guint anchor = GPOINTER_TO_UINT(data);
    g_autoptr(Media) a = media_new(), b = media_new();
    media_add_tables(a, 0);
    media_add_sound(a, 5000000, 48, 0, 0);
    media_add_tables(b, 0);
    media_add_sound(b, 1000, 48, 48, 0);
    CutSource sources[] = {source_of(a, START), source_of(b, START + 1024 * 1000)};
    g_autoptr(CutDemux) demux = cut_demux_new(sources, 2, anchor);
    check_sound(demux, anchor == 0 ? 5000000 : 1000 - 48 * 1920, 96, 0);
    g_assert_cmpint(cut_demux_source(demux, 1)->shift, ==, 5000000 + 48 * 1920 - 1000);
}

static void test_pictures(void)
{
    g_autoptr(Media) media = media_new();
    guint8 picture[1000];
    media_add_tables(media, CUT_TYPE_MPEG2);
    for (guint i = 0; i < 10; i++) {
        memset(picture, (int) i + 1, sizeof picture);
        media_add_pes(media, MEDIA_VIDEO, 90000 + 3000 * i, 87000 + 3000 * i, (60000 + 3000 * i) * 300, picture,
                      100 * (i + 1), 0);
        if (i == 4)
            media_add_tables(media, CUT_TYPE_MPEG2);
    }
    CutSource source = source_of(media, START);
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    guint n = 0;
    g_assert_cmpuint(count(demux, CUT_UNIT_PSI), ==, 4);
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type != CUT_UNIT_PICTURE)
            continue;
        g_assert_cmpint(unit->pts, ==, 90000 + 3000 * n);
        g_assert_cmpint(unit->dts, ==, 87000 + 3000 * n);
        g_assert_cmpint(unit->pcr, ==, (60000 + 3000 * n) * 300);
        g_assert_cmpuint(unit->size, ==, 100 * (n + 1));
        g_assert_cmphex(cut_demux_data(demux, unit)[unit->size - 1], ==, n + 1);
        // Shown at 1/30 s each: before a time if, and only if, it is.
        gint64 shown = START + n * SEGMENT_SECOND / 30;
        g_assert_false(cut_demux_is_before(demux, unit, shown));
        g_assert_true(cut_demux_is_before(demux, unit, shown + 1));
        n++;
    }
    g_assert_cmpuint(n, ==, 10);
}

// A packet that is lost damages what it was part of, and nothing else.
static void test_lost(void)
{
    g_autoptr(Media) media = media_new();
    const guint8 picture[1000] = {0};
    media_add_tables(media, CUT_TYPE_MPEG2);
    for (guint i = 0; i < 3; i++)
        media_add_pes(media, MEDIA_VIDEO, 90000 + 3000 * i, 90000 + 3000 * i, CUT_NO_STAMP, picture, sizeof picture, 0);
    g_byte_array_remove_range(media->bytes, (2 + 6 + 2) * CUT_TS_PACKET, CUT_TS_PACKET);
    CutSource source = source_of(media, START);
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    guint n = 0;
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type == CUT_UNIT_PICTURE)
            g_assert_cmpint(unit->is_damaged, ==, n++ == 1);
    }
    g_assert_cmpuint(n, ==, 3);
}

// Bytes that do not belong there cost what they are in.
static void test_sync(void)
{
    g_autoptr(Media) media = media_new(), broken = media_new();
    media_add_tables(media, 0);
    media_add_sound(media, 90000, 48, 0, 0);
    g_byte_array_append(broken->bytes, (const guint8 *) "G?G??", 5);
    g_byte_array_append(broken->bytes, media->bytes->data, 2 * CUT_TS_PACKET);
    g_byte_array_append(broken->bytes, (const guint8 *) "GGG", 3);
    g_byte_array_append(broken->bytes, media->bytes->data + 2 * CUT_TS_PACKET,
                        media->bytes->len - 2 * CUT_TS_PACKET - 100);
    CutSource source = source_of(broken, START);
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    // A PES packet is lost, and of the last one's eight frames, whose end is cut off, those are left that are whole.
    guint n = count(demux, CUT_UNIT_AUDIO);
    g_assert_cmpuint(n, >=, 36);
    g_assert_cmpuint(n, <, 48);
}

// Tables that lose a stream, or name others: nothing is taken for what it is not.
static void test_tables(void)
{
    g_autoptr(Media) media = media_new();
    const guint8 picture[100] = {0};
    CutSource nothing = {.data = picture, .size = 0, .start = START};
    media_add_tables(media, CUT_TYPE_MPEG2);
    media_add_pes(media, MEDIA_VIDEO, 9000, 9000, CUT_NO_STAMP, picture, sizeof picture, 0);
    media_add_tables(media, 0);
    media_add_pes(media, MEDIA_VIDEO, 18000, 18000, CUT_NO_STAMP, picture, sizeof picture, 0);
    CutSource sources[] = {nothing, source_of(media, START), nothing};
    g_autoptr(CutDemux) demux = cut_demux_new(sources, 3, 1);
    g_assert_cmpuint(count(demux, CUT_UNIT_PICTURE), ==, 1);
    g_assert_null(cut_psi_first(&cut_demux_source(demux, 1)->psi, CUT_STREAM_VIDEO));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/demux/wrap", GUINT_TO_POINTER(0), test_wrap);
    g_test_add_data_func("/demux/straddling/1", GUINT_TO_POINTER(1), test_wrap);
    g_test_add_data_func("/demux/straddling/13", GUINT_TO_POINTER(13), test_wrap);
    g_test_add_data_func("/demux/restart/first", GUINT_TO_POINTER(0), test_restart);
    g_test_add_data_func("/demux/restart/second", GUINT_TO_POINTER(1), test_restart);
    g_test_add_func("/demux/pictures", test_pictures);
    g_test_add_func("/demux/lost", test_lost);
    g_test_add_func("/demux/sync", test_sync);
    g_test_add_func("/demux/tables", test_tables);
    return g_test_run();
}
