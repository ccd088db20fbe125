// SPDX-License-Identifier: MIT
// The order of a pass: who is it, what differs, tombstones, files.
#include <string.h>

#include "segment/beneath.h"
#include "segment/lock.h"
#include "sync/error.h"
#include "sync/peer-private.h"

#define WINDOW (3600 * G_TIME_SPAN_SECOND) // in which tombstones are counted

static gboolean is_named(char **names, const char *name)
{
    return names == NULL || g_strv_contains((const char *const *) names, name);
}

gboolean sync_policy_wants_channel(const SyncPolicy *policy, const char *channel)
{
    return is_named(policy->channels, channel);
}

gboolean sync_policy_wants(const SyncPolicy *policy, const char *stream)
{
    if (!segment_beneath_path_is_stream(stream))
        return FALSE;
    const char *slash = strchr(stream, '/');
    g_autofree char *channel = g_strndup(stream, (gsize) (slash - stream));
    return sync_policy_wants_channel(policy, channel) && is_named(policy->qualities, slash + 1);
}

// ---- who it is

// What is no segfs has no /healthz, or another one.
static gboolean greet(SyncPeer *peer, GError **error)
{
    g_auto(SyncAnswer) answer = {0};
    g_autoptr(GError) failure = NULL;
    // One that is no JSON is another's.
    if (!sync_peer_ask(peer, "/healthz", NULL, TRUE, &answer, &failure) && answer.status != 200) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (answer.status == 401 || answer.status == 403)
        return sync_peer_set_status_error(peer, "/healthz", answer.status, error);
    const char *instance = answer.json != NULL ? g_hash_table_lookup(answer.json->members, "instance") : NULL;
    if (g_strcmp0(instance, peer->context->instance) == 0)
        return sync_error_set(error, SYNC_ERROR_SELF, "%s is this node", peer->node->url);
    peer->kind = instance != NULL ? SYNC_KIND_SEGFS : SYNC_KIND_UNKNOWN;
    peer->greeted = TRUE;
    return TRUE;
}

// ---- tombstones

guint sync_pass_allowance(SyncPeer *peer)
{
    gint64 now = g_get_monotonic_time();
    guint max = peer->context->policy->max_tombstones, allowed = (guint) g_atomic_int_get(&peer->n_allowed);
    if (now - peer->window > WINDOW) {
        peer->window = now;
        peer->n_in_window = 0;
    }
    if (peer->held)
        return allowed;
    return (max > peer->n_in_window ? max - peer->n_in_window : 0) + allowed;
}

void sync_pass_bury(SyncPeer *peer, const char *stream, gint64 hour, const char *file)
{
    g_autoptr(GError) error = NULL;
    if (!segment_writer_bury(peer->context->writer, stream, hour, file, &error)) {
        sync_peer_complain(peer, "%s", error->message);
        return;
    }
    g_message("peer %s: tombstone %s, %s", peer->node->name, stream, file);
    // What an operator agreed to does not count.
    if (g_atomic_int_get(&peer->n_allowed) > 0)
        g_atomic_int_add(&peer->n_allowed, -1);
    else
        peer->n_in_window++;
    sync_peer_metrics_add_tombstone(peer->metrics);
    SEGMENT_LOCK_SCOPE(&peer->lock);
    peer->status.n_tombstones++;
}

static void set_held(SyncPeer *peer, guint n)
{
    SEGMENT_LOCK_SCOPE(&peer->lock);
    peer->held = n > 0;
    peer->status.n_held = n;
}

static void take_tombstones(SyncPeer *peer, const GPtrArray *hours)
{
    guint n = 0, n_before = peer->status.n_held;
    for (guint i = 0; i < hours->len; i++)
        n += ((const SyncHour *) g_ptr_array_index(hours, i))->n_tombstones;
    if (n > sync_pass_allowance(peer)) {
        set_held(peer, n);
        if (n != n_before)
            g_warning("peer %s: held: %u new tombstones are more than %u an hour; nothing is hidden before an operator "
                      "agrees: segfsctl peers accept %s",
                      peer->node->name, n, peer->context->policy->max_tombstones, peer->node->name);
        return;
    }
    set_held(peer, 0);
    for (guint i = 0; i < hours->len && !sync_peer_is_stopping(peer); i++) {
        const SyncHour *hour = g_ptr_array_index(hours, i);
        for (guint j = 0; hour->diff != NULL && j < hour->diff->tombstones->len; j++)
            sync_pass_bury(peer, hour->stream, hour->hour, g_ptr_array_index(hour->diff->tombstones, j));
    }
    g_atomic_int_set(&peer->n_allowed, 0);
}

// ---- a dry run

static void tell_missing(const SyncPeer *peer, const SyncHour *hour, const GPtrArray *names)
{
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(hour->path, g_ptr_array_index(names, i), NULL);
        peer->context->missing(path, peer->context->missing_data);
    }
}

static gboolean tell_all_missing(SyncPeer *peer, const GPtrArray *hours, GError **error)
{
    for (guint i = 0; i < hours->len; i++) {
        SyncHour *hour = g_ptr_array_index(hours, i);
        if (hour->let_go && !sync_survey_compare_one(peer, hour, error))
            return FALSE;
        if (hour->diff == NULL)
            continue;
        tell_missing(peer, hour, hour->diff->tombstones);
        tell_missing(peer, hour, hour->diff->segments);
        tell_missing(peer, hour, hour->diff->files);
    }
    return TRUE;
}

// ---- all of it

static void set_missing(SyncPeer *peer, const GPtrArray *hours)
{
    guint n = 0;
    for (guint i = 0; i < hours->len; i++)
        n += ((const SyncHour *) g_ptr_array_index(hours, i))->n_missing;
    SEGMENT_LOCK_SCOPE(&peer->lock);
    peer->status.n_missing = n;
}

static gboolean is_all_closed(const GPtrArray *hours)
{
    for (guint i = 0; i < hours->len; i++) {
        const SyncHour *hour = g_ptr_array_index(hours, i);
        if (hour->is_open || hour->failed)
            return FALSE;
    }
    return TRUE;
}

static gboolean fetch_extras(SyncPeer *peer, GError **error)
{
    char **extras = peer->context->policy->extras;
    for (guint i = 0; extras != NULL && extras[i] != NULL; i++) {
        if (!sync_fetch_extras(peer, extras[i], error))
            return FALSE;
    }
    return TRUE;
}

gboolean sync_pass(SyncPeer *peer, GError **error)
{
    if (!peer->greeted && !greet(peer, error))
        return FALSE;
    if (!sync_push_prepare(peer, error))
        return FALSE;
    g_autoptr(GPtrArray) hours = sync_survey(peer, error);
    if (hours == NULL)
        return FALSE;
    gboolean ok = sync_survey_compare(peer, hours, error);
    if (!ok || !is_all_closed(hours))
        sync_survey_unsettle(peer);
    if (!ok)
        return FALSE;
    if (peer->context->missing != NULL)
        return tell_all_missing(peer, hours, error) && fetch_extras(peer, error);
    set_missing(peer, hours);
    take_tombstones(peer, hours);
    return sync_fetch_hours(peer, hours, error) && fetch_extras(peer, error);
}
