// SPDX-License-Identifier: MIT
// What is done for a store as a whole: scrub, repair, prune.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/prune.h"
#include "segment/quarantine.h"
#include "segment/repair.h"
#include "segment/scrub.h"
#include "segment/walk.h"
#include "tests/scratch.h"

#define STREAM "desertbus/source"
#define HOUR STREAM "/2019-11-13T02"
#define NEXT STREAM "/2019-11-13T03"
#define OTHER "desertbus/480p/2019-11-13T02"
#define START G_GINT64_CONSTANT(1573610400000000) // of HOUR
#define UUID "1f42a30c-eda7-45d3-9654-d83bef866f9a"

typedef struct {
    Scratch *scratch;
    SegmentStore *store;
    int fd;
    GPtrArray *told; // what the work told: "path: what"
    guint n_calls;
    SegmentScrubProgress progress;
    int cancelled; // after so many files
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    fixture->scratch = scratch_new();
    fixture->store = segment_store_open(fixture->scratch->path, &options, &error);
    g_assert_no_error(error);
    fixture->fd = segment_store_fd(fixture->store);
    fixture->told = g_ptr_array_new_with_free_func(g_free);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    segment_store_free(fixture->store);
    g_ptr_array_unref(fixture->told);
    scratch_free(fixture->scratch);
}

static char *hash_of(const char *bytes)
{
    guint8 digest[SEGMENT_HASH_SIZE];
    gsize size = sizeof digest;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *) bytes, -1);
    g_checksum_get_digest(checksum, digest, &size);
    return segment_hash_format(digest);
}

// Writes CONTENT into "DIRECTORY/00:0N.5-2.0-TYPE-HASH.ts", where the hash is that of BYTES, and gives its path.
static char *add_segment(Fixture *fixture, const char *directory, int n, const char *type, const char *bytes,
                         const char *content)
{
    g_autofree char *hash = strcmp(type, "temp") == 0 ? g_strdup(UUID) : hash_of(bytes);
    g_autofree char *name = g_strdup_printf("00:%02d.5-2.0-%s-%s.ts", n, type, hash);
    char *path = g_build_filename(directory, name, NULL);
    g_autofree char *full = scratch_path(fixture->scratch, path);
    g_autoptr(GError) error = NULL;
    scratch_file(fixture->scratch, path, 0);
    g_file_set_contents(full, content, -1, &error);
    g_assert_no_error(error);
    return path;
}

static gboolean exists(Fixture *fixture, const char *path)
{
    return faccessat(fixture->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static char *quarantined(const char *path)
{
    return g_build_filename(SEGMENT_QUARANTINE, path, NULL);
}

// ---- walk

// By whole paths: a name that begins another one does not come first.
static void test_walk(Fixture *fixture, gconstpointer data)
{
    static const char *const dirs[] = {"a/x/2019-11-13T02", "a-b/x/2019-11-13T02", "a/x/2019-11-13T01",
                                       "a/x/not",           ".b/x/2019-11-13T02",  "a/.y/2019-11-13T02"};
    static const char *const wanted[] = {"a-b/x/2019-11-13T02", "a/x/2019-11-13T01", "a/x/2019-11-13T02"};
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < G_N_ELEMENTS(dirs); i++)
        scratch_mkdir(fixture->scratch, dirs[i]);
    scratch_file(fixture->scratch, "file", 1);
    scratch_file(fixture->scratch, "a/file", 1);
    g_autoptr(GPtrArray) hours = segment_walk_hours(fixture->fd, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(hours->len, ==, G_N_ELEMENTS(wanted));
    for (guint i = 0; i < hours->len; i++)
        g_assert_cmpstr(((SegmentWalkHour *) g_ptr_array_index(hours, i))->path, ==, wanted[i]);
}

// ---- scrub

static void note_scrub(const SegmentScrubProgress *progress, gpointer data)
{
    Fixture *fixture = data;
    if (progress->complaint != NULL)
        g_ptr_array_add(fixture->told, g_strdup_printf("%s: %s", progress->path, progress->complaint));
    fixture->progress = *progress;
    if (progress->path != NULL && --fixture->n_calls == 0)
        fixture->cancelled = 1;
}

static gboolean scrub(Fixture *fixture, const SegmentScrubOptions *options, guint n_files, GError **error)
{
    SegmentWait wait = {.may_block = TRUE, .cancelled = &fixture->cancelled};
    fixture->n_calls = n_files;
    fixture->cancelled = 0;
    memset(&fixture->progress, 0, sizeof fixture->progress);
    g_ptr_array_set_size(fixture->told, 0);
    return segment_scrub(fixture->fd, options, note_scrub, fixture, &wait, error);
}

static void test_scrub(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SegmentScrubOptions options = {.dry_run = TRUE};
    g_autofree char *good = add_segment(fixture, HOUR, 1, "full", "good", "good");
    g_autofree char *bad = add_segment(fixture, HOUR, 2, "full", "bad", "bud"), *bad_there = quarantined(bad);
    g_autofree char *empty = add_segment(fixture, OTHER, 3, "suspect", "empty", ""), *empty_there = quarantined(empty);
    g_autofree char *temp = add_segment(fixture, NEXT, 4, "temp", "", "of no hash");

    g_assert_true(scrub(fixture, &options, 0, &error));
    g_assert_cmpuint(fixture->progress.n_bad, ==, 2);
    g_assert_true(exists(fixture, bad));

    options.dry_run = FALSE;
    g_assert_true(scrub(fixture, &options, 0, &error));
    g_assert_cmpuint(fixture->progress.n_files, ==, 3);
    g_assert_cmpuint(fixture->progress.n_bad, ==, 2);
    g_assert_cmpuint(fixture->progress.n_hours_done, ==, 3);
    g_assert_cmpuint(fixture->told->len, ==, 2);
    g_assert_true(exists(fixture, good) && exists(fixture, temp));
    g_assert_true(!exists(fixture, bad) && exists(fixture, bad_there));
    g_assert_true(!exists(fixture, empty) && exists(fixture, empty_there));

    g_assert_true(scrub(fixture, &options, 0, &error));
    g_assert_cmpuint(fixture->progress.n_files, ==, 1);
    g_assert_cmpuint(fixture->progress.n_bad, ==, 0);
}

// Ended, it goes on where it was; at its end the next one begins anew.
static void test_resume(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SegmentScrubOptions options = {0};
    g_free(add_segment(fixture, OTHER, 1, "full", "a", "a"));
    g_free(add_segment(fixture, HOUR, 1, "full", "b", "b"));
    g_free(add_segment(fixture, NEXT, 1, "full", "c", "c"));

    // The first two hours are done.
    g_assert_false(scrub(fixture, &options, 2, &error));
    g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_CANCELLED);
    g_clear_error(&error);
    g_assert_cmpuint(fixture->progress.n_files, ==, 2);
    g_assert_true(scrub(fixture, &options, 0, &error));
    g_assert_cmpuint(fixture->progress.n_files, ==, 1);
    g_assert_cmpuint(fixture->progress.n_hours_done, ==, 3);
    g_assert_true(scrub(fixture, &options, 0, &error));
    g_assert_cmpuint(fixture->progress.n_files, ==, 3);

    g_assert_false(scrub(fixture, &options, 2, &error));
    g_clear_error(&error);
    options.restart = TRUE;
    g_assert_true(scrub(fixture, &options, 0, &error));
    g_assert_cmpuint(fixture->progress.n_files, ==, 3);
}

static void test_rate(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SegmentScrubOptions options = {.rate = 1000000};
    g_autofree char *bytes = g_strnfill(300000, 'x');
    g_free(add_segment(fixture, HOUR, 1, "full", bytes, bytes));
    g_free(add_segment(fixture, HOUR, 2, "full", "", ""));
    gint64 begun = g_get_monotonic_time();
    g_assert_true(scrub(fixture, &options, 0, &error));
    g_assert_cmpint(g_get_monotonic_time() - begun, >=, 300000);
}

static void test_two(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    SegmentScrubOptions options = {0};
    g_assert_true(scrub(fixture, &options, 0, &error));
    segment_autofd int other = openat(fixture->fd, ".scrub", O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(flock(other, LOCK_EX), ==, 0);
    g_assert_false(scrub(fixture, &options, 0, &error));
    g_assert_error(error, SEGMENT_ERRNO, EBUSY);
}

// ---- repair

static void note_repair(const char *file, const char *done, gpointer data)
{
    g_ptr_array_add(((Fixture *) data)->told, g_strdup_printf("%s: %s", file, done));
}

static void repair(Fixture *fixture, gint64 min_age, gboolean dry_run)
{
    g_autoptr(GError) error = NULL;
    SegmentRepairOptions options = {.min_age = min_age, .dry_run = dry_run};
    g_ptr_array_set_size(fixture->told, 0);
    g_assert_true(segment_repair(fixture->store, &options, note_repair, fixture, NULL, &error));
    g_assert_no_error(error);
}

static void test_repair(Fixture *fixture, gconstpointer data)
{
    g_autofree char *temp = add_segment(fixture, HOUR, 1, "temp", "", "some of it"), *hash = hash_of("some of it");
    g_autofree char *partial = g_strdup_printf(HOUR "/00:01.5-2.0-partial-%s.ts", hash);
    g_autofree char *nothing = add_segment(fixture, NEXT, 1, "temp", "", "");
    g_autofree char *empty = add_segment(fixture, HOUR, 2, "full", "lost", ""), *empty_there = quarantined(empty);
    g_autofree char *good = add_segment(fixture, HOUR, 3, "full", "good", "good");
    scratch_file(fixture->scratch, HOUR "/.temp-" UUID, 10);
    scratch_file(fixture->scratch, HOUR "/.temp-not", 10);
    scratch_file(fixture->scratch, HOUR "/.other", 0);

    // So young are theirs who write.
    repair(fixture, 1000 * SEGMENT_SECOND, FALSE);
    g_assert_cmpuint(fixture->told->len, ==, 1);
    g_assert_true(exists(fixture, temp) && exists(fixture, nothing) && exists(fixture, empty_there));

    repair(fixture, 0, TRUE);
    g_assert_cmpuint(fixture->told->len, ==, 3);
    g_assert_true(exists(fixture, temp) && exists(fixture, nothing));

    repair(fixture, 0, FALSE);
    g_assert_cmpuint(fixture->told->len, ==, 3);
    g_assert_true(!exists(fixture, temp) && exists(fixture, partial));
    g_assert_true(!exists(fixture, nothing) && !exists(fixture, HOUR "/.temp-" UUID));
    g_assert_true(exists(fixture, HOUR "/.temp-not") && exists(fixture, HOUR "/.other") && exists(fixture, good));

    // The same bytes again.
    g_autofree char *again = add_segment(fixture, HOUR, 1, "temp", "", "some of it");
    repair(fixture, 0, FALSE);
    g_assert_true(!exists(fixture, again) && exists(fixture, partial));
    repair(fixture, 0, FALSE);
    g_assert_cmpuint(fixture->told->len, ==, 0);
}

// Somebody writes to it, however long ago that was.
static void test_in_use(Fixture *fixture, gconstpointer data)
{
    g_autofree char *temp = add_segment(fixture, HOUR, 1, "temp", "", "some of it");
    int fd = openat(fixture->fd, temp, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    repair(fixture, 0, FALSE);
    g_assert_true(exists(fixture, temp));
    close(fd);
    repair(fixture, 0, FALSE);
    g_assert_false(exists(fixture, temp));
}

// What a tombstone hides does not come back as a part of it.
static void test_hidden(Fixture *fixture, gconstpointer data)
{
    g_autofree char *temp = add_segment(fixture, HOUR, 1, "temp", "", "sec"), *there = quarantined(temp);
    g_autofree char *elsewhere = add_segment(fixture, NEXT, 9, "temp", "", "secret"),
                    *elsewhere_there = quarantined(elsewhere);
    g_autofree char *hash = hash_of("secret"),
                    *tombstone = g_strdup_printf(HOUR "/00:01.5-2.0-full-%s.tombstone", hash);
    scratch_file(fixture->scratch, tombstone, 0);
    repair(fixture, 0, FALSE);
    g_assert_cmpuint(fixture->told->len, ==, 2);
    g_assert_true(exists(fixture, there) && !exists(fixture, temp));
    g_assert_true(exists(fixture, elsewhere_there) && !exists(fixture, elsewhere));
}

// ---- prune

static void note_prune(const char *file, gint64 size, gpointer data)
{
    g_ptr_array_add(((Fixture *) data)->told, g_strdup_printf("%s: %d", file, (int) size));
}

static void test_prune(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *old = add_segment(fixture, HOUR, 1, "full", "old", "old");
    g_autofree char *temp = add_segment(fixture, HOUR, 2, "temp", "", "old");
    g_free(add_segment(fixture, OTHER, 1, "full", "old", "old"));
    g_autofree char *young = add_segment(fixture, NEXT, 1, "full", "young", "young");
    g_autofree char *tombstone = g_strconcat(HOUR "/", strrchr(old, '/') + 1, NULL);
    memcpy(strrchr(tombstone, '.'), "\0", 1);
    g_autofree char *tombstone_path = g_strconcat(tombstone, ".tombstone", NULL);
    scratch_file(fixture->scratch, tombstone_path, 0);
    gint64 before = START + SEGMENT_HOUR_LENGTH;

    g_assert_true(segment_prune(fixture->fd, before - 1, FALSE, note_prune, fixture, NULL, &error));
    g_assert_cmpuint(fixture->told->len, ==, 0);
    g_assert_true(segment_prune(fixture->fd, before, TRUE, note_prune, fixture, NULL, &error));
    g_assert_cmpuint(fixture->told->len, ==, 3);
    g_assert_true(exists(fixture, old));

    g_ptr_array_set_size(fixture->told, 0);
    g_assert_true(segment_prune(fixture->fd, before, FALSE, note_prune, fixture, NULL, &error));
    g_assert_cmpuint(fixture->told->len, ==, 3);
    g_assert_true(!exists(fixture, old) && !exists(fixture, temp));
    g_assert_true(exists(fixture, tombstone_path) && exists(fixture, young));
    // Where nothing is left the hour goes, too.
    g_assert_false(exists(fixture, OTHER));
    g_assert_true(exists(fixture, HOUR));
}

static void add(const char *path, void (*test)(Fixture *fixture, gconstpointer data))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/segment/care/walk", test_walk);
    add("/segment/care/scrub", test_scrub);
    add("/segment/care/scrub-resume", test_resume);
    add("/segment/care/scrub-rate", test_rate);
    add("/segment/care/scrub-two", test_two);
    add("/segment/care/repair", test_repair);
    add("/segment/care/repair-in-use", test_in_use);
    add("/segment/care/repair-hidden", test_hidden);
    add("/segment/care/prune", test_prune);
    return g_test_run();
}
