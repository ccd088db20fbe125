// SPDX-License-Identifier: MIT
// The store with its watch: what is cached, and how soon it knows what changed on disk. Nothing here waits for time to
// pass: the listener says when the store knows.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/changes.h"

#define STREAM "channel/quality"
#define START G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02
#define HOUR(n) (START + (n) *SEGMENT_HOUR_LENGTH)
#define AT (61 * SEGMENT_SECOND)

typedef struct {
    Scratch *scratch;
    SegmentStore *store;
    SegmentStream *stream;
    Changes *changes;
} Fixture;

static char *hour_path(int n)
{
    char name[SEGMENT_HOUR_TEXT_SIZE];
    return g_build_filename(STREAM, segment_hour_name_format(HOUR(n), name), NULL);
}

static char *in_hour(int n, const char *name)
{
    g_autofree char *hour = hour_path(n);
    return g_build_filename(hour, name, NULL);
}

static void add(const Scratch *scratch, int n, const char *name, gint64 size)
{
    g_autofree char *path = in_hour(n, name);
    scratch_file(scratch, path, size);
}

static char *add_segment(const Scratch *scratch, int n, gint64 offset, guint seed)
{
    char *name = scratch_name(offset, "2.0", SEGMENT_FULL, seed);
    add(scratch, n, name, seed);
    return name;
}

// Hours 0 to 2 with ten segments each: in hour N those of the seeds 10 N to 10 N + 9.
static void set_up_with(Fixture *f, const SegmentStoreOptions *options)
{
    g_autoptr(GError) error = NULL;
    f->scratch = scratch_new();
    for (guint i = 0; i < 30; i++)
        g_free(add_segment(f->scratch, (int) i / 10, i % 10 * AT, i));
    f->store = segment_store_open(f->scratch->path, options, &error);
    g_assert_no_error(error);
    f->changes = changes_new(f->store);
    g_assert_true(segment_store_start(f->store, &error));
    f->stream = segment_store_stream(f->store, STREAM, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(segment_stream_is_watched(f->stream));
}

static void set_up(Fixture *f, gconstpointer unused)
{
    (void) unused;
    set_up_with(f, &(SegmentStoreOptions){0});
}

static void tear_down(Fixture *f, gconstpointer unused)
{
    (void) unused;
    segment_store_free(f->store);
    changes_free(f->changes);
    scratch_free(f->scratch);
}

static SegmentHour *get(const Fixture *f, int n)
{
    g_autoptr(GError) error = NULL;
    SegmentHour *hour = segment_stream_hour(f->stream, HOUR(n), TRUE, NULL, &error);
    g_assert_no_error(error);
    return hour;
}

static guint count(const Fixture *f, int n)
{
    g_autoptr(SegmentHour) hour = get(f, n);
    return hour->n_entries;
}

static void assert_no_hour(const Fixture *f, int n)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(segment_stream_hour(f->stream, HOUR(n), FALSE, NULL, &error));
    g_assert_true(segment_error_is_errno(error, ENOENT));
}

static guint64 n_read(const Fixture *f)
{
    SegmentStoreStatus status;
    segment_store_get_status(f->store, &status);
    return status.n_hours_read;
}

static gboolean is_barred(const Fixture *f, guint seed)
{
    guint8 hash[SEGMENT_HASH_SIZE];
    g_autofree char *text = scratch_hash(seed);
    g_assert_true(segment_hash_parse(text, hash));
    return segment_stream_is_barred(f->stream, hash);
}

// ---- read once

typedef struct {
    Fixture *f;
    int *n_ready; // atomic
    gboolean range;
} Asker;

static gpointer ask(gpointer data)
{
    const Asker *asker = data;
    g_autoptr(GError) error = NULL;
    g_atomic_int_inc(asker->n_ready);
    while (g_atomic_int_get(asker->n_ready) < 16)
        ;
    if (asker->range) {
        g_autoptr(SegmentRange) range =
            segment_stream_range(asker->f->stream, HOUR(0), HOUR(3), TRUE, TRUE, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(range->refs->len, ==, 30);
    } else {
        g_assert_cmpuint(count(asker->f, 1), ==, 10);
    }
    return NULL;
}

static void test_once(Fixture *f, gconstpointer range)
{
    GThread *threads[16];
    int n_ready = 0;
    Asker asker = {.f = f, .n_ready = &n_ready, .range = GPOINTER_TO_INT(range)};
    // What was read for its tombstones is known; a change that comes and goes has it read again.
    for (int n = 0; n < 3; n++) {
        g_autofree char *name = add_segment(f->scratch, n, 30 * AT, 300);
        changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(n), name);
        g_autofree char *gone = in_hour(n, name);
        scratch_remove(f->scratch, gone);
        changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(n), name);
        changes_settle(f->changes, f->scratch, STREAM, HOUR(n));
    }
    guint64 before = n_read(f);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("asker", ask, &asker);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(n_read(f) - before, ==, range != NULL ? 3 : 1);
    g_assert_cmpuint(count(f, 1), ==, 10);
    g_assert_cmpuint(n_read(f) - before, ==, range != NULL ? 3 : 1);
}

// Who has a listing keeps it, whatever comes.
static void test_immutable(Fixture *f, gconstpointer unused)
{
    (void) unused;
    g_autoptr(SegmentHour) old = get(f, 0);
    guint64 before = n_read(f);
    g_autofree char *name = add_segment(f->scratch, 0, 30 * AT, 300);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(0), name);
    // One new file is two events.
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    g_assert_cmpuint(count(f, 0), ==, 11);
    g_assert_cmpuint(old->n_entries, ==, 10);
    g_assert_null(segment_hour_find(old, name));
    g_assert_cmpuint(n_read(f) - before, ==, 1);
}

// ---- segments that come and go

static void test_changes(Fixture *f, gconstpointer unused)
{
    (void) unused;
    g_assert_cmpuint(count(f, 0), ==, 10);
    g_assert_cmpuint(count(f, 1), ==, 10);
    int generation = segment_stream_generation(f->stream);

    // As it is published: under another name first.
    g_autofree char *temp = scratch_name(20 * AT, "2.0", SEGMENT_TEMP, 0);
    g_autofree char *name = scratch_name(20 * AT, "2.0", SEGMENT_FULL, 200);
    g_autofree char *from = in_hour(0, temp), *to = in_hour(0, name);
    scratch_file(f->scratch, from, 5);
    scratch_rename(f->scratch, from, to);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(0), name);
    g_assert_cmpint(segment_stream_generation(f->stream), >, generation);
    g_assert_cmpuint(count(f, 0), ==, 11);

    // Written to.
    scratch_file(f->scratch, to, 6);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(0), name);
    g_autoptr(SegmentHour) grown = get(f, 0);
    g_assert_cmpint(segment_hour_find(grown, name)->size, ==, 6);

    // A better one.
    g_autofree char *better = scratch_name(20 * AT, "3.0", SEGMENT_FULL, 201);
    add(f->scratch, 0, better, 1);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(0), better);
    g_autoptr(SegmentHour) other = get(f, 0);
    g_assert_nonnull(segment_hour_find(other, better));
    g_assert_null(segment_hour_find(other, name));

    // Gone.
    g_autofree char *gone = in_hour(0, better);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    scratch_remove(f->scratch, gone);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(0), better);
    g_autoptr(SegmentHour) back = get(f, 0);
    g_assert_nonnull(segment_hour_find(back, name));

    // None of it was hour 1's business.
    guint64 before = n_read(f);
    g_assert_cmpuint(count(f, 1), ==, 10);
    g_assert_cmpuint(n_read(f), ==, before);
}

static void test_junk(Fixture *f, gconstpointer unused)
{
    (void) unused;
    scratch_expect_warnings("that are no segments");
    g_assert_cmpuint(count(f, 0), ==, 10);
    for (int i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("junk%d.ts", i);
        add(f->scratch, 0, name, 1);
        changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
        g_assert_cmpuint(count(f, 0), ==, 10);
    }
    SegmentStoreStatus status;
    segment_store_get_status(f->store, &status);
    g_assert_cmpuint(status.n_skipped, ==, 3);
    // Said once, not with every reading.
    g_assert_cmpuint(scratch_count_warnings(), ==, 1);
}

// ---- tombstones

static void test_tombstones(Fixture *f, gconstpointer unused)
{
    (void) unused;
    // The bytes of a segment of hour 2, once more in hour 0.
    g_autofree char *copy = scratch_name(30 * AT, "7.0", SEGMENT_SUSPECT, 25);
    add(f->scratch, 0, copy, 1);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(0), copy);
    g_assert_cmpuint(count(f, 0), ==, 11);
    g_assert_cmpuint(count(f, 1), ==, 10);
    g_assert_cmpuint(count(f, 2), ==, 10);
    int revocations = segment_store_revocations(f->store);

    g_autofree char *tombstone = scratch_tombstone(5 * AT, "2.0", SEGMENT_FULL, 25), *path = in_hour(2, tombstone);
    scratch_file(f->scratch, path, 0);
    changes_wait(f->changes, SEGMENT_CHANGE_TOMBSTONE, HOUR(2), tombstone);
    g_assert_cmpint(segment_store_revocations(f->store), ==, revocations + 1);
    g_assert_true(is_barred(f, 25));
    g_assert_false(is_barred(f, 24));
    g_assert_cmpuint(count(f, 2), ==, 9);
    g_assert_cmpuint(count(f, 0), ==, 10);
    g_autoptr(SegmentHour) hour = get(f, 2);
    g_assert_cmpuint(hour->tombstones->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(hour->tombstones, 0), ==, tombstone);

    // A second one of the same hash, in an hour where nothing has it: it takes both to go.
    g_autofree char *second = scratch_tombstone(9 * AT, "1.0", SEGMENT_FULL, 25), *second_path = in_hour(1, second);
    scratch_file(f->scratch, second_path, 0);
    changes_wait(f->changes, SEGMENT_CHANGE_TOMBSTONE, HOUR(1), second);
    scratch_remove(f->scratch, path);
    changes_wait(f->changes, SEGMENT_CHANGE_UNTOMBSTONE, HOUR(2), tombstone);
    g_assert_true(is_barred(f, 25));
    g_assert_cmpuint(count(f, 2), ==, 9);
    scratch_remove(f->scratch, second_path);
    changes_wait(f->changes, SEGMENT_CHANGE_UNTOMBSTONE, HOUR(1), second);
    g_assert_false(is_barred(f, 25));
    g_assert_cmpuint(count(f, 2), ==, 10);
    g_assert_cmpuint(count(f, 0), ==, 11);
}

// Tombstones that were there before anything was asked for, and a segment that comes after its tombstone.
static void test_old_tombstones(Fixture *f, gconstpointer unused)
{
    (void) unused;
    g_autoptr(GError) error = NULL;
    g_autofree char *first = g_build_filename("other/q/2019-11-13T02", NULL);
    for (guint i = 0; i < 3; i++) {
        g_autofree char *tombstone = scratch_tombstone(i * AT, "2.0", SEGMENT_FULL, i);
        g_autofree char *path = g_build_filename("other/q/2019-11-13T09", tombstone, NULL);
        g_autofree char *name = scratch_name(i * AT, "2.0", SEGMENT_FULL, i + 1);
        g_autofree char *segment = g_build_filename(first, name, NULL);
        scratch_file(f->scratch, path, 0);
        scratch_file(f->scratch, segment, 1);
    }
    SegmentStream *other = segment_store_stream(f->store, "other/q", NULL, &error);
    g_assert_no_error(error);
    g_autoptr(SegmentHour) hour = segment_stream_hour(other, START, FALSE, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(hour->n_entries, ==, 1);
    g_assert_cmpuint(hour->n_barred, ==, 2);

    g_autofree char *late = scratch_name(40 * AT, "2.0", SEGMENT_FULL, 0);
    g_autofree char *path = g_build_filename(first, late, NULL);
    scratch_file(f->scratch, path, 1);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, START, late);
    g_autoptr(SegmentHour) again = segment_stream_hour(other, START, FALSE, NULL, &error);
    g_assert_null(segment_hour_find(again, late));
    // A stream's tombstones are its own.
    g_assert_false(is_barred(f, 0));
    g_assert_cmpuint(count(f, 0), ==, 10);
}

// ---- hours

static void test_new_hour(Fixture *f, gconstpointer unused)
{
    (void) unused;
    assert_no_hour(f, 3);
    g_free(add_segment(f->scratch, 3, AT, 1));
    changes_wait(f->changes, SEGMENT_CHANGE_HOURS, HOUR(3), NULL);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(3));
    g_assert_true(segment_stream_hour_is_watched(f->stream, HOUR(3)));
    g_assert_cmpuint(count(f, 3), ==, 1);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) hours = segment_stream_hours(f->stream, NULL, &error);
    g_assert_cmpuint(hours->len, ==, 4);
    for (guint i = 0; i < hours->len; i++)
        g_assert_cmpint(g_array_index(hours, gint64, i), ==, HOUR((int) i));

    // One that is all tombstones bars what others have.
    g_autofree char *tombstone = scratch_tombstone(AT, "2.0", SEGMENT_FULL, 15);
    g_autofree char *path = g_build_filename("elsewhere", tombstone, NULL), *hour = hour_path(-5);
    scratch_file(f->scratch, path, 0);
    g_assert_cmpuint(count(f, 1), ==, 10);
    scratch_rename(f->scratch, "elsewhere", hour);
    // Hour 1 was shown before: the listener has to be told of more than the new hour.
    changes_wait(f->changes, SEGMENT_CHANGE_EVERYTHING, 0, NULL);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(-5));
    g_assert_cmpuint(count(f, 1), ==, 9);
    g_assert_cmpuint(count(f, -5), ==, 0);
}

static void test_hour_removed(Fixture *f, gconstpointer unused)
{
    (void) unused;
    g_autofree char *tombstone = scratch_tombstone(40 * AT, "2.0", SEGMENT_FULL, 5), *path = hour_path(1);
    add(f->scratch, 1, tombstone, 0);
    changes_wait(f->changes, SEGMENT_CHANGE_TOMBSTONE, HOUR(1), tombstone);
    g_assert_cmpuint(count(f, 0), ==, 9);

    scratch_remove(f->scratch, path);
    changes_wait(f->changes, SEGMENT_CHANGE_HOURS, HOUR(1), NULL);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    assert_no_hour(f, 1);
    g_assert_false(segment_stream_hour_is_watched(f->stream, HOUR(1)));
    g_assert_false(is_barred(f, 5));
    g_assert_cmpuint(count(f, 0), ==, 10);
    g_assert_true(segment_stream_is_watched(f->stream));

    // And made again, with something else in it.
    g_autofree char *name = add_segment(f->scratch, 1, AT, 77);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    g_autoptr(SegmentHour) hour = get(f, 1);
    g_assert_cmpuint(hour->n_entries, ==, 1);
    g_assert_nonnull(segment_hour_find(hour, name));
    g_assert_true(segment_stream_hour_is_watched(f->stream, HOUR(1)));
    g_autofree char *later = add_segment(f->scratch, 1, 2 * AT, 78);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(1), later);
    g_assert_cmpuint(count(f, 1), ==, 2);
}

// Removed and made again so fast that events of the old directory come while the new one is read.
static void test_hour_flickers(Fixture *f, gconstpointer unused)
{
    (void) unused;
    g_autofree char *path = hour_path(1);
    for (guint i = 0; i < 200; i++) {
        scratch_remove(f->scratch, path);
        g_autofree char *name = add_segment(f->scratch, 1, AT, 1000 + i);
        if (i % 3 == 0) {
            // In the midst of it.
            g_autoptr(GError) error = NULL;
            segment_hour_unref(segment_stream_hour(f->stream, HOUR(1), TRUE, NULL, &error));
        }
        if (i % 20 == 0) {
            changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
            g_autoptr(SegmentHour) hour = get(f, 1);
            g_assert_cmpuint(hour->n_entries, ==, 1);
            g_assert_cmpstr(segment_hour_name(hour, hour->entries), ==, name);
            changes_settle(f->changes, f->scratch, STREAM, HOUR(1));
        }
    }
}

// An hour that was moved out of the stream is none of its hours any more.
static void test_hour_moved(Fixture *f, gconstpointer unused)
{
    (void) unused;
    g_autofree char *path = hour_path(1);
    g_assert_cmpuint(count(f, 1), ==, 10);
    scratch_rename(f->scratch, path, "backup");
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    assert_no_hour(f, 1);
    g_autofree char *tombstone = scratch_tombstone(AT, "2.0", SEGMENT_FULL, 5);
    g_autofree char *outside = g_build_filename("backup", tombstone, NULL);
    scratch_file(f->scratch, outside, 0);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    g_assert_false(is_barred(f, 5));

    scratch_rename(f->scratch, "backup", path);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    g_assert_true(is_barred(f, 5));
    g_assert_cmpuint(count(f, 1), ==, 10);
    g_autofree char *name = add_segment(f->scratch, 1, 30 * AT, 79);
    changes_wait(f->changes, SEGMENT_CHANGE_SEGMENT, HOUR(1), name);
    g_assert_cmpuint(count(f, 1), ==, 11);

    // Under another hour's name it is that hour.
    g_autofree char *other = hour_path(7);
    scratch_rename(f->scratch, path, other);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    assert_no_hour(f, 1);
    g_assert_cmpuint(count(f, 7), ==, 11);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(7));
    g_assert_cmpuint(count(f, 7), ==, 11);
}

// The whole stream is replaced by another that has the same hours.
static void test_stream_replaced(Fixture *f, gconstpointer unused)
{
    (void) unused;
    g_assert_cmpuint(count(f, 0), ==, 10);
    g_assert_cmpuint(count(f, 1), ==, 10);
    g_autofree char *name = scratch_name(AT, "2.0", SEGMENT_FULL, 90);
    for (int i = 0; i < 2; i++) {
        g_autofree char *path = g_build_filename("new", i == 0 ? "2019-11-13T02" : "2019-11-13T03", name, NULL);
        scratch_file(f->scratch, path, 1);
    }
    changes_hold(f->changes);
    scratch_rename(f->scratch, STREAM, "old");
    scratch_rename(f->scratch, "new", STREAM);
    changes_go_on(f->changes);
    changes_wait(f->changes, SEGMENT_CHANGE_HOURS, 0, NULL);
    g_autoptr(SegmentHour) hour = get(f, 0);
    g_assert_cmpuint(hour->n_entries, ==, 1);
    g_assert_cmpuint(count(f, 1), ==, 1);
    assert_no_hour(f, 2);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(0));
    g_assert_true(segment_stream_is_watched(f->stream));
    g_free(add_segment(f->scratch, 3, AT, 91));
    changes_wait(f->changes, SEGMENT_CHANGE_HOURS, HOUR(3), NULL);
    // The hour may have been read before its file was there.
    changes_settle(f->changes, f->scratch, STREAM, HOUR(3));
    g_assert_cmpuint(count(f, 3), ==, 1);
}

// ---- more changes than the kernel keeps

static void test_overflow(Fixture *f, gconstpointer unused)
{
    (void) unused;
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/sys/fs/inotify/max_queued_events", &text, NULL, NULL) || atoi(text) > 100000) {
        g_test_skip("the kernel keeps too many events, or does not say how many");
        return;
    }
    g_assert_cmpuint(count(f, 0), ==, 10);
    g_assert_cmpuint(count(f, 2), ==, 10);
    scratch_expect_warnings("changes came faster");
    changes_hold(f->changes);
    // Two names by turns: the kernel makes one of equal events in a row.
    g_autofree char *a = scratch_name(50 * AT, "2.0", SEGMENT_FULL, 50),
                    *b = scratch_name(51 * AT, "2.0", SEGMENT_FULL, 51);
    g_autofree char *from = in_hour(0, a), *to = in_hour(0, b), *gone = hour_path(2);
    scratch_file(f->scratch, from, 1);
    for (int i = 0; i < atoi(text) / 2 + 1000; i++)
        scratch_rename(f->scratch, i % 2 == 0 ? from : to, i % 2 == 0 ? to : from);
    // None of this is told.
    g_autofree char *tombstone = scratch_tombstone(3 * AT, "2.0", SEGMENT_FULL, 13);
    add(f->scratch, 1, tombstone, 0);
    scratch_remove(f->scratch, gone);
    g_free(add_segment(f->scratch, 2, AT, 99));
    g_free(add_segment(f->scratch, 5, AT, 98));
    changes_go_on(f->changes);
    changes_wait(f->changes, SEGMENT_CHANGE_EVERYTHING, 0, NULL);
    g_assert_cmpuint(count(f, 1), ==, 9);
    g_autoptr(SegmentHour) hour = get(f, 2);
    g_assert_cmpuint(hour->n_entries, ==, 1);
    g_assert_cmpuint(count(f, 5), ==, 1);
    changes_settle(f->changes, f->scratch, STREAM, HOUR(2));
    changes_settle(f->changes, f->scratch, STREAM, HOUR(5));
    g_assert_cmpuint(scratch_count_warnings(), >=, 1);
    g_assert_true(segment_stream_is_watched(f->stream));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, data, func) g_test_add("/segment/store/watch/" name, Fixture, data, set_up, func, tear_down)
    ADD("hour-once", GINT_TO_POINTER(FALSE), test_once);
    ADD("range-once", GINT_TO_POINTER(TRUE), test_once);
    ADD("immutable", NULL, test_immutable);
    ADD("changes", NULL, test_changes);
    ADD("junk", NULL, test_junk);
    ADD("tombstones", NULL, test_tombstones);
    ADD("old-tombstones", NULL, test_old_tombstones);
    ADD("new-hour", NULL, test_new_hour);
    ADD("hour-removed", NULL, test_hour_removed);
    ADD("hour-flickers", NULL, test_hour_flickers);
    ADD("hour-moved", NULL, test_hour_moved);
    ADD("stream-replaced", NULL, test_stream_replaced);
    ADD("overflow", NULL, test_overflow);
    return g_test_run();
}
