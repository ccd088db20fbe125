// SPDX-License-Identifier: MIT
// Edges that were made, by a maker that only pretends: once for all who wait, and kept on disk while they are whole.
#include "cut/blobs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/scratch.h"

#define SIZE 1000
#define STREAM "channel/quality"

typedef struct {
    Scratch *scratch;
    SegmentStore *store;
    CutPlan *plan;
    char *directory;
    CutBlobs *blobs;
    int made; // atomic; counts what was begun
    int released; // atomic: the maker may go on
    int holds; // atomic: it waits for that, or until it is given up
    int gave_up; // atomic
} Fixture;

// What is made is the number, over and over. Number 99 cannot be.
static GBytes *make(CutPlan *plan, guint number, const int *cancelled, gpointer data, GError **error)
{
    Fixture *fixture = data;
    SegmentWait wait = {.may_block = TRUE, .cancelled = cancelled};
    g_atomic_int_inc(&fixture->made);
    while (g_atomic_int_get(&fixture->holds) != 0 && g_atomic_int_get(&fixture->released) == 0) {
        if (segment_wait_is_over(&wait, error)) {
            g_atomic_int_inc(&fixture->gave_up);
            return NULL;
        }
        g_usleep(1000);
    }
    if (number == 99) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "99 cannot be made");
        return NULL;
    }
    guint8 *bytes = g_malloc(SIZE);
    memset(bytes, (int) number, SIZE);
    return g_bytes_new_take(bytes, SIZE);
}

static void open_blobs(Fixture *fixture, gint64 limit)
{
    cut_blobs_free(fixture->blobs);
    fixture->blobs = cut_blobs_new(fixture->directory, limit, make, fixture);
    fixture->made = 0;
}

static void set_up(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    fixture->scratch = scratch_new();
    g_autofree char *name = scratch_name(0, "2.0", SEGMENT_FULL, 1);
    g_autofree char *path = g_build_filename("store/" STREAM "/2019-11-13T02", name, NULL);
    scratch_file(fixture->scratch, path, 1880);
    g_autofree char *root = scratch_path(fixture->scratch, "store");
    fixture->store = segment_store_open(root, &options, &error);
    g_assert_no_error(error);
    SegmentStream *stream = segment_store_stream(fixture->store, STREAM, NULL, &error);
    g_assert_no_error(error);
    fixture->plan = cut_plan_new(stream, cut_request_parse("20191113T0200+1s.rough.ts", NULL), NULL, NULL, &error);
    g_assert_no_error(error);
    fixture->directory = scratch_path(fixture->scratch, "cache/edges");
    open_blobs(fixture, G_MAXINT64);
}

static void tear_down(Fixture *fixture, gconstpointer unused)
{
    cut_blobs_free(fixture->blobs);
    cut_plan_unref(fixture->plan);
    segment_store_free(fixture->store);
    scratch_free(fixture->scratch);
    g_free(fixture->directory);
}

// Each NUMBER has its own key, and is made of two segments with its number, and the next one, in their hashes.
static void fill(const Fixture *fixture, guint number, CutBlobRequest *request)
{
    *request = (CutBlobRequest){.plan = fixture->plan, .number = number, .hashes = g_byte_array_new()};
    memset(request->key, (int) number, sizeof request->key);
    for (guint i = 0; i < 2; i++) {
        guint8 hash[SEGMENT_HASH_SIZE];
        memset(hash, (int) (number + i), sizeof hash);
        g_byte_array_append(request->hashes, hash, sizeof hash);
    }
}

static GBytes *get(Fixture *fixture, guint number, const SegmentWait *wait, GError **error)
{
    CutBlobRequest request;
    fill(fixture, number, &request);
    GBytes *bytes = cut_blobs_get(fixture->blobs, &request, wait, error);
    g_byte_array_unref(request.hashes);
    return bytes;
}

static void check_get(Fixture *fixture, guint number)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = get(fixture, number, NULL, &error);
    g_assert_no_error(error);
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    g_assert_cmpuint(size, ==, SIZE);
    for (gsize i = 0; i < size; i++)
        g_assert_cmpuint(data[i], ==, number);
}

static guint count_files(const Fixture *fixture)
{
    g_autoptr(GDir) dir = g_dir_open(fixture->directory, 0, NULL);
    guint n = 0;
    while (dir != NULL && g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static char *file_of(const Fixture *fixture, guint number)
{
    GString *name = g_string_new(NULL);
    for (guint i = 0; i < CUT_BLOB_KEY; i++)
        g_string_append_printf(name, "%02x", number);
    g_string_append(name, ".edge");
    g_autofree char *text = g_string_free(name, FALSE);
    return g_build_filename(fixture->directory, text, NULL);
}

static void wait_for(const int *value, int wanted)
{
    for (guint i = 0; g_atomic_int_get(value) < wanted && i < 10000; i++)
        g_usleep(1000);
    g_assert_cmpint(g_atomic_int_get(value), >=, wanted);
}

// ---- callers

static gpointer caller(gpointer data)
{
    check_get(data, 7);
    return NULL;
}

static void test_once(Fixture *fixture, gconstpointer unused)
{
    GThread *threads[20];
    fixture->holds = 1;
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("caller", caller, fixture);
    wait_for(&fixture->made, 1);
    g_atomic_int_set(&fixture->released, 1);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(fixture->made, ==, 1);
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 1);
    CutBlobsStatus status;
    cut_blobs_get_status(fixture->blobs, &status);
    g_assert_cmpuint(status.n_made, ==, 1);
    g_assert_cmpuint(status.n_making, ==, 0);
    g_assert_cmpuint(status.n_files, ==, 1);
    g_assert_cmpint(status.size, >, SIZE);
}

typedef struct {
    Fixture *fixture;
    int cancelled; // atomic
} Impatient;

static gpointer impatient_caller(gpointer data)
{
    Impatient *own = data;
    g_autoptr(GError) error = NULL;
    SegmentWait wait = {.may_block = TRUE, .cancelled = &own->cancelled};
    g_assert_null(get(own->fixture, 7, &wait, &error));
    g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_CANCELLED);
    return NULL;
}

// It goes on as long as somebody waits, and not longer; who comes then has it made anew.
static void test_given_up(Fixture *fixture, gconstpointer unused)
{
    Impatient callers[] = {{fixture, 0}, {fixture, 0}};
    GThread *threads[2];
    fixture->holds = 1;
    for (guint i = 0; i < 2; i++)
        threads[i] = g_thread_new("caller", impatient_caller, &callers[i]);
    wait_for(&fixture->made, 1);
    g_usleep(50000); // for both to wait
    g_atomic_int_set(&callers[0].cancelled, 1);
    g_thread_join(threads[0]);
    g_usleep(50000);
    g_assert_cmpint(g_atomic_int_get(&fixture->gave_up), ==, 0);
    g_atomic_int_set(&callers[1].cancelled, 1);
    g_thread_join(threads[1]);
    wait_for(&fixture->gave_up, 1);
    g_atomic_int_set(&fixture->released, 1);
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 2);
}

static void test_wish(Fixture *fixture, gconstpointer unused)
{
    CutBlobRequest request;
    fill(fixture, 7, &request);
    fixture->holds = 1;
    CutBlobJob *wish = cut_blobs_wish(fixture->blobs, &request);
    g_assert_nonnull(wish);
    wait_for(&fixture->made, 1);
    cut_blobs_unwish(fixture->blobs, wish);
    wait_for(&fixture->gave_up, 1);
    g_atomic_int_set(&fixture->released, 1);
    check_get(fixture, 7);
    g_assert_null(cut_blobs_wish(fixture->blobs, &request)); // it is there
    cut_blobs_unwish(fixture->blobs, NULL);
    g_byte_array_unref(request.hashes);
}

static void test_no_wait(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(get(fixture, 7, &segment_no_wait, &error));
    g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK);
    g_clear_error(&error);
    g_assert_cmpint(fixture->made, ==, 0);
    check_get(fixture, 7);
    g_autoptr(GBytes) bytes = get(fixture, 7, &segment_no_wait, &error);
    g_assert_no_error(error);
    g_assert_nonnull(bytes);
}

static void test_failure(Fixture *fixture, gconstpointer unused)
{
    for (int i = 1; i <= 2; i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(get(fixture, 99, NULL, &error));
        g_assert_error(error, CUT_ERROR, CUT_ERROR_CODEC);
        g_assert_cmpint(fixture->made, ==, i); // it may be better the next time
    }
    g_assert_cmpuint(count_files(fixture), ==, 0);
}

// The end does not wait for what nobody will get any more.
static void test_end(Fixture *fixture, gconstpointer unused)
{
    CutBlobJob *wishes[20];
    fixture->holds = 1;
    for (guint i = 0; i < G_N_ELEMENTS(wishes); i++) {
        CutBlobRequest request;
        fill(fixture, i + 1, &request);
        wishes[i] = cut_blobs_wish(fixture->blobs, &request);
        g_assert_nonnull(wishes[i]);
        g_byte_array_unref(request.hashes);
    }
    wait_for(&fixture->made, 1);
    for (guint i = 0; i < G_N_ELEMENTS(wishes); i++)
        cut_blobs_unwish(fixture->blobs, wishes[i]);
    g_clear_pointer(&fixture->blobs, cut_blobs_free);
    g_assert_cmpint(fixture->gave_up, ==, fixture->made);
}

// ---- disk

static void test_restart(Fixture *fixture, gconstpointer unused)
{
    check_get(fixture, 7);
    check_get(fixture, 8);
    open_blobs(fixture, G_MAXINT64);
    check_get(fixture, 7);
    check_get(fixture, 8);
    g_assert_cmpint(fixture->made, ==, 0);
    CutBlobsStatus status;
    cut_blobs_get_status(fixture->blobs, &status);
    g_assert_cmpuint(status.n_files, ==, 2);
}

static void test_broken(Fixture *fixture, gconstpointer how)
{
    check_get(fixture, 7);
    g_autofree char *path = file_of(fixture, 7);
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    // At every place of it: shorter, or another byte.
    for (off_t at = 0; at < st.st_size; at += at < 200 ? 7 : 97) {
        guint8 byte;
        int fd = open(path, O_RDWR);
        g_assert_cmpint(pread(fd, &byte, 1, at), ==, 1);
        byte ^= 1;
        g_assert_true(how != NULL ? ftruncate(fd, at) == 0 : pwrite(fd, &byte, 1, at) == 1);
        close(fd);
        open_blobs(fixture, G_MAXINT64);
        check_get(fixture, 7);
        g_assert_cmpint(fixture->made, ==, 1);
        g_assert_cmpuint(count_files(fixture), ==, 1);
    }
}

// A file that is altered while it is known.
static void test_altered(Fixture *fixture, gconstpointer unused)
{
    check_get(fixture, 7);
    open_blobs(fixture, G_MAXINT64);
    g_autofree char *path = file_of(fixture, 7);
    g_assert_cmpint(truncate(path, 500), ==, 0);
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 1);
    open_blobs(fixture, G_MAXINT64);
    g_assert_cmpint(unlink(path), ==, 0);
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 1);
    open_blobs(fixture, G_MAXINT64);
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 0);
}

// A file that another daemon deleted is not there: it is made when it is wished for.
static void test_deleted_by_other(Fixture *fixture, gconstpointer unused)
{
    check_get(fixture, 7);
    open_blobs(fixture, G_MAXINT64);
    g_autofree char *path = file_of(fixture, 7);
    g_assert_cmpint(unlink(path), ==, 0);
    g_autoptr(GError) error = NULL;
    g_assert_null(get(fixture, 7, &segment_no_wait, &error));
    g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK);
    CutBlobRequest request;
    fill(fixture, 7, &request);
    CutBlobJob *wish = cut_blobs_wish(fixture->blobs, &request);
    g_assert_nonnull(wish);
    g_byte_array_unref(request.hashes);
    wait_for(&fixture->made, 1);
    cut_blobs_unwish(fixture->blobs, wish);
}

static void test_limit(Fixture *fixture, gconstpointer unused)
{
    open_blobs(fixture, 4 * (SIZE + 300));
    for (guint number = 1; number <= 10; number++) {
        check_get(fixture, number);
        g_assert_cmpuint(count_files(fixture), <=, 4);
    }
    CutBlobsStatus status;
    cut_blobs_get_status(fixture->blobs, &status);
    g_assert_cmpuint(status.n_files, ==, 4);
    g_assert_cmpint(status.size, <=, 4 * (SIZE + 300));
    g_usleep(20000); // file times are no finer than a tick
    // The one that was read is younger than those that were made after it.
    open_blobs(fixture, 4 * (SIZE + 300));
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 0);
    open_blobs(fixture, 4 * (SIZE + 300)); // the order is known after a restart, too
    for (guint number = 21; number <= 23; number++)
        check_get(fixture, number);
    open_blobs(fixture, 4 * (SIZE + 300));
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 0);
    check_get(fixture, 8);
    g_assert_cmpint(fixture->made, ==, 1);
    // A limit that became smaller
    open_blobs(fixture, 2 * (SIZE + 300));
    g_assert_cmpuint(count_files(fixture), ==, 2);
}

static gboolean is_barred(const char *stream, const guint8 *hash, gpointer data)
{
    return strcmp(stream, STREAM) == 0 && hash[0] == GPOINTER_TO_UINT(data);
}

static void test_drop(Fixture *fixture, gconstpointer other_daemon)
{
    for (guint number = 6; number <= 9; number++)
        check_get(fixture, number);
    // One that has just begun, before it is told, finds what the other one made.
    if (other_daemon != NULL) {
        g_autofree char *moved = g_strconcat(fixture->directory, ".away", NULL);
        g_assert_cmpint(rename(fixture->directory, moved), ==, 0);
        open_blobs(fixture, G_MAXINT64);
        g_autofree char *command = g_strdup_printf("mv %s/* %s/", moved, fixture->directory);
        g_assert_cmpint(system(command), ==, 0);
    }
    cut_blobs_drop(fixture->blobs, is_barred, GUINT_TO_POINTER(8)); // of 7, and of 8
    g_assert_cmpuint(count_files(fixture), ==, 2);
    fixture->made = 0;
    check_get(fixture, 6);
    check_get(fixture, 9);
    g_assert_cmpint(fixture->made, ==, 0);
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 1);
}

// What is no edge stays where it is.
static void test_strangers(Fixture *fixture, gconstpointer unused)
{
    static const char *const names[] = {"README", ".1-2", "abc.edge"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(fixture->directory, names[i], NULL);
        g_assert_true(g_file_set_contents(path, "x", 1, NULL));
    }
    open_blobs(fixture, G_MAXINT64);
    check_get(fixture, 7);
    g_assert_cmpuint(count_files(fixture), ==, G_N_ELEMENTS(names) + 1);
    // What a crash left an hour ago does not.
    g_autofree char *old = g_build_filename(fixture->directory, ".1-2", NULL);
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    g_assert_cmpint(utimensat(AT_FDCWD, old, times, 0), ==, 0);
    open_blobs(fixture, G_MAXINT64);
    g_assert_cmpuint(count_files(fixture), ==, G_N_ELEMENTS(names));
}

// Without a place for them they are kept in memory.
static void test_no_directory(Fixture *fixture, gconstpointer unused)
{
    scratch_expect_warnings("kept in memory alone");
    g_free(fixture->directory);
    fixture->directory = g_strdup("/dev/null/edges");
    open_blobs(fixture, G_MAXINT64);
    g_assert_cmpuint(scratch_count_warnings(), ==, 1);
    check_get(fixture, 7);
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 1);
    cut_blobs_drop(fixture->blobs, is_barred, GUINT_TO_POINTER(7));
    check_get(fixture, 7);
    g_assert_cmpint(fixture->made, ==, 2);
}

// Where nothing can be written, it is said once.
static void test_full(Fixture *fixture, gconstpointer unused)
{
    scratch_expect_warnings("cannot keep an edge");
    scratch_remove(fixture->scratch, "cache");
    for (guint number = 1; number <= 5; number++)
        check_get(fixture, number);
    g_assert_cmpint(fixture->made, ==, 5);
    check_get(fixture, 1);
    g_assert_cmpint(fixture->made, ==, 5);
    g_assert_cmpuint(scratch_count_warnings(), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/blobs/once", Fixture, NULL, set_up, test_once, tear_down);
    g_test_add("/blobs/given-up", Fixture, NULL, set_up, test_given_up, tear_down);
    g_test_add("/blobs/wish", Fixture, NULL, set_up, test_wish, tear_down);
    g_test_add("/blobs/no-wait", Fixture, NULL, set_up, test_no_wait, tear_down);
    g_test_add("/blobs/failure", Fixture, NULL, set_up, test_failure, tear_down);
    g_test_add("/blobs/end", Fixture, NULL, set_up, test_end, tear_down);
    g_test_add("/blobs/restart", Fixture, NULL, set_up, test_restart, tear_down);
    g_test_add("/blobs/broken/altered", Fixture, NULL, set_up, test_broken, tear_down);
    g_test_add("/blobs/broken/truncated", Fixture, "truncated", set_up, test_broken, tear_down);
    g_test_add("/blobs/broken/in-use", Fixture, NULL, set_up, test_altered, tear_down);
    g_test_add("/blobs/deleted-by-other", Fixture, NULL, set_up, test_deleted_by_other, tear_down);
    g_test_add("/blobs/limit", Fixture, NULL, set_up, test_limit, tear_down);
    g_test_add("/blobs/drop", Fixture, NULL, set_up, test_drop, tear_down);
    g_test_add("/blobs/drop/of-other", Fixture, "other", set_up, test_drop, tear_down);
    g_test_add("/blobs/strangers", Fixture, NULL, set_up, test_strangers, tear_down);
    g_test_add("/blobs/no-directory", Fixture, NULL, set_up, test_no_directory, tear_down);
    g_test_add("/blobs/full", Fixture, NULL, set_up, test_full, tear_down);
    return g_test_run();
}
