// SPDX-License-Identifier: MIT
// Packets and tables: what is written is read again, over the wraps; what is patched is patched wherever it begins.
#include "cut/ts.h"

#include <string.h>

#include "cut/psi.h"
#include "tests/media.h"

static void test_stamps(void)
{
    static const gint64 stamps[] = {0, 1, 0x7FFF, 0x8000, 0x3FFFFFFF, 0x40000000, CUT_STAMP_WRAP - 1, 0x155555555};
    for (guint i = 0; i < G_N_ELEMENTS(stamps); i++) {
        guint8 five[5];
        cut_stamp_write(five, 3, stamps[i]);
        g_assert_cmpint(cut_stamp_read(five), ==, stamps[i]);
        g_assert_cmphex(five[0] >> 4, ==, 3);
        g_assert_cmphex(five[0] & five[2] & five[4] & 1, ==, 1);
    }
    g_assert_cmpint(cut_stamp_difference(5, CUT_STAMP_WRAP - 5), ==, 10);
    g_assert_cmpint(cut_stamp_difference(CUT_STAMP_WRAP - 5, 5), ==, -10);
    g_assert_cmpint(cut_stamp_difference(CUT_STAMP_WRAP / 2, 0), ==, -CUT_STAMP_WRAP / 2);
    g_assert_cmpint(cut_stamp_difference(CUT_STAMP_WRAP / 2 - 1, 0), ==, CUT_STAMP_WRAP / 2 - 1);
    g_assert_cmpint(cut_pcr_difference(299, CUT_PCR_WRAP - 1), ==, 300);
    g_assert_cmpint(cut_stamp_difference(7 * CUT_STAMP_WRAP + 1, -3 * CUT_STAMP_WRAP), ==, 1);
}

static void test_parse(void)
{
    g_autoptr(Media) media = media_new();
    const guint8 byte = 1;
    const gint64 pcr = CUT_PCR_WRAP - 1;
    CutTsPacket packet;
    media_add_pes(media, MEDIA_VIDEO, 1, 1, pcr, &byte, 1, 0);
    guint8 *data = media->bytes->data;
    g_assert_true(cut_ts_parse(data, &packet));
    g_assert_cmphex(packet.pid, ==, MEDIA_VIDEO);
    g_assert_true(packet.unit_start);
    g_assert_false(packet.random_access);
    g_assert_cmpint(packet.pcr, ==, pcr);
    g_assert_cmpuint(packet.payload, ==, CUT_TS_PACKET - 15);
    data[5] |= 0x40;
    g_assert_true(cut_ts_parse(data, &packet));
    g_assert_true(packet.random_access);
    // A field that ends with the packet leaves no payload; one that is longer is none.
    data[4] = 183;
    g_assert_true(cut_ts_parse(data, &packet));
    g_assert_cmpuint(packet.payload, ==, CUT_TS_PACKET);
    data[4] = 184;
    g_assert_false(cut_ts_parse(data, &packet));
    // Too short for the PCR that it promises.
    data[4] = 6;
    g_assert_true(cut_ts_parse(data, &packet));
    g_assert_cmpint(packet.pcr, ==, CUT_NO_STAMP);
    data[0] = 0x48;
    g_assert_false(cut_ts_parse(data, &packet));
}

static void test_pes(void)
{
    g_autoptr(Media) media = media_new();
    const guint8 bytes[150] = {0};
    CutTsPacket packet;
    CutPesHeader header;
    media_add_pes(media, MEDIA_VIDEO, CUT_STAMP_WRAP + 3, CUT_STAMP_WRAP - 3, CUT_NO_STAMP, bytes, sizeof bytes, 0);
    g_assert_true(cut_ts_parse(media->bytes->data, &packet));
    guint8 *pes = media->bytes->data + packet.payload;
    for (gsize n = 0; n < 19; n++)
        g_assert_cmpint(cut_pes_parse(pes, n, &header), ==, CUT_PES_SHORT);
    g_assert_cmpint(cut_pes_parse(pes, 19, &header), ==, CUT_PES_OK);
    g_assert_cmpuint(header.header, ==, 19);
    g_assert_cmpuint(header.length, ==, 0);
    g_assert_cmpint(header.pts, ==, 3);
    g_assert_cmpint(header.dts, ==, CUT_STAMP_WRAP - 3);
    // Streams without such a header: padding
    pes[3] = 0xBE;
    g_assert_cmpint(cut_pes_parse(pes, 6, &header), ==, CUT_PES_OK);
    g_assert_cmpuint(header.header, ==, 6);
    g_assert_cmpint(header.pts, ==, CUT_NO_STAMP);
    pes[3] = 0xE0;
    pes[8] = 9; // too short for both stamps
    g_assert_cmpint(cut_pes_parse(pes, 19, &header), ==, CUT_PES_BAD);
    pes[8] = 10;
    pes[5] = 12; // the packet would end before its header
    g_assert_cmpint(cut_pes_parse(pes, 19, &header), ==, CUT_PES_BAD);
    pes[5] = 0;
    pes[2] = 2;
    g_assert_cmpint(cut_pes_parse(pes, 3, &header), ==, CUT_PES_BAD);
}

// ---- patching

typedef struct {
    guint8 slots[CUT_TS_PIDS];
    CutPatchStamps stamps;
    guint8 counters[CUT_PATCH_SLOTS];
    CutPatch patch;
} Patch;

// Sound is slot 1, and the tables, whose stamps nobody changes, slot 2. Pictures stay as they are.
static Patch *patch_new(gint64 delta)
{
    Patch *patch = g_new0(Patch, 1);
    memset(patch->slots, CUT_PATCH_NO_SLOT, sizeof patch->slots);
    patch->slots[MEDIA_AUDIO] = 1;
    patch->slots[0] = patch->slots[MEDIA_PMT] = 2;
    patch->stamps = (CutPatchStamps){.pcr = delta * 300, .any = TRUE};
    patch->stamps.stamps[1] = delta;
    patch->counters[1] = 5;
    patch->counters[2] = 15;
    patch->patch = (CutPatch){.slots = patch->slots, .stamps = &patch->stamps, .counters = patch->counters};
    return patch;
}

static GByteArray *make_stream(gint64 pts, guint straddling, guint first_counter)
{
    g_autoptr(Media) media = media_new();
    const guint8 picture[300] = {0};
    memset(media->counters, (int) first_counter, sizeof media->counters);
    media_add_tables(media, CUT_TYPE_H264);
    memset(media->counters + MEDIA_VIDEO, 0, 1);
    media_add_pes(media, MEDIA_VIDEO, 1000, 900, CUT_NO_STAMP, picture, sizeof picture, 0);
    media_add_sound(media, pts, 40, 0, straddling);
    return g_byte_array_ref(media->bytes);
}

static void check_patched(const GByteArray *got, gint64 pts, guint straddling)
{
    g_autoptr(GByteArray) wanted = make_stream(pts, straddling, 5);
    wanted->data[3] = (guint8) ((wanted->data[3] & 0xF0) | 15);
    wanted->data[CUT_TS_PACKET + 3] = (guint8) ((wanted->data[CUT_TS_PACKET + 3] & 0xF0) | 15);
    g_assert_cmpmem(got->data, got->len, wanted->data, wanted->len);
}

static void test_patch(void)
{
    static const gint64 deltas[] = {1, -1, 90000, CUT_STAMP_WRAP - 50000, -123456789, CUT_STAMP_WRAP / 2};
    for (guint i = 0; i < G_N_ELEMENTS(deltas); i++) {
        g_autofree Patch *patch = patch_new(deltas[i]);
        g_autoptr(GByteArray) stream = make_stream(40000, 0, 0);
        cut_ts_patch(stream->data, stream->len / CUT_TS_PACKET, &patch->patch);
        check_patched(stream, 40000 + deltas[i], 0);
    }
}

static void test_patch_pieces(void)
{
    g_autofree Patch *patch = patch_new(-60000);
    g_autoptr(GByteArray) once = make_stream(40000, 0, 0);
    gsize n = once->len / CUT_TS_PACKET;
    cut_ts_patch(once->data, n, &patch->patch);
    for (gsize split = 0; split <= n; split++) {
        g_autoptr(GByteArray) pieces = make_stream(40000, 0, 0);
        cut_ts_patch(pieces->data + split * CUT_TS_PACKET, n - split, &patch->patch);
        cut_ts_patch(pieces->data, split, &patch->patch);
        g_assert_cmpmem(pieces->data, pieces->len, once->data, once->len);
    }
}

static void test_straddling(void)
{
    for (guint first = 1; first < 30; first++) {
        g_autofree Patch *patch = patch_new(-60000);
        g_autoptr(GByteArray) stream = make_stream(40000, first, 0);
        cut_ts_patch_straddling(stream->data, stream->len / CUT_TS_PACKET, &patch->patch);
        check_patched(stream, 40000 - 60000, first);
    }
}

static void test_fill(void)
{
    guint8 data[2 * CUT_TS_PACKET];
    CutTsPacket packet;
    cut_ts_fill(data, 2);
    for (guint i = 0; i < 2; i++) {
        g_assert_true(cut_ts_parse(data + i * CUT_TS_PACKET, &packet));
        g_assert_cmphex(packet.pid, ==, CUT_TS_NULL_PID);
    }
}

// ---- tables

static void read_all(CutPsi *psi, const guint8 *data, gsize size)
{
    for (gsize i = 0; i < size; i += CUT_TS_PACKET) {
        CutTsPacket packet;
        g_assert_true(cut_ts_parse(data + i, &packet));
        cut_psi_read(psi, data + i, &packet);
    }
}

static void test_psi(void)
{
    g_autoptr(Media) media = media_new();
    CutPsi psi = {0}, again = {0};
    g_assert_cmphex(cut_psi_crc((const guint8 *) "123456789", 9), ==, 0x0376E6E7); // CRC-32/MPEG-2's check value
    media_add_tables(media, CUT_TYPE_HEVC);
    read_all(&psi, media->bytes->data, media->bytes->len);
    g_assert_true(cut_psi_is_complete(&psi));
    g_assert_cmphex(psi.pmt_pid, ==, MEDIA_PMT);
    g_assert_cmphex(psi.pcr_pid, ==, MEDIA_VIDEO);
    g_assert_cmpuint(psi.n_streams, ==, 2);
    g_assert_cmphex(cut_psi_first(&psi, CUT_STREAM_VIDEO)->pid, ==, MEDIA_VIDEO);
    g_assert_cmphex(cut_psi_first(&psi, CUT_STREAM_AUDIO)->pid, ==, MEDIA_AUDIO);
    cut_psi_set_h264(&psi, MEDIA_VIDEO);
    read_all(&again, psi.pat, CUT_TS_PACKET);
    read_all(&again, psi.pmt, CUT_TS_PACKET);
    g_assert_cmphex(cut_psi_find(&again, MEDIA_VIDEO)->type, ==, CUT_TYPE_H264);
    g_assert_cmphex(cut_psi_find(&again, MEDIA_AUDIO)->type, ==, CUT_TYPE_AAC);
}

// What is broken does not take the place of what was whole.
static void test_psi_broken(void)
{
    g_autoptr(Media) media = media_new();
    CutPsi psi = {0};
    media_add_tables(media, CUT_TYPE_H264);
    read_all(&psi, media->bytes->data, media->bytes->len);
    const CutPsi before = psi;
    for (guint at = 5; at < 5 + 25; at++) {
        for (guint packet = 0; packet < 2; packet++) {
            guint8 broken[CUT_TS_PACKET];
            memcpy(broken, media->bytes->data + packet * CUT_TS_PACKET, sizeof broken);
            broken[at] ^= 0x10;
            read_all(&psi, broken, sizeof broken);
            g_assert_cmpmem(psi.pmt, sizeof psi.pmt, before.pmt, sizeof before.pmt);
            g_assert_cmphex(psi.pmt_pid, ==, before.pmt_pid);
            // Behind its section it may be anything.
            g_assert_cmpmem(psi.pat, 21, before.pat, 21);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ts/stamps", test_stamps);
    g_test_add_func("/ts/parse", test_parse);
    g_test_add_func("/ts/pes", test_pes);
    g_test_add_func("/ts/patch", test_patch);
    g_test_add_func("/ts/patch/pieces", test_patch_pieces);
    g_test_add_func("/ts/patch/straddling", test_straddling);
    g_test_add_func("/ts/fill", test_fill);
    g_test_add_func("/psi/read", test_psi);
    g_test_add_func("/psi/broken", test_psi_broken);
    return g_test_run();
}
