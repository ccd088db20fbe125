// SPDX-License-Identifier: MIT
// Packets. Nothing here looks further than the packet at hand, so that any part of a stream can be patched by itself.
#include "cut/ts.h"

#include <string.h>

gboolean cut_ts_parse(const guint8 *data, CutTsPacket *packet)
{
    if (data[0] != CUT_TS_SYNC)
        return FALSE;
    guint control = data[3] >> 4 & 3;
    packet->pid = (guint16) ((data[1] & 0x1F) << 8 | data[2]);
    packet->unit_start = (data[1] & 0x40) != 0;
    packet->counter = data[3] & 0x0F;
    packet->random_access = FALSE;
    packet->pcr = CUT_NO_STAMP;
    packet->payload = (control & 1) != 0 ? 4 : CUT_TS_PACKET;
    if ((control & 2) == 0)
        return TRUE;

    guint length = data[4];
    if (length > CUT_TS_PAYLOAD - 1)
        return FALSE;
    if ((control & 1) != 0)
        packet->payload = 5 + length;
    if (length == 0)
        return TRUE;
    packet->random_access = (data[5] & 0x40) != 0;
    if ((data[5] & 0x10) != 0 && length >= 7) {
        gint64 base = (gint64) data[6] << 25 | data[7] << 17 | data[8] << 9 | data[9] << 1 | data[10] >> 7;
        packet->pcr = base * CUT_PCR_SCALE + ((data[10] & 1) << 8 | data[11]);
    }
    return TRUE;
}

// Streams whose PES packets have no header but a length (ISO 13818-1 2.4.3.7).
static gboolean has_plain_header(guint8 stream_id)
{
    switch (stream_id) {
    case 0xBC: // program_stream_map
    case 0xBE: // padding_stream
    case 0xBF: // private_stream_2
    case 0xF0: // ECM
    case 0xF1: // EMM
    case 0xF2: // DSM-CC
    case 0xF8: // H.222.1 type E
    case 0xFF: // program_stream_directory
        return TRUE;
    default:
        return FALSE;
    }
}

CutPesResult cut_pes_parse(const guint8 *data, gsize size, CutPesHeader *header)
{
    static const guint8 prefix[] = {0, 0, 1};
    if (memcmp(data, prefix, MIN(size, sizeof prefix)) != 0)
        return CUT_PES_BAD;
    if (size < 6)
        return CUT_PES_SHORT;
    header->stream_id = data[3];
    header->length = (gsize) (data[4] << 8 | data[5]);
    header->header = 6;
    header->pts = header->dts = CUT_NO_STAMP;
    if (has_plain_header(data[3]))
        return CUT_PES_OK;
    if (size < 9)
        return CUT_PES_SHORT;
    guint flags = data[7] >> 6, length = data[8];
    if ((data[6] & 0xC0) != 0x80 || flags == 1 || length < (flags == 3 ? 10 : flags == 2 ? 5 : 0))
        return CUT_PES_BAD;
    header->header = 9 + length;
    if (header->length != 0 && header->length < 3 + length)
        return CUT_PES_BAD;
    if (size < header->header)
        return CUT_PES_SHORT;
    if (flags != 0)
        header->pts = header->dts = cut_stamp_read(data + 9);
    if (flags == 3)
        header->dts = cut_stamp_read(data + 14);
    return CUT_PES_OK;
}

gint64 cut_stamp_read(const guint8 *data)
{
    return (gint64) (data[0] & 0x0E) << 29 | data[1] << 22 | (data[2] & 0xFE) << 14 | data[3] << 7 | data[4] >> 1;
}

void cut_stamp_write(guint8 *data, guint mark, gint64 stamp)
{
    data[0] = (guint8) (mark << 4 | (stamp >> 29 & 0x0E) | 1);
    data[1] = (guint8) (stamp >> 22);
    data[2] = (guint8) ((stamp >> 14 & 0xFE) | 1);
    data[3] = (guint8) (stamp >> 7);
    data[4] = (guint8) ((stamp << 1 & 0xFE) | 1);
}

void cut_pcr_write(guint8 *data, gint64 pcr)
{
    gint64 base = pcr / CUT_PCR_SCALE, extension = pcr % CUT_PCR_SCALE;
    data[0] = (guint8) (base >> 25);
    data[1] = (guint8) (base >> 17);
    data[2] = (guint8) (base >> 9);
    data[3] = (guint8) (base >> 1);
    data[4] = (guint8) ((base & 1) << 7 | 0x7E | extension >> 8);
    data[5] = (guint8) extension;
}

static gint64 difference(gint64 a, gint64 b, gint64 wrap)
{
    gint64 d = (a - b) % wrap;
    if (d < -wrap / 2)
        d += wrap;
    else if (d >= wrap / 2)
        d -= wrap;
    return d;
}

gint64 cut_stamp_difference(gint64 a, gint64 b)
{
    return difference(a, b, CUT_STAMP_WRAP);
}

gint64 cut_pcr_difference(gint64 a, gint64 b)
{
    return difference(a, b, CUT_PCR_WRAP);
}

// The stamps have to be in the packet: that they straddle two of them is seen when the segment is indexed.
static void patch_pes(guint8 *data, gsize size, gint64 delta)
{
    if (size < 14 || memcmp(data, "\0\0\1", 3) != 0 || has_plain_header(data[3]) || (data[6] & 0xC0) != 0x80)
        return;
    guint flags = data[7] >> 6, length = data[8];
    if (flags < 2 || length < 5)
        return;
    cut_stamp_write(data + 9, data[9] >> 4, (cut_stamp_read(data + 9) + delta) & (CUT_STAMP_WRAP - 1));
    if (flags == 3 && length >= 10 && size >= 19)
        cut_stamp_write(data + 14, data[14] >> 4, (cut_stamp_read(data + 14) + delta) & (CUT_STAMP_WRAP - 1));
}

static void patch_pcr(guint8 *data, gint64 delta)
{
    CutTsPacket packet;
    if (!cut_ts_parse(data, &packet) || packet.pcr == CUT_NO_STAMP)
        return;
    gint64 pcr = (packet.pcr + delta) % CUT_PCR_WRAP;
    cut_pcr_write(data + 6, pcr < 0 ? pcr + CUT_PCR_WRAP : pcr);
}

void cut_ts_patch(guint8 *data, gsize n_packets, const CutPatch *patch)
{
    const CutPatchStamps *stamps = patch->stamps;
    for (gsize i = 0; i < n_packets; i++, data += CUT_TS_PACKET) {
        guint pid = (guint) (data[1] & 0x1F) << 8 | data[2];
        guint slot = patch->slots[pid];
        if (slot == CUT_PATCH_NO_SLOT || data[0] != CUT_TS_SYNC)
            continue;
        data[3] = (guint8) ((data[3] & 0xF0) | ((data[3] + patch->counters[slot]) & 0x0F));
        if (!stamps->any)
            continue;
        if ((data[3] & 0x20) != 0 && data[4] >= 7 && (data[5] & 0x10) != 0)
            patch_pcr(data, stamps->pcr);
        if ((data[1] & 0x40) == 0 || stamps->stamps[slot] == 0 || (data[3] & 0x10) == 0)
            continue;
        guint payload = (data[3] & 0x20) != 0 ? 5 + (guint) data[4] : 4;
        if (payload < CUT_TS_PACKET)
            patch_pes(data + payload, CUT_TS_PACKET - payload, stamps->stamps[slot]);
    }
}

// A PES packet's head, byte by byte, wherever its bytes are.
typedef struct {
    guint8 *bytes[19];
    guint n;
} Head;

static void patch_head(Head *head, gint64 delta)
{
    guint8 copy[19];
    for (guint i = 0; i < head->n; i++)
        copy[i] = *head->bytes[i];
    patch_pes(copy, head->n, delta);
    for (guint i = 0; i < head->n; i++)
        *head->bytes[i] = copy[i];
    head->n = 0;
}

void cut_ts_patch_straddling(guint8 *data, gsize n_packets, const CutPatch *patch)
{
    static const CutPatchStamps none;
    CutPatchStamps others = *patch->stamps;
    CutPatch counters = {.slots = patch->slots, .stamps = &others, .counters = patch->counters};
    g_autofree Head *heads = g_new0(Head, CUT_PATCH_SLOTS);
    memcpy(others.stamps, none.stamps, sizeof others.stamps);
    cut_ts_patch(data, n_packets, &counters);
    for (gsize i = 0; i < n_packets; i++, data += CUT_TS_PACKET) {
        CutTsPacket packet;
        if (!cut_ts_parse(data, &packet) || patch->slots[packet.pid] == CUT_PATCH_NO_SLOT)
            continue;
        guint slot = patch->slots[packet.pid];
        Head *head = &heads[slot];
        if (packet.unit_start && head->n > 0)
            patch_head(head, patch->stamps->stamps[slot]);
        for (guint at = packet.payload; at < CUT_TS_PACKET && (packet.unit_start || head->n > 0); at++) {
            head->bytes[head->n++] = data + at;
            if (head->n == G_N_ELEMENTS(head->bytes)) {
                patch_head(head, patch->stamps->stamps[slot]);
                break;
            }
        }
    }
    for (guint slot = 0; slot < CUT_PATCH_SLOTS; slot++) {
        if (heads[slot].n > 0)
            patch_head(&heads[slot], patch->stamps->stamps[slot]);
    }
}

void cut_ts_fill(guint8 *data, gsize n_packets)
{
    static const guint8 header[] = {CUT_TS_SYNC, 0x1F, 0xFF, 0x10};
    for (gsize i = 0; i < n_packets; i++, data += CUT_TS_PACKET) {
        memcpy(data, header, sizeof header);
        memset(data + sizeof header, 0xFF, CUT_TS_PAYLOAD);
    }
}
