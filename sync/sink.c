// SPDX-License-Identifier: MIT
// Buffers of one size, and a pool of threads. One of them works for a sink at a time, so that its bytes stay in order.
// A sink has one buffer that is being filled; those that are full, of all sinks, have a bound. Threads of the pool wait
// for nobody, so whoever waits for them has an end.
//
// LOCKS. SyncSinks.lock guards the buffers, and of each sink what is said to be; the pool's own is taken with it held.
#include "sync/sink.h"

#include <string.h>

#include "segment/lock.h"

#define BUFFER_SIZE (128 * 1024 - 64) // as much as malloc(3) gives without asking the kernel each time
#define MAX_FULL 64 // buffers, of all peers: 8 MiB
#define MAX_IDLE 64
#define SMALL (16 * 1024) // bytes that are not worth another thread

typedef struct {
    gsize length;
    guint8 bytes[BUFFER_SIZE];
} Buffer;

struct SyncSinks {
    GThreadPool *pool;
    GMutex lock;
    GCond written;
    GQueue idle; // Buffer
    guint n_full;
};

typedef enum { OPEN, PUBLISH, DROP } End;

struct SyncSink {
    SyncSinks *sinks;
    SegmentDraft *draft;
    Buffer *filling; // the writing thread's

    // With the lock held:
    GQueue full; // Buffer, in order
    gboolean at_work; // a thread has it, or will
    gboolean failed;
    End end;

    SegmentPublishedFunc func;
    gpointer data;
    GError *error; // of the thread that has it
};

static Buffer *take_buffer(SyncSinks *sinks)
{
    SEGMENT_LOCK_SCOPE(&sinks->lock);
    Buffer *buffer = g_queue_pop_head(&sinks->idle);
    if (buffer == NULL)
        buffer = g_malloc(sizeof *buffer);
    buffer->length = 0;
    return buffer;
}

// With the lock held.
static void give_back(SyncSinks *sinks, Buffer *buffer)
{
    sinks->n_full--;
    g_cond_broadcast(&sinks->written);
    if (sinks->idle.length < MAX_IDLE)
        g_queue_push_head(&sinks->idle, buffer);
    else
        g_free(buffer);
}

static void end(SyncSink *sink)
{
    if (sink->end == DROP)
        segment_draft_free(sink->draft);
    else if (sink->error == NULL)
        segment_draft_publish(sink->draft, sink->func, sink->data);
    else {
        segment_draft_free(sink->draft);
        sink->func(FALSE, sink->error, sink->data);
    }
    g_clear_error(&sink->error);
    g_free(sink);
}

// Writes all that is full, and ends what is to be ended: then SINK is gone.
static void work(gpointer data, gpointer user_data)
{
    SyncSink *sink = data;
    SyncSinks *sinks = sink->sinks;
    for (;;) {
        g_mutex_lock(&sinks->lock);
        Buffer *buffer = g_queue_pop_head(&sink->full);
        gboolean ended = buffer == NULL && sink->end != OPEN;
        gboolean write = !sink->failed && sink->end != DROP;
        sink->at_work = buffer != NULL || ended;
        g_mutex_unlock(&sinks->lock);
        if (ended)
            end(sink);
        if (buffer == NULL)
            return;
        gboolean ok = !write || segment_draft_write(sink->draft, buffer->bytes, buffer->length, &sink->error);
        g_mutex_lock(&sinks->lock);
        sink->failed = sink->failed || !ok;
        give_back(sinks, buffer);
        g_mutex_unlock(&sinks->lock);
    }
}

SyncSinks *sync_sinks_new(void)
{
    SyncSinks *sinks = g_new0(SyncSinks, 1);
    g_mutex_init(&sinks->lock);
    g_cond_init(&sinks->written);
    sinks->pool = g_thread_pool_new(work, NULL, (gint) CLAMP(g_get_num_processors(), 1, 4), FALSE, NULL);
    return sinks;
}

void sync_sinks_free(SyncSinks *sinks)
{
    if (sinks == NULL)
        return;
    g_thread_pool_free(sinks->pool, FALSE, TRUE);
    g_queue_clear_full(&sinks->idle, g_free);
    g_mutex_clear(&sinks->lock);
    g_cond_clear(&sinks->written);
    g_free(sinks);
}

SyncSink *sync_sink_new(SyncSinks *sinks, SegmentDraft *draft)
{
    SyncSink *sink = g_new0(SyncSink, 1);
    sink->sinks = sinks;
    sink->draft = draft;
    return sink;
}

// With the lock held: has a thread of the pool look at it.
static void wake(SyncSink *sink)
{
    if (sink->at_work)
        return;
    sink->at_work = TRUE;
    g_thread_pool_push(sink->sinks->pool, sink, NULL);
}

static gboolean hand_over(SyncSink *sink)
{
    SyncSinks *sinks = sink->sinks;
    SEGMENT_LOCK_SCOPE(&sinks->lock);
    while (sinks->n_full >= MAX_FULL)
        g_cond_wait(&sinks->written, &sinks->lock);
    sinks->n_full++;
    g_queue_push_tail(&sink->full, g_steal_pointer(&sink->filling));
    wake(sink);
    return !sink->failed;
}

gboolean sync_sink_write(SyncSink *sink, gconstpointer data, gsize length)
{
    const guint8 *bytes = data;
    while (length > 0) {
        if (sink->filling == NULL)
            sink->filling = take_buffer(sink->sinks);
        Buffer *buffer = sink->filling;
        gsize n = MIN(length, BUFFER_SIZE - buffer->length);
        memcpy(buffer->bytes + buffer->length, bytes, n);
        buffer->length += n;
        bytes += n;
        length -= n;
        if (buffer->length == BUFFER_SIZE && !hand_over(sink))
            return FALSE;
    }
    return TRUE;
}

// What is small, or written already, is ended by this thread.
static void finish(SyncSink *sink, End end)
{
    SyncSinks *sinks = sink->sinks;
    g_mutex_lock(&sinks->lock);
    Buffer *last = g_steal_pointer(&sink->filling);
    gboolean here = !sink->at_work && g_queue_is_empty(&sink->full) && (last == NULL || last->length <= SMALL);
    sink->end = end;
    if (last != NULL) {
        sinks->n_full++;
        g_queue_push_tail(&sink->full, last);
    }
    if (here)
        sink->at_work = TRUE;
    else
        wake(sink);
    g_mutex_unlock(&sinks->lock);
    if (here)
        work(sink, NULL);
}

void sync_sink_publish(SyncSink *sink, SegmentPublishedFunc func, gpointer data)
{
    sink->func = func;
    sink->data = data;
    finish(sink, PUBLISH);
}

void sync_sink_drop(SyncSink *sink)
{
    if (sink != NULL)
        finish(sink, DROP);
}
