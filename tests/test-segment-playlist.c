// SPDX-License-Identifier: MIT
// Playlists against the worked cases, and against what RFC 8216 asks for.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "segment/playlist.h"
#include "segment/store.h"
#include "segment/time.h"
#include "tests/vectors.h"

static guint n_queries;

// The entries that a playlist's text has, one a line, as describe_expected() puts them.
static char *describe(const char *playlist, gint64 *target, gboolean *ended, gint64 *longest)
{
    GString *text = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(playlist, "\n", -1);
    *ended = FALSE;
    *longest = 0;
    g_assert_cmpstr(lines[0], ==, "#EXTM3U");
    for (guint i = 1; lines[i] != NULL; i++) {
        const char *line = lines[i];
        if (g_str_has_prefix(line, "#EXT-X-TARGETDURATION:")) {
            *target = g_ascii_strtoll(line + strlen("#EXT-X-TARGETDURATION:"), NULL, 10);
        } else if (strcmp(line, "#EXT-X-DISCONTINUITY") == 0) {
            g_string_append(text, "discontinuity\n");
        } else if (g_str_has_prefix(line, "#EXT-X-PROGRAM-DATE-TIME:")) {
            g_string_append_printf(text, "%s ", line + strlen("#EXT-X-PROGRAM-DATE-TIME:"));
        } else if (g_str_has_prefix(line, "#EXTINF:")) {
            g_autofree char *duration = g_strdup(line + strlen("#EXTINF:"));
            *strchr(duration, ',') = '\0';
            g_string_append_printf(text, "%s ", duration);
            *longest = MAX(*longest, (gint64) (g_ascii_strtod(duration, NULL) + 0.5));
        } else if (strcmp(line, "#EXT-X-ENDLIST") == 0) {
            *ended = TRUE;
        } else if (*line != '\0' && *line != '#') {
            g_string_append_printf(text, "%s\n", line);
        }
    }
    return g_string_free(text, FALSE);
}

static char *describe_expected(JsonObject *query)
{
    GString *text = g_string_new(NULL);
    JsonArray *entries = json_object_get_array_member(query, "entries");
    for (guint i = 0; i < json_array_get_length(entries); i++) {
        JsonNode *node = json_array_get_element(entries, i);
        if (!JSON_NODE_HOLDS_OBJECT(node)) {
            g_string_append_printf(text, "%s\n", json_node_get_string(node));
            continue;
        }
        JsonObject *entry = json_node_get_object(node);
        g_string_append_printf(text, "%s %s %s\n", json_object_get_string_member(entry, "start"),
                               json_object_get_string_member(entry, "duration"),
                               json_object_get_string_member(entry, "uri"));
    }
    return g_string_free(text, FALSE);
}

static void check(JsonObject *query, SegmentStream *stream)
{
    g_autoptr(GError) error = NULL;
    gint64 start = vectors_time(query, "start"), end = vectors_time(query, "end");
    // "start >= end means segments=[None]": no entry, no end.
    g_autoptr(SegmentRange) range = segment_range_new(start, end, TRUE);
    if (end > start) {
        segment_range_free(range);
        range = segment_stream_range(stream, start, end, TRUE, FALSE, NULL, &error);
        g_assert_no_error(error);
    } else {
        range->ends_in_hole = TRUE;
    }

    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *base = g_strconcat(json_object_get_string_member(query, "base_url"), "/", NULL);
    segment_playlist_append(text, range, base, SEGMENT_URI_HTTP);

    gint64 target = 0, longest;
    gboolean ended;
    g_autofree char *got = describe(text->str, &target, &ended, &longest);
    g_autofree char *wanted = describe_expected(query);
    g_assert_cmpstr(got, ==, wanted);
    g_assert_cmpint(ended, ==, json_object_get_boolean_member(query, "endlist"));
    g_assert_cmpint(target, >=, MAX(1, longest));
    n_queries++;
}

static void run_case(JsonObject *test, const char *path, const char *stream_path)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    g_autoptr(SegmentStore) store = segment_store_open(path, &options, &error);
    g_assert_no_error(error);
    SegmentStream *stream = segment_store_stream(store, "channel/quality", NULL, &error);
    if (stream == NULL) {
        g_assert_cmpuint(json_array_get_length(json_object_get_array_member(test, "files")), ==, 0);
        return;
    }
    JsonArray *queries = json_object_get_array_member(test, "queries");
    for (guint i = 0; i < json_array_get_length(queries); i++)
        check(json_array_get_object_element(queries, i), stream);
}

static void test_vectors(void)
{
    vectors_run("playlists.json", run_case);
    g_assert_cmpuint(n_queries, >, 100);
}

static SegmentHour *one_segment(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_dir_make_tmp("segfs-playlist-XXXXXX", &error);
    g_autofree char *file =
        g_build_filename(path, "02:03.5-2.5-full-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU.ts", NULL);
    g_assert_true(g_file_set_contents(file, "", 0, &error));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gint64 start;
    g_assert_true(segment_hour_name_parse("2019-11-13T02", &start));
    SegmentHour *hour = segment_hour_read(fd, path, start, NULL, NULL, &error);
    g_assert_no_error(error);
    close(fd);
    vectors_remove(path);
    return hour;
}

static void test_uris(void)
{
    static const char *const wanted[] = {
        "../2019-11-13T02/02:03.5-2.5-full-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU.ts\n",
        "../2019-11-13T02/20191113T020203.5-2.5-full-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU.ts\n",
        "../2019-11-13T02/02%3A03.5-2.5-full-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU.ts\n",
    };
    g_autoptr(SegmentHour) hour = one_segment();
    for (guint style = 0; style < G_N_ELEMENTS(wanted); style++) {
        g_autoptr(SegmentRange) range = segment_range_new(hour->start, hour->start + SEGMENT_HOUR_LENGTH, TRUE);
        g_autoptr(GString) text = g_string_new(NULL);
        segment_range_add_hour(range, hour);
        segment_range_finish(range);
        segment_playlist_append(text, range, "../", (SegmentUriStyle) style);
        g_assert_nonnull(strstr(text->str, wanted[style]));
        g_assert_nonnull(strstr(text->str, "#EXT-X-TARGETDURATION:3\n"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/playlist/vectors", test_vectors);
    g_test_add_func("/playlist/uris", test_uris);
    return g_test_run();
}
