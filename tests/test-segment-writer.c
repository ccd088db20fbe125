// SPDX-License-Identifier: MIT
// The writer: what it takes, what it refuses, and what is left afterwards.
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/beneath.h"
#include "segment/fd.h"
#include "segment/quarantine.h"
#include "segment/writer.h"
#include "tests/scratch.h"

#define START G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02
#define STREAM "desertbus/source"
#define HOUR STREAM "/2019-11-13T02"

typedef struct {
    Scratch *scratch;
    SegmentStore *store;
    SegmentWriter *writer;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions store_options = {.no_watch = data != NULL};
    SegmentWriterOptions options = {.max_size = 100000};
    fixture->scratch = scratch_new();
    fixture->store = segment_store_open(fixture->scratch->path, &store_options, &error);
    g_assert_no_error(error);
    g_assert_true(segment_store_start(fixture->store, &error));
    fixture->writer = segment_writer_new(fixture->store, &options);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    segment_writer_free(fixture->writer);
    segment_store_free(fixture->store);
    scratch_free(fixture->scratch);
}

// The name of a segment of the text BYTES, at SECOND of its hour.
static char *name_of(int second, const char *bytes)
{
    guint8 digest[SEGMENT_HASH_SIZE];
    gsize size = sizeof digest;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *) bytes, -1);
    g_checksum_get_digest(checksum, digest, &size);
    g_autofree char *text = segment_hash_format(digest);
    return g_strdup_printf("00:%02d.5-2.0-full-%s.ts", second, text);
}

static gboolean publish(Fixture *fixture, const char *file, const char *bytes, gint64 size, gboolean *news,
                        GError **error)
{
    g_autoptr(SegmentDraft) draft = segment_draft_new(fixture->writer, STREAM, START, file, size, error);
    return draft != NULL && segment_draft_write(draft, bytes, strlen(bytes), error) &&
           segment_draft_publish_wait(g_steal_pointer(&draft), news, error);
}

static void assert_content(Fixture *fixture, const char *directory, const char *file, const char *wanted)
{
    g_autofree char *path = g_build_filename(fixture->scratch->path, directory, file, NULL), *text = NULL;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(text, ==, wanted);
}

static guint count_files(Fixture *fixture, const char *directory)
{
    g_autofree char *path = scratch_path(fixture->scratch, directory);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    guint n = 0;
    while (dir != NULL && g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static void test_publish(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = name_of(1, "some bytes");
    gboolean news = FALSE;

    g_assert_true(publish(fixture, name, "some bytes", 10, &news, &error));
    g_assert_true(news);
    assert_content(fixture, HOUR, name, "some bytes");
    g_assert_true(publish(fixture, name, "some bytes", -1, &news, &error));
    g_assert_false(news);
    g_assert_cmpuint(count_files(fixture, HOUR), ==, 1);
    SegmentStream *stream = segment_store_stream(fixture->store, STREAM, NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(stream);

    g_autofree char *empty = name_of(2, "");
    g_assert_true(publish(fixture, empty, "", 0, &news, &error));
    g_assert_true(news);
}

static void test_mismatch(Fixture *fixture, gconstpointer data)
{
    g_autofree char *name = name_of(1, "some bytes"), *long_text = g_strnfill(100001, 'x');
    static const struct {
        const char *bytes;
        gint64 size;
    } cases[] = {{"other byte", 10},  {"other byte", -1}, {"some byte", 10},
                 {"some bytess", 10}, {"", -1},           {"", 100001}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(publish(fixture, name, cases[i].bytes, cases[i].size, NULL, &error));
        g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_MISMATCH);
        g_assert_cmpuint(count_files(fixture, HOUR), ==, 0);
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(publish(fixture, name, long_text, -1, NULL, &error));
    g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_MISMATCH);
    g_assert_cmpuint(count_files(fixture, HOUR), ==, 0);
}

// Nothing that a peer could send leads out of the store.
static void test_names(Fixture *fixture, gconstpointer data)
{
    g_autofree char *name = name_of(1, ""), *tombstone = segment_name_to_tombstone(name),
                    *long_name = g_strnfill(256, 'x');
    const char *files[] = {"", ".", "..", "x.ts", "../x.ts", tombstone};
    const char *streams[] = {"..", "../x",  "/x/y", "x/..",    "x//y", "x/.y",
                             "",   "x/y\n", "x/",   long_name, "./x",  ".x/.."};

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(segment_draft_new(fixture->writer, STREAM, START, files[i], -1, &error));
        g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME);
    }
    for (guint i = 0; i < G_N_ELEMENTS(streams); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(segment_draft_new(fixture->writer, streams[i], START, name, -1, &error));
        g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME);
        g_clear_error(&error);
        g_assert_false(segment_writer_bury(fixture->writer, streams[i], START, tombstone, &error));
        g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME);
        g_clear_error(&error);
        g_assert_null(segment_draft_new_file(fixture->writer, streams[i], "file", NULL, -1, &error));
        g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME);
    }
    g_assert_cmpuint(count_files(fixture, "."), ==, 0);
}

static void test_barred(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = name_of(1, "secret"), *tombstone = segment_name_to_tombstone(name);
    g_autofree char *elsewhere = name_of(2, "secret"), *late = name_of(3, "late"),
                    *late_tombstone = segment_name_to_tombstone(late);

    g_assert_true(segment_writer_bury(fixture->writer, STREAM, START + SEGMENT_HOUR_LENGTH, tombstone, &error));
    g_assert_false(publish(fixture, name, "secret", 6, NULL, &error));
    g_assert_true(segment_error_is_barred(error));
    g_clear_error(&error);
    g_assert_false(publish(fixture, elsewhere, "secret", 6, NULL, &error));
    g_assert_true(segment_error_is_barred(error));
    g_clear_error(&error);

    // It comes while the bytes do.
    SegmentDraft *draft = segment_draft_new(fixture->writer, STREAM, START, late, -1, &error);
    g_assert_no_error(error);
    g_assert_true(segment_draft_write(draft, "late", 4, &error));
    g_autofree char *path = g_build_filename(HOUR, late_tombstone, NULL);
    scratch_file(fixture->scratch, path, 0);
    g_assert_false(segment_draft_publish_wait(draft, NULL, &error));
    g_assert_true(segment_error_is_barred(error));
    g_assert_cmpuint(count_files(fixture, HOUR), ==, 1);
}

// What a power cut left of another program's file is replaced; nothing is thrown away.
static void test_broken_one(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = name_of(1, "whole"), *path = g_build_filename(HOUR, name, NULL);
    gboolean news = FALSE;

    for (int i = 0; i < 3; i++) {
        scratch_file(fixture->scratch, path, 0);
        g_assert_true(publish(fixture, name, "whole", 5, &news, &error));
        g_assert_true(news);
        assert_content(fixture, HOUR, name, "whole");
        scratch_remove(fixture->scratch, path);
    }
    assert_content(fixture, SEGMENT_QUARANTINE "/" HOUR, name, "");
    g_assert_cmpuint(count_files(fixture, SEGMENT_QUARANTINE "/" HOUR), ==, 3);
}

static void test_file(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gboolean news = FALSE;
    const char *directory = "desertbus/chat/2019-11-13T02";
    SegmentDraft *draft = segment_draft_new_file(fixture->writer, directory, "1.json", NULL, -1, &error);
    g_assert_no_error(error);
    g_assert_true(segment_draft_write(draft, "{}", 2, &error));
    g_assert_true(segment_draft_publish_wait(draft, &news, &error));
    g_assert_true(news);
    assert_content(fixture, directory, "1.json", "{}");

    // Given up.
    draft = segment_draft_new_file(fixture->writer, directory, "2.json", NULL, -1, &error);
    g_assert_no_error(error);
    segment_draft_free(draft);
    g_assert_cmpuint(count_files(fixture, directory), ==, 1);
}

static void count_published(gboolean news, const GError *error, gpointer data)
{
    g_assert_no_error(error);
    g_assert_true(news);
    g_atomic_int_inc((int *) data);
}

static gpointer publish_many(gpointer data)
{
    Fixture *fixture = data;
    static int n_threads; // atomic
    int first = 10 * g_atomic_int_add(&n_threads, 1) % 40, n_published = 0;
    for (int i = first; i < first + 10; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *bytes = g_strdup_printf("%d", i), *name = name_of(i, bytes);
        SegmentDraft *draft = segment_draft_new(fixture->writer, STREAM, START, name, -1, &error);
        g_assert_no_error(error);
        g_assert_true(segment_draft_write(draft, bytes, strlen(bytes), &error));
        if (i < first + 9) {
            segment_draft_publish(draft, count_published, &n_published);
        } else {
            // The queue is in order.
            g_assert_true(segment_draft_publish_wait(draft, NULL, &error));
            g_assert_cmpint(g_atomic_int_get(&n_published), ==, 9);
        }
    }
    return NULL;
}

static void test_threads(Fixture *fixture, gconstpointer data)
{
    GThread *threads[4];
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("publish", publish_many, fixture);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(count_files(fixture, HOUR), ==, 40);
}

static void test_room(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SegmentWriterOptions options = {.min_free = G_MAXINT64 / 2};
    g_autofree char *name = name_of(1, "x");
    g_assert_true(segment_writer_has_room(fixture->writer, 1, &error));
    g_assert_false(segment_writer_has_room(fixture->writer, G_MAXINT64 / 2, &error));
    g_assert_true(segment_error_is_no_room(error));
    g_clear_error(&error);
    g_autoptr(SegmentWriter) writer = segment_writer_new(fixture->store, &options);
    g_assert_null(segment_draft_new(writer, STREAM, START, name, 1, &error));
    g_assert_true(segment_error_is_no_room(error));
    g_assert_cmpuint(count_files(fixture, "."), ==, 0);
}

// A stream that was asked for before it had hours is known to have them as soon as it has.
static void test_new_stream(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = name_of(1, "x");
    scratch_mkdir(fixture->scratch, STREAM);
    g_assert_null(segment_store_stream(fixture->store, STREAM, NULL, &error));
    g_clear_error(&error);
    g_assert_true(publish(fixture, name, "x", 1, NULL, &error));
    g_assert_no_error(error);
}

static void add(const char *name, void (*test)(Fixture *fixture, gconstpointer data))
{
    g_autofree char *watched = g_strdup_printf("/segment/writer/%s", name);
    g_autofree char *by_time = g_strdup_printf("/segment/writer/%s/by-time", name);
    g_test_add(watched, Fixture, NULL, set_up, test, tear_down);
    g_test_add(by_time, Fixture, "", set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("publish", test_publish);
    add("mismatch", test_mismatch);
    add("names", test_names);
    add("barred", test_barred);
    add("broken-one", test_broken_one);
    add("file", test_file);
    add("threads", test_threads);
    add("room", test_room);
    add("new-stream", test_new_stream);
    return g_test_run();
}
