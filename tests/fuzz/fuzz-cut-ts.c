// SPDX-License-Identifier: MIT
// Packets: they are read within their bounds, and patched in pieces as at once.
#include "cut/ts.h"

#include <string.h>

#include "cut/psi.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/ts-input.h"

static void check_parse(const guint8 *data)
{
    CutTsPacket packet;
    if (!cut_ts_parse(data, &packet))
        return;
    fuzz_assert(packet.pid < CUT_TS_PIDS && packet.counter < 16);
    fuzz_assert(packet.payload >= 4 && packet.payload <= CUT_TS_PACKET);
    fuzz_assert(packet.pcr == CUT_NO_STAMP || (packet.pcr >= 0 && packet.pcr < CUT_PCR_WRAP + 512));
}

// At each length the same, or that more is needed.
static void check_pes(const guint8 *data, gsize size)
{
    CutPesHeader whole, part;
    CutPesResult result = cut_pes_parse(data, size, &whole);
    if (result == CUT_PES_OK) {
        fuzz_assert(whole.header <= size && whole.header >= 6);
        fuzz_assert(whole.pts == CUT_NO_STAMP || (whole.pts >= 0 && whole.pts < CUT_STAMP_WRAP));
        fuzz_assert((whole.pts == CUT_NO_STAMP) == (whole.dts == CUT_NO_STAMP));
        fuzz_assert(whole.length == 0 || whole.length + 6 >= whole.header);
    }
    for (gsize n = 0; n < MIN(size, 40); n++) {
        g_autofree guint8 *copy = g_malloc(MAX(n, 1));
        memcpy(copy, data, n);
        CutPesResult shorter = cut_pes_parse(copy, n, &part);
        fuzz_assert(shorter == CUT_PES_SHORT || shorter == result);
    }
}

static void check_psi(const guint8 *data, gsize n)
{
    CutPsi psi = {0}, again = {0};
    CutTsPacket packet;
    for (gsize i = 0; i < n; i++) {
        if (cut_ts_parse(data + i * CUT_TS_PACKET, &packet))
            cut_psi_read(&psi, data + i * CUT_TS_PACKET, &packet);
    }
    if (!cut_psi_is_complete(&psi))
        return;
    fuzz_assert(psi.n_streams <= CUT_PSI_STREAMS);
    // What is kept of them is whole, and stays so.
    guint pid = psi.n_streams > 0 ? psi.streams[psi.n_streams - 1].pid : 256;
    cut_psi_set_h264(&psi, pid);
    fuzz_assert(cut_ts_parse(psi.pat, &packet) && cut_psi_read(&again, psi.pat, &packet) && again.has_pat);
    fuzz_assert(again.pmt_pid == psi.pmt_pid);
    fuzz_assert(cut_ts_parse(psi.pmt, &packet) && packet.pid == psi.pmt_pid);
    fuzz_assert(cut_psi_read(&again, psi.pmt, &packet) && again.has_pmt && again.n_streams == psi.n_streams);
    const CutPsiStream *stream = cut_psi_find(&again, pid);
    fuzz_assert(stream == NULL || stream->type == CUT_TYPE_H264);
}

typedef struct {
    guint8 slots[CUT_TS_PIDS];
    CutPatchStamps stamps;
    guint8 counters[CUT_PATCH_SLOTS];
    CutPatch patch;
} Patch;

static Patch *patch_new(const guint8 *options, int sign)
{
    Patch *patch = g_new0(Patch, 1);
    for (guint i = 0; i < CUT_TS_PIDS; i++)
        patch->slots[i] = i % 16 == 15 ? CUT_PATCH_NO_SLOT : (guint8) (i % CUT_PATCH_SLOTS);
    for (guint i = 0; i < CUT_PATCH_SLOTS; i++) {
        patch->stamps.stamps[i] =
            i == 7 ? 0 : sign * ((gint64) options[i % 8] << 25 | options[0]) * (i % 2 == 0 ? 1 : -1);
        patch->counters[i] = (guint8) ((sign * (options[i % 8] + (gint) i)) & 0x0F);
    }
    patch->stamps.pcr = sign * ((gint64) options[1] << 33 | options[2]);
    patch->stamps.any = TRUE;
    patch->patch = (CutPatch){.slots = patch->slots, .stamps = &patch->stamps, .counters = patch->counters};
    return patch;
}

static void check_patch(const TsInput *input, gsize n)
{
    g_autofree Patch *there = patch_new(input->options, 1), *back = patch_new(input->options, -1);
    gsize size = n * CUT_TS_PACKET;
    g_autofree guint8 *once = g_memdup2(input->data, size), *pieces = g_memdup2(input->data, size);
    cut_ts_patch(once, n, &there->patch);
    for (gsize i = n; i-- > 0;)
        cut_ts_patch(pieces + i * CUT_TS_PACKET, 1, &there->patch);
    fuzz_assert(n == 0 || memcmp(once, pieces, size) == 0);
    cut_ts_patch(pieces, n, &back->patch);
    cut_ts_patch(pieces, n, &there->patch);
    fuzz_assert(n == 0 || memcmp(once, pieces, size) == 0);

    g_autofree guint8 *straddling = g_memdup2(input->data, size);
    cut_ts_patch_straddling(straddling, n, &there->patch);
    for (gsize i = 0; i < n; i++)
        fuzz_assert(memcmp(straddling + i * CUT_TS_PACKET, once + i * CUT_TS_PACKET, 4) == 0);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_auto(TsInput) input = {0};
    if (!ts_input_read(data, size, &input))
        return 0;
    gsize n = input.size / CUT_TS_PACKET;
    for (gsize i = 0; i < n; i++) {
        const guint8 *at = input.data + i * CUT_TS_PACKET;
        CutTsPacket packet;
        check_parse(at);
        if (cut_ts_parse(at, &packet) && packet.unit_start && packet.payload < CUT_TS_PACKET)
            check_pes(at + packet.payload, CUT_TS_PACKET - packet.payload);
    }
    check_pes(input.data, input.size);
    check_psi(input.data, n);
    check_patch(&input, n);
    return 0;
}
