// SPDX-License-Identifier: MIT
// Reading of cuts of sound alone, which need no encoder: at any offset the same bytes, and all of it one stream.
#include "cut/reader.h"

#include <string.h>

#include "cut/demux.h"
#include "tests/media.h"
#include "tests/scratch.h"

#define N_SEGMENTS 8
#define FRAMES 75 // of 1920 ticks each in a segment: 1.6 s
#define SEGMENT (16 * SEGMENT_SECOND / 10)

typedef struct {
    Scratch *scratch;
    SegmentStore *store;
    SegmentStream *stream;
    CutEngine *engine;
} Fixture;

// Over the wrap, with counters that begin anew in each segment; from the fifth one on it was restarted.
static void set_up(Fixture *fixture, gconstpointer straddling)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    fixture->scratch = scratch_new();
    for (guint i = 0; i < N_SEGMENTS; i++) {
        g_autoptr(Media) media = media_new();
        gint64 pts = i < 4 ? CUT_STAMP_WRAP - 2 * FRAMES * 1920 + i * FRAMES * 1920 : 5000 + i * FRAMES * 1920;
        media->counters[MEDIA_AUDIO] = (guint8) (i % 16);
        media_add_tables(media, 0);
        media_add_sound(media, pts, FRAMES, FRAMES * i, GPOINTER_TO_UINT(straddling));
        g_autofree char *name = scratch_name(i * SEGMENT, "1.6", SEGMENT_FULL, i);
        g_autofree char *path = g_build_filename("store/channel/quality/2019-11-13T02", name, NULL);
        scratch_file(fixture->scratch, path, 0);
        g_autofree char *full = scratch_path(fixture->scratch, path);
        g_assert_true(g_file_set_contents(full, (const char *) media->bytes->data, media->bytes->len, NULL));
    }
    g_autofree char *root = scratch_path(fixture->scratch, "store");
    g_autofree char *cache = scratch_path(fixture->scratch, "edges");
    fixture->store = segment_store_open(root, &options, &error);
    g_assert_no_error(error);
    fixture->stream = segment_store_stream(fixture->store, "channel/quality", NULL, &error);
    g_assert_no_error(error);
    fixture->engine = cut_engine_new(cache, G_MAXINT64);
}

static void tear_down(Fixture *fixture, gconstpointer unused)
{
    cut_engine_free(fixture->engine);
    segment_store_free(fixture->store);
    scratch_free(fixture->scratch);
}

static CutReader *open_cut(Fixture *fixture, const char *name, gsize *size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CutPlan) plan = cut_plan_new(fixture->stream, cut_request_parse(name, NULL), NULL, NULL, &error);
    g_assert_no_error(error);
    *size = (gsize) plan->size;
    return cut_reader_new(fixture->engine, plan);
}

static guint8 *read_all(CutReader *reader, gsize size)
{
    g_autoptr(GError) error = NULL;
    guint8 *data = g_malloc(size + 1);
    gssize n = cut_reader_read(reader, data, size + 1, 0, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(n, ==, size);
    return data;
}

// One stream: counters, no frame too many or too few between FIRST and END, and steps of one frame.
static void check_stream(const guint8 *data, gsize size, guint first, guint end)
{
    CutSource source = {.data = data, .size = size, .is_whole = TRUE};
    g_autoptr(CutDemux) demux = cut_demux_new(&source, 1, 0);
    gint64 pts = CUT_NO_STAMP, pcr = G_MININT64;
    guint n = first;
    int counters[CUT_TS_PIDS];
    memset(counters, -1, sizeof counters);
    for (gsize i = 0; i < size; i += CUT_TS_PACKET) {
        CutTsPacket packet;
        g_assert_true(cut_ts_parse(data + i, &packet));
        if (packet.pid == CUT_TS_NULL_PID || packet.payload >= CUT_TS_PACKET)
            continue;
        g_assert_true(counters[packet.pid] < 0 || packet.counter == (counters[packet.pid] + 1) % 16);
        counters[packet.pid] = packet.counter;
    }
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type != CUT_UNIT_AUDIO)
            continue;
        g_assert_cmpuint(cut_demux_data(demux, unit)[MEDIA_FRAME - 1], ==, n % 200);
        if (pts != CUT_NO_STAMP)
            g_assert_cmpint(unit->pts, ==, pts + 1920);
        g_assert_cmpint(unit->pcr, >=, pcr);
        pts = unit->pts;
        pcr = unit->pcr;
        n++;
    }
    g_assert_cmpuint(n, ==, end);
}

static void test_stream(Fixture *fixture, gconstpointer unused)
{
    gsize size;
    // From frame 50 to frame 550: 0 to 74 are in the first segment.
    g_autoptr(CutReader) reader = open_cut(fixture, "20191113T020001.0666+10.666s.ts", &size);
    g_autofree guint8 *data = read_all(reader, size);
    check_stream(data, size, 50, 550);
}

static void test_offsets(Fixture *fixture, gconstpointer unused)
{
    static const char *const names[] = {"20191113T020001+10s.ts", "20191113T020001+5s.fast.ts",
                                        "20191113T0200+10s.rough.ts",
                                        "20191113T020001+3s,20191113T020003+5s,20191113T020001+1s.ts"};
    for (guint k = 0; k < G_N_ELEMENTS(names); k++) {
        gsize size;
        g_autoptr(CutReader) reader = open_cut(fixture, names[k], &size);
        g_autofree guint8 *data = read_all(reader, size), *part = g_malloc(size);
        for (guint i = 0; i < 400; i++) {
            g_autoptr(GError) error = NULL;
            gsize length = (gsize) g_test_rand_int_range(1, i % 3 == 0 ? 700 : 70000);
            gint64 offset = g_test_rand_int_range(0, (gint32) size);
            gssize n = cut_reader_read(reader, part, MIN(length, size), offset, NULL, &error);
            g_assert_no_error(error);
            g_assert_cmpmem(part, n, data + offset, MIN(MIN(length, size), size - (gsize) offset));
        }
        g_assert_cmpint(cut_reader_read(reader, part, 1, (gint64) size, NULL, NULL), ==, 0);
        // Anew, out of an engine that knows nothing, backwards
        g_autoptr(CutEngine) engine = cut_engine_new(NULL, 0);
        g_autoptr(CutPlan) plan = cut_plan_new(fixture->stream, cut_request_parse(names[k], NULL), NULL, NULL, NULL);
        g_autoptr(CutReader) other = cut_reader_new(engine, plan);
        for (gint64 end = (gint64) size, n; end > 0; end -= n) {
            n = MIN(end, 10007);
            g_assert_cmpint(cut_reader_read(other, part, (gsize) n, end - n, NULL, NULL), ==, n);
            g_assert_cmpmem(part, n, data + end - n, n);
        }
        g_clear_pointer(&other, cut_reader_free);
    }
}

// A segment that became shorter, or is gone, is an error where it is read, and nowhere else.
static void test_shorter(Fixture *fixture, gconstpointer unused)
{
    gsize size;
    g_autoptr(GError) error = NULL;
    g_autoptr(CutReader) reader = open_cut(fixture, "20191113T0200+6.4s.rough.ts", &size);
    g_autofree char *name = scratch_name(2 * SEGMENT, "1.6", SEGMENT_FULL, 2);
    g_autofree char *path = g_build_filename("store/channel/quality/2019-11-13T02", name, NULL);
    g_autofree guint8 *data = g_malloc(size);
    scratch_file(fixture->scratch, path, 100);
    g_assert_cmpint(cut_reader_read(reader, data, 10, 0, NULL, &error), ==, 10);
    g_assert_cmpint(cut_reader_read(reader, data, size, 0, NULL, &error), ==, -1);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, name));
    g_assert_cmpint(cut_reader_read(reader, data, 10, (gint64) size - 10, NULL, NULL), ==, 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/reader/stream", Fixture, NULL, set_up, test_stream, tear_down);
    g_test_add("/reader/stream/straddling", Fixture, GUINT_TO_POINTER(11), set_up, test_stream, tear_down);
    g_test_add("/reader/offsets", Fixture, NULL, set_up, test_offsets, tear_down);
    g_test_add("/reader/offsets/straddling", Fixture, GUINT_TO_POINTER(11), set_up, test_offsets, tear_down);
    g_test_add("/reader/shorter", Fixture, NULL, set_up, test_shorter, tear_down);
    return g_test_run();
}
