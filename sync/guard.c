// SPDX-License-Identifier: MIT
// A connection is ended by shutdown(2) of its socket: libmicrohttpd finds it at its end, and closes it. It is removed
// here, with the lock held, before it is closed, so that the descriptor is never another one's.
#include "sync/guard.h"

#include <linux/tcp.h> // tcpi_bytes_acked, which glibc's netinet/tcp.h has not
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "segment/lock.h"

typedef enum { IDLE, REQUEST, WAIT, ANSWER } State;

struct SyncGuarded {
    int fd;
    State state;
    gint64 since; // monotonic: when the state began, or the last look at how much was taken
    guint64 taken; // bytes that the client has acknowledged, at that time
    SegmentStream *stream;
    guint8 hash[SEGMENT_HASH_SIZE];
    gboolean ended;
    GList link;
};

struct SyncGuard {
    gint64 limit; // microseconds
    SyncMetrics *metrics;
    GThread *thread;
    GMutex lock;
    GCond stop_cond;
    gboolean stopping;
    GQueue connections; // SyncGuarded
};

static guint64 bytes_taken(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_acked : 0;
}

static void end(SyncGuard *guard, SyncGuarded *guarded, SyncEnd reason)
{
    guarded->ended = TRUE;
    shutdown(guarded->fd, SHUT_RDWR);
    sync_metrics_add_end(guard->metrics, reason);
}

static void check(SyncGuard *guard, SyncGuarded *guarded, gint64 now)
{
    if (guarded->ended || guarded->state == WAIT || now - guarded->since < guard->limit)
        return;
    if (guarded->state == IDLE) {
        end(guard, guarded, SYNC_END_IDLE);
    } else if (guarded->state == REQUEST) {
        end(guard, guarded, SYNC_END_SLOW_REQUEST);
    } else {
        guint64 taken = bytes_taken(guarded->fd);
        guint64 least = (guint64) ((now - guarded->since) / G_TIME_SPAN_SECOND) * SYNC_GUARD_MIN_RATE;
        if (taken - guarded->taken < least)
            end(guard, guarded, SYNC_END_SLOW_READER);
        guarded->since = now;
        guarded->taken = taken;
    }
}

static gpointer watch(gpointer data)
{
    SyncGuard *guard = data;
    SEGMENT_LOCK_SCOPE(&guard->lock);
    gint64 interval = CLAMP(guard->limit / 4, G_TIME_SPAN_SECOND / 10, 5 * G_TIME_SPAN_SECOND);
    while (!guard->stopping) {
        g_cond_wait_until(&guard->stop_cond, &guard->lock, g_get_monotonic_time() + interval);
        gint64 now = g_get_monotonic_time();
        for (GList *l = guard->connections.head; l != NULL; l = l->next)
            check(guard, l->data, now);
    }
    return NULL;
}

SyncGuard *sync_guard_new(guint seconds, SyncMetrics *metrics)
{
    SyncGuard *guard = g_new0(SyncGuard, 1);
    guard->limit = seconds * G_TIME_SPAN_SECOND;
    guard->metrics = metrics;
    g_mutex_init(&guard->lock);
    g_cond_init(&guard->stop_cond);
    g_queue_init(&guard->connections);
    guard->thread = g_thread_new("http-guard", watch, guard);
    return guard;
}

void sync_guard_free(SyncGuard *guard)
{
    if (guard == NULL)
        return;
    g_mutex_lock(&guard->lock);
    g_assert(guard->connections.length == 0);
    guard->stopping = TRUE;
    g_cond_signal(&guard->stop_cond);
    g_mutex_unlock(&guard->lock);
    g_thread_join(guard->thread);
    g_mutex_clear(&guard->lock);
    g_cond_clear(&guard->stop_cond);
    g_free(guard);
}

SyncGuarded *sync_guard_add(SyncGuard *guard, int fd)
{
    SyncGuarded *guarded = g_new0(SyncGuarded, 1);
    guarded->fd = fd;
    guarded->since = g_get_monotonic_time();
    guarded->link.data = guarded;
    SEGMENT_LOCK_SCOPE(&guard->lock);
    g_queue_push_tail_link(&guard->connections, &guarded->link);
    sync_metrics_add_connections(guard->metrics, 1);
    return guarded;
}

void sync_guard_remove(SyncGuard *guard, SyncGuarded *guarded)
{
    g_mutex_lock(&guard->lock);
    g_queue_unlink(&guard->connections, &guarded->link);
    sync_metrics_add_connections(guard->metrics, -1);
    g_mutex_unlock(&guard->lock);
    g_free(guarded);
}

static void set_state(SyncGuard *guard, SyncGuarded *guarded, State state, SegmentStream *stream, const guint8 *hash)
{
    SEGMENT_LOCK_SCOPE(&guard->lock);
    guarded->state = state;
    guarded->since = g_get_monotonic_time();
    guarded->taken = state == ANSWER ? bytes_taken(guarded->fd) : 0;
    guarded->stream = stream;
    if (stream != NULL)
        memcpy(guarded->hash, hash, sizeof guarded->hash);
}

void sync_guard_begin_request(SyncGuard *guard, SyncGuarded *guarded)
{
    set_state(guard, guarded, REQUEST, NULL, NULL);
}

void sync_guard_begin_wait(SyncGuard *guard, SyncGuarded *guarded)
{
    set_state(guard, guarded, WAIT, NULL, NULL);
}

void sync_guard_begin_answer(SyncGuard *guard, SyncGuarded *guarded, SegmentStream *stream,
                             const guint8 hash[SEGMENT_HASH_SIZE])
{
    set_state(guard, guarded, ANSWER, stream, hash);
}

void sync_guard_begin_idle(SyncGuard *guard, SyncGuarded *guarded)
{
    set_state(guard, guarded, IDLE, NULL, NULL);
}

void sync_guard_revoke(SyncGuard *guard, SegmentStream *stream)
{
    SEGMENT_LOCK_SCOPE(&guard->lock);
    for (GList *l = guard->connections.head; l != NULL; l = l->next) {
        SyncGuarded *guarded = l->data;
        if (!guarded->ended && guarded->stream == stream && segment_stream_is_barred(stream, guarded->hash))
            end(guard, guarded, SYNC_END_TOMBSTONE);
    }
}
