// SPDX-License-Identifier: MIT
// What a stream is, what the cache holds, who waits for what, files, and tombstones made and undone by this process.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "tests/changes.h"

#define STREAM "channel/quality"
#define START G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02
#define HOUR(n) (START + (n) *SEGMENT_HOUR_LENGTH)
#define AT (61 * SEGMENT_SECOND)

static char *in_hour(int n, const char *name)
{
    char hour[SEGMENT_HOUR_TEXT_SIZE];
    return g_build_filename(STREAM, segment_hour_name_format(HOUR(n), hour), name, NULL);
}

// N hours with ten segments each, of the seeds 0 to 9 in every one of them.
static Scratch *make_store(int n)
{
    Scratch *scratch = scratch_new();
    for (int i = 0; i < n * 10; i++) {
        g_autofree char *name = scratch_name(i % 10 * AT, "2.0", SEGMENT_FULL, (guint) i % 10);
        g_autofree char *path = in_hour(i / 10, name);
        scratch_file(scratch, path, 3);
    }
    return scratch;
}

static SegmentStore *open_store(const Scratch *scratch, gsize cache_memory, gboolean no_watch)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.cache_memory = cache_memory, .no_watch = no_watch};
    SegmentStore *store = segment_store_open(scratch->path, &options, &error);
    g_assert_no_error(error);
    return store;
}

static SegmentStream *get_stream(SegmentStore *store, const char *path)
{
    g_autoptr(GError) error = NULL;
    SegmentStream *stream = segment_store_stream(store, path, NULL, &error);
    g_assert_no_error(error);
    return stream;
}

static guint count(SegmentStream *stream, int n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SegmentHour) hour = segment_stream_hour(stream, HOUR(n), TRUE, NULL, &error);
    g_assert_no_error(error);
    return hour->n_entries;
}

static SegmentStoreStatus status_of(SegmentStore *store)
{
    SegmentStoreStatus status;
    segment_store_get_status(store, &status);
    return status;
}

// ---- streams

static void test_open(void)
{
    g_autoptr(Scratch) scratch = make_store(1);
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {0};
    g_autofree char *absent = scratch_path(scratch, "absent"), *file = scratch_path(scratch, "file");
    g_assert_null(segment_store_open(absent, &options, &error));
    g_assert_true(segment_error_is_errno(error, ENOENT));
    g_assert_nonnull(strstr(error->message, absent));
    g_clear_error(&error);
    scratch_file(scratch, "file", 1);
    g_assert_null(segment_store_open(file, &options, &error));
    g_assert_true(segment_error_is_errno(error, ENOTDIR));

    g_autoptr(SegmentStore) store = open_store(scratch, 0, FALSE);
    struct stat a, b;
    g_assert_true(g_path_is_absolute(segment_store_path(store)));
    g_assert_cmpint(fstat(segment_store_fd(store), &a), ==, 0);
    g_assert_cmpint(stat(segment_store_path(store), &b), ==, 0);
    g_assert_cmpuint(a.st_ino, ==, b.st_ino);
    SegmentStream *stream = get_stream(store, STREAM);
    g_assert_true(get_stream(store, STREAM) == stream);
    g_assert_cmpstr(segment_stream_path(stream), ==, STREAM);
    g_assert_true(segment_stream_store(stream) == store);
    segment_store_free(NULL);
}

static void test_streams(void)
{
    static const char *const none[] = {
        "",
        "/",
        "channel",
        "channel/",
        "/quality",
        "channel/absent",
        "absent/quality",
        "channel/file",
        "channel/empty",
        "channel/chat",
        "channel/.hidden",
        ".hidden/quality",
        "channel/..",
        "channel/.",
        "../channel",
        "channel/quality/",
        "channel/quality/2019-11-13T02",
        "channel/files",
        "channel/badhours",
        "//channel/quality",
        "channel//quality",
    };
    static const char *const paths[] = {
        "channel/chat/2019-11-13T02/x",
        "channel/.hidden/2019-11-13T02/x",
        ".hidden/quality/2019-11-13T02/x",
        "channel/file",
        "channel/files/2019-11-13T02",
        "channel/badhours/2019-02-30T02/x",
        "channel/badhours/x/x",
    };
    g_autoptr(Scratch) scratch = make_store(1);
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        scratch_file(scratch, paths[i], 1);
    scratch_mkdir(scratch, "channel/empty");
    g_autoptr(SegmentStore) store = open_store(scratch, 0, FALSE);
    for (guint i = 0; i < G_N_ELEMENTS(none); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("\"%s\"", none[i]);
        g_assert_null(segment_store_stream(store, none[i], NULL, &error));
        g_assert_true(segment_error_is_errno(error, ENOENT) || segment_error_is_errno(error, ENOTDIR));
    }
    // An hour may be a link to one that is on another disk; an hour without segments is one, too.
    scratch_mkdir(scratch, "disk/2019-11-13T09");
    scratch_mkdir(scratch, "channel/linked");
    g_autofree char *link = scratch_path(scratch, "channel/linked/2019-11-13T09");
    g_assert_cmpint(symlink("../../disk/2019-11-13T09", link), ==, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) hours = segment_stream_hours(get_stream(store, "channel/linked"), NULL, &error);
    g_assert_cmpuint(hours->len, ==, 1);
    g_assert_cmpuint(status_of(store).n_streams, ==, 1);
}

// What becomes a stream only later.
static void test_first_hour(void)
{
    g_autoptr(Scratch) scratch = make_store(1);
    g_autoptr(Changes) changes = NULL;
    scratch_mkdir(scratch, "channel/new");
    g_autoptr(GError) error = NULL;
    SegmentStore *store = open_store(scratch, 0, FALSE);
    changes = changes_new(store);
    g_assert_true(segment_store_start(store, &error));
    g_assert_null(segment_store_stream(store, "channel/new", NULL, &error));
    scratch_mkdir(scratch, "channel/new/2019-11-13T02");
    changes_wait(changes, SEGMENT_CHANGE_HOURS, HOUR(0), NULL);
    g_assert_nonnull(get_stream(store, "channel/new"));
    segment_store_free(store);
}

// ---- the cache

static void test_memory(void)
{
    g_autoptr(Scratch) scratch = make_store(20);
    g_autoptr(SegmentStore) all = open_store(scratch, 0, FALSE);
    SegmentStream *stream = get_stream(all, STREAM);
    g_autoptr(GError) error = NULL;
    g_assert_true(segment_store_start(all, &error));
    for (int i = 0; i < 20; i++)
        g_assert_cmpuint(count(stream, i), ==, 10);
    g_assert_cmpuint(status_of(all).n_hours_cached, ==, 20);
    g_assert_cmpuint(status_of(all).n_hours, ==, 20);
    gsize one = status_of(all).cache_memory / 20;
    g_assert_cmpuint(one, >, 10 * (sizeof(SegmentEntry) + 60));

    g_autoptr(SegmentStore) some = open_store(scratch, 5 * one, FALSE);
    g_assert_true(segment_store_start(some, &error));
    stream = get_stream(some, STREAM);
    guint64 before = status_of(some).n_hours_read;
    g_assert_cmpuint(before, ==, 20);
    for (int i = 0; i < 20; i++) {
        g_assert_cmpuint(count(stream, i), ==, 10);
        g_assert_cmpuint(count(stream, 0), ==, 10); // used all the time, and so kept
        g_assert_cmpuint(status_of(some).cache_memory, <=, 5 * one);
    }
    g_assert_cmpuint(status_of(some).n_hours_cached, ==, 5);
    // Five of them were kept when they were read for their tombstones, and used, or not, by chance.
    g_assert_cmpuint(status_of(some).n_hours_read - before, >=, 15);
    g_assert_cmpuint(status_of(some).n_hours_read - before, <=, 20);
    before = status_of(some).n_hours_read;
    g_assert_cmpuint(count(stream, 1), ==, 10);
    g_assert_cmpuint(status_of(some).n_hours_read - before, ==, 1);

    // Who holds hours, holds them: a range of more than the cache takes is whole.
    g_autoptr(SegmentRange) range = segment_stream_range(stream, HOUR(0), HOUR(20), TRUE, TRUE, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(range->refs->len, ==, 200);
    g_assert_cmpuint(status_of(some).cache_memory, <=, 5 * one);

    // A bound that not even one hour fits in.
    g_autoptr(SegmentStore) least = open_store(scratch, 1, FALSE);
    stream = get_stream(least, STREAM);
    for (int i = 0; i < 20; i++)
        g_assert_cmpuint(count(stream, i), ==, 10);
    g_assert_cmpuint(status_of(least).n_hours_cached, ==, 1);
}

static void test_waits(void)
{
    g_autoptr(Scratch) scratch = make_store(3);
    g_autoptr(SegmentStore) store = open_store(scratch, 0, FALSE);
    g_autoptr(GError) error = NULL;
    g_assert_true(segment_store_start(store, &error));
    g_assert_null(segment_store_stream(store, STREAM, &segment_no_wait, &error));
    g_assert_true(segment_error_would_block(error));
    g_clear_error(&error);
    SegmentStream *stream = get_stream(store, STREAM);
    g_assert_true(segment_store_stream(store, STREAM, &segment_no_wait, &error) == stream);
    // Listings are there by now, but sizes are not.
    g_assert_null(segment_stream_hour(stream, HOUR(0), TRUE, &segment_no_wait, &error));
    g_assert_true(segment_error_would_block(error));
    g_clear_error(&error);
    g_assert_null(segment_stream_range(stream, HOUR(0), HOUR(3), TRUE, TRUE, &segment_no_wait, &error));
    g_assert_true(segment_error_would_block(error));
    g_clear_error(&error);

    int cancelled = 1;
    SegmentWait gone = {.may_block = TRUE, .cancelled = &cancelled};
    g_assert_null(segment_stream_hour(stream, HOUR(0), TRUE, &gone, &error));
    g_assert_true(g_error_matches(error, SEGMENT_ERROR, SEGMENT_ERROR_CANCELLED));
    g_clear_error(&error);
    g_assert_null(segment_stream_range(stream, HOUR(0), HOUR(3), TRUE, TRUE, &gone, &error));
    g_assert_true(g_error_matches(error, SEGMENT_ERROR, SEGMENT_ERROR_CANCELLED));
    g_clear_error(&error);
    g_assert_cmpuint(status_of(store).n_hours_read, ==, 3);

    // Once it is there nobody has to wait, and what is not there is known not to be.
    g_autoptr(SegmentRange) range = segment_stream_range(stream, HOUR(0), HOUR(3), TRUE, TRUE, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(SegmentRange) again =
        segment_stream_range(stream, HOUR(0), HOUR(3), TRUE, TRUE, &segment_no_wait, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(again->refs->len, ==, range->refs->len);
    g_assert_null(segment_stream_hour(stream, HOUR(9), FALSE, &segment_no_wait, &error));
    g_assert_true(segment_error_is_errno(error, ENOENT));
}

// Ranges at the ends of time, backwards, and of all time.
static void test_extremes(void)
{
    g_autoptr(Scratch) scratch = make_store(2);
    gint64 first = scratch_time("0000-01-01T00"), last = scratch_time("9999-12-31T23");
    g_autofree char *name = scratch_name(SEGMENT_HOUR_LENGTH - 1, "86400", SEGMENT_FULL, 1);
    g_autofree char *early = g_build_filename(STREAM, "0000-01-01T00", name, NULL);
    g_autofree char *late = g_build_filename(STREAM, "9999-12-31T23", name, NULL);
    scratch_file(scratch, early, 1);
    scratch_file(scratch, late, 1);
    g_autoptr(SegmentStore) store = open_store(scratch, 0, FALSE);
    SegmentStream *stream = get_stream(store, STREAM);
    const gint64 ends[][3] = {
        {first, last, 21},
        {first, last + 25 * SEGMENT_HOUR_LENGTH, 22},
        {first, first + 1, 0},
        {last, last + 1, 0},
        {last + SEGMENT_HOUR_LENGTH, last + 2 * SEGMENT_HOUR_LENGTH, 1},
        {last, first, 0},
        {START, START, 0},
        {first, G_MAXINT64 / 2, 22},
        {START + 2, START + 1, 1},
    };
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(SegmentRange) range = segment_stream_range(stream, ends[i][0], ends[i][1], TRUE, TRUE, NULL, &error);
        g_test_message("%u", i);
        g_assert_no_error(error);
        if (ends[i][0] < ends[i][1])
            g_assert_cmpint(range->refs->len, ==, ends[i][2]);
    }
}

// ---- files

static void test_open_file(void)
{
    g_autoptr(Scratch) scratch = make_store(1);
    g_autoptr(SegmentStore) store = open_store(scratch, 0, FALSE);
    SegmentStream *stream = get_stream(store, STREAM);
    g_autoptr(GError) error = NULL;
    g_autofree char *name = scratch_name(0, "2.0", SEGMENT_FULL, 0);
    segment_autofd int fd = segment_stream_open_file(stream, HOUR(0), name, &error);
    struct stat st;
    g_assert_no_error(error);
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 3);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);

    scratch_mkdir(scratch, STREAM "/2019-11-13T02/directory");
    g_autofree char *fifo = scratch_path(scratch, STREAM "/2019-11-13T02/fifo");
    g_autofree char *link = scratch_path(scratch, STREAM "/2019-11-13T02/link");
    g_assert_cmpint(mkfifo(fifo, 0644), ==, 0);
    g_assert_cmpint(symlink("nowhere", link), ==, 0);
    static const char *const none[] = {"absent", "directory", "fifo", "link"};
    for (guint i = 0; i < G_N_ELEMENTS(none); i++) {
        g_assert_cmpint(segment_stream_open_file(stream, HOUR(0), none[i], &error), ==, -1);
        g_assert_true(segment_error_is_errno(error, ENOENT));
        g_clear_error(&error);
    }
    g_assert_cmpint(segment_stream_open_file(stream, HOUR(5), name, &error), ==, -1);
    g_assert_true(segment_error_is_errno(error, ENOENT));
}

// ---- tombstones of this process

static void test_bury(gconstpointer no_watch)
{
    g_autoptr(Scratch) scratch = make_store(2);
    g_autoptr(GError) error = NULL;
    SegmentStore *store = open_store(scratch, 0, GPOINTER_TO_INT(no_watch));
    g_autoptr(Changes) changes = changes_new(store);
    g_assert_true(segment_store_start(store, &error));
    SegmentStream *stream = get_stream(store, STREAM);
    g_assert_cmpuint(count(stream, 0), ==, 10);
    g_assert_cmpuint(count(stream, 1), ==, 10);

    g_autofree char *tombstone = scratch_tombstone(3 * AT, "2.0", SEGMENT_FULL, 3), *path = in_hour(0, tombstone);
    g_autofree char *full = scratch_path(scratch, path);
    gboolean root = geteuid() == 0;
    uid_t uid = root ? 12345 : geteuid();
    gid_t gid = root ? 23456 : getegid();
    mode_t mask = umask(0022);
    gboolean ok = segment_stream_bury(stream, HOUR(0), tombstone, uid, gid, 04777, &error);
    umask(mask);
    g_assert_no_error(error);
    g_assert_true(ok);
    // The listener knows by now; and by name and by hash it is in effect.
    g_assert_true(changes_take(changes, SEGMENT_CHANGE_TOMBSTONE, HOUR(0), tombstone));
    g_assert_cmpint(segment_store_revocations(store), ==, 1);
    g_assert_cmpuint(count(stream, 0), ==, 9);
    g_assert_cmpuint(count(stream, 1), ==, 9);
    struct stat st, again;
    g_assert_cmpint(lstat(full, &st), ==, 0);
    g_assert_true(S_ISREG(st.st_mode));
    g_assert_cmpint(st.st_size, ==, 0);
    g_assert_cmpuint(st.st_mode & 07777, ==, 0644);
    g_assert_cmpuint(st.st_uid, ==, uid);
    g_assert_cmpuint(st.st_gid, ==, gid);

    // Once more, as somebody else: fine, and it stays as it is.
    g_assert_true(segment_stream_bury(stream, HOUR(0), tombstone, 1, 1, 0600, &error));
    g_assert_cmpint(lstat(full, &again), ==, 0);
    g_assert_cmpuint(again.st_uid, ==, uid);
    g_assert_cmpuint(again.st_ino, ==, st.st_ino);
    g_assert_cmpint(segment_store_revocations(store), ==, 1);

    g_assert_true(segment_stream_unbury(stream, HOUR(0), tombstone, &error));
    g_assert_true(changes_take(changes, SEGMENT_CHANGE_UNTOMBSTONE, HOUR(0), tombstone));
    g_assert_cmpint(lstat(full, &st), ==, -1);
    g_assert_cmpuint(count(stream, 0), ==, 10);
    g_assert_cmpuint(count(stream, 1), ==, 10);
    g_assert_false(segment_stream_unbury(stream, HOUR(0), tombstone, &error));
    g_assert_true(segment_error_is_errno(error, ENOENT));
    segment_store_free(store);
}

static void test_bury_refused(void)
{
    g_autoptr(Scratch) scratch = make_store(1);
    g_autoptr(SegmentStore) store = open_store(scratch, 0, FALSE);
    SegmentStream *stream = get_stream(store, STREAM);
    g_autoptr(GError) error = NULL;
    g_autofree char *segment = scratch_name(0, "2.0", SEGMENT_FULL, 0);
    g_autofree char *tombstone = scratch_tombstone(0, "2.0", SEGMENT_FULL, 0);
    g_autofree char *outside = g_build_filename("..", tombstone, NULL);
    const char *const bad[] = {"", "x.tombstone", ".tombstone", segment, outside, "61:00-2.0-full-AAAA.tombstone"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(segment_stream_bury(stream, HOUR(0), bad[i], 0, 0, 0644, &error));
        g_assert_true(g_error_matches(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME));
        g_clear_error(&error);
        g_assert_false(segment_stream_unbury(stream, HOUR(0), bad[i], &error));
        g_assert_true(g_error_matches(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME));
        g_clear_error(&error);
    }
    g_assert_false(segment_stream_bury(stream, HOUR(1), tombstone, 0, 0, 0644, &error));
    g_assert_true(segment_error_is_errno(error, ENOENT));
    g_assert_cmpuint(count(stream, 0), ==, 10);
    g_assert_cmpint(segment_store_revocations(store), ==, 0);
}

// Made and undone by turns, while the watch still tells of what was before: each holds from the moment it returns.
static void test_bury_by_turns(void)
{
    g_autoptr(Scratch) scratch = make_store(2);
    g_autoptr(GError) error = NULL;
    g_autoptr(SegmentStore) store = open_store(scratch, 0, FALSE);
    g_assert_true(segment_store_start(store, &error));
    SegmentStream *stream = get_stream(store, STREAM);
    g_autofree char *tombstone = scratch_tombstone(3 * AT, "2.0", SEGMENT_FULL, 3);
    g_assert_cmpuint(count(stream, 1), ==, 10);
    for (int i = 0; i < 300; i++) {
        g_assert_true(segment_stream_bury(stream, HOUR(0), tombstone, geteuid(), getegid(), 0644, &error));
        for (int j = 0; j < 5; j++)
            g_assert_cmpuint(count(stream, j % 2), ==, 9);
        g_assert_true(segment_stream_unbury(stream, HOUR(0), tombstone, &error));
        for (int j = 0; j < 5; j++)
            g_assert_cmpuint(count(stream, j % 2), ==, 10);
    }
}

// In an hour that is so new that nobody has seen it; the hash is one that another hour shows.
static void test_bury_in_unseen_hour(void)
{
    g_autoptr(Scratch) scratch = make_store(1);
    g_autoptr(GError) error = NULL;
    g_autoptr(SegmentStore) store = open_store(scratch, 0, TRUE);
    SegmentStream *stream = get_stream(store, STREAM);
    g_autofree char *tombstone = scratch_tombstone(3 * AT, "2.0", SEGMENT_FULL, 3);
    guint8 hash[SEGMENT_HASH_SIZE];
    g_autofree char *text = scratch_hash(3);
    g_assert_true(segment_hash_parse(text, hash));
    g_assert_cmpuint(count(stream, 0), ==, 10);
    scratch_mkdir(scratch, STREAM "/2019-11-13T05");
    g_assert_true(segment_stream_bury(stream, HOUR(3), tombstone, geteuid(), getegid(), 0644, &error));
    g_assert_true(segment_stream_is_barred(stream, hash));
    g_assert_cmpuint(count(stream, 0), ==, 9);
}

// ---- everything at once, for the sanitizers

typedef struct {
    SegmentStream *stream;
    const Scratch *scratch;
    int done; // atomic
} Crowd;

static gpointer read_all(gpointer data)
{
    Crowd *crowd = data;
    do {
        g_autoptr(GError) error = NULL;
        g_autoptr(SegmentRange) range = segment_stream_range(crowd->stream, HOUR(0), HOUR(4), TRUE, TRUE, NULL, &error);
        // EIO: files went, again and again, between their listing and the look at their sizes.
        if (range == NULL)
            g_assert_true(segment_error_is_errno(error, EIO));
        else
            g_assert_cmpuint(range->refs->len, >=, 27);
        status_of(segment_stream_store(crowd->stream));
        segment_stream_is_watched(crowd->stream);
    } while (!g_atomic_int_get(&crowd->done));
    return NULL;
}

static void test_crowd(void)
{
    g_autoptr(Scratch) scratch = make_store(4);
    g_autoptr(GError) error = NULL;
    g_autoptr(SegmentStore) store = open_store(scratch, 4000, FALSE);
    g_assert_true(segment_store_start(store, &error));
    Crowd crowd = {.stream = get_stream(store, STREAM), .scratch = scratch};
    GThread *threads[6];
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("reader", read_all, &crowd);
    for (guint i = 0; i < 100; i++) {
        g_autofree char *tombstone = scratch_tombstone(3 * AT, "2.0", SEGMENT_FULL, 3);
        g_autofree char *name = scratch_name(30 * AT, "2.0", SEGMENT_FULL, 100 + i);
        g_autofree char *path = in_hour((int) i % 3, name), *hour = in_hour(3, NULL);
        g_assert_true(segment_stream_bury(crowd.stream, HOUR((int) i % 3), tombstone, 0, 0, 0644, &error));
        scratch_file(scratch, path, 1);
        g_assert_true(segment_stream_unbury(crowd.stream, HOUR((int) i % 3), tombstone, &error));
        scratch_remove(scratch, path);
        if (i % 10 == 0)
            scratch_remove(scratch, hour);
        if (i % 10 == 0)
            scratch_mkdir(scratch, hour);
    }
    g_atomic_int_set(&crowd.done, 1);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    for (int i = 0; i < 3; i++)
        g_assert_cmpuint(count(crowd.stream, i), ==, 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/store/open", test_open);
    g_test_add_func("/segment/store/streams", test_streams);
    g_test_add_func("/segment/store/first-hour", test_first_hour);
    g_test_add_func("/segment/store/memory", test_memory);
    g_test_add_func("/segment/store/waits", test_waits);
    g_test_add_func("/segment/store/extremes", test_extremes);
    g_test_add_func("/segment/store/open-file", test_open_file);
    g_test_add_data_func("/segment/store/bury/watch", GINT_TO_POINTER(FALSE), test_bury);
    g_test_add_data_func("/segment/store/bury/no-watch", GINT_TO_POINTER(TRUE), test_bury);
    g_test_add_func("/segment/store/bury/refused", test_bury_refused);
    g_test_add_func("/segment/store/bury/by-turns", test_bury_by_turns);
    g_test_add_func("/segment/store/bury/unseen-hour", test_bury_in_unseen_hour);
    g_test_add_func("/segment/store/crowd", test_crowd);
    return g_test_run();
}
