// SPDX-License-Identifier: MIT
#include "tests/media.h"

#include <string.h>

Media *media_new(void)
{
    Media *media = g_new0(Media, 1);
    media->bytes = g_byte_array_new();
    return media;
}

void media_free(Media *media)
{
    if (media == NULL)
        return;
    g_byte_array_unref(media->bytes);
    g_free(media);
}

// ISO 13818-1 annex A, by long division.
static guint32 crc_of(const guint8 *data, gsize size)
{
    guint32 crc = 0xFFFFFFFF;
    for (gsize bit = 0; bit < 8 * size; bit++) {
        gboolean one = (data[bit / 8] >> (7 - bit % 8) & 1) != 0, high = crc >> 31 != 0;
        crc = crc << 1 ^ (one != high ? 0x04C11DB7 : 0);
    }
    return crc;
}

// PAYLOAD and stuffing in an adaptation field, in which there may be a PCR.
static void add_packet(Media *media, guint pid, gboolean start, gint64 pcr, const guint8 *payload, guint size)
{
    guint8 packet[CUT_TS_PACKET];
    guint stuffing = CUT_TS_PAYLOAD - size;
    memset(packet, 0xFF, sizeof packet);
    packet[0] = 0x47;
    packet[1] = (guint8) ((start ? 0x40 : 0) | pid >> 8);
    packet[2] = (guint8) pid;
    packet[3] = (guint8) ((stuffing > 0 ? 0x30 : 0x10) | media->counters[pid]);
    media->counters[pid] = (media->counters[pid] + 1) % 16;
    if (stuffing > 0)
        packet[4] = (guint8) (stuffing - 1);
    if (stuffing > 1)
        packet[5] = pcr != CUT_NO_STAMP ? 0x10 : 0;
    if (pcr != CUT_NO_STAMP) {
        gint64 base = pcr / 300, extension = pcr % 300;
        g_assert_cmpuint(stuffing, >=, 8);
        for (guint i = 0; i < 4; i++)
            packet[6 + i] = (guint8) (base >> (25 - 8 * i));
        packet[10] = (guint8) ((base & 1) << 7 | 0x7E | extension >> 8);
        packet[11] = (guint8) extension;
    }
    memcpy(packet + CUT_TS_PACKET - size, payload, size);
    g_byte_array_append(media->bytes, packet, sizeof packet);
}

static void add_section(Media *media, guint pid, guint8 *section, guint size)
{
    guint8 payload[CUT_TS_PAYLOAD];
    section[1] = (guint8) (0xB0 | (size + 1) >> 8);
    section[2] = (guint8) (size + 1);
    guint32 crc = GUINT32_TO_BE(crc_of(section, size));
    memset(payload, 0xFF, sizeof payload);
    payload[0] = 0;
    memcpy(payload + 1, section, size);
    memcpy(payload + 1 + size, &crc, sizeof crc);
    add_packet(media, pid, TRUE, CUT_NO_STAMP, payload, sizeof payload);
}

void media_add_tables(Media *media, guint8 video_type)
{
    guint8 pat[] = {0, 0, 0, 0, 1, 0xC1, 0, 0, 0, 1, 0xE0 | MEDIA_PMT >> 8, MEDIA_PMT & 0xFF};
    guint8 pmt[] = {2,          0,    0,    0,    1, 0xC1, 0, 0, 0xE1, video_type != 0 ? 0 : 1,
                    0xF0,       0,    0x0F, 0xE1, 1, 0xF0, 0, // AAC
                    video_type, 0xE1, 0,    0xF0, 0};
    add_section(media, 0, pat, sizeof pat);
    add_section(media, MEDIA_PMT, pmt, sizeof pmt - (video_type != 0 ? 0 : 5));
}

static void put_stamp(GByteArray *bytes, guint mark, gint64 stamp)
{
    guint8 five[] = {(guint8) (mark << 4 | (stamp >> 30 & 7) << 1 | 1), (guint8) (stamp >> 22),
                     (guint8) (stamp >> 14 | 1), (guint8) (stamp >> 7), (guint8) (stamp << 1 | 1)};
    g_byte_array_append(bytes, five, sizeof five);
}

void media_add_pes(Media *media, guint pid, gint64 pts, gint64 dts, gint64 pcr, const guint8 *data, gsize size,
                   guint first)
{
    g_autoptr(GByteArray) pes = g_byte_array_new();
    guint8 head[] = {
        0, 0, 1, pid == MEDIA_VIDEO ? 0xE0 : 0xC0, 0, 0, 0x80, pts != dts ? 0xC0 : 0x80, pts != dts ? 10 : 5};
    if (pts == CUT_NO_STAMP)
        head[7] = head[8] = 0;
    g_byte_array_append(pes, head, sizeof head);
    if (pts != CUT_NO_STAMP)
        put_stamp(pes, pts != dts ? 3 : 2, pts & (CUT_STAMP_WRAP - 1));
    if (pts != dts)
        put_stamp(pes, 1, dts & (CUT_STAMP_WRAP - 1));
    g_byte_array_append(pes, data, (guint) size);
    if (pid != MEDIA_VIDEO) {
        pes->data[4] = (guint8) ((pes->len - 6) >> 8);
        pes->data[5] = (guint8) (pes->len - 6);
    }
    guint room = pcr != CUT_NO_STAMP ? CUT_TS_PAYLOAD - 8 : CUT_TS_PAYLOAD;
    for (guint at = 0, n; at < pes->len; at += n) {
        n = MIN(at > 0 ? CUT_TS_PAYLOAD : first > 0 ? first : room, pes->len - at);
        add_packet(media, pid, at == 0, at == 0 ? pcr : CUT_NO_STAMP, pes->data + at, n);
    }
}

void media_add_sound(Media *media, gint64 pts, guint n, guint first_number, guint straddling)
{
    guint per_pes = straddling != 0 ? 1 : 8;
    for (guint i = 0; i < n; i += per_pes) {
        guint8 frames[8 * MEDIA_FRAME];
        guint k, count = MIN(per_pes, n - i);
        for (k = 0; k < count; k++) {
            guint8 *frame = frames + k * MEDIA_FRAME;
            // ISO 13818-7 6.2: LC, 48 kHz, one channel
            guint8 head[] = {
                0xFF, 0xF1, 0x4C, 0x40 | MEDIA_FRAME >> 11, (guint8) (MEDIA_FRAME >> 3), (MEDIA_FRAME & 7) << 5 | 0x1F,
                0xFC};
            memset(frame, (int) ((first_number + i + k) % 200), MEDIA_FRAME);
            memcpy(frame, head, sizeof head);
        }
        gint64 stamp = pts + 1920 * (gint64) i;
        gint64 pcr = ((stamp - 20000) & (CUT_STAMP_WRAP - 1)) * 300;
        media_add_pes(media, MEDIA_AUDIO, stamp, stamp, pcr, frames, count * MEDIA_FRAME, straddling);
    }
}

GBytes *media_load(const char *seed)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "fuzz", "corpus", "fuzz-cut-edge", seed, NULL);
    char *data;
    gsize size;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(path, &data, &size, &error);
    g_assert_no_error(error);
    g_autoptr(GBytes) all = g_bytes_new_take(data, size);
    return g_bytes_new_from_bytes(all, 8, size - 8);
}

void media_check_counters(const guint8 *data, gsize size)
{
    g_autofree int *next = g_new0(int, CUT_TS_PIDS);
    g_assert_cmpuint(size % CUT_TS_PACKET, ==, 0);
    for (gsize i = 0; i < size; i += CUT_TS_PACKET) {
        guint pid = (guint) (data[i + 1] & 0x1F) << 8 | data[i + 2];
        g_assert_cmphex(data[i], ==, 0x47);
        if (pid == 0x1FFF)
            continue;
        if ((data[i + 3] & 0x10) == 0) { // without a payload it does not count
            g_assert_cmpint(data[i + 3] & 0x0F, ==, (next[pid] + 15) % 16);
            continue;
        }
        g_assert_cmpint(data[i + 3] & 0x0F, ==, next[pid]);
        next[pid] = (next[pid] + 1) % 16;
    }
    for (guint pid = 0; pid < CUT_TS_PIDS; pid++)
        g_assert_cmpint(next[pid], ==, 0);
}
