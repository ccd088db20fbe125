// SPDX-License-Identifier: MIT
// The store without a watch, which goes by the directories' times alone: for how long an answer holds, and what proves
// that nothing changed (git's racy rule). The clocks are the test's own, so that nothing has to be waited for: these
// two definitions stand before GLib's.
#include <errno.h>

#include "tests/changes.h"

#define STREAM "channel/quality"
#define HOUR_A STREAM "/2019-11-13T02"
#define HOUR_B STREAM "/2019-11-13T03"
#define START G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02
#define NEXT (START + SEGMENT_HOUR_LENGTH)
#define AT (61 * SEGMENT_SECOND)
#define LONG_AGO G_GINT64_CONSTANT(1600000000000000)
#define NOW G_GINT64_CONSTANT(1700000000000000)

static gint64 monotonic = SEGMENT_SECOND, real = NOW; // microseconds; no other thread reads them while they change

gint64 g_get_monotonic_time(void)
{
    return monotonic;
}

gint64 g_get_real_time(void)
{
    return real;
}

// As long as an answer holds.
static void pass(gint64 time)
{
    monotonic += time;
    real += time;
}

static void add(const Scratch *scratch, const char *hour, gint64 offset, const char *duration, guint seed)
{
    g_autofree char *name = scratch_name(offset, duration, SEGMENT_FULL, seed),
                    *path = g_build_filename(hour, name, NULL);
    scratch_file(scratch, path, 1);
}

// Two hours with five segments each, that were last changed long ago.
static Scratch *make_store(void)
{
    Scratch *scratch = scratch_new();
    for (guint i = 0; i < 5; i++) {
        add(scratch, HOUR_A, i * AT, "2.0", i);
        add(scratch, HOUR_B, i * AT, "2.0", i);
    }
    scratch_set_mtime(scratch, HOUR_A, LONG_AGO);
    scratch_set_mtime(scratch, HOUR_B, LONG_AGO);
    return scratch;
}

static SegmentStore *open_store(const Scratch *scratch)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    SegmentStore *store = segment_store_open(scratch->path, &options, &error);
    g_assert_no_error(error);
    g_assert_true(segment_store_start(store, &error));
    return store;
}

static guint count(SegmentStore *store, gint64 hour)
{
    g_autoptr(GError) error = NULL;
    SegmentStream *stream = segment_store_stream(store, STREAM, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(SegmentHour) read = segment_stream_hour(stream, hour, FALSE, NULL, &error);
    if (read == NULL)
        g_assert_true(segment_error_is_errno(error, ENOENT));
    g_assert_false(segment_stream_is_watched(stream));
    g_assert_false(segment_stream_hour_is_watched(stream, hour));
    return read != NULL ? read->n_entries : G_MAXUINT;
}

static guint64 n_read(SegmentStore *store)
{
    SegmentStoreStatus status;
    segment_store_get_status(store, &status);
    g_assert_cmpuint(status.n_hours_watched, ==, 0);
    return status.n_hours_read;
}

static void test_second(void)
{
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = open_store(scratch);
    g_assert_cmpuint(count(store, START), ==, 5);
    add(scratch, HOUR_A, 30 * AT, "2.0", 30);
    pass(SEGMENT_SECOND - 1);
    g_assert_cmpuint(count(store, START), ==, 5);
    pass(1);
    g_assert_cmpuint(count(store, START), ==, 6);
}

// What did not change is not read again.
static void test_unchanged(void)
{
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = open_store(scratch);
    g_assert_cmpuint(count(store, START), ==, 5);
    g_assert_cmpuint(count(store, NEXT), ==, 5);
    for (int i = 0; i < 10; i++) {
        pass(SEGMENT_SECOND);
        g_assert_cmpuint(count(store, START), ==, 5);
        g_assert_cmpuint(count(store, NEXT), ==, 5);
        g_assert_cmpuint(n_read(store), ==, 2);
    }
    add(scratch, HOUR_A, 30 * AT, "2.0", 30);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, START), ==, 6);
    g_assert_cmpuint(count(store, NEXT), ==, 5);
    g_assert_cmpuint(n_read(store), ==, 3);
}

// A directory that changed again within its time's granularity looks as it did: so a time that is new proves nothing.
static void test_racy(void)
{
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = open_store(scratch);
    gint64 changed = real - SEGMENT_SECOND;
    scratch_set_mtime(scratch, HOUR_A, changed);
    g_assert_cmpuint(count(store, START), ==, 5);
    for (guint i = 0; i < 2; i++) {
        add(scratch, HOUR_A, (30 + i) * AT, "2.0", 30 + i);
        scratch_set_mtime(scratch, HOUR_A, changed);
        pass(SEGMENT_SECOND);
        g_assert_cmpuint(count(store, START), ==, 6 + i);
    }
    // Some seconds later it does.
    pass(10 * SEGMENT_SECOND);
    g_assert_cmpuint(count(store, START), ==, 7);
    guint64 before = n_read(store);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, START), ==, 7);
    g_assert_cmpuint(n_read(store), ==, before);
    // So does not one of the future: another machine's clock.
    scratch_set_mtime(scratch, HOUR_A, real + 3600 * SEGMENT_SECOND);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, START), ==, 7);
    add(scratch, HOUR_A, 40 * AT, "2.0", 40);
    scratch_set_mtime(scratch, HOUR_A, real + 3599 * SEGMENT_SECOND);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, START), ==, 8);
    // Nor one that went back.
    add(scratch, HOUR_A, 41 * AT, "2.0", 41);
    scratch_set_mtime(scratch, HOUR_A, LONG_AGO);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, START), ==, 9);
}

static void test_tombstones(void)
{
    g_autoptr(Scratch) scratch = make_store();
    SegmentStore *store = open_store(scratch);
    g_autoptr(Changes) changes = changes_new(store);
    g_assert_cmpuint(count(store, START), ==, 5);
    g_assert_cmpuint(count(store, NEXT), ==, 5);
    g_assert_false(changes_take(changes, SEGMENT_CHANGE_EVERYTHING, 0, NULL));

    g_autofree char *name = scratch_tombstone(50 * AT, "2.0", SEGMENT_FULL, 3);
    g_autofree char *path = g_build_filename(HOUR_A, name, NULL);
    scratch_file(scratch, path, 0);
    pass(SEGMENT_SECOND);
    // Asked for the other hour first: the tombstone is found all the same.
    g_assert_cmpuint(count(store, NEXT), ==, 4);
    g_assert_cmpuint(count(store, START), ==, 4);
    g_assert_cmpint(segment_store_revocations(store), ==, 1);
    g_assert_true(changes_take(changes, SEGMENT_CHANGE_EVERYTHING, 0, NULL));

    scratch_remove(scratch, path);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, NEXT), ==, 5);
    g_assert_cmpuint(count(store, START), ==, 5);
    g_assert_true(changes_take(changes, SEGMENT_CHANGE_EVERYTHING, 0, NULL));
    segment_store_free(store);
}

static void test_hours(void)
{
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = open_store(scratch);
    g_assert_cmpuint(count(store, START), ==, 5);
    g_autofree char *name = scratch_tombstone(AT, "2.0", SEGMENT_FULL, 3);
    g_autofree char *path = g_build_filename(HOUR_B, name, NULL);
    scratch_file(scratch, path, 0);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, START), ==, 4);

    // Gone, and its tombstone with it; then made again, with the time that it had.
    scratch_remove(scratch, HOUR_B);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, NEXT), ==, G_MAXUINT);
    g_assert_cmpuint(count(store, START), ==, 5);
    add(scratch, HOUR_B, AT, "2.0", 9);
    scratch_set_mtime(scratch, HOUR_B, LONG_AGO);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, NEXT), ==, 1);

    // The last hour gone, it is no stream any more.
    scratch_remove(scratch, STREAM);
    pass(SEGMENT_SECOND);
    g_autoptr(GError) error = NULL;
    g_assert_null(segment_store_stream(store, STREAM, NULL, &error));
    g_assert_true(segment_error_is_errno(error, ENOENT));
}

// An hour that is replaced between two looks, by one with the same time.
static void test_replaced(void)
{
    g_autoptr(Scratch) scratch = make_store();
    g_autoptr(SegmentStore) store = open_store(scratch);
    g_assert_cmpuint(count(store, START), ==, 5);
    scratch_rename(scratch, HOUR_A, "old");
    add(scratch, "new", AT, "2.0", 9);
    scratch_set_mtime(scratch, "new", LONG_AGO);
    scratch_rename(scratch, "new", HOUR_A);
    pass(SEGMENT_SECOND);
    g_assert_cmpuint(count(store, START), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/store/times/second", test_second);
    g_test_add_func("/segment/store/times/unchanged", test_unchanged);
    g_test_add_func("/segment/store/times/racy", test_racy);
    g_test_add_func("/segment/store/times/tombstones", test_tombstones);
    g_test_add_func("/segment/store/times/hours", test_hours);
    g_test_add_func("/segment/store/times/replaced", test_replaced);
    return g_test_run();
}
