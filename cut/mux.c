// SPDX-License-Identifier: MIT
// Packets of PES packets (ISO 13818-1 2.4.3). Stuffing is in adaptation fields.
#include "cut/mux.h"

#include <string.h>

#define CYCLE 16 // of continuity counters
#define MIN_PES 40 // bytes of one that has to fill sixteen packets: its stamps in the first, one byte in each other

struct CutMux {
    const CutPsi *psi;
    GByteArray *bytes;
    gint64 pcr; // the last one written
    guint8 counters[CUT_TS_PIDS]; // of the next packet
    gboolean is_packets[CUT_TS_PIDS]; // came by cut_mux_packet()
};

CutMux *cut_mux_new(const CutPsi *psi)
{
    CutMux *mux = g_new0(CutMux, 1);
    mux->psi = psi;
    mux->bytes = g_byte_array_new();
    mux->pcr = CUT_NO_STAMP;
    return mux;
}

void cut_mux_free(CutMux *mux)
{
    if (mux == NULL)
        return;
    g_byte_array_unref(mux->bytes);
    g_free(mux);
}

static guint8 next_counter(CutMux *mux, guint pid)
{
    guint8 counter = mux->counters[pid];
    mux->counters[pid] = (counter + 1) % CYCLE;
    return counter;
}

static guint8 *add_packet(CutMux *mux)
{
    guint at = mux->bytes->len;
    g_byte_array_set_size(mux->bytes, at + CUT_TS_PACKET);
    return mux->bytes->data + at;
}

static void write_header(guint8 *packet, guint pid, gboolean start, guint control, guint counter)
{
    packet[0] = CUT_TS_SYNC;
    packet[1] = (guint8) ((start ? 0x40 : 0) | pid >> 8);
    packet[2] = (guint8) pid;
    packet[3] = (guint8) (control << 4 | counter);
}

// What a PES packet's first packet tells beside it.
typedef struct {
    gint64 pcr;
    gboolean random_access;
} Adaptation;

static guint adaptation_size(const Adaptation *adaptation)
{
    if (adaptation == NULL || (adaptation->pcr == CUT_NO_STAMP && !adaptation->random_access))
        return 0;
    return adaptation->pcr != CUT_NO_STAMP ? 8 : 2;
}

// SIZE bytes, its length included.
static void write_adaptation(guint8 *at, guint size, const Adaptation *adaptation)
{
    at[0] = (guint8) (size - 1);
    if (size == 1)
        return;
    memset(at + 1, 0xFF, size - 1);
    at[1] = 0;
    if (adaptation == NULL)
        return;
    at[1] = (guint8) ((adaptation->random_access ? 0x40 : 0) | (adaptation->pcr != CUT_NO_STAMP ? 0x10 : 0));
    if (adaptation->pcr != CUT_NO_STAMP)
        cut_pcr_write(at + 2, adaptation->pcr);
}

// SIZE bytes, at most what there is room for; the rest is stuffing.
static void write_payload(CutMux *mux, guint pid, gboolean start, const Adaptation *adaptation, const guint8 *data,
                          gsize size)
{
    guint8 *packet = add_packet(mux);
    guint stuffing = (guint) (CUT_TS_PAYLOAD - size);
    write_header(packet, pid, start, stuffing > 0 ? 3 : 1, next_counter(mux, pid));
    if (stuffing > 0)
        write_adaptation(packet + 4, stuffing, adaptation);
    memcpy(packet + 4 + stuffing, data, size);
}

// A packet that has nothing but a PCR; it does not count.
static void write_pcr(CutMux *mux, gint64 pcr)
{
    guint pid = mux->psi->pcr_pid;
    Adaptation adaptation = {.pcr = pcr};
    guint8 *packet = add_packet(mux);
    write_header(packet, pid, FALSE, 2, (mux->counters[pid] + CYCLE - 1) % CYCLE);
    write_adaptation(packet + 4, CUT_TS_PAYLOAD, &adaptation);
}

static gint64 wrap(gint64 value, gint64 modulus)
{
    gint64 rest = value % modulus;
    return rest < 0 ? rest + modulus : rest;
}

static void write_stamps(GByteArray *head, const CutMuxPes *pes)
{
    guint8 stamp[5];
    gboolean both = pes->dts != pes->pts;
    if (pes->pts == CUT_NO_STAMP)
        return;
    cut_stamp_write(stamp, both ? 3 : 2, wrap(pes->pts, CUT_STAMP_WRAP));
    g_byte_array_append(head, stamp, sizeof stamp);
    if (!both)
        return;
    cut_stamp_write(stamp, 1, wrap(pes->dts, CUT_STAMP_WRAP));
    g_byte_array_append(head, stamp, sizeof stamp);
}

// The PES packet with its header.
static GByteArray *make_pes(const CutMuxPes *pes)
{
    guint8 header[9] = {0, 0, 1, pes->stream_id, 0, 0, 0x84}; // data_alignment_indicator
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, header, sizeof header);
    write_stamps(bytes, pes);
    while (pes->is_last && bytes->len + pes->size < MIN_PES)
        g_byte_array_append(bytes, (const guint8 *) "\xFF", 1);
    bytes->data[7] = pes->pts == CUT_NO_STAMP ? 0 : pes->dts != pes->pts ? 0xC0 : 0x80;
    bytes->data[8] = (guint8) (bytes->len - sizeof header);
    g_byte_array_append(bytes, pes->data, (guint) pes->size);
    gsize length = bytes->len - 6;
    if (!pes->is_video && length <= G_MAXUINT16) {
        bytes->data[4] = (guint8) (length >> 8);
        bytes->data[5] = (guint8) length;
    }
    return bytes;
}

void cut_mux_pes(CutMux *mux, const CutMuxPes *pes)
{
    gboolean new_pcr =
        pes->pcr != CUT_NO_STAMP && (mux->pcr == CUT_NO_STAMP || cut_pcr_difference(pes->pcr, mux->pcr) > 0);
    Adaptation adaptation = {.pcr = CUT_NO_STAMP, .random_access = pes->is_random_access};
    if (new_pcr) {
        mux->pcr = wrap(pes->pcr, CUT_PCR_WRAP);
        if (pes->pid == mux->psi->pcr_pid)
            adaptation.pcr = mux->pcr;
        else
            write_pcr(mux, mux->pcr);
    }
    g_autoptr(GByteArray) bytes = make_pes(pes);
    gsize room = CUT_TS_PAYLOAD - adaptation_size(&adaptation);
    gsize n = bytes->len <= room ? 1 : 1 + (bytes->len - room + CUT_TS_PAYLOAD - 1) / CUT_TS_PAYLOAD;
    if (pes->is_last)
        n += (CYCLE - (mux->counters[pes->pid] + n) % CYCLE) % CYCLE;
    for (gsize i = 0, at = 0; i < n; i++) {
        // Each that follows gets a byte at least.
        gsize size = MIN(i == 0 ? room : CUT_TS_PAYLOAD, bytes->len - at - (n - i - 1));
        write_payload(mux, pes->pid, i == 0, i == 0 && adaptation_size(&adaptation) > 0 ? &adaptation : NULL,
                      bytes->data + at, size);
        at += size;
    }
}

static void write_copy(CutMux *mux, guint pid, const guint8 *data)
{
    guint8 *packet = add_packet(mux);
    memcpy(packet, data, CUT_TS_PACKET);
    packet[3] = (guint8) ((packet[3] & 0xF0) | next_counter(mux, pid));
}

void cut_mux_psi(CutMux *mux)
{
    write_copy(mux, 0, mux->psi->pat);
    write_copy(mux, mux->psi->pmt_pid, mux->psi->pmt);
}

void cut_mux_packet(CutMux *mux, const guint8 *data)
{
    CutTsPacket packet;
    if (!cut_ts_parse(data, &packet) || packet.payload >= CUT_TS_PACKET)
        return;
    mux->is_packets[packet.pid] = TRUE;
    write_copy(mux, packet.pid, data);
}

gsize cut_mux_size(const CutMux *mux)
{
    return mux->bytes->len;
}

// A section of nothing but stuffing (ISO 13818-1 2.4.4: table_id 0xFF is forbidden, and skipped).
static void write_stuffing(CutMux *mux, guint pid)
{
    guint8 payload[CUT_TS_PAYLOAD];
    memset(payload, 0xFF, sizeof payload);
    payload[0] = 0; // pointer_field
    write_payload(mux, pid, TRUE, NULL, payload, sizeof payload);
}

GBytes *cut_mux_finish(CutMux *mux, gsize size)
{
    while (mux->counters[0] != 0)
        write_copy(mux, 0, mux->psi->pat);
    while (mux->counters[mux->psi->pmt_pid] != 0)
        write_copy(mux, mux->psi->pmt_pid, mux->psi->pmt);
    for (guint pid = 0; pid < CUT_TS_PIDS; pid++) {
        while (mux->is_packets[pid] && mux->counters[pid] != 0)
            write_stuffing(mux, pid);
    }
    gsize length = mux->bytes->len;
    if (length > size)
        return NULL;
    g_byte_array_set_size(mux->bytes, (guint) size);
    cut_ts_fill(mux->bytes->data + length, (size - length) / CUT_TS_PACKET);
    GByteArray *bytes = mux->bytes;
    mux->bytes = g_byte_array_new();
    return g_byte_array_free_to_bytes(bytes);
}
