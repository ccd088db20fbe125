// SPDX-License-Identifier: MIT
// Reads worked cases and puts their files on disk, sparse: only names and sizes count.
#include "tests/vectors.h"

#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "segment/time.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

void vectors_remove(const char *path)
{
    g_assert_cmpint(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}

static void make_file(const char *stream, JsonObject *file)
{
    g_autofree char *path = g_build_filename(stream, json_object_get_string_member(file, "path"), NULL);
    g_autofree char *directory = g_path_get_dirname(path);
    g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, json_object_get_int_member(file, "size")), ==, 0);
    close(fd);
}

void vectors_run(const char *name, void (*func)(JsonObject *test, const char *store, const char *stream))
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    // Names that are no segments are warned of, and there are some on purpose.
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "data", name, NULL);
    json_parser_load_from_file(parser, path, &error);
    g_assert_no_error(error);
    JsonArray *cases = json_object_get_array_member(json_node_get_object(json_parser_get_root(parser)), "cases");
    g_assert_cmpuint(json_array_get_length(cases), >, 0);

    for (guint i = 0; i < json_array_get_length(cases); i++) {
        JsonObject *test = json_array_get_object_element(cases, i);
        g_autofree char *store = g_dir_make_tmp("segfs-vectors-XXXXXX", &error);
        g_assert_no_error(error);
        g_autofree char *stream = g_build_filename(store, "channel", "quality", NULL);
        g_assert_cmpint(g_mkdir_with_parents(stream, 0755), ==, 0);
        JsonArray *files = json_object_get_array_member(test, "files");
        for (guint f = 0; f < json_array_get_length(files); f++)
            make_file(stream, json_array_get_object_element(files, f));
        func(test, store, stream);
        vectors_remove(store);
    }
}

gint64 vectors_time(JsonObject *object, const char *member)
{
    gint64 time;
    const char *text = json_object_get_string_member(object, member);
    if (!segment_time_parse_all(text, &time))
        g_error("no time: %s", text);
    return time;
}
