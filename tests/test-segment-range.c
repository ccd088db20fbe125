// SPDX-License-Identifier: MIT
// Ranges against the worked cases: names of segments in order, with null for a hole.
#include "segment/store.h"
#include "segment/time.h"
#include "tests/vectors.h"

static guint n_queries;

static char *file_name(const SegmentRange *range, guint i)
{
    char hour[SEGMENT_HOUR_TEXT_SIZE];
    const SegmentHour *h = segment_range_hour(range, i);
    return g_strdup_printf("%s/%s", segment_hour_name_format(h->start, hour),
                           segment_hour_name(h, segment_range_entry(range, i)));
}

// One name a line, "hole" for null.
static char *describe(const SegmentRange *range)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < range->refs->len; i++) {
        g_autofree char *name = file_name(range, i);
        g_string_append_printf(text, "%s%s\n", g_array_index(range->refs, SegmentRef, i).after_hole ? "hole\n" : "",
                               name);
    }
    g_string_append(text, range->ends_in_hole ? "hole\n" : "");
    return g_string_free(text, FALSE);
}

static char *describe_expected(JsonObject *query)
{
    GString *text = g_string_new(NULL);
    JsonArray *expected = json_object_get_array_member(query, "expected");
    for (guint i = 0; i < json_array_get_length(expected); i++) {
        JsonNode *node = json_array_get_element(expected, i);
        g_string_append_printf(text, "%s\n", JSON_NODE_HOLDS_NULL(node) ? "hole" : json_node_get_string(node));
    }
    return g_string_free(text, FALSE);
}

static void check(JsonObject *test, JsonObject *query, SegmentStream *stream)
{
    g_autoptr(GError) error = NULL;
    gint64 start = vectors_time(query, "start"), end = vectors_time(query, "end");
    g_autofree char *wanted = describe_expected(query);

    g_autoptr(SegmentRange) range = segment_stream_range(stream, start, end, TRUE, TRUE, NULL, &error);
    g_assert_no_error(error);
    g_autofree char *got = describe(range);
    if (g_strcmp0(got, wanted) != 0)
        g_test_message("case %s from %s to %s", json_object_get_string_member(test, "id"),
                       json_object_get_string_member(query, "start"), json_object_get_string_member(query, "end"));
    g_assert_cmpstr(got, ==, wanted);

    gboolean holes = json_object_get_boolean_member(query, "contains_holes");
    g_assert_cmpint(range->holes->len > 0, ==, holes);
    g_autoptr(SegmentRange) strict = segment_stream_range(stream, start, end, FALSE, FALSE, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(strict->holes->len, ==, holes ? 1 : 0);
    n_queries++;
}

static void run_case(JsonObject *test, const char *path, const char *stream_path)
{
    JsonArray *queries = json_object_get_array_member(test, "queries");
    for (int watch = 0; watch < 2; watch++) {
        g_autoptr(GError) error = NULL;
        SegmentStoreOptions options = {.no_watch = !watch};
        g_autoptr(SegmentStore) store = segment_store_open(path, &options, &error);
        g_assert_no_error(error);
        g_assert_true(segment_store_start(store, &error));
        SegmentStream *stream = segment_store_stream(store, "channel/quality", NULL, &error);
        // A store without hours has no streams, and every range of it is a hole.
        if (stream == NULL) {
            g_assert_cmpuint(json_array_get_length(json_object_get_array_member(test, "files")), ==, 0);
            continue;
        }
        for (guint i = 0; i < json_array_get_length(queries); i++)
            check(test, json_array_get_object_element(queries, i), stream);
    }
}

static void test_vectors(void)
{
    vectors_run("best_segments.json", run_case);
    g_assert_cmpuint(n_queries, >, 1000);
    g_test_message("%u queries", n_queries);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/range/vectors", test_vectors);
    return g_test_run();
}
