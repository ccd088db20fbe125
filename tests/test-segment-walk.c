// SPDX-License-Identifier: MIT
// The walk over hours without a store: every case of best_segments.json once more, hour by hour, and what the cases do
// not say: where holes lie, what a walk that accepts none has got by then, and when it is done.
#include <fcntl.h>
#include <string.h>

#include "segment/fd.h"
#include "segment/range.h"
#include "tests/scratch.h"
#include "tests/vectors.h"

static guint n_queries;

// Each hole lies between the end of what is before it and the start of what is after it.
static void check_holes(const SegmentRange *range)
{
    guint n = 0;
    gint64 reached = range->start;
    for (guint i = 0; i < range->refs->len; i++) {
        gint64 start = segment_entry_start(segment_range_hour(range, i), segment_range_entry(range, i));
        if (g_array_index(range->refs, SegmentRef, i).after_hole) {
            const SegmentHole *hole = &g_array_index(range->holes, SegmentHole, n++);
            g_assert_cmpint(hole->start, ==, reached);
            g_assert_cmpint(hole->end, ==, MAX(start, reached));
        }
        reached = start + segment_range_entry(range, i)->duration;
    }
    if (range->ends_in_hole) {
        const SegmentHole *hole = &g_array_index(range->holes, SegmentHole, n++);
        g_assert_cmpint(hole->start, ==, reached);
        g_assert_cmpint(hole->end, ==, MAX(reached, range->end));
    }
    g_assert_cmpuint(n, ==, range->holes->len);
}

static SegmentHour *read_hour(const char *path, gint64 start)
{
    g_autoptr(GError) error = NULL;
    segment_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    SegmentHour *hour = segment_hour_read(fd, path, start, NULL, NULL, &error);
    g_assert_no_error(error);
    return hour;
}

static SegmentRange *walk_stream(const char *stream, gint64 start, gint64 end, gboolean accept_holes)
{
    SegmentRange *range = segment_range_new(start, end, accept_holes);
    gboolean done = FALSE;
    for (gint64 at = segment_time_hour(start) - SEGMENT_HOUR_LENGTH; at <= end && !done; at += SEGMENT_HOUR_LENGTH) {
        char name[SEGMENT_HOUR_TEXT_SIZE];
        g_autofree char *path = g_build_filename(stream, segment_hour_name_format(at, name), NULL);
        g_autoptr(SegmentHour) hour = read_hour(path, at);
        done = hour != NULL && segment_range_add_hour(range, hour);
    }
    segment_range_finish(range);
    return range;
}

// HOUR/NAME of the range's segment number I.
static char *text_of(const SegmentRange *range, guint i)
{
    char name[SEGMENT_HOUR_TEXT_SIZE];
    const SegmentHour *hour = segment_range_hour(range, i);
    return g_build_filename(segment_hour_name_format(hour->start, name),
                            segment_hour_name(hour, segment_range_entry(range, i)), NULL);
}

static void check_query(JsonObject *query, const char *stream)
{
    gint64 start = vectors_time(query, "start"), end = vectors_time(query, "end");
    JsonArray *expected = json_object_get_array_member(query, "expected");
    g_autoptr(SegmentRange) range = walk_stream(stream, start, end, TRUE);
    g_autoptr(SegmentRange) strict = walk_stream(stream, start, end, FALSE);
    guint n = 0, n_before_hole = 0;
    gboolean hole = FALSE, seen = FALSE;

    for (guint i = 0; i < json_array_get_length(expected); i++) {
        JsonNode *node = json_array_get_element(expected, i);
        hole = JSON_NODE_HOLDS_NULL(node);
        seen = seen || hole;
        if (hole)
            continue;
        g_assert_cmpuint(n, <, range->refs->len);
        g_autofree char *text = text_of(range, n);
        g_assert_cmpstr(text, ==, json_node_get_string(node));
        g_assert_cmpint(g_array_index(range->refs, SegmentRef, n).after_hole, ==,
                        i > 0 && JSON_NODE_HOLDS_NULL(json_array_get_element(expected, i - 1)));
        n++;
        if (!seen) {
            g_autofree char *same = text_of(strict, n_before_hole++);
            g_assert_cmpstr(same, ==, text);
        }
    }
    g_assert_cmpuint(n, ==, range->refs->len);
    g_assert_cmpint(range->ends_in_hole, ==, hole);
    check_holes(range);

    // Who accepts no holes has what comes before the first, and knows of it.
    g_assert_cmpuint(strict->refs->len, ==, n_before_hole);
    g_assert_cmpuint(strict->holes->len, ==, json_object_get_boolean_member(query, "contains_holes") ? 1 : 0);
    if (strict->holes->len > 0)
        g_assert_cmpmem(strict->holes->data, sizeof(SegmentHole), range->holes->data, sizeof(SegmentHole));
    n_queries++;
}

static void check_case(JsonObject *test, const char *store, const char *stream)
{
    (void) store;
    JsonArray *queries = json_object_get_array_member(test, "queries");
    for (guint i = 0; i < json_array_get_length(queries); i++)
        check_query(json_array_get_object_element(queries, i), stream);
}

static void test_vectors(void)
{
    vectors_run("best_segments.json", check_case);
    g_assert_cmpuint(n_queries, ==, 968);
}

// ---- beyond the cases

// Segments of ten seconds at the given milliseconds into the hour; a negative one is a partial.
static SegmentHour *make_hour(const Scratch *scratch, gint64 start, const int *msec, guint n)
{
    char name[SEGMENT_HOUR_TEXT_SIZE];
    segment_hour_name_format(start, name);
    scratch_mkdir(scratch, name);
    for (guint i = 0; i < n; i++) {
        g_autofree char *file =
            scratch_name(ABS(msec[i]) * G_GINT64_CONSTANT(1000), "10", msec[i] < 0 ? SEGMENT_PARTIAL : SEGMENT_FULL, i);
        g_autofree char *path = g_build_filename(name, file, NULL);
        scratch_file(scratch, path, 1);
    }
    g_autofree char *path = scratch_path(scratch, name);
    return read_hour(path, start);
}

// From and to: milliseconds into the hour.
static SegmentRange *walk(SegmentHour *hour, gint64 from, gint64 to, gboolean accept_holes)
{
    SegmentRange *range = segment_range_new(hour->start + from * 1000, hour->start + to * 1000, accept_holes);
    segment_range_add_hour(range, hour);
    segment_range_finish(range);
    if (accept_holes)
        check_holes(range);
    return range;
}

static void test_overlaps(void)
{
    static const int starts[] = {0, 3000, 6000, 9989, 9990, 15000, 19990};
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(SegmentHour) hour = make_hour(scratch, scratch_time("2020-01-01T00"), starts, G_N_ELEMENTS(starts));
    g_autoptr(SegmentRange) range = walk(hour, 0, 29990, FALSE);
    g_assert_cmpuint(range->refs->len, ==, 3);
    g_assert_cmpuint(range->n_overlaps, ==, 4);
    g_assert_cmpuint(range->holes->len, ==, 0);
}

// A partial that is followed without a gap makes a hole of no length: its end may be missing.
static void test_empty_hole(void)
{
    static const int starts[] = {0, -10000, 20000};
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(SegmentHour) hour = make_hour(scratch, scratch_time("2020-01-01T00"), starts, G_N_ELEMENTS(starts));
    g_autoptr(SegmentRange) range = walk(hour, 0, 30000, TRUE), strict = walk(hour, 0, 30000, FALSE);
    g_assert_cmpuint(range->refs->len, ==, 3);
    g_assert_cmpuint(range->holes->len, ==, 1);
    const SegmentHole *hole = &g_array_index(range->holes, SegmentHole, 0);
    g_assert_cmpint(hole->start, ==, hour->start + 20 * SEGMENT_SECOND);
    g_assert_cmpint(hole->end, ==, hole->start);
    g_assert_false(range->ends_in_hole);
    g_assert_cmpuint(strict->refs->len, ==, 2);
    g_assert_cmpuint(strict->holes->len, ==, 1);
}

// END a few milliseconds after the last segment's end: whether that is a hole is for the next segment to say.
static void test_end(void)
{
    static const int joined[] = {0, 10005}, apart[] = {0, 10011}, partial[] = {0, -10000, 20005};
    g_autoptr(Scratch) one = scratch_new(), two = scratch_new(), three = scratch_new();
    gint64 start = scratch_time("2020-01-01T00");
    g_autoptr(SegmentHour) a = make_hour(one, start, joined, 2), b = make_hour(two, start, apart, 2);
    g_autoptr(SegmentHour) c = make_hour(three, start, partial, 3);
    const struct {
        SegmentHour *hour;
        gint64 end;
        guint n;
        gboolean hole;
    } cases[] = {
        {a, 10000, 1, FALSE}, {a, 10001, 1, FALSE}, {a, 10005, 1, FALSE}, {a, 10006, 2, FALSE},
        {a, 20005, 2, FALSE}, {a, 20006, 2, TRUE},  {b, 10000, 1, FALSE}, {b, 10001, 1, TRUE},
        {b, 10011, 1, TRUE},  {c, 19000, 2, TRUE},  {c, 20000, 2, TRUE},  {c, 20003, 2, TRUE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("case %u", i);
        g_autoptr(SegmentRange) range = segment_range_new(start, start + cases[i].end * 1000, TRUE);
        segment_range_add_hour(range, cases[i].hour);
        segment_range_finish(range);
        g_assert_cmpuint(range->refs->len, ==, cases[i].n);
        g_assert_cmpint(range->ends_in_hole, ==, cases[i].hole);
    }
}

static void test_nothing(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(SegmentHour) hour = make_hour(scratch, scratch_time("2020-01-01T00"), NULL, 0);
    for (int accept = 0; accept < 2; accept++) {
        g_autoptr(SegmentRange) range = walk(hour, 5, 30, accept);
        g_assert_cmpuint(range->refs->len, ==, 0);
        g_assert_true(range->ends_in_hole);
        g_assert_cmpuint(range->holes->len, ==, 1);
    }
    segment_range_free(NULL);
}

// The walk says when no further hour can add anything, and holds only the hours that it uses.
static void test_done(void)
{
    static const int starts[] = {0, 10000, 20000};
    g_autoptr(Scratch) scratch = scratch_new();
    gint64 start = scratch_time("2020-01-01T00");
    g_autoptr(SegmentHour) hour = make_hour(scratch, start, starts, G_N_ELEMENTS(starts));
    g_autoptr(SegmentHour) later = make_hour(scratch, start + SEGMENT_HOUR_LENGTH, starts, 1);

    g_autoptr(SegmentRange) range = segment_range_new(start, start + 30 * SEGMENT_SECOND, TRUE);
    g_assert_true(segment_range_add_hour(range, hour));
    g_autoptr(SegmentRange) longer = segment_range_new(start, start + 31 * SEGMENT_SECOND, TRUE);
    g_assert_false(segment_range_add_hour(longer, hour));
    g_assert_true(segment_range_add_hour(longer, later));
    g_assert_cmpuint(longer->hours->len, ==, 1);
    g_autoptr(SegmentRange) strict = segment_range_new(start, start + 2 * SEGMENT_HOUR_LENGTH, FALSE);
    g_assert_false(segment_range_add_hour(strict, hour));
    g_assert_true(segment_range_add_hour(strict, later));
    segment_range_finish(strict);
    g_assert_cmpuint(strict->holes->len, ==, 1);
    g_assert_cmpuint(strict->hours->len, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/walk/vectors", test_vectors);
    g_test_add_func("/segment/walk/overlaps", test_overlaps);
    g_test_add_func("/segment/walk/empty-hole", test_empty_hole);
    g_test_add_func("/segment/walk/end", test_end);
    g_test_add_func("/segment/walk/nothing", test_nothing);
    g_test_add_func("/segment/walk/done", test_done);
    return g_test_run();
}
