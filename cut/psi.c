// SPDX-License-Identifier: MIT
// PAT and PMT. A section that is damaged, or longer than its packet, is passed over.
#include "cut/psi.h"

#include <string.h>

#define PAT_PID 0
#define TABLE_PAT 0x00
#define TABLE_PMT 0x02
#define DESCRIPTOR_REGISTRATION 0x05
#define DESCRIPTOR_AC3 0x6A // ETSI EN 300 468 annex D
#define DESCRIPTOR_EAC3 0x7A
#define DESCRIPTOR_DTS 0x7B
#define DESCRIPTOR_EXTENSION 0x7F // Opus in TS, by its registration

guint32 cut_psi_crc(const guint8 *data, gsize size)
{
    guint32 crc = 0xFFFFFFFF;
    for (gsize i = 0; i < size; i++) {
        crc ^= (guint32) data[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x80000000) != 0 ? crc << 1 ^ 0x04C11DB7 : crc << 1;
    }
    return crc;
}

// The section TABLE that begins in the packet, *SIZE bytes with its CRC; NULL where there is none that is whole.
static guint8 *find_section(guint8 *data, const CutTsPacket *packet, guint8 table, gsize *size)
{
    if (!packet->unit_start || packet->payload >= CUT_TS_PACKET)
        return NULL;
    gsize at = packet->payload + 1 + (gsize) data[packet->payload];
    if (at + 12 > CUT_TS_PACKET || data[at] != table)
        return NULL;
    *size = 3 + ((gsize) (data[at + 1] & 0x0F) << 8 | data[at + 2]);
    if (*size < 12 || at + *size > CUT_TS_PACKET || cut_psi_crc(data + at, *size) != 0)
        return NULL;
    return data + at;
}

static guint read_16(const guint8 *data)
{
    return (guint) data[0] << 8 | data[1];
}

// PIDs that are not reserved (ISO 13818-1 table 2-3)
static gboolean is_free_pid(guint pid)
{
    return pid >= 0x10 && pid < CUT_TS_NULL_PID;
}

static gboolean read_pat(CutPsi *psi, const guint8 *data, const CutTsPacket *packet)
{
    gsize size;
    guint8 copy[CUT_TS_PACKET];
    memcpy(copy, data, sizeof copy);
    const guint8 *section = find_section(copy, packet, TABLE_PAT, &size);
    // Program 0 is the network's table; of several programs the first one counts.
    for (gsize i = 8; section != NULL && i + 8 <= size; i += 4) {
        guint pid = read_16(section + i + 2) & 0x1FFF;
        if (read_16(section + i) == 0 || !is_free_pid(pid))
            continue;
        // Another program's table does not stand for this one's.
        psi->has_pmt = psi->has_pmt && psi->pmt_pid == pid;
        psi->pmt_pid = (guint16) pid;
        psi->has_pat = TRUE;
        memcpy(psi->pat, data, CUT_TS_PACKET);
        return TRUE;
    }
    return FALSE;
}

// What a stream of private data is, its descriptors say.
static CutStreamKind kind_of(guint8 type, guint32 registration, guint8 descriptor)
{
    switch (type) {
    case 0x01: // MPEG-1
    case CUT_TYPE_MPEG2:
    case 0x10: // MPEG-4 part 2
    case CUT_TYPE_H264:
    case CUT_TYPE_HEVC:
    case 0x33: // VVC
    case 0xD1: // Dirac
        return CUT_STREAM_VIDEO;
    case 0x03: // MPEG-1 audio
    case 0x04: // MPEG-2 audio
    case CUT_TYPE_AAC:
    case 0x11: // AAC in LATM
    case 0x81: // AC-3 (ATSC)
    case 0x87: // E-AC-3
        return CUT_STREAM_AUDIO;
    case CUT_TYPE_PRIVATE:
        break;
    default:
        return CUT_STREAM_OTHER;
    }
    if (registration == 0x41563031) // "AV01" (AOM, AV1 in MPEG-2 TS)
        return CUT_STREAM_VIDEO;
    if (registration == 0x4F707573 || registration == 0x41432D33 || registration == 0x45414333) // Opus, AC-3, EAC3
        return CUT_STREAM_AUDIO;
    if (descriptor == DESCRIPTOR_AC3 || descriptor == DESCRIPTOR_EAC3 || descriptor == DESCRIPTOR_DTS)
        return CUT_STREAM_AUDIO;
    return CUT_STREAM_OTHER;
}

static void read_descriptors(CutPsiStream *stream, const guint8 *data, gsize size)
{
    guint8 descriptor = 0;
    for (gsize i = 0; i + 2 <= size && i + 2 + data[i + 1] <= size; i += 2 + (gsize) data[i + 1]) {
        if (data[i] == DESCRIPTOR_REGISTRATION && data[i + 1] >= 4)
            stream->registration = (guint32) read_16(data + i + 2) << 16 | read_16(data + i + 4);
        if (data[i] == DESCRIPTOR_AC3 || data[i] == DESCRIPTOR_EAC3 || data[i] == DESCRIPTOR_DTS)
            descriptor = data[i];
    }
    stream->kind = kind_of(stream->type, stream->registration, descriptor);
}

static gboolean read_pmt(CutPsi *psi, const guint8 *data, const CutTsPacket *packet)
{
    gsize size;
    guint8 copy[CUT_TS_PACKET];
    memcpy(copy, data, sizeof copy);
    const guint8 *section = find_section(copy, packet, TABLE_PMT, &size);
    if (section == NULL || size < 16)
        return FALSE;
    psi->pcr_pid = (guint16) (read_16(section + 8) & 0x1FFF);
    psi->n_streams = 0;
    gsize i = 12 + (read_16(section + 10) & 0x0FFF);
    for (; i + 5 + 4 <= size && psi->n_streams < CUT_PSI_STREAMS;) {
        gsize length = read_16(section + i + 3) & 0x0FFF;
        if (i + 5 + length + 4 > size)
            break;
        CutPsiStream stream = {.pid = (guint16) (read_16(section + i + 1) & 0x1FFF), .type = section[i]};
        read_descriptors(&stream, section + i + 5, length);
        if (is_free_pid(stream.pid) && stream.pid != psi->pmt_pid)
            psi->streams[psi->n_streams++] = stream;
        i += 5 + length;
    }
    memcpy(psi->pmt, data, CUT_TS_PACKET);
    psi->has_pmt = TRUE;
    return TRUE;
}

gboolean cut_psi_read(CutPsi *psi, const guint8 *data, const CutTsPacket *packet)
{
    if (packet->pid == PAT_PID)
        return read_pat(psi, data, packet) || psi->has_pat;
    if (psi->has_pat && packet->pid == psi->pmt_pid)
        return read_pmt(psi, data, packet) || psi->has_pmt;
    return FALSE;
}

const CutPsiStream *cut_psi_find(const CutPsi *psi, guint pid)
{
    for (guint i = 0; i < psi->n_streams; i++) {
        if (psi->streams[i].pid == pid)
            return &psi->streams[i];
    }
    return NULL;
}

const CutPsiStream *cut_psi_first(const CutPsi *psi, CutStreamKind kind)
{
    for (guint i = 0; i < psi->n_streams; i++) {
        if (psi->streams[i].kind == kind)
            return &psi->streams[i];
    }
    return NULL;
}

// Its descriptors stay where they are, but as what decoders skip: their tags become those of user private data.
void cut_psi_set_h264(CutPsi *psi, guint pid)
{
    CutTsPacket packet;
    gsize size;
    if (!psi->has_pmt || !cut_ts_parse(psi->pmt, &packet))
        return;
    guint8 *section = find_section(psi->pmt, &packet, TABLE_PMT, &size);
    for (gsize i = 12 + (read_16(section + 10) & 0x0FFF); i + 9 <= size; i += 5 + (read_16(section + i + 3) & 0x0FFF)) {
        gsize length = read_16(section + i + 3) & 0x0FFF;
        if ((read_16(section + i + 1) & 0x1FFF) != pid || i + 5 + length + 4 > size)
            continue;
        section[i] = CUT_TYPE_H264;
        for (gsize d = i + 5; d + 2 <= i + 5 + length; d += 2 + (gsize) section[d + 1])
            section[d] = 0xFE;
    }
    guint32 crc = GUINT32_TO_BE(cut_psi_crc(section, size - 4));
    memcpy(section + size - 4, &crc, sizeof crc);
    for (guint i = 0; i < psi->n_streams; i++) {
        if (psi->streams[i].pid == pid)
            psi->streams[i].type = CUT_TYPE_H264;
    }
}
