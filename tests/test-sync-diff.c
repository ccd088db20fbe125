// SPDX-License-Identifier: MIT
// What comes from a peer as text, and what of it is missing here: JSON, names, nodes, cursors.
#include <string.h>

#include "segment/time.h"
#include "sync/diff.h"
#include "sync/error.h"
#include "sync/events.h"
#include "sync/json.h"
#include "sync/nodes.h"
#include "tests/scratch.h"

#define HASH_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HASH_B "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// ---- JSON

static void test_json(void)
{
    static const struct {
        const char *text;
        int n_strings, n_bad; // negative: refused
    } cases[] = {
        {"[]", 0, 0},
        {" [ \"a\" , \"b\" ]\n", 2, 0},
        {"[\"\\u00e9\", \"\\\"\\\\\\/\\n\"]", 2, 0},
        {"[\"a\", 1, null, true, [\"b\"], {\"c\": \"d\"}, 1e308, \"z\"]", 2, 6},
        {"[\"[[[[[[[[[[[[[[\"]", 1, 0},
        {"[[[[[[[[\"deep\"]]]]]]]]", 0, 1},
        {"[\"\\ud83d\\ude00\", \"\\ud800\", \"\\udc00x\", \"\\ud800\\u0041\", \"\\ud800\\ud800\\udc00\"]", 1, 4},
        {"[-1.5e+3, 0, 1E9, false]", 0, 4},
        {"[1.]", -1, 0},
        {"[+1]", -1, 0},
        {"[inf]", -1, 0},
        {"[1,]", -1, 0},
        {"[,1]", -1, 0},
        {"[] []", -1, 0},
        {"[[]][", -1, 0},
        {"[\"\\x\"]", -1, 0},
        {"[\"\\u12g4\"]", -1, 0},
        {"[\"tab\there\"]", -1, 0},
        {"[[[[[[[[[\"deeper\"]]]]]]]]]", -1, 0},
        {"[\"a\\u0000b\"]", 0, 1},
        {"[\"a\\\\u0000b\"]", 1, 0},
        {"[\"a", -1, 0},
        {"[\"a\\", -1, 0},
        {"[/* */]", -1, 0},
        {"{\"a\": \"b\"}", -1, 0},
        {"\"a\"", -1, 0},
        {"", -1, 0},
        {"<html>", -1, 0},
        {"[\"a\"", -1, 0},
        {"[\"\xff\", \"a\"]", 1, 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(SyncJson) list = sync_json_parse_list(cases[i].text, strlen(cases[i].text), &error);
        g_test_message("%s: %s", cases[i].text, error != NULL ? error->message : "taken");
        g_assert_cmpint(list != NULL ? (int) list->strings->len : -1, ==, cases[i].n_strings);
        g_assert_cmpuint(list != NULL ? list->n_bad : 0, ==, (guint) cases[i].n_bad);
        g_assert_true((list == NULL) == (error != NULL));
    }
}

static void test_json_objects(void)
{
    static const char text[] = "{\"a\": \"b\", \"l\": [\"c\", 1, \"\\u00e9\"], \"x\": {\"a\": [\"z\"]}, \"a\": \"d\"}";
    g_autoptr(SyncJson) json = sync_json_parse_object(text, strlen(text), NULL);
    g_assert_cmpstr(g_hash_table_lookup(json->members, "a"), ==, "d");
    g_assert_cmpuint(g_hash_table_size(json->members), ==, 1);
    const GPtrArray *list = g_hash_table_lookup(json->lists, "l");
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(list, 1), ==, "\xc3\xa9");
    g_assert_cmpuint(json->n_bad, ==, 2);
    static const char *const bad[] = {"{",           "{\"a\"}", "{\"a\": }", "{a: 1}", "{\"a\": [\"b\"",
                                      "{\"a\": 1,}", "[]",      "{} x"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(sync_json_parse_object(bad[i], strlen(bad[i]), NULL));
}

static char *repeat(const char *text, guint n)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < n; i++)
        g_string_append(all, text);
    return g_string_free(all, FALSE);
}

static void test_json_bounds(void)
{
    g_autofree char *open = repeat("[", 200000), *values = repeat("1,", SYNC_JSON_MAX_VALUES);
    g_autofree char *many = g_strconcat("[", values, "1]", NULL);
    g_autofree char *enough = g_strconcat("[", values + 2, "1]", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(sync_json_parse(open, strlen(open), &error));
    g_assert_error(error, SYNC_ERROR, SYNC_ERROR_PEER);
    g_clear_error(&error);
    g_assert_null(sync_json_parse(many, strlen(many), &error));
    g_assert_error(error, SYNC_ERROR, SYNC_ERROR_PEER);
    g_autoptr(SyncJson) json = sync_json_parse(enough, strlen(enough), NULL);
    g_assert_nonnull(json);
    // A NUL by itself.
    g_assert_null(sync_json_parse("[\"a\0b\"]", 7, NULL));
    g_assert_null(sync_json_parse("[]\0", 3, NULL));
}

// ---- names

static gboolean bars_b(const guint8 hash[SEGMENT_HASH_SIZE], gpointer data)
{
    return hash[0] == 1;
}

static GPtrArray *split(const char *text)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (guint i = 0; words[i] != NULL; i++) {
        if (*words[i] != '\0')
            g_ptr_array_add(names, g_strdup(words[i]));
    }
    return names;
}

static char *join(GPtrArray *names)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", (const char *) g_ptr_array_index(names, i));
    return g_string_free(text, FALSE);
}

static void test_diff(void)
{
#define A "00:01.5-2.0-full-" HASH_A ".ts"
#define A_TOMBSTONE "00:01.5-2.0-full-" HASH_A ".tombstone"
#define B "10:00-2.0-full-" HASH_B ".ts"
    static const struct {
        const char *what, *theirs, *ours, *segments, *tombstones, *files;
        guint n_recent, n_bad;
        gboolean bars;
    } cases[] = {
        {"all", A " " B, "", A " " B, "", "", 0, 0, FALSE},
        {"nothing", A, A, "", "", "", 0, 0, FALSE},
        {"once", A " " A, "", A, "", "", 0, 0, FALSE},
        {"another spelling of its time", "00:01.500999-2.0-full-" HASH_A ".ts", A, "", "", "", 0, 0, FALSE},
        {"another time", "00:01.501001-2.0-full-" HASH_A ".ts", A, "00:01.501001-2.0-full-" HASH_A ".ts", "", "", 0, 0,
         FALSE},
        {"another duration", "00:01.5-2.1-full-" HASH_A ".ts", A, "00:01.5-2.1-full-" HASH_A ".ts", "", "", 0, 0,
         FALSE},
        {"another type", "00:01.5-2.0-partial-" HASH_A ".ts", A, "00:01.5-2.0-partial-" HASH_A ".ts", "", "", 0, 0,
         FALSE},
        {"a tombstone, for what is here", A_TOMBSTONE, A, "", A_TOMBSTONE, "", 0, 0, FALSE},
        {"with its segment", A_TOMBSTONE " " A, "", "", A_TOMBSTONE, "", 0, 0, FALSE},
        {"after another name of it", "00:09-2.0-full-" HASH_A ".ts " A_TOMBSTONE, "", "", A_TOMBSTONE, "", 0, 0, FALSE},
        {"a tombstone that is here", A_TOMBSTONE, A_TOMBSTONE, "", "", "", 0, 0, FALSE},
        {"what is barred here", A " " B, "", A, "", "", 0, 0, TRUE},
        {"what is too recent", "59:00-2.0-full-" HASH_A ".ts " B, "", B, "", "", 1, 0, FALSE},
        {"temporary ones", "00:01-2.0-temp-01234567-89ab-cdef-0123-456789abcdef.ts", "", "", "", "", 0, 0, FALSE},
        {"chat", "00:01-x.json 00:02-y.json", "00:02-y.json", "", "", "00:01-x.json", 0, 0, FALSE},
        {"what is none",
         "../x /etc/passwd .hidden x.ts 99:00-2.0-full-" HASH_A ".ts 00:01-inf-full-" HASH_A
         ".ts 00:01-1e308-full-" HASH_A ".ts a/b.json ..json \n.json",
         "", "", "", "", 0, 10, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        SyncDiffOptions options = {.hour = 0, .newest = 58 * 60 * SEGMENT_SECOND};
        options.barred = cases[i].bars ? bars_b : NULL;
        g_autoptr(GPtrArray) theirs = split(cases[i].theirs), ours = split(cases[i].ours);
        g_autoptr(SyncDiff) diff = sync_diff_new(theirs, ours, &options);
        g_autofree char *segments = join(diff->segments), *tombstones = join(diff->tombstones),
                        *files = join(diff->files);
        g_test_message("%s", cases[i].what);
        g_assert_cmpstr(segments, ==, cases[i].segments);
        g_assert_cmpstr(tombstones, ==, cases[i].tombstones);
        g_assert_cmpstr(files, ==, cases[i].files);
        g_assert_cmpuint(diff->n_recent, ==, cases[i].n_recent);
        g_assert_cmpuint(diff->n_bad, ==, cases[i].n_bad);
        g_assert_true((diff->bad != NULL) == (diff->n_bad > 0));
    }
}

static void test_file_hash(void)
{
    guint8 hash[SEGMENT_HASH_SIZE];
    g_assert_true(sync_file_name_hash("00:01.5-" HASH_B ".json", hash));
    g_assert_cmpuint(hash[0], ==, 1);
    g_assert_false(sync_file_name_hash("00:01.5" HASH_B ".json", hash));
    g_assert_false(sync_file_name_hash(HASH_B ".json", hash));
    g_assert_false(sync_file_name_hash("emotes.json", hash));
}

// ---- nodes

static void test_nodes(void)
{
    static const struct {
        const char *text, *name, *url; // NULL: refused
    } cases[] = {
        {"ash=http://127.0.0.1:8000", "ash", "http://127.0.0.1:8000"},
        {"ash=https://ash.example/wub/", "ash", "https://ash.example/wub"},
        {"http://127.0.0.1:8000", "127.0.0.1:8000", "http://127.0.0.1:8000"},
        {"https://ash.example", "ash.example", "https://ash.example"},
        {"http://[::1]:80", "::1:80", "http://[::1]:80"},
        {"HTTP://Ash.example:80", "Ash.example:80", "http://Ash.example:80"},
        {"ash=http://x/a b", NULL, NULL},
        {"ash=http://x\t", NULL, NULL},
        {"ash=ftp://x", NULL, NULL},
        {"ash=file:///etc/passwd", NULL, NULL},
        {"ash=http://", NULL, NULL},
        {"ash=http://x?y", NULL, NULL},
        {"ash=http://me:secret@x", NULL, NULL},
        {"=http://x", NULL, NULL},
        {"a b=http://x", NULL, NULL},
        {"ash", NULL, NULL},
        {"", NULL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(SyncNode) node = sync_node_parse(cases[i].text, &error);
        g_test_message("%s", cases[i].text);
        g_assert_cmpstr(node != NULL ? node->name : NULL, ==, cases[i].name);
        g_assert_cmpstr(node != NULL ? node->url : NULL, ==, cases[i].url);
        g_assert_true((node == NULL) == g_error_matches(error, SYNC_ERROR, SYNC_ERROR_ADDRESS));
    }
}

static void test_nodes_file(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autofree char *file = scratch_path(scratch, "nodes");
    g_autoptr(GError) error = NULL;
    g_assert_true(g_file_set_contents(file, "# ours\n\n ash\thttp://a # first\r\nhttp://b:1\nash http://c", -1, NULL));
    g_autoptr(GPtrArray) nodes = sync_nodes_read(file, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(nodes->len, ==, 2);
    g_assert_cmpstr(((SyncNode *) g_ptr_array_index(nodes, 0))->url, ==, "http://a");
    g_assert_cmpstr(((SyncNode *) g_ptr_array_index(nodes, 1))->name, ==, "b:1");
    g_assert_true(g_file_set_contents(file, "http://a\nash ftp://b\n", -1, NULL));
    g_assert_null(sync_nodes_read(file, &error));
    g_assert_nonnull(strstr(error->message, "line 2"));
    g_clear_error(&error);
    scratch_remove(scratch, "nodes");
    g_assert_null(sync_nodes_read(file, &error));
    g_assert_error(error, SYNC_ERROR, SYNC_ERROR_FILE);
}

// ---- events

// How many came after *CURSOR, which moves; -1 where some are lost.
static int take(SyncEvents *events, char **cursor)
{
    GString *text = sync_events_format(events, *cursor);
    g_autoptr(SyncJson) json = sync_json_parse_object(text->str, text->len, NULL);
    const GPtrArray *paths = g_hash_table_lookup(json->lists, "tombstones");
    int n = g_hash_table_contains(json->members, "lost") ? -1 : (int) paths->len;
    g_free(*cursor);
    *cursor = g_strdup(g_hash_table_lookup(json->members, "cursor"));
    g_assert_true(sync_events_is_cursor(*cursor));
    g_string_free(text, TRUE);
    return n;
}

static void test_events(void)
{
    g_autoptr(SyncEvents) events = sync_events_new("one"), others = sync_events_new("two");
    g_autofree char *cursor = NULL, *foreign = NULL;
    g_assert_cmpint(take(events, &cursor), ==, 0);
    g_assert_false(sync_events_has_news(events, cursor));
    sync_events_add(events, "a/b/c/\"d\"");
    sync_events_add(events, "a/b/c/e");
    g_assert_true(sync_events_has_news(events, cursor));
    g_assert_cmpint(take(events, &cursor), ==, 2);
    g_assert_cmpint(take(events, &cursor), ==, 0);
    for (guint i = 0; i < SYNC_EVENTS_KEPT; i++)
        sync_events_add(events, "x");
    g_assert_cmpint(take(events, &cursor), ==, SYNC_EVENTS_KEPT);
    for (guint i = 0; i <= SYNC_EVENTS_KEPT; i++)
        sync_events_add(events, "x");
    g_assert_cmpint(take(events, &cursor), ==, -1);
    sync_events_lose(events);
    g_assert_true(sync_events_has_news(events, cursor));
    g_assert_cmpint(take(events, &cursor), ==, -1);
    g_assert_cmpint(take(events, &cursor), ==, 0);
    // Another run's.
    g_assert_cmpint(take(others, &foreign), ==, 0);
    g_assert_true(sync_events_has_news(events, foreign));
    g_assert_cmpint(take(events, &foreign), ==, -1);
    g_assert_false(sync_events_is_cursor("one.1&wait=9"));
    g_assert_false(sync_events_is_cursor(""));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/json/lists", test_json);
    g_test_add_func("/sync/json/objects", test_json_objects);
    g_test_add_func("/sync/json/bounds", test_json_bounds);
    g_test_add_func("/sync/diff/names", test_diff);
    g_test_add_func("/sync/diff/hashes", test_file_hash);
    g_test_add_func("/sync/nodes/urls", test_nodes);
    g_test_add_func("/sync/nodes/file", test_nodes_file);
    g_test_add_func("/sync/events/cursors", test_events);
    return g_test_run();
}
