// SPDX-License-Identifier: MIT
// Edges of segments that are mangled: either there is an error, or a stream of just the size that was promised.
#include "cut/edge.h"

#include <libavutil/pixfmt.h>
#include <string.h>

#include "cut/request.h"
#include "segment/error.h"
#include "segment/time.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/ts-input.h"

// x264 forgets its parameters where it does not begin (164).
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libx264";
}

#define MAX_SIZE (192 * 1024) // bytes of input: a few frames

enum {
    ENCODES_ALL = 1,
    KEEPS_STAMPS = 2,
    HAS_START = 4,
    HAS_END = 8,
    IS_SPLIT = 16,
    HAS_BEFORE = 32,
    IS_BROKEN = 64,
    SCALES = 128
};

static void check_bytes(GBytes *bytes, const CutEdgeSpec *spec)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    fuzz_assert(size == spec->size && size % CUT_TS_PACKET == 0);
    for (gsize i = 0; i < size; i += CUT_TS_PACKET) {
        CutTsPacket packet;
        fuzz_assert(cut_ts_parse(data + i, &packet));
    }
}

static void choose_sound(CutEdge *edge, const guint8 *options)
{
    const CutPsi *psi = cut_edge_psi(edge);
    const CutEdgeTimes *times = cut_edge_times(edge);
    for (guint i = 0; i < psi->n_streams; i++) {
        guint pid = psi->streams[i].pid;
        gint64 start = cut_edge_sound_start(edge, pid, times->pts), end = cut_edge_sound_end(edge, pid, times->end),
               last;
        if (psi->streams[i].kind != CUT_STREAM_AUDIO || (options[7] & 1) != 0)
            continue;
        cut_edge_set_sound(edge, pid, start != CUT_NO_STAMP ? start : times->pts,
                           end != CUT_NO_STAMP ? end : times->end);
        if (cut_edge_sound(edge, pid, &start, &last))
            fuzz_assert(start <= last && cut_edge_has_pid(edge, pid));
    }
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_auto(TsInput) input = {0};
    g_autoptr(GError) error = NULL;
    if (size > MAX_SIZE || !ts_input_read(data, size, &input))
        return 0;
    const guint8 *options = input.options;
    const guint flags = options[0];
    const gint64 start = SEGMENT_HOUR_LENGTH * 400000, step = SEGMENT_SECOND / 100;
    gsize split = (flags & IS_SPLIT) != 0 ? MIN(input.size, (gsize) options[4] * CUT_TS_PACKET) : input.size;
    gboolean whole = (flags & IS_BROKEN) == 0;
    CutSource sources[2] = {
        {.data = input.data, .size = split, .start = start, .is_whole = whole},
        {.data = input.data + split, .size = input.size - split, .start = start + options[5] * step, .is_whole = whole},
    };
    guint n = split < input.size ? 2 : 1;
    CutEdgeSpec spec = {
        .n_before = n == 2 && (flags & HAS_BEFORE) != 0 ? 1 : 0,
        .start = (flags & HAS_START) != 0 ? start + options[1] * step : CUT_EDGE_OPEN,
        .end = (flags & HAS_END) != 0 ? start + (options[1] + options[2]) * step : CUT_EDGE_OPEN,
        .encodes_all = (flags & ENCODES_ALL) != 0,
        .keeps_stamps = (flags & KEEPS_STAMPS) != 0,
        .size = (64 + options[3] * 16) * CUT_TS_PACKET,
    };
    spec.n_covered = n - spec.n_before;
    spec.anchor = spec.n_before + options[6] % spec.n_covered;
    if (spec.encodes_all && (flags & SCALES) != 0) {
        spec.width = 32;
        spec.height = 48;
        spec.format = AV_PIX_FMT_YUV420P;
    }
    g_autoptr(CutEdge) edge = cut_edge_new(sources, n, &spec, &error);
    g_autoptr(GBytes) bytes = NULL;
    if (edge != NULL) {
        choose_sound(edge, options);
        bytes = cut_edge_make(edge, NULL, &error);
    }
    fuzz_assert((bytes == NULL) == (error != NULL));
    if (bytes != NULL)
        check_bytes(bytes, &spec);
    else
        fuzz_assert(error->domain == CUT_ERROR);
    return 0;
}
