// SPDX-License-Identifier: MIT
// libFuzzer's mutations of transport streams: by the packet, too, and mostly repaired, so that they get further than to
// the first byte of sync or the checksum of a table.
#include <string.h>

#include "cut/psi.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/ts-input.h"

size_t LLVMFuzzerMutate(guint8 *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(guint8 *data, size_t size, size_t max_size, unsigned seed);

// Makes the checksum of the section that begins in the packet right, if one does.
static void repair_section(guint8 *packet)
{
    CutTsPacket parsed;
    if (!cut_ts_parse(packet, &parsed) || !parsed.unit_start || parsed.payload + 1 >= CUT_TS_PACKET)
        return;
    guint at = parsed.payload + 1 + packet[parsed.payload];
    if (at + 12 > CUT_TS_PACKET || packet[at] > 2)
        return;
    guint size = 3 + ((guint) (packet[at + 1] & 0x0F) << 8 | packet[at + 2]);
    if (size < 12 || at + size > CUT_TS_PACKET)
        return;
    guint32 crc = GUINT32_TO_BE(cut_psi_crc(packet + at, size - 4));
    memcpy(packet + at + size - 4, &crc, sizeof crc);
}

static void repair(guint8 *data, size_t size)
{
    for (size_t at = TS_INPUT_HEAD; at + CUT_TS_PACKET <= size; at += CUT_TS_PACKET) {
        data[at] = CUT_TS_SYNC;
        repair_section(data + at);
    }
}

static size_t change_packets(guint8 *data, size_t size, size_t max_size, guint what, guint a, guint b)
{
    size_t n = (size - TS_INPUT_HEAD) / CUT_TS_PACKET;
    guint8 *x = data + TS_INPUT_HEAD + a % n * CUT_TS_PACKET, *y = data + TS_INPUT_HEAD + b % n * CUT_TS_PACKET;
    guint8 copy[CUT_TS_PACKET];
    memcpy(copy, x, sizeof copy);
    switch (what) {
    case 0: // lost
        memmove(x, x + CUT_TS_PACKET, (size_t) (data + size - x) - CUT_TS_PACKET);
        return size - CUT_TS_PACKET;
    case 1: // twice
        if (size + CUT_TS_PACKET > max_size)
            return size;
        memmove(x + CUT_TS_PACKET, x, (size_t) (data + size - x));
        return size + CUT_TS_PACKET;
    case 2: // exchanged
        memmove(x, y, CUT_TS_PACKET);
        memcpy(y, copy, CUT_TS_PACKET);
        return size;
    case 3: // on another's PID
        x[1] = (guint8) ((x[1] & 0xE0) | (y[1] & 0x1F));
        x[2] = y[2];
        return size;
    default: // its beginning, where the headers are
        LLVMFuzzerMutate(x + 1, 31, 31);
        return size;
    }
}

size_t LLVMFuzzerCustomMutator(guint8 *data, size_t size, size_t max_size, unsigned seed)
{
    guint what = seed % 8;
    if (size < TS_INPUT_HEAD + CUT_TS_PACKET || what >= 6)
        size = LLVMFuzzerMutate(data, size, max_size);
    else if (what == 5)
        LLVMFuzzerMutate(data, TS_INPUT_HEAD, TS_INPUT_HEAD);
    else
        size = change_packets(data, size, max_size, what, seed / 8 % 4096, seed / 32768);
    if (seed % 32 != 31)
        repair(data, size);
    return size;
}
