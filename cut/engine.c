// SPDX-License-Identifier: MIT
// The table of indices: by the segments' hashes, so that a segment that comes back is known. When it is full it begins
// anew: what is in use is read again, at some tens of microseconds each.
#include "cut/engine.h"

#include <string.h>

#include "cut/archive.h"
#include "cut/frame.h"
#include "cut/make.h"
#include "cut/sources.h"
#include "cut/timeline.h"
#include "cut/waveform.h"
#include "segment/fd.h"
#include "segment/lock.h"

#define MAX_INDICES 20000
#define MAX_OBSTACLE_SEGMENTS 7200 // that a report looks into
#define CHUNK 16 // segments that a thread takes at a time
#define MAX_WAVEFORMS 2 // at the same time: each has as many threads as there are processors
#define POLL (20 * 1000) // microseconds between two looks whether a caller is still there

typedef struct {
    guint8 hash[SEGMENT_HASH_SIZE];
    CutIndex index;
} Known;

struct CutEngine {
    CutBlobs *blobs;
    CutArchives *archives;
    GThreadPool *pool; // reads indices
    GMutex lock;
    GHashTable *known; // Known, by hash; guarded by lock
    guint n_frames, n_waveforms; // that are being made; guarded by lock
    GCond picture_ended;
};

// ---- indices

// Segments that several threads read.
typedef struct {
    CutEngine *engine;
    SegmentStream *stream;
    const SegmentRange *range;
    guint first, n;
    CutIndex *indices;
    const SegmentWait *wait;
    int next; // atomic: the first that nobody has taken
    int failed; // atomic
    GMutex lock;
    GCond ended;
    guint n_threads; // guarded by lock
    GError *error; // the first one; guarded by lock
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

static gboolean read_one(Batch *batch, guint i, GError **error)
{
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

static void read_some(Batch *batch)
{
    g_autoptr(GError) error = NULL;
    while (error == NULL && g_atomic_int_get(&batch->failed) == 0) {
        guint begin = (guint) g_atomic_int_add(&batch->next, CHUNK);
        if (begin >= batch->n)
            return;
        for (guint i = begin; i < MIN(begin + CHUNK, batch->n) && error == NULL; i++) {
            if (!segment_wait_is_over(batch->wait, &error))
                read_one(batch, i, &error);
        }
    }
    SEGMENT_LOCK_SCOPE(&batch->lock);
    g_atomic_int_set(&batch->failed, 1);
    if (batch->error == NULL)
        batch->error = g_steal_pointer(&error);
}

static void help(gpointer data, gpointer unused)
{
    Batch *batch = data;
    read_some(batch);
    SEGMENT_LOCK_SCOPE(&batch->lock);
    batch->n_threads--;
    g_cond_signal(&batch->ended);
}

gboolean cut_engine_index(CutEngine *engine, SegmentStream *stream, const SegmentRange *range, guint first, guint n,
                          CutIndex *indices, const SegmentWait *wait, GError **error)
{
    Batch batch = {.engine = engine,
                   .stream = stream,
                   .range = range,
                   .first = first,
                   .n = n,
                   .indices = indices,
                   .wait = wait,
                   .n_threads = n > 2 * CHUNK ? g_get_num_processors() - 1 : 0};
    g_mutex_init(&batch.lock);
    g_cond_init(&batch.ended);
    for (guint i = batch.n_threads; i > 0; i--)
        g_thread_pool_push(engine->pool, &batch, NULL);
    read_some(&batch);
    g_mutex_lock(&batch.lock);
    while (batch.n_threads > 0)
        g_cond_wait(&batch.ended, &batch.lock);
    g_mutex_unlock(&batch.lock);
    g_mutex_clear(&batch.lock);
    g_cond_clear(&batch.ended);
    if (batch.error == NULL)
        return TRUE;
    g_propagate_error(error, batch.error);
    return FALSE;
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
    engine->pool = g_thread_pool_new(help, NULL, (gint) g_get_num_processors(), FALSE, NULL);
    g_autofree char *edges = directory != NULL ? g_build_filename(directory, "edges", NULL) : NULL;
    engine->blobs = cut_blobs_new(edges, limit, make, engine);
    engine->archives = cut_archives_new(directory, limit);
    return engine;
}

void cut_engine_free(CutEngine *engine)
{
    if (engine == NULL)
        return;
    cut_archives_free(engine->archives);
    cut_blobs_free(engine->blobs);
    g_thread_pool_free(engine->pool, FALSE, TRUE);
    g_hash_table_unref(engine->known);
    g_mutex_clear(&engine->lock);
    g_cond_clear(&engine->picture_ended);
    g_free(engine);
}

CutBlobs *cut_engine_blobs(CutEngine *engine)
{
    return engine->blobs;
}

CutArchives *cut_engine_archives(CutEngine *engine)
{
    return engine->archives;
}

gboolean cut_engine_find_obstacle(CutPlan *plan, const SegmentWait *wait, gpointer engine, char **obstacle,
                                  GError **error)
{
    if (plan->n_segments == 0 || plan->n_segments > MAX_OBSTACLE_SEGMENTS)
        return TRUE;
    g_autoptr(GError) failure = NULL;
    CutRequest *request = cut_request_copy(plan->request, CUT_FORMAT_TS);
    request->mode = CUT_MODE_SMART;
    request->accept_holes = TRUE;
    g_autoptr(CutPlan) cut = cut_plan_new(plan->stream, request, NULL, wait, &failure);
    if (cut != NULL && cut_timeline_get(engine, cut, wait, &failure) != NULL)
        return TRUE;
    if (failure->domain == SEGMENT_ERROR) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    *obstacle = g_strdup(failure->message);
    return TRUE;
}
