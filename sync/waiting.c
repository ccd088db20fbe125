// SPDX-License-Identifier: MIT
// LOCKS. SyncWaiting.lock is held while a connection is suspended, or resumed: so no request is woken before it waits.
// libmicrohttpd calls nothing of ours that takes it from there. SyncEvents' lock may be taken with it held.
#include "sync/waiting.h"

#include "segment/lock.h"

typedef struct {
    struct MHD_Connection *connection;
    gint64 until; // monotonic
} Request;

struct SyncWaiting {
    SyncEvents *events;
    guint max;
    GThread *thread;
    GMutex lock;
    GCond cond;
    GArray *requests; // Request
    gboolean ending, stopping;
};

// With the lock held: those whose time is over at NOW.
static void resume(SyncWaiting *waiting, gint64 now)
{
    for (guint i = waiting->requests->len; i > 0; i--) {
        const Request *request = &g_array_index(waiting->requests, Request, i - 1);
        if (request->until > now)
            continue;
        MHD_resume_connection(request->connection);
        g_array_remove_index_fast(waiting->requests, i - 1);
    }
}

static gpointer run(gpointer data)
{
    SyncWaiting *waiting = data;
    SEGMENT_LOCK_SCOPE(&waiting->lock);
    while (!waiting->stopping) {
        gint64 next = G_MAXINT64;
        for (guint i = 0; i < waiting->requests->len; i++)
            next = MIN(next, g_array_index(waiting->requests, Request, i).until);
        if (next == G_MAXINT64)
            g_cond_wait(&waiting->cond, &waiting->lock);
        else
            g_cond_wait_until(&waiting->cond, &waiting->lock, next);
        resume(waiting, g_get_monotonic_time());
    }
    return NULL;
}

SyncWaiting *sync_waiting_new(SyncEvents *events, guint max)
{
    SyncWaiting *waiting = g_new0(SyncWaiting, 1);
    waiting->events = events;
    waiting->max = max;
    g_mutex_init(&waiting->lock);
    g_cond_init(&waiting->cond);
    waiting->requests = g_array_new(FALSE, FALSE, sizeof(Request));
    waiting->thread = g_thread_new("http-waiting", run, waiting);
    return waiting;
}

gboolean sync_waiting_add(SyncWaiting *waiting, struct MHD_Connection *connection, const char *cursor, gint64 until)
{
    Request request = {connection, until};
    SEGMENT_LOCK_SCOPE(&waiting->lock);
    if (waiting->ending || waiting->requests->len >= waiting->max || sync_events_has_news(waiting->events, cursor))
        return FALSE;
    MHD_suspend_connection(connection);
    g_array_append_val(waiting->requests, request);
    g_cond_signal(&waiting->cond);
    return TRUE;
}

void sync_waiting_wake(SyncWaiting *waiting)
{
    SEGMENT_LOCK_SCOPE(&waiting->lock);
    resume(waiting, G_MAXINT64);
}

void sync_waiting_end(SyncWaiting *waiting)
{
    SEGMENT_LOCK_SCOPE(&waiting->lock);
    waiting->ending = TRUE;
    resume(waiting, G_MAXINT64);
}

void sync_waiting_free(SyncWaiting *waiting)
{
    if (waiting == NULL)
        return;
    g_mutex_lock(&waiting->lock);
    waiting->stopping = TRUE;
    g_cond_signal(&waiting->cond);
    g_mutex_unlock(&waiting->lock);
    g_thread_join(waiting->thread);
    g_array_unref(waiting->requests);
    g_mutex_clear(&waiting->lock);
    g_cond_clear(&waiting->cond);
    g_free(waiting);
}
