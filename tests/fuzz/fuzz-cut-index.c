// SPDX-License-Identifier: MIT
// Segments: what is known of one without taking it apart, and what it is taken apart into.
#include "cut/index.h"

#include "cut/demux.h"
#include "cut/request.h"
#include "segment/error.h"
#include "segment/time.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/ts-input.h"

static gboolean is_stamp(gint64 stamp)
{
    return stamp >= 0 && stamp < CUT_STAMP_WRAP;
}

static void check_index(const TsInput *input)
{
    CutIndex index;
    g_autoptr(GError) error = NULL;
    if (!cut_index_scan(input->data, input->size, "it", &index, &error)) {
        fuzz_assert(error != NULL && error->domain == CUT_ERROR);
        return;
    }
    fuzz_assert(error == NULL && index.n_pids > 0 && index.n_pids <= CUT_INDEX_PIDS && index.sps_size <= CUT_INDEX_SPS);
    fuzz_assert(is_stamp(index.pts) && is_stamp(index.dts) && is_stamp(index.last_dts) && is_stamp(index.end));
    fuzz_assert(index.video_pid == 0 || cut_index_find(&index, index.video_pid) != NULL);
    for (guint i = 0; i < index.n_pids; i++) {
        const CutIndexPid *pid = &index.pids[i];
        fuzz_assert(pid->pid < CUT_TS_PIDS && pid->first < 16 && pid->last < 16);
        fuzz_assert(!pid->has_stamps || is_stamp(pid->pts));
        fuzz_assert(cut_index_find(&index, pid->pid) == pid);
    }
}

static void check_demux(const CutSource *sources, guint n, guint anchor)
{
    g_autoptr(CutDemux) demux = cut_demux_new(sources, n, anchor);
    fuzz_assert(demux->sources->len == n);
    gsize sum = 0;
    for (guint s = 0; s < n; s++) {
        const CutDemuxSource *source = cut_demux_source(demux, s);
        fuzz_assert(source->first_unit + source->n_units <= demux->units->len);
        fuzz_assert(s != anchor || source->shift == 0 || !source->has_stamps || n > 1);
        for (guint i = source->first_unit; i < source->first_unit + source->n_units; i++) {
            const CutUnit *unit = cut_demux_unit(demux, i);
            fuzz_assert(unit->source == s);
            fuzz_assert(unit->data + unit->size <= demux->bytes->len);
            fuzz_assert(unit->position < sources[s].size / CUT_TS_PACKET + 1);
            fuzz_assert(i == source->first_unit || cut_demux_unit(demux, i - 1)->position <= unit->position);
            fuzz_assert(unit->type != CUT_UNIT_PICTURE || unit->pts != CUT_NO_STAMP);
            fuzz_assert((unit->pts == CUT_NO_STAMP) == (unit->dts == CUT_NO_STAMP));
            fuzz_assert(unit->pts == CUT_NO_STAMP || ABS(unit->pts) < 8 * CUT_STAMP_WRAP);
            fuzz_assert(unit->pcr == CUT_NO_STAMP || ABS(unit->pcr) < 8 * CUT_PCR_WRAP);
            if (unit->pts != CUT_NO_STAMP)
                (void) cut_demux_is_before(demux, unit, sources[s].start);
            sum += unit->size;
        }
    }
    // Nothing is kept twice.
    fuzz_assert(sum == demux->bytes->len);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_auto(TsInput) input = {0};
    if (!ts_input_read(data, size, &input))
        return 0;
    check_index(&input);
    gint64 start = SEGMENT_HOUR_LENGTH * 400000;
    CutSource whole = {.data = input.data, .size = input.size, .start = start, .is_whole = TRUE};
    check_demux(&whole, 1, 0);
    gsize split = input.size * input.options[0] / 256;
    CutSource sources[2] = {
        {.data = input.data, .size = split, .start = start, .is_whole = TRUE},
        {.data = input.data + split,
         .size = input.size - split,
         .start = start + input.options[1] * (SEGMENT_SECOND / 10),
         .is_whole = TRUE},
    };
    check_demux(sources, 2, input.options[2] % 2);
    return 0;
}
