// SPDX-License-Identifier: MIT
// Tombstones as they come: a request that the peer answers when it has a new one. Where it stays unanswered, or the peer
// does not know of it, the next pass finds them all the same.
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "segment/time.h"
#include "sync/error.h"
#include "sync/events.h"
#include "sync/peer-private.h"

#define PATH "/tombstones"
#define WAIT 60 // seconds that the peer is asked to wait
#define MAX_TEXT (1024 * 1024) // bytes of its answer
#define INTERVAL (G_TIME_SPAN_SECOND / 5) // between two requests, whatever it answers

typedef struct {
    char *stream;
    gint64 hour;
    char *file;
} Tombstone;

static void tombstone_free(gpointer data)
{
    Tombstone *tombstone = data;
    g_free(tombstone->stream);
    g_free(tombstone->file);
    g_free(tombstone);
}

// The tombstone at PATH, CHANNEL/QUALITY/HOUR/FILE; NULL where it is none, none that we want, or here already.
static Tombstone *new_tombstone(const SyncPeer *peer, const char *path)
{
    SegmentName name;
    struct stat st;
    gint64 hour;
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    if (g_strv_length(names) != 4 || !segment_hour_name_parse(names[2], &hour) ||
        !segment_name_parse(names[3], &name) || !name.tombstone || name.type == SEGMENT_TEMP)
        return NULL;
    g_autofree char *stream = g_strconcat(names[0], "/", names[1], NULL);
    if (!sync_policy_wants(peer->context->policy, stream) ||
        fstatat(segment_store_fd(peer->context->store), path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return NULL;
    Tombstone *tombstone = g_new0(Tombstone, 1);
    tombstone->stream = g_steal_pointer(&stream);
    tombstone->hour = hour;
    tombstone->file = g_strdup(names[3]);
    return tombstone;
}

// More than may be taken are left to a pass, which counts all, and holds the peer.
static void take_paths(SyncPeer *peer, const GPtrArray *paths)
{
    g_autoptr(GPtrArray) tombstones = g_ptr_array_new_with_free_func(tombstone_free);
    for (guint i = 0; i < paths->len; i++) {
        Tombstone *tombstone = new_tombstone(peer, g_ptr_array_index(paths, i));
        if (tombstone != NULL)
            g_ptr_array_add(tombstones, tombstone);
    }
    if (peer->held)
        return;
    if (tombstones->len > sync_pass_allowance(peer)) {
        sync_survey_unsettle(peer);
        g_atomic_int_set(&peer->hurry, 1);
        return;
    }
    for (guint i = 0; i < tombstones->len; i++) {
        const Tombstone *tombstone = g_ptr_array_index(tombstones, i);
        sync_pass_bury(peer, tombstone->stream, tombstone->hour, tombstone->file);
    }
}

static gboolean take_news(SyncPeer *peer, const SyncJson *json, gboolean *lost, GError **error)
{
    const char *cursor = g_hash_table_lookup(json->members, "cursor");
    const GPtrArray *paths = g_hash_table_lookup(json->lists, "tombstones");
    if (cursor == NULL || paths == NULL || !sync_events_is_cursor(cursor))
        return sync_error_set(error, SYNC_ERROR_PEER, "%s%s: no cursor, or no tombstones", peer->node->url, PATH);
    *lost = g_hash_table_contains(json->members, "lost");
    g_free(peer->cursor);
    peer->cursor = g_strdup(cursor);
    take_paths(peer, paths);
    return TRUE;
}

gboolean sync_push_prepare(SyncPeer *peer, GError **error)
{
    g_auto(SyncAnswer) answer = {0};
    gboolean lost;
    if (peer->kind != SYNC_KIND_SEGFS || peer->cursor != NULL || peer->context->missing != NULL)
        return TRUE;
    if (!sync_peer_ask(peer, PATH, NULL, TRUE, &answer, error))
        return FALSE;
    if (answer.status != 200)
        return answer.status == 404 || sync_peer_set_status_error(peer, PATH, answer.status, error);
    return take_news(peer, answer.json, &lost, error);
}

// ---- the request that waits

static gboolean take_reply(SyncPeer *peer, const SyncReply *reply, gboolean *lost, GError **error)
{
    if (reply->error != NULL) {
        g_propagate_error(error, g_error_copy(reply->error));
        return FALSE;
    }
    if (reply->status != 200)
        return sync_peer_set_status_error(peer, PATH, reply->status, error);
    g_autoptr(SyncJson) json = sync_peer_parse(peer, PATH, reply->text, TRUE, error);
    return json != NULL && take_news(peer, json, lost, error);
}

static void end_waiting(const SyncReply *reply, gpointer data)
{
    SyncPeer *peer = data;
    g_autoptr(GError) failure = NULL;
    gboolean lost = FALSE;
    peer->pushing = FALSE;
    if (!take_reply(peer, reply, &lost, &failure)) {
        peer->push_failed = TRUE;
        // Perhaps it is another one by now.
        g_clear_pointer(&peer->cursor, g_free);
        if (!sync_peer_is_stopping(peer))
            g_debug("peer %s: does not tell of tombstones: %s", peer->node->name, failure->message);
    }
    if (lost)
        g_atomic_int_set(&peer->hurry, 1);
}

gint64 sync_push_next(const SyncPeer *peer)
{
    gboolean wanted = peer->is_live && !peer->pushing && !peer->push_failed && peer->cursor != NULL;
    return wanted ? peer->next_push : G_MAXINT64;
}

void sync_push_begin(SyncPeer *peer)
{
    gint64 now = g_get_monotonic_time();
    if (now < sync_push_next(peer))
        return;
    g_autofree char *path = g_strdup_printf(PATH "?after=%s&wait=%d", peer->cursor, WAIT);
    SyncGet get = {
        .path = path,
        .max_size = MAX_TEXT,
        .seconds = 2 * WAIT + peer->context->policy->timeout,
        .patience = WAIT,
        .reply = end_waiting,
        .data = peer,
    };
    peer->pushing = TRUE;
    peer->next_push = now + INTERVAL;
    sync_client_get(peer->client, &get);
}
