// SPDX-License-Identifier: MIT
// The table of indices: by the segments' hashes, so that a segment that comes back is known. When it is full it begins
// anew: what is in use is read again, at some tens of microseconds each.
#include "cut/engine.h"

#include <string.h>

#include "cut/archive.h"
#include "cut/batch.h"
#include "cut/frame.h"
#include "cut/make.h"
#include "cut/movie.h"
#include "cut/sample-cache.h"
#include "cut/slices.h"
#include "cut/sources.h"
#include "cut/timeline.h"
#include "cut/waveform.h"
#include "segment/fd.h"
#include "segment/lock.h"

#define MAX_INDICES 20000
#define MAX_OBSTACLE_SEGMENTS 7200 // that a report looks into
#define MAX_MOVIE_SEGMENTS 1800 // that it reads as a whole
#define MAX_WAVEFORMS 2 // at the same time: each has as many threads as there are processors
#define POLL (20 * 1000) // microseconds between two looks whether a caller is still there

typedef struct {
    guint8 hash[SEGMENT_HASH_SIZE];
    CutIndex index;
} Known;

struct CutEngine {
    CutBlobs *blobs;
    CutArchives *archives;
    CutBatchPool *pool; // reads indices and samples
    CutSampleCache *samples;
    CutSlices *slices;
    GMutex lock;
    GHashTable *known; // Known, by hash; guarded by lock
    guint n_frames, n_waveforms; // that are being made; guarded by lock
    GCond picture_ended;
};

// ---- indices

// Segments whose indices are read.
typedef struct {
    CutEngine *engine;
    SegmentStream *stream;
    const SegmentRange *range;
    guint first;
    CutIndex *indices;
} Batch;

static gboolean find_known(CutEngine *engine, const guint8 *hash, CutIndex *index)
{
    SEGMENT_LOCK_SCOPE(&engine->lock);
    const Known *known = g_hash_table_lookup(engine->known, hash);
    if (known != NULL)
        *index = known->index;
    return known != NULL;
}

static void keep_known(CutEngine *engine, const guint8 *hash, const CutIndex *index)
{
    Known *known = g_new(Known, 1);
    memcpy(known->hash, hash, sizeof known->hash);
    known->index = *index;
    SEGMENT_LOCK_SCOPE(&engine->lock);
    if (g_hash_table_size(engine->known) >= MAX_INDICES)
        g_hash_table_remove_all(engine->known);
    g_hash_table_replace(engine->known, known->hash, known);
}

// Of a segment that is in memory for its samples.
static void note_index(const SegmentName *name, const guint8 *bytes, gsize size, gpointer engine)
{
    CutIndex index;
    if (!find_known(engine, name->hash, &index) && cut_index_scan(bytes, size, "", &index, NULL))
        keep_known(engine, name->hash, &index);
}

static gboolean read_one(guint i, gpointer data, GError **error)
{
    Batch *batch = data;
    const SegmentHour *hour = segment_range_hour(batch->range, batch->first + i);
    const SegmentEntry *entry = segment_range_entry(batch->range, batch->first + i);
    SegmentName name;
    if (!segment_name_parse(segment_hour_name(hour, entry), &name))
        g_assert_not_reached();
    if (find_known(batch->engine, name.hash, &batch->indices[i]))
        return TRUE;
    g_autofree char *path = cut_segment_path(batch->stream, batch->range, batch->first + i);
    segment_autofd int fd = cut_open_segment(batch->stream, batch->range, batch->first + i, error);
    if (fd < 0 || !cut_index_read(fd, entry->size, path, &batch->indices[i], error))
        return FALSE;
    keep_known(batch->engine, name.hash, &batch->indices[i]);
    return TRUE;
}

gboolean cut_engine_index(CutEngine *engine, SegmentStream *stream, const SegmentRange *range, guint first, guint n,
                          CutIndex *indices, const SegmentWait *wait, GError **error)
{
    Batch batch = {.engine = engine, .stream = stream, .range = range, .first = first, .indices = indices};
    return cut_batch_run(engine->pool, n, read_one, &batch, wait, error);
}

// ---- pictures

static gboolean wait_for_turn(CutEngine *engine, guint *n, guint limit, const SegmentWait *wait, GError **error)
{
    SEGMENT_LOCK_SCOPE(&engine->lock);
    while (*n >= limit) {
        if (segment_wait_is_over(wait, error))
            return FALSE;
        g_cond_wait_until(&engine->picture_ended, &engine->lock, g_get_monotonic_time() + POLL);
    }
    (*n)++;
    return TRUE;
}

GBytes *cut_engine_render(CutPlan *plan, const SegmentWait *wait, gpointer data, GError **error)
{
    CutEngine *engine = data;
    gboolean is_waveform = plan->request->format == CUT_FORMAT_PNG;
    guint *n = is_waveform ? &engine->n_waveforms : &engine->n_frames;
    if (!segment_wait_may_block(wait)) {
        g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "a picture");
        return NULL;
    }
    if (!wait_for_turn(engine, n, is_waveform ? MAX_WAVEFORMS : g_get_num_processors(), wait, error))
        return NULL;
    GBytes *bytes = (is_waveform ? cut_waveform_render : cut_frame_render)(plan, wait, error);
    SEGMENT_LOCK_SCOPE(&engine->lock);
    (*n)--;
    g_cond_broadcast(&engine->picture_ended);
    return bytes;
}

// ---- all of it

static GBytes *make(CutPlan *plan, guint number, const int *cancelled, gpointer engine, GError **error)
{
    return cut_make_part(engine, plan, number, cancelled, error);
}

CutEngine *cut_engine_new(const char *directory, gint64 limit)
{
    CutEngine *engine = g_new0(CutEngine, 1);
    g_mutex_init(&engine->lock);
    g_cond_init(&engine->picture_ended);
    engine->known = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, NULL, g_free);
    engine->pool = cut_batch_pool_new();
    engine->samples = cut_sample_cache_new(directory, limit, engine->pool, note_index, engine);
    engine->slices = cut_slices_new();
    g_autofree char *edges = directory != NULL ? g_build_filename(directory, "edges", NULL) : NULL;
    engine->blobs = cut_blobs_new(edges, limit, make, engine);
    engine->archives = cut_archives_new(directory, limit);
    return engine;
}

void cut_engine_free(CutEngine *engine)
{
    if (engine == NULL)
        return;
    cut_slices_free(engine->slices);
    cut_archives_free(engine->archives);
    cut_blobs_free(engine->blobs);
    cut_sample_cache_free(engine->samples);
    cut_batch_pool_free(engine->pool);
    g_hash_table_unref(engine->known);
    g_mutex_clear(&engine->lock);
    g_cond_clear(&engine->picture_ended);
    g_free(engine);
}

CutBlobs *cut_engine_blobs(CutEngine *engine)
{
    return engine->blobs;
}

CutSampleCache *cut_engine_samples(CutEngine *engine)
{
    return engine->samples;
}

CutSlices *cut_engine_slices(CutEngine *engine)
{
    return engine->slices;
}

CutArchives *cut_engine_archives(CutEngine *engine)
{
    return engine->archives;
}

// A cut of what PLAN is about, of another FORMAT, with MOVIE's help. NULL without the error, but with *OBSTACLE, where
// there is none.
static CutPlan *plan_other(CutPlan *plan, CutFormat format, const CutTextOptions *movie, const SegmentWait *wait,
                           char **obstacle, GError **error)
{
    g_autoptr(GError) failure = NULL;
    CutRequest *request = cut_request_copy(plan->request, format);
    request->mode = CUT_MODE_SMART;
    request->accept_holes = TRUE;
    CutPlan *other = cut_plan_new(plan->stream, request, movie, wait, &failure);
    if (other == NULL && failure->domain == SEGMENT_ERROR)
        g_propagate_error(error, g_steal_pointer(&failure));
    else if (other == NULL)
        *obstacle = g_strdup(failure->message);
    return other;
}

static gboolean inspect_stream(CutEngine *engine, CutPlan *plan, const SegmentWait *wait, CutFindings *findings,
                               GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(CutPlan) cut = plan_other(plan, CUT_FORMAT_TS, NULL, wait, &findings->obstacle, error);
    if (cut == NULL)
        return findings->obstacle != NULL;
    if (cut_timeline_get(engine, cut, wait, &failure) != NULL)
        return TRUE;
    if (failure->domain == SEGMENT_ERROR) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    findings->obstacle = g_strdup(failure->message);
    return TRUE;
}

static gboolean inspect_movie(CutEngine *engine, CutPlan *plan, const SegmentWait *wait, CutFindings *findings,
                              GError **error)
{
    const CutTextOptions options = {.lay_out_movie = cut_movie_lay_out, .data = engine};
    g_autofree char *obstacle = NULL;
    g_autoptr(CutPlan) cut = plan_other(plan, CUT_FORMAT_MP4, &options, wait, &obstacle, error);
    if (cut == NULL && obstacle == NULL)
        return FALSE;
    findings->mp4 = cut != NULL ? cut_movie_describe(cut->movie) : g_strdup_printf("none: %s", obstacle);
    return TRUE;
}

gboolean cut_engine_inspect(CutPlan *plan, const SegmentWait *wait, gpointer engine, CutFindings *findings,
                            GError **error)
{
    if (plan->n_segments == 0 || plan->n_segments > MAX_OBSTACLE_SEGMENTS)
        return TRUE;
    if (!inspect_stream(engine, plan, wait, findings, error))
        return FALSE;
    return findings->obstacle != NULL || plan->n_segments > MAX_MOVIE_SEGMENTS ||
           inspect_movie(engine, plan, wait, findings, error);
}
