// SPDX-License-Identifier: MIT
// Edges of small streams: they show just what they should, in just as many bytes.
#include "cut/edge.h"

#include <libavutil/pixfmt.h>
#include <string.h>

#include "cut/request.h"
#include "segment/error.h"
#include "segment/time.h"
#include "tests/media.h"

#define START (G_GINT64_CONSTANT(1573610400) * SEGMENT_SECOND) // 2019-11-13T02
#define SIZE (400 * CUT_TS_PACKET)
#define FRAME (SEGMENT_SECOND / 25)
#define STEP (CUT_STAMP_HZ / 25)

typedef struct {
    const char *seed;
    guint start, end; // frames; END 0: open
    gboolean encodes_all;
    guint n_copied; // at least
} Case;

static gint64 first_pts(const CutDemux *demux)
{
    for (guint i = 0; i < demux->units->len; i++) {
        if (cut_demux_unit(demux, i)->type == CUT_UNIT_PICTURE)
            return cut_demux_unit(demux, i)->pts;
    }
    return CUT_NO_STAMP;
}

static gint compare(gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;
    return (x > y) - (x < y);
}

// Its pictures, and that nothing is decoded after it is shown.
static GArray *pictures_of(GBytes *bytes)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    CutSource source = {.data = data, .size = size, .start = START, .is_whole = TRUE};
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    GArray *stamps = g_array_new(FALSE, FALSE, sizeof(gint64));
    gint64 last_dts = G_MININT64, last_pcr = G_MININT64;
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type != CUT_UNIT_PICTURE)
            continue;
        g_assert_cmpint(unit->dts, >, last_dts);
        g_assert_cmpint(unit->dts, <=, unit->pts);
        g_assert_cmpint(unit->pcr, >=, last_pcr);
        g_assert_cmpint(unit->pcr, <=, unit->dts * 300);
        g_assert_false(unit->is_damaged);
        g_assert_true(stamps->len > 0 || unit->is_key);
        last_dts = unit->dts;
        last_pcr = unit->pcr;
        g_array_append_val(stamps, unit->pts);
    }
    g_array_sort(stamps, compare);
    return stamps;
}

static void test_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = media_load(c->seed);
    CutSource source = {
        .data = g_bytes_get_data(bytes, NULL), .size = g_bytes_get_size(bytes), .start = START, .is_whole = TRUE};
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    const gint64 origin = first_pts(demux);
    CutEdgeSpec spec = {.n_covered = 1,
                        .start = START + c->start * FRAME,
                        .encodes_all = c->encodes_all,
                        .size = SIZE,
                        .end = c->end != 0 ? START + c->end * FRAME : CUT_EDGE_OPEN};
    g_autoptr(CutEdge) edge = cut_edge_new(&source, 1, &spec, &error);
    g_assert_no_error(error);
    const CutEdgeTimes *times = cut_edge_times(edge);
    g_assert_cmpint(times->pts, ==, origin + c->start * STEP);
    g_assert_cmpuint(times->n_copied, >=, c->n_copied);
    g_assert_cmpuint(times->n_copied + times->n_encoded, ==, times->n_shown);
    if (c->end != 0)
        g_assert_cmpuint(times->n_shown, ==, c->end - c->start);
    g_autoptr(GBytes) made = cut_edge_make(edge, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(made), ==, SIZE);
    media_check_counters(g_bytes_get_data(made, NULL), SIZE);
    g_autoptr(GArray) shown = pictures_of(made);
    g_assert_cmpuint(shown->len, ==, times->n_shown);
    for (guint i = 0; i < shown->len; i++)
        g_assert_cmpint(g_array_index(shown, gint64, i), ==, origin + (gint64) (c->start + i) * STEP);
    g_assert_cmpint(times->end, ==, origin + (gint64) (c->start + shown->len) * STEP);
    // The same a second time.
    g_autoptr(GBytes) again = cut_edge_make(edge, NULL, &error);
    g_assert_true(g_bytes_equal(made, again));
}

// The frames of sound that are nearest to the beginning and to the end.
static void test_sound(void)
{
    g_autoptr(Media) media = media_new();
    g_autoptr(GError) error = NULL;
    media_add_tables(media, 0);
    media_add_sound(media, CUT_STAMP_WRAP - 10 * 1920, 100, 0, 0);
    CutSource source = {.data = media->bytes->data, .size = media->bytes->len, .start = START, .is_whole = TRUE};
    CutEdgeSpec spec = {.n_covered = 1, .start = CUT_EDGE_OPEN, .end = CUT_EDGE_OPEN, .size = SIZE};
    g_autoptr(CutEdge) edge = cut_edge_new(&source, 1, &spec, &error);
    g_assert_no_error(error);
    const gint64 origin = cut_edge_times(edge)->pts;
    g_assert_false(cut_edge_times(edge)->has_video);
    g_assert_cmpint(cut_edge_times(edge)->end - origin, ==, 100 * 1920);
    g_assert_cmpint(cut_edge_sound_start(edge, MEDIA_AUDIO, origin + 20 * 1920 - 900), ==, origin + 20 * 1920);
    g_assert_cmpint(cut_edge_sound_end(edge, MEDIA_AUDIO, origin + 30 * 1920 + 900), ==, origin + 30 * 1920);
    g_assert_cmpint(cut_edge_sound_end(edge, MEDIA_AUDIO, origin + 200 * 1920), ==, CUT_NO_STAMP);
    g_assert_cmpint(cut_edge_sound_start(edge, MEDIA_VIDEO, origin), ==, CUT_NO_STAMP);
    cut_edge_set_sound(edge, MEDIA_AUDIO, origin + 20 * 1920, origin + 30 * 1920);
    gint64 first, last;
    g_assert_true(cut_edge_sound(edge, MEDIA_AUDIO, &first, &last));
    g_assert_cmpint(first, ==, origin + 20 * 1920);
    g_assert_cmpint(last, ==, origin + 30 * 1920);
    g_assert_true(cut_edge_has_pid(edge, MEDIA_AUDIO));
    g_assert_false(cut_edge_has_pid(edge, MEDIA_VIDEO));
    g_autoptr(GBytes) made = cut_edge_make(edge, NULL, &error);
    g_assert_no_error(error);
    media_check_counters(g_bytes_get_data(made, NULL), SIZE);
    CutSource result = {.data = g_bytes_get_data(made, NULL), .size = SIZE, .start = START, .is_whole = TRUE};
    g_autoptr(CutDemux) demux = cut_demux_new(&result, 1, 0);
    guint n = 0;
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type == CUT_UNIT_AUDIO)
            g_assert_cmphex(cut_demux_data(demux, unit)[MEDIA_FRAME - 1], ==, 20 + n++);
    }
    g_assert_cmpuint(n, ==, 10);
}

static CutEdge *make_edge(CutSource *source, GBytes *bytes, gsize size)
{
    g_autoptr(GError) error = NULL;
    *source = (CutSource){
        .data = g_bytes_get_data(bytes, NULL), .size = g_bytes_get_size(bytes), .start = START, .is_whole = TRUE};
    CutEdgeSpec spec = {.n_covered = 1, .start = START + 4 * FRAME, .end = CUT_EDGE_OPEN, .size = size};
    CutEdge *edge = cut_edge_new(source, 1, &spec, &error);
    g_assert_no_error(error);
    return edge;
}

// What does not fit is no edge; what fits is one at any size.
static void test_sizes(void)
{
    g_autoptr(GBytes) bytes = media_load("head");
    guint n_failed = 0, n_made = 0;
    for (guint packets = 0; packets < 200; packets += 9) {
        CutSource source;
        g_autoptr(GError) error = NULL;
        g_autoptr(CutEdge) edge = make_edge(&source, bytes, packets * CUT_TS_PACKET);
        g_autoptr(GBytes) made = cut_edge_make(edge, NULL, &error);
        if (made != NULL) {
            g_assert_no_error(error);
            g_assert_cmpuint(g_bytes_get_size(made), ==, packets * CUT_TS_PACKET);
            media_check_counters(g_bytes_get_data(made, NULL), packets * CUT_TS_PACKET);
            n_made++;
        } else {
            g_assert_error(error, CUT_ERROR, CUT_ERROR_CODEC);
            g_assert_cmpuint(n_made, ==, 0);
            n_failed++;
        }
    }
    g_assert_cmpuint(n_failed, >, 3);
    g_assert_cmpuint(n_made, >, 3);
}

static void test_cancel(void)
{
    g_autoptr(GBytes) bytes = media_load("head");
    g_autoptr(GError) error = NULL;
    CutSource source;
    const int cancelled = 1;
    g_autoptr(CutEdge) edge = make_edge(&source, bytes, SIZE);
    g_assert_null(cut_edge_make(edge, &cancelled, &error));
    g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_CANCELLED);
}

static void check_refused(const CutSource *sources, guint n, const CutEdgeSpec *spec, int code)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(cut_edge_new(sources, n, spec, &error));
    g_assert_error(error, CUT_ERROR, code);
}

static void test_errors(void)
{
    g_autoptr(GBytes) h264 = media_load("head"), mpeg2 = media_load("mpeg2-full");
    const guint8 zeros[1880] = {0};
    CutSource a = {
        .data = g_bytes_get_data(h264, NULL), .size = g_bytes_get_size(h264), .start = START, .is_whole = TRUE};
    CutSource b = {
        .data = g_bytes_get_data(mpeg2, NULL), .size = g_bytes_get_size(mpeg2), .start = START, .is_whole = TRUE};
    CutSource nothing = {.data = zeros, .size = sizeof zeros, .start = START};
    CutEdgeSpec spec = {.n_covered = 1, .start = START + 3 * FRAME, .end = CUT_EDGE_OPEN, .size = SIZE};
    check_refused(&nothing, 1, &spec, CUT_ERROR_CODEC);
    check_refused(&b, 1, &spec, CUT_ERROR_UNSUPPORTED); // between key frames
    spec.start = START + 60 * SEGMENT_SECOND;
    check_refused(&a, 1, &spec, CUT_ERROR_CODEC); // nothing is shown
    // Stamps jump back
    CutSource both[] = {a, a};
    both[1].start += 10 * SEGMENT_SECOND;
    spec = (CutEdgeSpec){
        .n_covered = 2, .start = START + 4 * FRAME, .end = CUT_EDGE_OPEN, .keeps_stamps = TRUE, .size = SIZE};
    check_refused(both, 2, &spec, CUT_ERROR_UNSUPPORTED);
}

int main(int argc, char **argv)
{
    static const Case cases[] = {
        {"head", 0, 0, FALSE, 15},    {"head", 3, 0, FALSE, 7},      {"head", 3, 6, FALSE, 0},
        {"head", 5, 11, FALSE, 1},    {"open", 2, 0, FALSE, 0},      {"open", 3, 12, FALSE, 0},
        {"inside", 9, 12, FALSE, 0},  {"inside", 9, 14, FALSE, 0},   {"head", 2, 13, TRUE, 0},
        {"hevc-full", 1, 6, TRUE, 0}, {"mpeg2-full", 2, 9, TRUE, 0},
    };
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strdup_printf("/edge/case/%u-%s", i, cases[i].seed);
        g_test_add_data_func(name, &cases[i], test_case);
    }
    g_test_add_func("/edge/sound", test_sound);
    g_test_add_func("/edge/sizes", test_sizes);
    g_test_add_func("/edge/cancel", test_cancel);
    g_test_add_func("/edge/errors", test_errors);
    return g_test_run();
}
