// SPDX-License-Identifier: MIT
// The caller works, too, so that a batch goes on where all threads are busy with others.
#include "cut/batch.h"

#include "segment/lock.h"

#define CHUNK 16 // that a thread takes at a time

struct CutBatchPool {
    GThreadPool *threads;
};

typedef struct {
    guint n;
    CutBatchFunc func;
    gpointer data;
    const SegmentWait *wait;
    int next; // atomic: the first that nobody has taken
    int failed; // atomic
    GMutex lock;
    GCond ended;
    guint n_threads; // guarded by lock
    GError *error; // the first one; guarded by lock
} Batch;

static void do_some(Batch *batch)
{
    g_autoptr(GError) error = NULL;
    while (error == NULL && g_atomic_int_get(&batch->failed) == 0) {
        guint begin = (guint) g_atomic_int_add(&batch->next, CHUNK);
        if (begin >= batch->n)
            return;
        for (guint i = begin; i < MIN(begin + CHUNK, batch->n) && error == NULL; i++) {
            if (!segment_wait_is_over(batch->wait, &error))
                batch->func(i, batch->data, &error);
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
    do_some(batch);
    SEGMENT_LOCK_SCOPE(&batch->lock);
    batch->n_threads--;
    g_cond_signal(&batch->ended);
}

gboolean cut_batch_run(CutBatchPool *pool, guint n, CutBatchFunc func, gpointer data, const SegmentWait *wait,
                       GError **error)
{
    Batch batch = {
        .n = n, .func = func, .data = data, .wait = wait, .n_threads = n > 2 * CHUNK ? g_get_num_processors() - 1 : 0};
    g_mutex_init(&batch.lock);
    g_cond_init(&batch.ended);
    for (guint i = batch.n_threads; i > 0; i--)
        g_thread_pool_push(pool->threads, &batch, NULL);
    do_some(&batch);
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

CutBatchPool *cut_batch_pool_new(void)
{
    CutBatchPool *pool = g_new0(CutBatchPool, 1);
    pool->threads = g_thread_pool_new(help, NULL, (gint) g_get_num_processors(), FALSE, NULL);
    return pool;
}

void cut_batch_pool_free(CutBatchPool *pool)
{
    if (pool == NULL)
        return;
    g_thread_pool_free(pool->threads, FALSE, TRUE);
    g_free(pool);
}
