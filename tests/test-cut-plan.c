// SPDX-License-Identifier: MIT
// Plans of whole segments: offsets, the way from an offset to its part, hashes, and what they depend on.
#include "cut/plan.h"

#include <string.h>

#include "segment/time.h"
#include "tests/scratch.h"

#define N 30

// 30 segments of 2 s from 2019-11-13T02:00, the i-th of i × 10 bytes (so that the first is empty), without the 20th.
static Scratch *make_store(void)
{
    Scratch *scratch = scratch_new();
    for (int i = 0; i < N; i++) {
        g_autofree char *name = scratch_name(i * 2 * SEGMENT_SECOND, "2.0", SEGMENT_FULL, (guint) i);
        g_autofree char *path = g_build_filename("channel/quality/2019-11-13T02", name, NULL);
        if (i != 20)
            scratch_file(scratch, path, i * 10);
    }
    return scratch;
}

static SegmentStream *open_stream(const Scratch *scratch, SegmentStore **store)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    *store = segment_store_open(scratch->path, &options, &error);
    g_assert_no_error(error);
    SegmentStream *stream = segment_store_stream(*store, "channel/quality", NULL, &error);
    g_assert_no_error(error);
    return stream;
}

static CutPlan *plan(SegmentStream *stream, const char *name, GError **error)
{
    CutTextOptions text = {.base = "../", .uris = SEGMENT_URI_FILE};
    return cut_plan_new(stream, cut_request_parse(name, NULL), &text, NULL, error);
}

static void test_parts(void)
{
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = NULL;
    g_autoptr(GError) error = NULL;
    SegmentStream *stream = open_stream(scratch, &store);
    g_autoptr(CutPlan) p = plan(stream, "20191113T020010+10s,20191113T0200+4s.rough.ts", &error);
    g_assert_no_error(error);

    // Segments 5 to 9, then 0 and 1.
    static const int wanted[] = {5, 6, 7, 8, 9, 0, 1};
    gint64 offset = 0;
    g_assert_cmpuint(p->n_parts, ==, G_N_ELEMENTS(wanted));
    for (guint i = 0; i < p->n_parts; i++) {
        SegmentHour *hour;
        CutPart part;
        cut_plan_part(p, i, &part);
        g_assert_false(part.is_made);
        const SegmentEntry *entry = cut_run_entry(part.run, part.first_ref, &hour);
        g_assert_cmpint(entry->offset, ==, wanted[i] * 2 * SEGMENT_SECOND);
        g_assert_cmpint(p->offsets[i], ==, offset);
        for (gint64 o = 0; o < entry->size; o++)
            g_assert_cmpuint(cut_plan_find(p, offset + o), ==, i);
        offset += entry->size;
    }
    g_assert_cmpint(p->size, ==, offset);
}

static void test_hash(void)
{
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = NULL;
    SegmentStream *stream = open_stream(scratch, &store);
    static const char *const names[] = {"20191113T020010+10s.rough.ts", "20191113T020010.5+9s.rough.ts",
                                        "20191113T020010+12s.rough.ts", "20191113T020012+10s.rough.ts"};
    guint8 hashes[G_N_ELEMENTS(names)][CUT_HASH_SIZE];
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(CutPlan) p = plan(stream, names[i], NULL);
        cut_plan_hash(p, hashes[i]);
    }
    // The same segments are the same bytes.
    g_assert_cmpmem(hashes[0], CUT_HASH_SIZE, hashes[1], CUT_HASH_SIZE);
    for (guint i = 1; i < G_N_ELEMENTS(names); i++) {
        for (guint j = i + 1; j < G_N_ELEMENTS(names); j++)
            g_assert_true(memcmp(hashes[i], hashes[j], CUT_HASH_SIZE) != 0);
    }
}

static void test_errors(void)
{
    static const struct {
        const char *name;
        int code; // -1: none
    } cases[] = {
        {"20191113T0200+1m.rough.ts", CUT_ERROR_HOLES},
        {"20191113T0200+1m.rough.holes.ts", -1},
        {"20191113T0200+1m.m3u8", -1},
        {"20191113T0200+1m.txt", -1},
        {"20191113T0200+1m.json", -1},
        {"20191113T0300+1m.rough.holes.ts", CUT_ERROR_HOLES},
        {"20191113T0300+1m.m3u8", CUT_ERROR_HOLES},
        {"20191113T0300+1m.txt", -1},
        {"20191113T0200+10s.ts", -1},
        {"20191113T0200+10s.fast.ts", -1},
        {"20191113T0200+10s.mp4", CUT_ERROR_UNSUPPORTED},
        {"20191113T0200+1s,20191113T0200+1s.m3u8", CUT_ERROR_UNSUPPORTED},
    };
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = NULL;
    SegmentStream *stream = open_stream(scratch, &store);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", cases[i].name);
        g_autoptr(CutPlan) p = plan(stream, cases[i].name, &error);
        if (cases[i].code < 0)
            g_assert_no_error(error);
        else
            g_assert_error(error, CUT_ERROR, cases[i].code);
        g_assert_cmpint(p != NULL, ==, cases[i].code < 0);
    }
}

static void test_dependence(void)
{
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = NULL;
    SegmentStream *stream = open_stream(scratch, &store);
    g_autoptr(CutPlan) p = plan(stream, "20191113T020010+10s.rough.ts", NULL);
    gint64 start = p->request->spans[0].start;
    g_assert_true(cut_plan_depends_on(p, start));
    g_assert_true(cut_plan_depends_on(p, start - 60 * SEGMENT_SECOND));
    // What starts right after END shows whether it is reached (segment_range_add_hour).
    gint64 end = start + 10 * SEGMENT_SECOND;
    g_assert_true(cut_plan_depends_on(p, end));
    g_assert_true(cut_plan_depends_on(p, end + SEGMENT_FUDGE));
    g_assert_false(cut_plan_depends_on(p, end + SEGMENT_FUDGE + 1));
    g_assert_false(cut_plan_depends_on(p, start - 3 * SEGMENT_HOUR_LENGTH));
    g_assert_cmpint(p->mtime, ==, start + 8 * SEGMENT_SECOND);

    g_autofree char *tombstone = scratch_tombstone(14 * SEGMENT_SECOND, "2.0", SEGMENT_FULL, 7);
    g_autoptr(GError) error = NULL;
    g_assert_false(cut_plan_is_barred(p));
    g_assert_true(segment_stream_bury(stream, segment_time_hour(start), tombstone, 0, 0, 0644, &error));
    g_assert_true(cut_plan_is_barred(p));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/parts", test_parts);
    g_test_add_func("/plan/hash", test_hash);
    g_test_add_func("/plan/errors", test_errors);
    g_test_add_func("/plan/dependence", test_dependence);
    return g_test_run();
}
