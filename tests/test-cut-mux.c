// SPDX-License-Identifier: MIT
// What is written is read again, in just as many bytes as it should be, and every PID is numbered from 0 to 15.
#include "cut/mux.h"

#include <string.h>

#include "cut/demux.h"
#include "tests/media.h"

#define SIZE (2000 * CUT_TS_PACKET)

static void make_psi(CutPsi *psi, guint8 video_type)
{
    g_autoptr(Media) media = media_new();
    media_add_tables(media, video_type);
    for (gsize i = 0; i < media->bytes->len; i += CUT_TS_PACKET) {
        CutTsPacket packet;
        g_assert_true(cut_ts_parse(media->bytes->data + i, &packet));
        cut_psi_read(psi, media->bytes->data + i, &packet);
    }
}

typedef struct {
    CutPsi psi;
    CutMux *mux;
    GPtrArray *written; // GBytes of pictures
    gint64 pts;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer unused)
{
    make_psi(&fixture->psi, CUT_TYPE_MPEG2);
    fixture->mux = cut_mux_new(&fixture->psi);
    fixture->written = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    fixture->pts = CUT_STAMP_WRAP - 30000; // over the wrap
    cut_mux_psi(fixture->mux);
}

static void tear_down(Fixture *fixture, gconstpointer unused)
{
    cut_mux_free(fixture->mux);
    g_ptr_array_unref(fixture->written);
}

static void add_picture(Fixture *fixture, gsize size, gboolean is_last)
{
    g_autofree guint8 *data = g_malloc(size);
    for (gsize i = 0; i < size; i++)
        data[i] = (guint8) g_test_rand_int();
    CutMuxPes pes = {.pid = MEDIA_VIDEO,
                     .stream_id = 0xE0,
                     .pts = fixture->pts,
                     .dts = fixture->pts - 3000,
                     .pcr = (fixture->pts - 20000) * 300,
                     .is_random_access = fixture->written->len == 0,
                     .is_video = TRUE,
                     .is_last = is_last,
                     .data = data,
                     .size = size};
    cut_mux_pes(fixture->mux, &pes);
    g_ptr_array_add(fixture->written, g_bytes_new(data, size));
    fixture->pts += 3000;
}

static void check_pictures(const Fixture *fixture, GBytes *bytes)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    CutSource source = {.data = data, .size = size, .start = 0, .is_whole = TRUE};
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    gint64 pts = CUT_STAMP_WRAP - 30000;
    guint n = 0;
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type != CUT_UNIT_PICTURE)
            continue;
        gsize wanted;
        g_assert_cmpuint(n, <, fixture->written->len);
        gconstpointer picture = g_bytes_get_data(g_ptr_array_index(fixture->written, n), &wanted);
        g_assert_cmpmem(cut_demux_data(demux, unit), unit->size, picture, wanted);
        g_assert_cmpint(unit->pts, ==, pts);
        g_assert_cmpint(unit->dts, ==, pts - 3000);
        g_assert_cmpint(unit->pcr, ==, (pts - 20000) * 300);
        g_assert_false(unit->is_damaged);
        g_assert_cmpint(unit->is_key, ==, n == 0);
        pts += 3000;
        n++;
    }
    g_assert_cmpuint(n, ==, fixture->written->len);
}

static void test_round_trip(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < 60; i++)
        add_picture(fixture, (gsize) g_test_rand_int_range(1, 2000), i == 59);
    gsize so_far = cut_mux_size(fixture->mux);
    g_autoptr(GBytes) bytes = cut_mux_finish(fixture->mux, SIZE);
    g_assert_cmpuint(so_far, <, SIZE);
    g_assert_nonnull(bytes);
    g_assert_cmpuint(g_bytes_get_size(bytes), ==, SIZE);
    media_check_counters(g_bytes_get_data(bytes, NULL), SIZE);
    check_pictures(fixture, bytes);
}

// Whatever came before it, and however little is left: the last one fills up the sixteen.
static void test_last(gconstpointer size)
{
    for (guint n = 0; n < 17; n++) {
        Fixture fixture = {0};
        set_up(&fixture, NULL);
        for (guint i = 0; i < n; i++)
            add_picture(&fixture, 100, FALSE);
        add_picture(&fixture, GPOINTER_TO_SIZE(size), TRUE);
        g_autoptr(GBytes) bytes = cut_mux_finish(fixture.mux, SIZE);
        media_check_counters(g_bytes_get_data(bytes, NULL), SIZE);
        check_pictures(&fixture, bytes);
        tear_down(&fixture, NULL);
    }
}

// A stream of N bytes goes into N bytes, and into no less.
static void test_size(void)
{
    gsize needed = 0;
    for (gsize size = 33 * CUT_TS_PACKET; size < 200 * CUT_TS_PACKET; size += CUT_TS_PACKET) {
        Fixture fixture = {0};
        set_up(&fixture, NULL);
        for (guint i = 0; i < 20; i++)
            add_picture(&fixture, 500, i == 19);
        g_autoptr(GBytes) bytes = cut_mux_finish(fixture.mux, size);
        g_assert_true(bytes != NULL || needed == 0);
        if (bytes != NULL && needed == 0)
            needed = size;
        g_assert_true(bytes == NULL || g_bytes_get_size(bytes) == size);
        tear_down(&fixture, NULL);
    }
    // PAT and PMT, and pictures: twenty of 519 bytes, in three packets each, to the next sixteen
    g_assert_cmpuint(needed, ==, (16 + 16 + 64) * CUT_TS_PACKET);
}

// Of sound there are PCRs, too, on the pictures' PID; but none goes back.
static void test_pcr(Fixture *fixture, gconstpointer unused)
{
    static const gint64 pcrs[] = {27000, 54000, 54000, 40000, CUT_NO_STAMP, 54001};
    static const gint64 wanted[] = {27000, 54000, 54001};
    const guint8 sound[50] = {0};
    for (guint i = 0; i < G_N_ELEMENTS(pcrs); i++) {
        CutMuxPes pes = {.pid = MEDIA_AUDIO,
                         .stream_id = 0xC0,
                         .pts = 9000 + i,
                         .dts = 9000 + i,
                         .pcr = pcrs[i],
                         .is_last = i + 1 == G_N_ELEMENTS(pcrs),
                         .data = sound,
                         .size = sizeof sound};
        cut_mux_pes(fixture->mux, &pes);
    }
    g_autoptr(GBytes) bytes = cut_mux_finish(fixture->mux, SIZE);
    const guint8 *data = g_bytes_get_data(bytes, NULL);
    guint n = 0;
    media_check_counters(data, SIZE);
    for (gsize i = 0; i < SIZE; i += CUT_TS_PACKET) {
        CutTsPacket packet;
        g_assert_true(cut_ts_parse(data + i, &packet));
        if (packet.pcr == CUT_NO_STAMP)
            continue;
        g_assert_cmphex(packet.pid, ==, MEDIA_VIDEO);
        g_assert_cmpuint(n, <, G_N_ELEMENTS(wanted));
        g_assert_cmpint(packet.pcr, ==, wanted[n++]);
    }
    g_assert_cmpuint(n, ==, G_N_ELEMENTS(wanted));
}

// Packets that are passed on get numbers, and are filled up with sections that are skipped.
static void test_packets(Fixture *fixture, gconstpointer unused)
{
    guint8 packet[CUT_TS_PACKET] = {CUT_TS_SYNC, 0x02, 0x34, 0x17};
    for (guint i = 0; i < 5; i++)
        cut_mux_packet(fixture->mux, packet);
    packet[3] = 0x27; // without a payload: left out
    cut_mux_packet(fixture->mux, packet);
    g_autoptr(GBytes) bytes = cut_mux_finish(fixture->mux, SIZE);
    const guint8 *data = g_bytes_get_data(bytes, NULL);
    guint n = 0;
    media_check_counters(data, SIZE);
    for (gsize i = 0; i < SIZE; i += CUT_TS_PACKET) {
        if ((data[i + 1] & 0x1F) != 2 || data[i + 2] != 0x34)
            continue;
        if (n++ >= 5)
            g_assert_cmphex(data[i + 5], ==, 0xFF); // a table_id that is none
    }
    g_assert_cmpuint(n, ==, 16);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/mux/round-trip", Fixture, NULL, set_up, test_round_trip, tear_down);
    g_test_add_data_func("/mux/last/tiny", GSIZE_TO_POINTER(1), test_last);
    g_test_add_data_func("/mux/last/packet", GSIZE_TO_POINTER(CUT_TS_PAYLOAD - 19), test_last);
    g_test_add_data_func("/mux/last/large", GSIZE_TO_POINTER(5000), test_last);
    g_test_add_func("/mux/size", test_size);
    g_test_add("/mux/pcr", Fixture, NULL, set_up, test_pcr, tear_down);
    g_test_add("/mux/packets", Fixture, NULL, set_up, test_packets, tear_down);
    return g_test_run();
}
