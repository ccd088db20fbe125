// SPDX-License-Identifier: MIT
// The life of a peer: passes, pauses between them, and what is known of it.
//
// LOCKS. Nothing is called with SyncPeer.lock held, but sync_client_wake().
#include "sync/peer-private.h"

#include <string.h>

#include "segment/lock.h"
#include "segment/time.h"
#include "sync/error.h"

#define MAX_UNREACHED 3 // requests without an answer, until the pass is given up
#define MAX_COMPLAINTS 10 // lines of the log in a pass
#define MAX_BACKOFF 300 // seconds
#define TICK (G_TIME_SPAN_SECOND / 2)
#define RESUME_ROOM (16 * 1024 * 1024) // bytes more than what has to be free, before a full disk is not full any more
#define MAX_PUBLISHING 256 // drafts; each has a file open

gboolean sync_peer_is_stopping(const SyncPeer *peer)
{
    return g_atomic_int_get(&peer->stopping) != 0;
}

void sync_peer_complain(SyncPeer *peer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (++peer->n_complaints <= MAX_COMPLAINTS)
        g_warning("peer %s: %s", peer->node->name, text);
}

// ---- requests

void sync_peer_get(SyncPeer *peer, const SyncGet *get)
{
    peer->n_active++;
    sync_client_get(peer->client, get);
}

void sync_peer_answered(SyncPeer *peer, const SyncReply *reply)
{
    peer->n_active--;
    if (reply->status != 0) {
        peer->n_unreached = 0;
        return;
    }
    if (++peer->n_unreached >= MAX_UNREACHED && peer->broken == NULL)
        peer->broken = g_error_copy(reply->error);
}

// Lets go of what is under way once we end.
static void run_client(SyncPeer *peer, gint64 until)
{
    if (sync_peer_is_stopping(peer)) {
        sync_client_cancel(peer->client);
    } else {
        sync_push_begin(peer);
        sync_client_run(peer->client, until);
    }
    sync_fetch_collect(peer);
}

void sync_peer_wait(SyncPeer *peer, gint64 microseconds)
{
    run_client(peer, g_get_monotonic_time() + microseconds);
}

static gboolean may_go_on(const SyncPeer *peer)
{
    return peer->broken == NULL && !sync_peer_is_stopping(peer);
}

gboolean sync_peer_work(SyncPeer *peer, SyncStartFunc start, gpointer data, GError **error)
{
    gboolean more = TRUE;
    while ((more && may_go_on(peer)) || peer->n_active > 0 || peer->n_publishing > 0) {
        while (more && may_go_on(peer) && peer->n_active < peer->context->policy->concurrency &&
               peer->n_active + peer->n_publishing < MAX_PUBLISHING)
            more = start(peer, data);
        if (peer->n_active > 0 || peer->n_publishing > 0)
            run_client(peer, g_get_monotonic_time() + TICK);
    }
    if (sync_peer_is_stopping(peer))
        return sync_error_set(error, SYNC_ERROR_CANCELLED, "peer %s: ended", peer->node->name);
    if (peer->broken == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&peer->broken));
    return FALSE;
}

void sync_answer_clear(SyncAnswer *answer)
{
    g_free(answer->etag);
    sync_json_free(answer->json);
}

SyncJson *sync_peer_parse(const SyncPeer *peer, const char *path, const GString *text, gboolean is_object,
                          GError **error)
{
    SyncJson *json = is_object ? sync_json_parse_object(text->str, text->len, error)
                               : sync_json_parse_list(text->str, text->len, error);
    if (json == NULL)
        g_prefix_error(error, "%s%s: ", peer->node->url, path);
    return json;
}

typedef struct {
    SyncPeer *peer;
    const char *path;
    gboolean is_object;
    SyncAnswer *answer;
    GError *error;
    gboolean done;
} Asking;

static void take_answer(const SyncReply *reply, gpointer data)
{
    Asking *asking = data;
    SyncAnswer *answer = asking->answer;
    sync_peer_answered(asking->peer, reply);
    answer->status = reply->status;
    answer->etag = g_strdup(reply->etag);
    if (reply->error != NULL)
        asking->error = g_error_copy(reply->error);
    else if (reply->status == 200)
        answer->json = sync_peer_parse(asking->peer, asking->path, reply->text, asking->is_object, &asking->error);
    asking->done = TRUE;
}

gboolean sync_peer_ask(SyncPeer *peer, const char *path, const char *if_none_match, gboolean is_object,
                       SyncAnswer *answer, GError **error)
{
    Asking asking = {.peer = peer, .path = path, .is_object = is_object, .answer = answer};
    SyncGet get = {
        .path = path,
        .if_none_match = if_none_match,
        .max_size = SYNC_LISTING_MAX,
        .seconds = SYNC_LISTING_SECONDS,
        .reply = take_answer,
        .data = &asking,
    };
    memset(answer, 0, sizeof *answer);
    sync_peer_get(peer, &get);
    while (!asking.done)
        run_client(peer, g_get_monotonic_time() + TICK);
    if (asking.error == NULL)
        return TRUE;
    g_propagate_error(error, asking.error);
    return FALSE;
}

SyncJson *sync_peer_ask_json(SyncPeer *peer, const char *path, gboolean is_object, GError **error)
{
    g_auto(SyncAnswer) answer = {0};
    if (!sync_peer_ask(peer, path, NULL, is_object, &answer, error))
        return NULL;
    if (answer.status != 200)
        sync_peer_set_status_error(peer, path, answer.status, error);
    return g_steal_pointer(&answer.json);
}

gboolean sync_peer_set_status_error(const SyncPeer *peer, const char *path, guint status, GError **error)
{
    const char *hint = status == 401 || status == 403  ? " (does it want a token?)"
                       : status >= 300 && status < 400 ? " (redirects are not followed)"
                                                       : "";
    return sync_error_set(error, SYNC_ERROR_PEER, "%s%s: status %u%s", peer->node->url, path, status, hint);
}

// ---- passes

static void set_state(SyncPeer *peer, SyncPeerState state)
{
    SEGMENT_LOCK_SCOPE(&peer->lock);
    peer->status.state = state;
}

// Seconds until the next pass, so that many nodes do not ask at the same time.
static gint64 pause_after(const SyncPeer *peer, SyncPeerState state)
{
    double seconds = peer->context->policy->interval;
    if (state == SYNC_PEER_SELF)
        seconds = MAX_BACKOFF;
    else if (peer->n_failed_passes > 0)
        seconds = CLAMP((double) (1 << MIN(peer->n_failed_passes - 1, 16)), 1, MAX_BACKOFF);
    double jitter = peer->n_failed_passes > 0 ? g_random_double_range(0.5, 1) : g_random_double_range(0.9, 1.1);
    return (gint64) (seconds * jitter * G_TIME_SPAN_SECOND);
}

static SyncPeerState state_after(const SyncPeer *peer, const GError *error)
{
    if (g_error_matches(error, SYNC_ERROR, SYNC_ERROR_SELF))
        return SYNC_PEER_SELF;
    if (error != NULL)
        return SYNC_PEER_FAILED;
    return peer->no_room ? SYNC_PEER_NO_ROOM : peer->held ? SYNC_PEER_HELD : SYNC_PEER_IDLE;
}

// Once, not at each pass.
static void log_end(SyncPeer *peer, SyncPeerState state, const GError *error)
{
    if (peer->n_complaints > MAX_COMPLAINTS)
        g_warning("peer %s: %u more of that", peer->node->name, peer->n_complaints - MAX_COMPLAINTS);
    if (state == SYNC_PEER_SELF)
        g_message("peer %s: is this node itself; left alone", peer->node->name);
    else if (state == SYNC_PEER_FAILED && peer->n_failed_passes == 1)
        g_warning("peer %s: %s", peer->node->name, error->message);
    else if (state != SYNC_PEER_FAILED && peer->n_failed_passes > 0)
        g_message("peer %s: answers again", peer->node->name);
}

static void end_pass(SyncPeer *peer, const GError *error, gint64 took)
{
    SyncPeerState state = state_after(peer, error);
    if (sync_error_is_cancelled(error))
        return;
    if (state == SYNC_PEER_FAILED)
        peer->n_failed_passes++;
    log_end(peer, state, error);
    if (state != SYNC_PEER_FAILED)
        peer->n_failed_passes = 0;
    else
        peer->greeted = FALSE;
    peer->push_failed = state == SYNC_PEER_FAILED;
    gint64 pause = pause_after(peer, state);
    peer->next_pass = g_get_monotonic_time() + pause;
    sync_peer_metrics_add_pass(peer->metrics, error == NULL, took);

    SEGMENT_LOCK_SCOPE(&peer->lock);
    peer->status.state = state;
    peer->status.next_pass = g_get_real_time() + pause;
    peer->status.kind = peer->kind == SYNC_KIND_SEGFS ? "segfs" : peer->kind == SYNC_KIND_WUBLOADER ? "wubloader" : "";
    g_free(peer->status.error);
    peer->status.error = error != NULL ? g_strdup(error->message) : NULL;
    if (error == NULL) {
        peer->status.last_pass = g_get_real_time();
        peer->status.n_missing = peer->n_left;
    }
}

static gboolean pass(SyncPeer *peer, GError **error)
{
    g_autoptr(GError) failure = NULL;
    gint64 started = g_get_monotonic_time();
    peer->n_complaints = peer->n_unreached = peer->n_left = 0;
    peer->was_full = peer->no_room;
    peer->no_room = FALSE;
    g_clear_error(&peer->broken);
    g_atomic_int_set(&peer->hurry, 0);
    set_state(peer, SYNC_PEER_AT_WORK);
    sync_pass(peer, &failure);
    end_pass(peer, failure, g_get_monotonic_time() - started);
    if (failure == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean is_due(SyncPeer *peer)
{
    if (peer->no_room && segment_writer_has_room(peer->context->writer, RESUME_ROOM, NULL)) {
        g_message("peer %s: there is room again; goes on", peer->node->name);
        peer->no_room = FALSE;
        return TRUE;
    }
    return g_atomic_int_get(&peer->hurry) != 0 || g_get_monotonic_time() >= peer->next_pass;
}

// Until when there is nothing to look at, unless somebody wakes us.
static gint64 next_look(const SyncPeer *peer)
{
    gint64 next = peer->no_room ? g_get_monotonic_time() + TICK : peer->next_pass;
    return MIN(next, sync_push_next(peer));
}

static gpointer run(gpointer data)
{
    SyncPeer *peer = data;
    while (!sync_peer_is_stopping(peer)) {
        pass(peer, NULL);
        while (!sync_peer_is_stopping(peer) && !is_due(peer))
            run_client(peer, next_look(peer));
    }
    sync_client_cancel(peer->client);
    return NULL;
}

gboolean sync_peer_run_once(SyncPeer *peer, GError **error)
{
    if (!pass(peer, error))
        return FALSE;
    if (peer->held)
        return sync_error_set(error, SYNC_ERROR_PEER, "%u tombstones wait for an operator to agree",
                              peer->status.n_held);
    if (peer->n_left == 0 || peer->context->missing != NULL)
        return TRUE;
    return sync_error_set(error, SYNC_ERROR_PEER, "%u files could not be had", peer->n_left);
}

// ---- from outside

SyncPeer *sync_peer_new(const SyncContext *context, const SyncNode *node)
{
    SyncPeer *peer = g_new0(SyncPeer, 1);
    SyncClientOptions options = {
        .url = node->url,
        .token = context->policy->token,
        .ca_file = context->policy->ca_file,
        .timeout = context->policy->timeout,
        .max_connections = context->policy->concurrency + 1,
    };
    peer->context = context;
    peer->node = g_new0(SyncNode, 1);
    peer->node->name = g_strdup(node->name);
    peer->node->url = g_strdup(node->url);
    peer->client = sync_client_new(&options);
    peer->settled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    peer->failures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    peer->complained = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_queue_init(&peer->published);
    peer->metrics = sync_metrics_peer(context->metrics, node->name);
    g_mutex_init(&peer->lock);
    peer->status.name = peer->node->name;
    peer->status.url = peer->node->url;
    peer->status.kind = "";
    return peer;
}

void sync_peer_start(SyncPeer *peer)
{
    peer->is_live = TRUE;
    peer->thread = g_thread_new("peer", run, peer);
}

void sync_peer_cancel(SyncPeer *peer)
{
    g_atomic_int_set(&peer->stopping, 1);
    sync_client_wake(peer->client);
}

void sync_peer_free(SyncPeer *peer)
{
    if (peer == NULL)
        return;
    sync_peer_cancel(peer);
    if (peer->thread != NULL)
        g_thread_join(peer->thread);
    sync_client_free(peer->client);
    g_clear_error(&peer->broken);
    g_free(peer->their_etag);
    g_free(peer->our_etag);
    g_free(peer->cursor);
    g_hash_table_unref(peer->settled);
    g_hash_table_unref(peer->failures);
    g_hash_table_unref(peer->complained);
    g_mutex_clear(&peer->lock);
    g_free(peer->status.error);
    sync_node_free(peer->node);
    g_free(peer);
}

gboolean sync_peer_is_at(const SyncPeer *peer, const char *url)
{
    return strcmp(peer->node->url, url) == 0;
}

void sync_peer_get_status(SyncPeer *peer, SyncPeerStatus *status)
{
    SEGMENT_LOCK_SCOPE(&peer->lock);
    *status = peer->status;
    status->error = g_strdup(peer->status.error);
}

gboolean sync_peer_accept(SyncPeer *peer)
{
    SEGMENT_LOCK_SCOPE(&peer->lock);
    if (peer->status.n_held == 0)
        return FALSE;
    g_atomic_int_set(&peer->n_allowed, (int) peer->status.n_held);
    g_atomic_int_set(&peer->hurry, 1);
    sync_client_wake(peer->client);
    return TRUE;
}

const char *sync_peer_state_name(SyncPeerState state)
{
    static const char *const names[] = {"new", "at work", "idle", "held", "no room", "failed", "this node"};
    return names[state];
}
