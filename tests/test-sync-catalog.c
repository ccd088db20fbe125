// SPDX-License-Identifier: MIT
// What a peer may know: all segments, not only the best; nothing that is barred; and that no change is missed.
#include <string.h>

#include "sync/catalog.h"
#include "tests/scratch.h"

#define STREAM "channel/source"
#define HOUR STREAM "/2019-11-13T02"
#define NEXT STREAM "/2019-11-13T03"
#define LONG_AGO (30 * SEGMENT_SECOND) // so that a directory's time proves something

typedef struct {
    Scratch *scratch;
    SegmentStore *store;
    SyncCatalog *catalog;
} Fixture;

static void fixture_clear(Fixture *f)
{
    sync_catalog_free(f->catalog);
    segment_store_free(f->store);
    scratch_free(f->scratch);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static char *file(const char *directory, char *name)
{
    char *path = g_build_filename(directory, name, NULL);
    g_free(name);
    return path;
}

static void add(const Fixture *f, const char *directory, char *name)
{
    g_autofree char *path = file(directory, name);
    scratch_file(f->scratch, path, 1);
}

static void open_store(Fixture *f, gsize memory)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = FALSE};
    f->store = segment_store_open(f->scratch->path, &options, &error);
    g_assert_no_error(error);
    f->catalog = sync_catalog_new(f->store, memory);
    g_assert_true(segment_store_start(f->store, &error));
}

static void age(const Fixture *f, const char *path)
{
    scratch_set_mtime(f->scratch, path, g_get_real_time() - LONG_AGO);
}

static SyncListing *list(const Fixture *f, const char *path, gboolean tombstones)
{
    g_autoptr(GError) error = NULL;
    SyncListing *listing = sync_catalog_hour(f->catalog, path, tombstones, &error);
    g_assert_no_error(error);
    return listing;
}

static void assert_listed(const Fixture *f, const char *path, gboolean tombstones, const char *wanted)
{
    g_autoptr(SyncListing) listing = list(f, path, tombstones);
    g_assert_cmpstr(listing->text, ==, wanted);
}

static char *json_of(char *a, char *b, char *c)
{
    char *names[] = {a, b, c};
    GString *json = g_string_new("[");
    for (guint i = 0; i < 3 && names[i] != NULL; i++) {
        g_string_append_printf(json, "%s\"%s\"", i > 0 ? ", " : "", names[i]);
        g_free(names[i]);
    }
    g_string_append(json, "]\n");
    return g_string_free(json, FALSE);
}

static char *digests(const Fixture *f, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SyncListing) listing = sync_catalog_digests(f->catalog, path, &error);
    g_assert_no_error(error);
    return g_strdup(listing->text);
}

#define NAME(second, type, seed) scratch_name((second) *SEGMENT_SECOND, "2.0", type, seed)
#define TOMBSTONE(second, type, seed) scratch_tombstone((second) *SEGMENT_SECOND, "2.0", type, seed)

static void test_all_of_them(void)
{
    g_auto(Fixture) f = {.scratch = scratch_new()};
    add(&f, HOUR, NAME(1, SEGMENT_FULL, 1));
    add(&f, HOUR, NAME(1, SEGMENT_PARTIAL, 2));
    add(&f, HOUR, NAME(0, SEGMENT_SUSPECT, 3));
    add(&f, HOUR, g_strdup("00:09.0-2.0-temp-01234567-89ab-cdef-0123-456789abcdef.ts"));
    add(&f, HOUR, g_strdup(".hidden"));
    add(&f, HOUR, g_strdup("note.txt"));
    g_autofree char *directory = file(HOUR, NAME(5, SEGMENT_FULL, 5));
    scratch_mkdir(f.scratch, directory);
    open_store(&f, 1 << 20);
    g_autofree char *wanted =
        json_of(NAME(0, SEGMENT_SUSPECT, 3), NAME(1, SEGMENT_FULL, 1), NAME(1, SEGMENT_PARTIAL, 2));
    assert_listed(&f, HOUR, FALSE, wanted);
    assert_listed(&f, HOUR, TRUE, wanted);
    assert_listed(&f, NEXT, TRUE, "[]\n");
    assert_listed(&f, "no/such/hour", TRUE, "[]\n");
    assert_listed(&f, STREAM "/note", TRUE, "[]\n");

    // The digest is what the header says.
    g_autoptr(GString) names = g_string_new(NULL);
    char *each[] = {NAME(0, SEGMENT_SUSPECT, 3), NAME(1, SEGMENT_FULL, 1), NAME(1, SEGMENT_PARTIAL, 2)};
    for (guint i = 0; i < 3; i++) {
        g_string_append_printf(names, "%s\n", each[i]);
        g_free(each[i]);
    }
    char digest[SYNC_DIGEST_SIZE];
    sync_digest(names->str, names->len, digest);
    g_autofree char *all = digests(&f, STREAM),
                    *expected = g_strdup_printf("{\n\"2019-11-13T02\": \"%s\"\n}\n", digest);
    g_assert_cmpstr(all, ==, expected);
    g_autofree char *nothing = digests(&f, "no/stream");
    g_assert_cmpstr(nothing, ==, "{\n}\n");
}

// One in another hour bars the same bytes here, too, also in what is remembered.
static void test_tombstones(void)
{
    g_auto(Fixture) f = {.scratch = scratch_new()};
    add(&f, HOUR, NAME(1, SEGMENT_FULL, 1));
    add(&f, HOUR, NAME(3, SEGMENT_FULL, 2));
    add(&f, NEXT, NAME(1, SEGMENT_FULL, 1));
    age(&f, HOUR);
    age(&f, NEXT);
    open_store(&f, 1 << 20);
    g_autofree char *both = json_of(NAME(1, SEGMENT_FULL, 1), NAME(3, SEGMENT_FULL, 2), NULL);
    g_autofree char *one = json_of(NAME(3, SEGMENT_FULL, 2), NULL, NULL);
    g_autofree char *first = json_of(NAME(1, SEGMENT_FULL, 1), NULL, NULL);
    g_autofree char *buried = json_of(TOMBSTONE(1, SEGMENT_FULL, 1), NULL, NULL);
    g_autofree char *before = digests(&f, STREAM);
    assert_listed(&f, HOUR, TRUE, both);
    assert_listed(&f, NEXT, TRUE, first);

    g_autoptr(GError) error = NULL;
    SegmentStream *stream = segment_store_stream(f.store, STREAM, NULL, &error);
    g_assert_no_error(error);
    g_autofree char *tombstone = TOMBSTONE(1, SEGMENT_FULL, 1);
    gint64 next = scratch_time("2019-11-13T03");
    g_assert_true(segment_stream_bury(stream, next, tombstone, 0, 0, 0644, &error));
    assert_listed(&f, HOUR, TRUE, one);
    assert_listed(&f, HOUR, FALSE, one);
    assert_listed(&f, NEXT, TRUE, buried);
    assert_listed(&f, NEXT, FALSE, "[]\n");
    g_autofree char *after = digests(&f, STREAM);
    g_assert_cmpstr(before, !=, after);

    SyncFile found;
    g_autofree char *path = file(HOUR, NAME(1, SEGMENT_FULL, 1));
    g_assert_true(sync_catalog_find(f.catalog, path, &found, &error));
    g_assert_true(found.stream == stream && segment_stream_is_barred(stream, found.hash));

    g_assert_true(segment_stream_unbury(stream, next, tombstone, &error));
    age(&f, NEXT);
    assert_listed(&f, HOUR, TRUE, both);
    assert_listed(&f, NEXT, TRUE, first);
    g_autofree char *again = digests(&f, STREAM);
    g_assert_cmpstr(before, ==, again);
}

// A change is seen also right after the directory was read, within its time's granularity.
static void test_changes(void)
{
    g_auto(Fixture) f = {.scratch = scratch_new()};
    add(&f, HOUR, NAME(1, SEGMENT_FULL, 1));
    open_store(&f, 1 << 20);
    for (guint i = 2; i < 200; i++) {
        g_autofree char *name = NAME(i, SEGMENT_FULL, i);
        add(&f, HOUR, g_strdup(name));
        g_autoptr(SyncListing) listing = list(&f, HOUR, TRUE);
        g_assert_nonnull(strstr(listing->text, name));
        g_autofree char *path = file(HOUR, NAME(i, SEGMENT_FULL, i));
        scratch_remove(f.scratch, path);
        g_autoptr(SyncListing) without = list(&f, HOUR, TRUE);
        g_assert_null(strstr(without->text, name));
    }
}

// What is remembered is the same object, within the memory that there is for it.
static void test_memory(void)
{
    g_auto(Fixture) f = {.scratch = scratch_new()};
    add(&f, HOUR, NAME(1, SEGMENT_FULL, 1));
    add(&f, NEXT, NAME(1, SEGMENT_FULL, 2));
    age(&f, HOUR);
    age(&f, NEXT);
    open_store(&f, 100); // of two listings not both
    g_autoptr(SyncListing) a = list(&f, HOUR, TRUE), b = list(&f, HOUR, FALSE), c = list(&f, NEXT, TRUE),
                           d = list(&f, HOUR, TRUE), e = list(&f, HOUR, TRUE);
    g_assert_true(a == b && a != c && a != d && d == e);
    g_assert_cmpstr(a->etag, ==, d->etag);
    g_assert_cmpstr(a->etag, !=, c->etag);
    // Hours that are gone are not.
    scratch_remove(f.scratch, HOUR);
    assert_listed(&f, HOUR, TRUE, "[]\n");
}

static void test_other_files(void)
{
    g_auto(Fixture) f = {.scratch = scratch_new()};
    add(&f, HOUR, NAME(1, SEGMENT_FULL, 1));
    add(&f, "channel/chat/2019-11-13T02", g_strdup("00:01-x.json"));
    add(&f, "channel/chat/2019-11-13T02", g_strdup("00:01-x.json.temp"));
    add(&f, "channel/notes/2019-11-13T02", g_strdup("a.txt"));
    add(&f, "channel/notes/2019-11-13T02", g_strdup("b.json"));
    add(&f, "emotes/a/b", g_strdup("c.png"));
    add(&f, "emotes", g_strdup("d.png"));
    add(&f, "emotes", g_strdup(".e.png"));
    add(&f, ".quarantine/x", g_strdup("y"));
    open_store(&f, 1 << 20);
    assert_listed(&f, "channel/chat/2019-11-13T02", TRUE, "[\"00:01-x.json\"]\n");
    assert_listed(&f, "channel/notes/2019-11-13T02", TRUE, "[\"b.json\"]\n");

    static const struct {
        const char *path, *wanted;
    } directories[] = {
        {NULL, "[\"channel\", \"emotes\"]\n"},
        {"channel", "[\"chat\", \"notes\", \"source\"]\n"},
        {"channel/source", "[\"2019-11-13T02\"]\n"},
        {"emotes/a", "[]\n"}, // no hour
        {"nothing", "[]\n"},
    };
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autoptr(SyncListing) listing = sync_catalog_directories(f.catalog, directories[i].path, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(listing->text, ==, directories[i].wanted);
    }
    g_autoptr(SyncListing) extras = sync_catalog_extras(f.catalog, "emotes", &error);
    g_assert_cmpstr(extras->text, ==, "[\"a/b/c.png\", \"d.png\"]\n");
    g_autoptr(SyncListing) nothing = sync_catalog_extras(f.catalog, "nothing", &error);
    g_assert_cmpstr(nothing->text, ==, "[]\n");

    // The streams: each with the digest of what is sent of it.
    g_autoptr(SyncListing) streams = sync_catalog_streams(f.catalog, &error);
    g_autofree char *source = digests(&f, STREAM);
    char digest[SYNC_DIGEST_SIZE];
    sync_digest(source, strlen(source), digest);
    g_autofree char *member = g_strdup_printf("\"channel/source\": \"%s\"", digest);
    g_assert_nonnull(strstr(streams->text, member));
    g_assert_nonnull(strstr(streams->text, "\"channel/chat\": "));
    g_assert_nonnull(strstr(streams->text, "\"channel/notes\": "));
    g_assert_null(strstr(streams->text, "emotes"));
}

typedef struct {
    const Fixture *fixture;
    guint seed;
} Reader;

static gpointer read_much(gpointer data)
{
    const Reader *reader = data;
    g_autoptr(GRand) random = g_rand_new_with_seed(reader->seed);
    for (guint i = 0; i < 500; i++) {
        g_autofree char *path = g_strdup_printf(STREAM "/2019-11-13T%02d", g_rand_int_range(random, 0, 6));
        g_autoptr(SyncListing) listing = list(reader->fixture, path, g_rand_boolean(random));
        g_assert_true(g_str_has_prefix(listing->text, "["));
        if (i % 50 == 0)
            g_free(digests(reader->fixture, STREAM));
    }
    return NULL;
}

// Several threads, with hours that come and change meanwhile.
static void test_threads(void)
{
    g_auto(Fixture) f = {.scratch = scratch_new()};
    GThread *threads[4];
    Reader readers[4];
    add(&f, HOUR, NAME(1, SEGMENT_FULL, 1));
    open_store(&f, 500);
    for (guint i = 0; i < 4; i++) {
        readers[i] = (Reader){&f, i};
        threads[i] = g_thread_new("reader", read_much, &readers[i]);
    }
    for (guint i = 0; i < 100; i++) {
        g_autofree char *hour = g_strdup_printf(STREAM "/2019-11-13T%02u", i % 5);
        add(&f, hour, NAME(i, SEGMENT_FULL, i));
    }
    for (guint i = 0; i < 4; i++)
        g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    scratch_expect_warnings("skipped");
    g_test_add_func("/sync/catalog/all", test_all_of_them);
    g_test_add_func("/sync/catalog/tombstones", test_tombstones);
    g_test_add_func("/sync/catalog/changes", test_changes);
    g_test_add_func("/sync/catalog/memory", test_memory);
    g_test_add_func("/sync/catalog/other-files", test_other_files);
    g_test_add_func("/sync/catalog/threads", test_threads);
    return g_test_run();
}
