// SPDX-License-Identifier: MIT
// Samples are read once, by whoever comes first, and are on disk from then on; slices are made once.
#include "cut/sample-cache.h"

#include "cut/samples.h"
#include "cut/slices.h"
#include "segment/error.h"
#include "tests/media.h"
#include "tests/scratch.h"

#define N_SEGMENTS 12
#define FRAMES 75 // of 1920 ticks each in a segment: 1.6 s
#define SEGMENT (16 * SEGMENT_SECOND / 10)

typedef struct {
    Scratch *scratch;
    SegmentStore *store;
    SegmentStream *stream;
    SegmentRange *range;
    CutBatchPool *pool;
    int n_read; // atomic
} Fixture;

static char *segment_path(guint i)
{
    g_autofree char *name = scratch_name(i * SEGMENT, "1.6", SEGMENT_FULL, i);
    return g_build_filename("store/channel/quality/2019-11-13T02", name, NULL);
}

static void set_up(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    fixture->scratch = scratch_new();
    for (guint i = 0; i < N_SEGMENTS; i++) {
        g_autoptr(Media) media = media_new();
        media_add_tables(media, 0);
        media_add_sound(media, 9000 + i * FRAMES * 1920, FRAMES, FRAMES * i, 0);
        g_autofree char *path = segment_path(i);
        scratch_file(fixture->scratch, path, 0);
        g_autofree char *full = scratch_path(fixture->scratch, path);
        g_assert_true(g_file_set_contents(full, (const char *) media->bytes->data, media->bytes->len, NULL));
    }
    g_autofree char *root = scratch_path(fixture->scratch, "store");
    fixture->store = segment_store_open(root, &options, &error);
    g_assert_no_error(error);
    fixture->stream = segment_store_stream(fixture->store, "channel/quality", NULL, &error);
    g_assert_no_error(error);
    gint64 start = 1573610400 * SEGMENT_SECOND; // 2019-11-13T02
    fixture->range =
        segment_stream_range(fixture->stream, start, start + N_SEGMENTS * SEGMENT, FALSE, TRUE, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(fixture->range->refs->len, ==, N_SEGMENTS);
    fixture->pool = cut_batch_pool_new();
}

static void tear_down(Fixture *fixture, gconstpointer unused)
{
    segment_range_free(fixture->range);
    cut_batch_pool_free(fixture->pool);
    segment_store_free(fixture->store);
    scratch_free(fixture->scratch);
}

static void count(const SegmentName *name, const guint8 *bytes, gsize size, gpointer data)
{
    Fixture *fixture = data;
    g_atomic_int_inc(&fixture->n_read);
}

static CutSampleCache *new_cache(Fixture *fixture)
{
    g_autofree char *directory = scratch_path(fixture->scratch, "cache");
    return cut_sample_cache_new(directory, G_MAXINT64, fixture->pool, count, fixture);
}

static void get_all(CutSampleCache *cache, const Fixture *fixture, const SegmentWait *wait)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CutSamples) samples = cut_samples_new();
    GBytes *packed[N_SEGMENTS];
    gboolean ok = cut_sample_cache_get(cache, fixture->stream, fixture->range, 0, N_SEGMENTS, packed, wait, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    for (guint i = 0; i < N_SEGMENTS; i++) {
        g_assert_true(cut_samples_unpack(samples, packed[i]));
        g_assert_cmpuint(samples->tracks[0].frames->len, ==, FRAMES);
        g_assert_cmpint(g_array_index(samples->tracks[0].frames, CutSoundSample, 0).pts, ==, 9000 + i * FRAMES * 1920);
        g_bytes_unref(packed[i]);
    }
}

static void test_once(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    GBytes *packed[N_SEGMENTS];
    CutSampleCache *cache = new_cache(fixture);
    g_assert_false(
        cut_sample_cache_get(cache, fixture->stream, fixture->range, 0, N_SEGMENTS, packed, &segment_no_wait, &error));
    g_assert_error(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK);
    get_all(cache, fixture, NULL);
    get_all(cache, fixture, &segment_no_wait);
    g_assert_cmpint(g_atomic_int_get(&fixture->n_read), ==, N_SEGMENTS);
    cut_sample_cache_free(cache);
    // Another one takes them from the disk, where they are without their segments.
    for (guint i = 0; i < N_SEGMENTS; i++) {
        g_autofree char *path = segment_path(i);
        scratch_remove(fixture->scratch, path);
    }
    cache = new_cache(fixture);
    get_all(cache, fixture, NULL);
    g_assert_cmpint(g_atomic_int_get(&fixture->n_read), ==, N_SEGMENTS);
    cut_sample_cache_free(cache);
}

// One that is gone is an error, and nothing is left over.
static void test_gone(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    GBytes *packed[N_SEGMENTS];
    g_autofree char *path = segment_path(5);
    scratch_remove(fixture->scratch, path);
    CutSampleCache *cache = new_cache(fixture);
    g_assert_false(cut_sample_cache_get(cache, fixture->stream, fixture->range, 0, N_SEGMENTS, packed, NULL, &error));
    g_assert_error(error, SEGMENT_ERRNO, EIO);
    for (guint i = 0; i < N_SEGMENTS; i++)
        g_assert_null(packed[i]);
    cut_sample_cache_free(cache);
}

static gpointer get_in_thread(gpointer data)
{
    Fixture *fixture = ((gpointer *) data)[0];
    get_all(((gpointer *) data)[1], fixture, NULL);
    return NULL;
}

static void test_threads(Fixture *fixture, gconstpointer unused)
{
    CutSampleCache *cache = new_cache(fixture);
    gpointer both[] = {fixture, cache};
    GThread *threads[4];
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("get", get_in_thread, both);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(g_atomic_int_get(&fixture->n_read), ==, N_SEGMENTS);
    cut_sample_cache_free(cache);
}

// ---- slices

static int n_made; // atomic

static GBytes *make_slice(gpointer data, GError **error)
{
    g_atomic_int_inc(&n_made);
    g_usleep(2000);
    if (data == NULL) {
        g_set_error_literal(error, SEGMENT_ERRNO, EIO, "it");
        return NULL;
    }
    return g_bytes_new_take(g_malloc0(GPOINTER_TO_SIZE(data)), GPOINTER_TO_SIZE(data));
}

static gpointer get_slice(gpointer slices)
{
    const guint8 key[CUT_SLICE_KEY] = {1};
    return cut_slices_get(slices, key, make_slice, GSIZE_TO_POINTER(1000), NULL, NULL);
}

static void test_slices(void)
{
    g_autoptr(GError) error = NULL;
    CutSlices *slices = cut_slices_new();
    GThread *threads[8];
    n_made = 0;
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("slice", get_slice, slices);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_bytes_unref(g_thread_join(threads[i]));
    g_assert_cmpint(g_atomic_int_get(&n_made), ==, 1);
    // A failure is not kept.
    guint8 key[CUT_SLICE_KEY] = {2};
    g_assert_null(cut_slices_get(slices, key, make_slice, NULL, NULL, &error));
    g_assert_error(error, SEGMENT_ERRNO, EIO);
    g_bytes_unref(cut_slices_get(slices, key, make_slice, GSIZE_TO_POINTER(10), NULL, NULL));
    g_assert_cmpint(g_atomic_int_get(&n_made), ==, 3);
    // Many large ones: those that were used last stay.
    for (guint8 i = 0; i < 40; i++) {
        key[0] = 10 + i;
        g_bytes_unref(cut_slices_get(slices, key, make_slice, GSIZE_TO_POINTER(1 << 20), NULL, NULL));
    }
    g_bytes_unref(cut_slices_get(slices, key, make_slice, GSIZE_TO_POINTER(1 << 20), NULL, NULL));
    g_assert_cmpint(g_atomic_int_get(&n_made), ==, 43);
    key[0] = 10;
    g_bytes_unref(cut_slices_get(slices, key, make_slice, GSIZE_TO_POINTER(1 << 20), NULL, NULL));
    g_assert_cmpint(g_atomic_int_get(&n_made), ==, 44);
    cut_slices_free(slices);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/samples/once", Fixture, NULL, set_up, test_once, tear_down);
    g_test_add("/samples/gone", Fixture, NULL, set_up, test_gone, tear_down);
    g_test_add("/samples/threads", Fixture, NULL, set_up, test_threads, tear_down);
    g_test_add_func("/slices", test_slices);
    return g_test_run();
}
