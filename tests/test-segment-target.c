// SPDX-License-Identifier: MIT
// What the cases of playlists.json leave out: the target duration, and how a playlist goes on where it has no end yet.
#include <string.h>

#include "segment/fd.h"
#include "segment/playlist.h"
#include "tests/scratch.h"

#define START G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02

// The playlist of two seconds from the start of the one segment that there is.
static GString *playlist_of(const char *duration, SegmentType type, const char *before)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *name = scratch_name(SEGMENT_SECOND, duration, type, 1),
                    *path = g_build_filename("hour", name, NULL);
    scratch_file(scratch, path, 1);
    segment_autofd int fd = scratch_open(scratch, "hour");
    g_autoptr(SegmentHour) hour = segment_hour_read(fd, "hour", START, NULL, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(SegmentRange) range = segment_range_new(START + SEGMENT_SECOND, START + SEGMENT_SECOND + 1, TRUE);
    segment_range_add_hour(range, hour);
    segment_range_finish(range);
    GString *text = g_string_new(before);
    segment_playlist_append(text, range, "", SEGMENT_URI_FILE);
    return text;
}

static void test_target(void)
{
    static const struct {
        const char *duration, *lines;
    } cases[] = {
        {"0.1",
         "#EXT-X-TARGETDURATION:1\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-PROGRAM-DATE-TIME:2019-11-13T02:00:01.000000Z\n"
         "#EXTINF:0.100,\n"},
        {"2.0",
         "#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-PROGRAM-DATE-TIME:2019-11-13T02:00:01.000000Z\n"
         "#EXTINF:2.000,\n"},
        {"2.4994", "#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                   "#EXT-X-PROGRAM-DATE-TIME:2019-11-13T02:00:01.000000Z\n#EXTINF:2.499,\n"},
        // As it is written it rounds to 3, and so it has to be 3.
        {"2.499999", "#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                     "#EXT-X-PROGRAM-DATE-TIME:2019-11-13T02:00:01.000000Z\n#EXTINF:2.500,\n"},
        {"1.966667", "#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                     "#EXT-X-PROGRAM-DATE-TIME:2019-11-13T02:00:01.000000Z\n#EXTINF:1.967,\n"},
        {"3700", "#EXT-X-TARGETDURATION:3700\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                 "#EXT-X-PROGRAM-DATE-TIME:2019-11-13T02:00:01.000000Z\n#EXTINF:3700.000,\n"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) text = playlist_of(cases[i].duration, SEGMENT_FULL, "");
        if (strstr(text->str, cases[i].lines) == NULL)
            g_error("%s\nhas no\n%s", text->str, cases[i].lines);
        g_assert_true(g_str_has_suffix(text->str, ".ts\n#EXT-X-ENDLIST\n"));
    }
}

// A partial may still be followed by what is missing of it: no end. And what was there before stays.
static void test_open_end(void)
{
    g_autoptr(GString) text = playlist_of("2.0", SEGMENT_PARTIAL, "kept\n");
    g_assert_true(g_str_has_prefix(text->str, "kept\n#EXTM3U\n#EXT-X-VERSION:3\n"));
    g_assert_null(strstr(text->str, "ENDLIST"));
    g_assert_null(strstr(text->str, "VOD"));
    g_assert_null(strstr(text->str, "DISCONTINUITY"));
}

static void test_nothing(void)
{
    g_autoptr(SegmentRange) range = segment_range_new(START, START + SEGMENT_SECOND, TRUE);
    g_autoptr(GString) text = g_string_new("");
    segment_range_finish(range);
    segment_playlist_append(text, range, "", SEGMENT_URI_FILE);
    g_assert_cmpstr(text->str, ==, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/target/target", test_target);
    g_test_add_func("/segment/target/open-end", test_open_end);
    g_test_add_func("/segment/target/nothing", test_nothing);
    return g_test_run();
}
