// SPDX-License-Identifier: MIT
// The states of a blob: unknown, being made (a job, which counts who wants it), in memory, on disk, or both. A job's
// result goes to who waits for it even if it was forgotten meanwhile: they check for themselves what is barred.
#include "cut/blobs.h"

#include <string.h>

#include "cut/blob-files.h"
#include "segment/lock.h"

#define MEMORY (48 * 1024 * 1024) // bytes of blobs in memory
#define POLL (20 * 1000) // microseconds between two looks whether a caller is still there

struct CutBlobJob {
    guint8 key[CUT_BLOB_KEY];
    CutPlan *plan;
    guint number;
    GByteArray *hashes;
    guint n_wanted; // by callers that wait, and by wishes
    guint n_references; // those, and the thread that makes it
    int cancelled; // atomic
    gboolean done;
    GBytes *bytes;
    GError *error;
};

typedef struct {
    guint8 key[CUT_BLOB_KEY];
    GBytes *bytes;
    GByteArray *hashes;
    char *stream;
    GList link;
} Entry;

struct CutBlobs {
    CutBlobFunc make;
    gpointer data;
    CutBlobFiles *files; // or NULL
    GThreadPool *pool;
    GMutex lock; // guards all below
    GCond changed;
    GHashTable *jobs; // key → CutBlobJob
    GHashTable *entries; // key → Entry
    GQueue lru; // Entry, the one used last first
    gsize memory;
    guint n_made, n_given_up;
};

// ---- memory

static void drop_entry(CutBlobs *blobs, Entry *entry)
{
    g_hash_table_remove(blobs->entries, entry->key);
    g_queue_unlink(&blobs->lru, &entry->link);
    blobs->memory -= g_bytes_get_size(entry->bytes);
    g_bytes_unref(entry->bytes);
    g_byte_array_unref(entry->hashes);
    g_free(entry->stream);
    g_free(entry);
}

static void keep(CutBlobs *blobs, const guint8 *key, const char *stream, GByteArray *hashes, GBytes *bytes)
{
    Entry *entry = g_hash_table_lookup(blobs->entries, key);
    if (entry != NULL)
        drop_entry(blobs, entry);
    entry = g_new0(Entry, 1);
    memcpy(entry->key, key, CUT_BLOB_KEY);
    entry->bytes = g_bytes_ref(bytes);
    entry->hashes = g_byte_array_ref(hashes);
    entry->stream = g_strdup(stream);
    entry->link.data = entry;
    g_hash_table_insert(blobs->entries, entry->key, entry);
    g_queue_push_head_link(&blobs->lru, &entry->link);
    blobs->memory += g_bytes_get_size(bytes);
    while (blobs->memory > MEMORY && blobs->lru.length > 1)
        drop_entry(blobs, blobs->lru.tail->data);
}

static GBytes *find(CutBlobs *blobs, const guint8 *key)
{
    Entry *entry = g_hash_table_lookup(blobs->entries, key);
    if (entry == NULL)
        return NULL;
    g_queue_unlink(&blobs->lru, &entry->link);
    g_queue_push_head_link(&blobs->lru, &entry->link);
    return g_bytes_ref(entry->bytes);
}

// ---- jobs

static void job_unref(CutBlobJob *job)
{
    if (--job->n_references > 0)
        return;
    cut_plan_unref(job->plan);
    g_byte_array_unref(job->hashes);
    g_clear_pointer(&job->bytes, g_bytes_unref);
    g_clear_error(&job->error);
    g_free(job);
}

static gboolean is_job_barred(const CutBlobJob *job)
{
    for (guint i = 0; i + SEGMENT_HASH_SIZE <= job->hashes->len; i += SEGMENT_HASH_SIZE) {
        if (segment_stream_is_barred(job->plan->stream, job->hashes->data + i))
            return TRUE;
    }
    return FALSE;
}

static void work(gpointer data, gpointer user_data)
{
    CutBlobJob *job = data;
    CutBlobs *blobs = user_data;
    g_autoptr(GError) error = NULL;
    const char *stream = segment_stream_path(job->plan->stream);
    GBytes *bytes = blobs->make(job->plan, job->number, &job->cancelled, blobs->data, &error);
    if (bytes != NULL && blobs->files != NULL)
        cut_blob_files_write(blobs->files, job->key, stream, job->hashes, bytes);

    SEGMENT_LOCK_SCOPE(&blobs->lock);
    if (bytes != NULL) {
        keep(blobs, job->key, stream, job->hashes, bytes);
        blobs->n_made++;
    } else if (g_error_matches(error, SEGMENT_ERROR, SEGMENT_ERROR_CANCELLED)) {
        blobs->n_given_up++;
    }
    // A tombstone that came meanwhile found nothing to drop; one that comes now will.
    if (bytes != NULL && is_job_barred(job)) {
        drop_entry(blobs, g_hash_table_lookup(blobs->entries, job->key));
        if (blobs->files != NULL)
            cut_blob_files_remove(blobs->files, job->key);
    }
    job->bytes = bytes;
    job->error = g_steal_pointer(&error);
    job->done = TRUE;
    g_hash_table_remove(blobs->jobs, job->key);
    g_cond_broadcast(&blobs->changed);
    job_unref(job);
}

// The job of REQUEST, wanted once more. One that was given up already has to end first.
static CutBlobJob *want(CutBlobs *blobs, const CutBlobRequest *request)
{
    CutBlobJob *job = g_hash_table_lookup(blobs->jobs, request->key);
    if (job != NULL && g_atomic_int_get(&job->cancelled) != 0)
        return NULL;
    if (job == NULL) {
        job = g_new0(CutBlobJob, 1);
        memcpy(job->key, request->key, CUT_BLOB_KEY);
        job->plan = cut_plan_ref(request->plan);
        job->number = request->number;
        job->hashes = g_byte_array_ref(request->hashes);
        job->n_references = 1;
        g_hash_table_insert(blobs->jobs, job->key, job);
        g_thread_pool_push(blobs->pool, job, NULL);
    }
    job->n_wanted++;
    job->n_references++;
    return job;
}

static void unwant(CutBlobJob *job)
{
    if (--job->n_wanted == 0 && !job->done)
        g_atomic_int_set(&job->cancelled, 1);
    job_unref(job);
}

static void wait_a_little(CutBlobs *blobs)
{
    g_cond_wait_until(&blobs->changed, &blobs->lock, g_get_monotonic_time() + POLL);
}

// Waits for JOB. NULL with the error set, or, where it was given up by others, without.
static GBytes *wait_for(CutBlobs *blobs, CutBlobJob *job, const SegmentWait *wait, GError **error)
{
    GBytes *bytes = NULL;
    gboolean over = FALSE;
    while (!job->done && !(over = segment_wait_is_over(wait, error)))
        wait_a_little(blobs);
    if (!over && job->bytes != NULL)
        bytes = g_bytes_ref(job->bytes);
    else if (!over && !g_error_matches(job->error, SEGMENT_ERROR, SEGMENT_ERROR_CANCELLED))
        g_propagate_error(error, g_error_copy(job->error));
    unwant(job);
    return bytes;
}

GBytes *cut_blobs_get(CutBlobs *blobs, const CutBlobRequest *request, const SegmentWait *wait, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_mutex_lock(&blobs->lock);
    GBytes *bytes = find(blobs, request->key);
    g_mutex_unlock(&blobs->lock);
    if (bytes == NULL && blobs->files != NULL && (bytes = cut_blob_files_read(blobs->files, request->key)) != NULL) {
        SEGMENT_LOCK_SCOPE(&blobs->lock);
        keep(blobs, request->key, segment_stream_path(request->plan->stream), request->hashes, bytes);
    }
    if (bytes != NULL)
        return bytes;
    if (!segment_wait_may_block(wait)) {
        g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "an edge");
        return NULL;
    }
    SEGMENT_LOCK_SCOPE(&blobs->lock);
    while (bytes == NULL && failure == NULL && !segment_wait_is_over(wait, &failure)) {
        bytes = find(blobs, request->key);
        CutBlobJob *job = bytes == NULL ? want(blobs, request) : NULL;
        if (job != NULL)
            bytes = wait_for(blobs, job, wait, &failure);
        else if (bytes == NULL)
            wait_a_little(blobs);
    }
    if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    return bytes;
}

CutBlobJob *cut_blobs_wish(CutBlobs *blobs, const CutBlobRequest *request)
{
    if (blobs->files != NULL && cut_blob_files_has(blobs->files, request->key))
        return NULL;
    SEGMENT_LOCK_SCOPE(&blobs->lock);
    return g_hash_table_contains(blobs->entries, request->key) ? NULL : want(blobs, request);
}

void cut_blobs_unwish(CutBlobs *blobs, CutBlobJob *job)
{
    if (job == NULL)
        return;
    SEGMENT_LOCK_SCOPE(&blobs->lock);
    unwant(job);
}

// ---- all of it

CutBlobs *cut_blobs_new(const char *directory, gint64 limit, CutBlobFunc make, gpointer data)
{
    CutBlobs *blobs = g_new0(CutBlobs, 1);
    blobs->make = make;
    blobs->data = data;
    blobs->files = directory != NULL ? cut_blob_files_new(directory, limit) : NULL;
    blobs->pool = g_thread_pool_new(work, blobs, MAX(2, (gint) g_get_num_processors()), FALSE, NULL);
    blobs->jobs = g_hash_table_new(segment_hash_hash, segment_hash_equal);
    blobs->entries = g_hash_table_new(segment_hash_hash, segment_hash_equal);
    g_queue_init(&blobs->lru);
    g_mutex_init(&blobs->lock);
    g_cond_init(&blobs->changed);
    return blobs;
}

void cut_blobs_free(CutBlobs *blobs)
{
    if (blobs == NULL)
        return;
    GHashTableIter iter;
    gpointer job;
    g_mutex_lock(&blobs->lock);
    g_hash_table_iter_init(&iter, blobs->jobs);
    while (g_hash_table_iter_next(&iter, NULL, &job))
        g_atomic_int_set(&((CutBlobJob *) job)->cancelled, 1);
    g_mutex_unlock(&blobs->lock);
    g_thread_pool_free(blobs->pool, FALSE, TRUE);
    while (blobs->lru.length > 0)
        drop_entry(blobs, blobs->lru.head->data);
    g_hash_table_unref(blobs->jobs);
    g_hash_table_unref(blobs->entries);
    cut_blob_files_free(blobs->files);
    g_mutex_clear(&blobs->lock);
    g_cond_clear(&blobs->changed);
    g_free(blobs);
}

void cut_blobs_drop(CutBlobs *blobs, gboolean (*is_barred)(const char *stream, const guint8 *hash, gpointer data),
                    gpointer data)
{
    g_mutex_lock(&blobs->lock);
    for (GList *link = blobs->lru.head, *next; link != NULL; link = next) {
        Entry *entry = link->data;
        next = link->next;
        for (guint i = 0; i + SEGMENT_HASH_SIZE <= entry->hashes->len; i += SEGMENT_HASH_SIZE) {
            if (is_barred(entry->stream, entry->hashes->data + i, data)) {
                drop_entry(blobs, entry);
                break;
            }
        }
    }
    g_mutex_unlock(&blobs->lock);
    if (blobs->files != NULL)
        cut_blob_files_drop(blobs->files, is_barred, data);
}

void cut_blobs_get_status(CutBlobs *blobs, CutBlobsStatus *status)
{
    *status = (CutBlobsStatus){0};
    if (blobs->files != NULL)
        cut_blob_files_get_size(blobs->files, &status->n_files, &status->size);
    SEGMENT_LOCK_SCOPE(&blobs->lock);
    status->n_made = blobs->n_made;
    status->n_given_up = blobs->n_given_up;
    status->n_making = g_hash_table_size(blobs->jobs);
}
