// SPDX-License-Identifier: MIT
// What a peer has that this node lacks: which hours may differ, and in what.
#include <string.h>

#include "segment/beneath.h"
#include "segment/time.h"
#include "sync/error.h"
#include "sync/peer-private.h"

#define MAX_STREAMS 10000
#define MAX_HOURS 200000 // of all streams that may differ: twenty years of one
#define MAX_KEPT 20000 // names of missing files that are kept between two looks at an hour
#define MAX_KEPT_TOMBSTONES 50000
#define MAX_COMPLAINED 10000

typedef struct {
    char theirs[SYNC_DIGEST_SIZE], ours[SYNC_DIGEST_SIZE];
} Settled;

void sync_hour_free(SyncHour *hour)
{
    if (hour == NULL)
        return;
    sync_diff_free(hour->diff);
    g_free(hour->stream);
    g_free(hour->path);
    g_free(hour);
}

// ---- which hours there are

static gint64 start_of(const SyncPolicy *policy)
{
    return policy->max_age > 0 ? g_get_real_time() - policy->max_age : policy->start;
}

// Adds the hour NAME of STREAM, unless it agrees with ours. DIGEST is NULL where the peer tells none.
static gboolean add_hour(SyncPeer *peer, GPtrArray *hours, const char *stream, const char *name, const char *digest,
                         GError **error)
{
    gint64 start;
    if (!segment_hour_name_parse(name, &start))
        return TRUE;
    // What is no digest tells nothing.
    if (digest != NULL && strlen(digest) != SEGMENT_HASH_TEXT_LENGTH)
        digest = NULL;
    if (hours->len >= MAX_HOURS)
        return sync_error_set(error, SYNC_ERROR_PEER, "%s: more than %d hours", peer->node->url, MAX_HOURS);
    SyncHour *hour = g_new0(SyncHour, 1);
    hour->stream = g_strdup(stream);
    hour->path = g_build_filename(stream, name, NULL);
    hour->hour = start;
    hour->tombstones_only = start + SEGMENT_HOUR_LENGTH <= start_of(peer->context->policy);
    g_strlcpy(hour->theirs, digest != NULL ? digest : "", sizeof hour->theirs);
    if (!sync_catalog_digest(peer->context->catalog, hour->path, hour->ours, error)) {
        sync_hour_free(hour);
        return FALSE;
    }
    const Settled *settled = g_hash_table_lookup(peer->settled, hour->path);
    gboolean agree = digest != NULL &&
                     (strcmp(digest, hour->ours) == 0 || (settled != NULL && strcmp(settled->theirs, digest) == 0 &&
                                                          strcmp(settled->ours, hour->ours) == 0));
    // Of an old hour that is not here nothing has to be hidden.
    if (agree || (hour->tombstones_only && hour->ours[0] == '\0'))
        sync_hour_free(hour);
    else
        g_ptr_array_add(hours, hour);
    return TRUE;
}

static gboolean add_stream_by_digests(SyncPeer *peer, GPtrArray *hours, const char *stream, GError **error)
{
    g_autoptr(GString) path = g_string_new("/digests");
    sync_path_append(path, stream);
    g_autoptr(SyncJson) digests = sync_peer_ask_json(peer, path->str, TRUE, error);
    GHashTableIter i;
    gpointer name, digest;
    if (digests == NULL)
        return FALSE;
    g_hash_table_iter_init(&i, digests->members);
    while (g_hash_table_iter_next(&i, &name, &digest)) {
        if (!add_hour(peer, hours, stream, name, digest, error))
            return FALSE;
    }
    return TRUE;
}

// ANSWER is the peer's list of streams, LISTING ours.
static gboolean add_by_digests(SyncPeer *peer, GPtrArray *hours, const SyncAnswer *answer, const SyncListing *listing,
                               GError **error)
{
    g_autoptr(SyncJson) ours = sync_json_parse_object(listing->text, listing->length, error);
    GHashTableIter i;
    gpointer stream, digest;
    if (ours == NULL)
        return FALSE;
    g_hash_table_iter_init(&i, answer->json->members);
    while (g_hash_table_iter_next(&i, &stream, &digest)) {
        if (!sync_policy_wants(peer->context->policy, stream) ||
            g_strcmp0(g_hash_table_lookup(ours->members, stream), digest) == 0)
            continue;
        if (!add_stream_by_digests(peer, hours, stream, error))
            return FALSE;
    }
    g_free(peer->their_etag);
    g_free(peer->our_etag);
    peer->their_etag = g_strdup(answer->etag);
    peer->our_etag = g_strdup(listing->etag);
    return TRUE;
}

char *sync_listing_path(const char *hour)
{
    GString *path = g_string_new("/files");
    sync_path_append(path, hour);
    g_string_append(path, "?tombstones=true");
    return g_string_free(path, FALSE);
}

// The names below PATH (empty: all channels), for a peer that has no digests.
static GPtrArray *ask_names(SyncPeer *peer, const char *below, GError **error)
{
    g_autoptr(GString) path = g_string_new("/files");
    if (*below != '\0')
        sync_path_append(path, below);
    g_autoptr(SyncJson) json = sync_peer_ask_json(peer, path->str, FALSE, error);
    GPtrArray *names = json != NULL ? g_ptr_array_ref(json->strings) : NULL;
    if (names != NULL && names->len > MAX_STREAMS && strchr(below, '/') == NULL) {
        sync_error_set(error, SYNC_ERROR_PEER, "%s%s: more than %d names", peer->node->url, path->str, MAX_STREAMS);
        g_clear_pointer(&names, g_ptr_array_unref);
    }
    return names;
}

static gboolean add_stream_by_names(SyncPeer *peer, GPtrArray *hours, const char *stream, GError **error)
{
    g_autoptr(GPtrArray) names = ask_names(peer, stream, error);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        if (!add_hour(peer, hours, stream, g_ptr_array_index(names, i), NULL, error))
            return FALSE;
    }
    return names != NULL;
}

static gboolean add_by_names(SyncPeer *peer, GPtrArray *hours, GError **error)
{
    g_autoptr(GPtrArray) channels = ask_names(peer, "", error);
    for (guint i = 0; channels != NULL && i < channels->len; i++) {
        const char *channel = g_ptr_array_index(channels, i);
        if (!segment_beneath_name_is_plain(channel) || !sync_policy_wants_channel(peer->context->policy, channel))
            continue;
        g_autoptr(GPtrArray) qualities = ask_names(peer, channel, error);
        if (qualities == NULL)
            return FALSE;
        for (guint j = 0; j < qualities->len; j++) {
            g_autofree char *stream = g_strconcat(channel, "/", g_ptr_array_index(qualities, j), NULL);
            if (sync_policy_wants(peer->context->policy, stream) && !add_stream_by_names(peer, hours, stream, error))
                return FALSE;
        }
    }
    return channels != NULL;
}

static int compare_hours(gconstpointer a, gconstpointer b)
{
    const SyncHour *one = *(const SyncHour *const *) a, *other = *(const SyncHour *const *) b;
    return one->hour != other->hour ? (one->hour < other->hour ? 1 : -1) : strcmp(one->path, other->path);
}

static void order_hours(GPtrArray *hours, SyncOrder order)
{
    g_ptr_array_sort(hours, compare_hours);
    for (guint i = 0; i < hours->len; i++) {
        guint other = order == SYNC_ORDER_RANDOM ? (guint) g_random_int_range((gint32) i, (gint32) hours->len)
                      : order == SYNC_ORDER_OLDEST && i < hours->len / 2 ? hours->len - 1 - i
                                                                         : i;
        gpointer hour = hours->pdata[i];
        hours->pdata[i] = hours->pdata[other];
        hours->pdata[other] = hour;
    }
}

GPtrArray *sync_survey(SyncPeer *peer, GError **error)
{
    g_autoptr(GPtrArray) hours = g_ptr_array_new_with_free_func((GDestroyNotify) sync_hour_free);
    g_autoptr(SyncListing) listing = NULL;
    g_auto(SyncAnswer) answer = {0};
    gboolean ok;
    if (peer->kind != SYNC_KIND_WUBLOADER) {
        listing = sync_catalog_streams(peer->context->catalog, error);
        if (listing == NULL)
            return NULL;
        // That the peer has nothing new says something only where nothing changed here.
        const char *etag = g_strcmp0(listing->etag, peer->our_etag) == 0 ? peer->their_etag : NULL;
        if (!sync_peer_ask(peer, "/digests", etag, TRUE, &answer, error))
            return NULL;
        if (answer.status == 304 && etag != NULL)
            return g_steal_pointer(&hours);
    }
    g_clear_pointer(&peer->their_etag, g_free);
    if (peer->kind == SYNC_KIND_WUBLOADER || answer.status == 404) {
        peer->kind = SYNC_KIND_WUBLOADER;
        ok = add_by_names(peer, hours, error);
    } else if (answer.status == 200) {
        peer->kind = SYNC_KIND_SEGFS;
        ok = add_by_digests(peer, hours, &answer, listing, error);
    } else {
        ok = sync_peer_set_status_error(peer, "/digests", answer.status, error);
    }
    if (!ok)
        return NULL;
    order_hours(hours, peer->context->policy->order);
    return g_steal_pointer(&hours);
}

// ---- what they have

typedef struct {
    SyncPeer *peer;
    GPtrArray *hours;
    guint next;
    guint n_kept, n_kept_tombstones; // names
} Comparing;

typedef struct {
    Comparing *comparing;
    SyncHour *hour;
    char *path; // that is asked for
} Look;

static void complain_of_names(SyncPeer *peer, const SyncHour *hour, const SyncDiff *diff)
{
    if (diff->n_bad == 0 || g_hash_table_contains(peer->complained, hour->path))
        return;
    if (g_hash_table_size(peer->complained) >= MAX_COMPLAINED)
        g_hash_table_remove_all(peer->complained);
    g_hash_table_add(peer->complained, g_strdup(hour->path));
    sync_peer_complain(peer, "%s: %u names that are no file's here, \"%s\" the first", hour->path, diff->n_bad,
                       diff->bad);
}

static gboolean is_barred(const guint8 hash[SEGMENT_HASH_SIZE], gpointer stream)
{
    return segment_stream_is_barred(stream, hash);
}

static SyncDiff *compare(SyncPeer *peer, const Look *look, const SyncReply *reply, GError **error)
{
    SegmentStream *stream;
    const SyncHour *hour = look->hour;
    if (reply->status != 200) {
        sync_peer_set_status_error(peer, look->path, reply->status, error);
        return NULL;
    }
    g_autoptr(SyncJson) theirs = sync_peer_parse(peer, look->path, reply->text, FALSE, error);
    g_autoptr(GPtrArray) ours =
        theirs != NULL ? sync_catalog_names(peer->context->catalog, hour->path, &stream, error) : NULL;
    if (ours == NULL)
        return NULL;
    SyncDiffOptions options = {
        .hour = hour->hour,
        .newest = g_get_real_time() - peer->context->policy->recent_cutoff,
        .barred = stream != NULL ? is_barred : NULL,
        .data = stream,
    };
    SyncDiff *diff = sync_diff_new(theirs->strings, ours, &options);
    if (theirs->n_bad > 0 && diff->n_bad == 0)
        diff->bad = g_strdup("(no text)");
    diff->n_bad += theirs->n_bad;
    return diff;
}

static void settle(SyncPeer *peer, const SyncHour *hour)
{
    Settled *settled = g_new0(Settled, 1);
    g_strlcpy(settled->theirs, hour->theirs, sizeof settled->theirs);
    g_strlcpy(settled->ours, hour->ours, sizeof settled->ours);
    g_hash_table_insert(peer->settled, g_strdup(hour->path), settled);
}

// What is too much to be kept is counted: tombstones for the next pass, names of files for a second look.
static void keep(Comparing *comparing, SyncHour *hour, SyncDiff *diff)
{
    if (hour->tombstones_only) {
        g_ptr_array_set_size(diff->segments, 0);
        g_ptr_array_set_size(diff->files, 0);
        diff->n_recent = 0;
    }
    hour->diff = diff;
    hour->n_missing = diff->segments->len + diff->files->len;
    hour->n_tombstones = diff->tombstones->len;
    hour->is_open = sync_diff_size(diff) > 0 || diff->n_recent > 0;
    if (!hour->is_open)
        settle(comparing->peer, hour);
    comparing->n_kept_tombstones += hour->n_tombstones;
    if (comparing->n_kept_tombstones > MAX_KEPT_TOMBSTONES) {
        comparing->n_kept_tombstones -= hour->n_tombstones;
        g_ptr_array_set_size(diff->tombstones, 0);
    }
    comparing->n_kept += hour->n_missing;
    hour->let_go = comparing->n_kept > MAX_KEPT && comparing->hours->len > 1;
    if (hour->let_go) {
        comparing->n_kept -= hour->n_missing;
        g_ptr_array_set_size(diff->segments, 0);
        g_ptr_array_set_size(diff->files, 0);
    }
}

static void end_look(const SyncReply *reply, gpointer data)
{
    Look *look = data;
    SyncPeer *peer = look->comparing->peer;
    SyncHour *hour = look->hour;
    g_autoptr(GError) failure = reply->error != NULL ? g_error_copy(reply->error) : NULL;
    sync_peer_answered(peer, reply);
    SyncDiff *diff = failure == NULL ? compare(peer, look, reply, &failure) : NULL;
    if (diff != NULL) {
        complain_of_names(peer, hour, diff);
        keep(look->comparing, hour, diff);
    } else if (!sync_peer_is_stopping(peer)) {
        hour->failed = TRUE;
        sync_peer_complain(peer, "cannot compare %s: %s", hour->path, failure->message);
    }
    g_free(look->path);
    g_free(look);
}

static gboolean start_look(SyncPeer *peer, gpointer data)
{
    Comparing *comparing = data;
    if (comparing->next >= comparing->hours->len)
        return FALSE;
    Look *look = g_new0(Look, 1);
    look->comparing = comparing;
    look->hour = g_ptr_array_index(comparing->hours, comparing->next++);
    look->path = sync_listing_path(look->hour->path);
    g_clear_pointer(&look->hour->diff, sync_diff_free);
    SyncGet get = {
        .path = look->path,
        .max_size = SYNC_LISTING_MAX,
        .seconds = SYNC_LISTING_SECONDS,
        .reply = end_look,
        .data = look,
    };
    sync_peer_get(peer, &get);
    return TRUE;
}

gboolean sync_survey_compare(SyncPeer *peer, GPtrArray *hours, GError **error)
{
    Comparing comparing = {.peer = peer, .hours = hours};
    return sync_peer_work(peer, start_look, &comparing, error);
}

gboolean sync_survey_compare_one(SyncPeer *peer, SyncHour *hour, GError **error)
{
    g_autoptr(GPtrArray) hours = g_ptr_array_new();
    g_ptr_array_add(hours, hour);
    hour->let_go = FALSE;
    return sync_survey_compare(peer, hours, error);
}

void sync_survey_unsettle(SyncPeer *peer)
{
    g_clear_pointer(&peer->their_etag, g_free);
}
