// SPDX-License-Identifier: MIT
// Files from a peer: asked for, written as they come, and given to the writer, whose thread tells of the end.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "segment/beneath.h"
#include "segment/lock.h"
#include "sync/error.h"
#include "sync/peer-private.h"
#include "sync/routes.h"
#include "sync/sink.h"

#define MAX_FILE_SIZE (64 * 1024 * 1024) // bytes; the writer has its own
#define PATIENCE (5 * G_TIME_SPAN_SECOND) // with another peer that fetches the same
#define MAX_FAILURES 10000 // files that are remembered
#define MAX_FAILURE_PAUSE 3600 // seconds

// A file that could not be had.
typedef struct {
    guint n; // times
    gint64 next; // monotonic: not before
} Failure;

typedef struct {
    SyncPeer *peer;
    char *directory, *file; // from the store's root
    char *path; // both
    char *stream; // NULL where it is no segment
    gint64 hour;
    SyncFileType type;
    gboolean claimed, is_refused;
    SyncSink *sink; // NULL: no byte came yet, or all have come
    gint64 started; // monotonic
    gint64 received; // bytes
    gboolean news;
    GError *error;
} Fetch;

typedef struct {
    GPtrArray *hours; // NULL for extras
    guint hour; // the next one
    GPtrArray *queue; // Fetch, the next one last
    GPtrArray *postponed; // Fetch, of what somebody else fetches
} Fetching;

static void fetch_free(gpointer data)
{
    Fetch *fetch = data;
    sync_sink_drop(fetch->sink);
    g_clear_error(&fetch->error);
    g_free(fetch->directory);
    g_free(fetch->file);
    g_free(fetch->path);
    g_free(fetch->stream);
    g_free(fetch);
}

static Fetch *fetch_new(SyncPeer *peer, const char *directory, const char *file)
{
    Fetch *fetch = g_new0(Fetch, 1);
    SegmentName name;
    fetch->peer = peer;
    fetch->directory = g_strdup(directory);
    fetch->file = g_strdup(file);
    fetch->path = g_build_filename(directory, file, NULL);
    fetch->type = SYNC_FILE_OTHER;
    if (segment_name_parse(file, &name))
        fetch->type = name.type == SEGMENT_FULL      ? SYNC_FILE_FULL
                      : name.type == SEGMENT_SUSPECT ? SYNC_FILE_SUSPECT
                                                     : SYNC_FILE_PARTIAL;
    return fetch;
}

// ---- what failed before

static gboolean is_put_off(SyncPeer *peer, const char *path)
{
    const Failure *failure = g_hash_table_lookup(peer->failures, path);
    return failure != NULL && g_get_monotonic_time() < failure->next;
}

static void remember_failure(SyncPeer *peer, const Fetch *fetch)
{
    Failure *failure = g_hash_table_lookup(peer->failures, fetch->path);
    if (failure == NULL) {
        if (g_hash_table_size(peer->failures) >= MAX_FAILURES)
            g_hash_table_remove_all(peer->failures);
        failure = g_new0(Failure, 1);
        g_hash_table_insert(peer->failures, g_strdup(fetch->path), failure);
        // Once for each file: it may fail at each pass.
        sync_peer_complain(peer, "%s", fetch->error->message);
    }
    // Half an interval at first, so that the next pass tries again; then twice as long each time.
    gint64 seconds = (gint64) peer->context->policy->interval << MIN(failure->n++, 16);
    failure->next = g_get_monotonic_time() + MIN(seconds / 2, MAX_FAILURE_PAUSE) * G_TIME_SPAN_SECOND;
}

// ---- one file

static SyncResult result_of(const Fetch *fetch)
{
    const GError *error = fetch->error;
    if (error == NULL)
        return fetch->news ? SYNC_RESULT_OK : SYNC_RESULT_KNOWN;
    if (segment_error_is_barred(error))
        return SYNC_RESULT_BARRED;
    if (segment_error_is_no_room(error))
        return SYNC_RESULT_NO_ROOM;
    if (g_error_matches(error, SYNC_ERROR, SYNC_ERROR_GONE))
        return SYNC_RESULT_GONE;
    return error->domain == SEGMENT_ERROR ? SYNC_RESULT_MISMATCH : SYNC_RESULT_FAILED;
}

static void pause_for_room(SyncPeer *peer, const GError *error)
{
    if (!peer->no_room && !peer->was_full)
        g_warning("peer %s: paused: %s", peer->node->name, error->message);
    peer->no_room = TRUE;
}

// Takes FETCH, which is at its end.
static void end_fetch(Fetch *fetch)
{
    SyncPeer *peer = fetch->peer;
    SyncResult result = result_of(fetch);
    gboolean ok = result == SYNC_RESULT_OK || result == SYNC_RESULT_KNOWN;
    if (sync_peer_is_stopping(peer) && !ok)
        result = SYNC_RESULT_FAILED;
    else if (result == SYNC_RESULT_NO_ROOM)
        pause_for_room(peer, fetch->error);
    else if (result == SYNC_RESULT_MISMATCH || result == SYNC_RESULT_FAILED)
        remember_failure(peer, fetch);
    else
        g_hash_table_remove(peer->failures, fetch->path);
    if (fetch->claimed)
        sync_claims_give_back(peer->context->claims, fetch->path);
    sync_peer_metrics_add_file(peer->metrics, fetch->type, result, fetch->received,
                               g_get_monotonic_time() - fetch->started);
    if (result != SYNC_RESULT_OK && result != SYNC_RESULT_KNOWN && result != SYNC_RESULT_BARRED &&
        result != SYNC_RESULT_GONE)
        peer->n_left++;
    if (result != SYNC_RESULT_NO_ROOM) {
        SEGMENT_LOCK_SCOPE(&peer->lock);
        peer->status.n_missing -= MIN(peer->status.n_missing, 1);
        peer->status.n_files += result == SYNC_RESULT_OK;
        peer->status.n_bytes += result == SYNC_RESULT_OK ? (guint64) fetch->received : 0;
    }
    fetch_free(fetch);
}

// In the writer's thread, or one of the sinks'.
static void published(gboolean news, const GError *error, gpointer data)
{
    Fetch *fetch = data;
    SyncPeer *peer = fetch->peer;
    fetch->news = news;
    fetch->error = error != NULL ? g_error_copy(error) : NULL;
    // Once it is collected, which takes the lock, the peer may go.
    SEGMENT_LOCK_SCOPE(&peer->lock);
    g_queue_push_tail(&peer->published, fetch);
    sync_client_wake(peer->client);
}

static Fetch *pop_published(SyncPeer *peer)
{
    SEGMENT_LOCK_SCOPE(&peer->lock);
    return g_queue_pop_head(&peer->published);
}

void sync_fetch_collect(SyncPeer *peer)
{
    for (Fetch *fetch; (fetch = pop_published(peer)) != NULL;) {
        peer->n_publishing--;
        end_fetch(fetch);
    }
}

static SegmentDraft *make_draft(const Fetch *fetch, gint64 size, GError **error)
{
    SegmentWriter *writer = fetch->peer->context->writer;
    guint8 hash[SEGMENT_HASH_SIZE];
    if (fetch->stream != NULL)
        return segment_draft_new(writer, fetch->stream, fetch->hour, fetch->file, size, error);
    gboolean has_hash = sync_file_name_hash(fetch->file, hash);
    return segment_draft_new_file(writer, fetch->directory, fetch->file, has_hash ? hash : NULL, size, error);
}

static SyncSink *make_sink(const Fetch *fetch, gint64 size, GError **error)
{
    SegmentDraft *draft = make_draft(fetch, size, error);
    return draft != NULL ? sync_sink_new(fetch->peer->context->sinks, draft) : NULL;
}

static gboolean take_bytes(gconstpointer data, gsize length, gint64 size, gpointer user_data, GError **error)
{
    Fetch *fetch = user_data;
    if (fetch->sink == NULL)
        fetch->sink = make_sink(fetch, size, error);
    if (fetch->sink == NULL)
        return FALSE;
    fetch->received += (gint64) length;
    if (sync_sink_write(fetch->sink, data, length))
        return TRUE;
    // What it is, the sink tells at its end.
    fetch->is_refused = TRUE;
    return sync_error_set(error, SYNC_ERROR_PEER, "cannot be written");
}

// What it is asked for by.
static char *url_path(const Fetch *fetch)
{
    GString *path = g_string_new("/segments");
    sync_path_append(path, fetch->path);
    return g_string_free(path, FALSE);
}

static void set_status_error(Fetch *fetch, guint status)
{
    g_autofree char *path = url_path(fetch);
    sync_peer_set_status_error(fetch->peer, path, status, &fetch->error);
}

static void end_bytes(const SyncReply *reply, gpointer data)
{
    Fetch *fetch = data;
    SyncPeer *peer = fetch->peer;
    sync_peer_answered(peer, reply);
    if (reply->error != NULL && !fetch->is_refused)
        fetch->error = g_error_copy(reply->error);
    else if (reply->status == 404 || reply->status == 410)
        sync_error_set(&fetch->error, SYNC_ERROR_GONE, "%s: gone", fetch->path);
    else if (reply->status != 200)
        set_status_error(fetch, reply->status);
    else if (fetch->sink == NULL && fetch->stream != NULL)
        g_set_error(&fetch->error, SEGMENT_ERROR, SEGMENT_ERROR_MISMATCH, "%s: no byte", fetch->path);
    else if (fetch->sink == NULL)
        fetch->sink = make_sink(fetch, 0, &fetch->error);
    if (fetch->error != NULL) {
        end_fetch(fetch);
        return;
    }
    peer->n_publishing++;
    sync_sink_publish(g_steal_pointer(&fetch->sink), published, fetch);
}

static void begin(SyncPeer *peer, Fetch *fetch)
{
    g_autofree char *path = url_path(fetch);
    SyncGet get = {
        .path = path,
        .max_size = MAX_FILE_SIZE,
        .seconds = SYNC_FILE_SECONDS,
        .body = take_bytes,
        .reply = end_bytes,
        .data = fetch,
    };
    fetch->started = g_get_monotonic_time();
    sync_peer_get(peer, &get);
}

// ---- many

static gboolean is_here(const SyncPeer *peer, const char *path)
{
    struct stat st;
    return fstatat(segment_store_fd(peer->context->store), path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void fill_queue(SyncPeer *peer, Fetching *fetching, const SyncHour *hour)
{
    const GPtrArray *files = hour->diff->files, *segments = hour->diff->segments;
    // From its end: segments first.
    for (guint i = 0; i < files->len; i++)
        g_ptr_array_add(fetching->queue, fetch_new(peer, hour->path, g_ptr_array_index(files, i)));
    for (guint i = 0; i < segments->len; i++) {
        Fetch *fetch = fetch_new(peer, hour->path, g_ptr_array_index(segments, i));
        fetch->stream = g_strdup(hour->stream);
        fetch->hour = hour->hour;
        g_ptr_array_add(fetching->queue, fetch);
        // At random, so that two nodes that fetch from each other, or from a third, soon have different ones.
        guint last = fetching->queue->len - 1;
        guint other = (guint) g_random_int_range((gint32) files->len, (gint32) last + 1);
        fetching->queue->pdata[last] = fetching->queue->pdata[other];
        fetching->queue->pdata[other] = fetch;
    }
}

static gboolean next_hour(SyncPeer *peer, Fetching *fetching)
{
    while (fetching->queue->len == 0 && fetching->hours != NULL && fetching->hour < fetching->hours->len) {
        const SyncHour *hour = g_ptr_array_index(fetching->hours, fetching->hour);
        if (hour->let_go)
            return FALSE;
        if (hour->diff != NULL)
            fill_queue(peer, fetching, hour);
        fetching->hour++;
    }
    return fetching->queue->len > 0;
}

// Begins the next one that is still to be had, if there is one.
static gboolean start_next(SyncPeer *peer, gpointer data)
{
    Fetching *fetching = data;
    while (!peer->no_room && next_hour(peer, fetching)) {
        Fetch *fetch = g_ptr_array_steal_index(fetching->queue, fetching->queue->len - 1);
        if (is_put_off(peer, fetch->path)) {
            peer->n_left++;
            fetch_free(fetch);
        } else if (is_here(peer, fetch->path)) {
            fetch_free(fetch);
        } else if (fetching->postponed != NULL && !sync_claims_take(peer->context->claims, fetch->path)) {
            g_ptr_array_add(fetching->postponed, fetch);
        } else {
            fetch->claimed = fetching->postponed != NULL;
            begin(peer, fetch);
            return TRUE;
        }
    }
    return FALSE;
}

// What others had begun to fetch: they have a little time to end that.
static gboolean fetch_postponed(SyncPeer *peer, GPtrArray *postponed, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE;
    while (postponed->len > 0 && !peer->no_room) {
        g_autoptr(GPtrArray) still = g_ptr_array_new_with_free_func(fetch_free);
        Fetching rest = {.queue = postponed, .postponed = g_get_monotonic_time() < deadline ? still : NULL};
        if (!sync_peer_work(peer, start_next, &rest, error))
            return FALSE;
        if (still->len > 0)
            sync_peer_wait(peer, PATIENCE / 50);
        g_ptr_array_extend_and_steal(postponed, g_steal_pointer(&still));
    }
    return TRUE;
}

static gboolean fetch_all(SyncPeer *peer, Fetching *fetching, GError **error)
{
    g_autoptr(GPtrArray) postponed = g_ptr_array_new_with_free_func(fetch_free);
    fetching->postponed = postponed;
    gboolean ok = sync_peer_work(peer, start_next, fetching, error) && fetch_postponed(peer, postponed, error);
    peer->n_left += fetching->queue->len + postponed->len;
    g_ptr_array_set_size(fetching->queue, 0);
    fetching->postponed = NULL;
    return ok;
}

static gboolean has_room(SyncPeer *peer)
{
    g_autoptr(GError) error = NULL;
    if (!segment_writer_has_room(peer->context->writer, 0, &error))
        pause_for_room(peer, error);
    return !peer->no_room;
}

gboolean sync_fetch_hours(SyncPeer *peer, GPtrArray *hours, GError **error)
{
    g_autoptr(GPtrArray) queue = g_ptr_array_new_with_free_func(fetch_free);
    Fetching fetching = {.hours = hours, .queue = queue};
    while (fetching.hour < hours->len && has_room(peer)) {
        SyncHour *hour = g_ptr_array_index(hours, fetching.hour);
        if (hour->let_go && !sync_survey_compare_one(peer, hour, error))
            return FALSE;
        if (!fetch_all(peer, &fetching, error))
            return FALSE;
    }
    for (guint i = fetching.hour; i < hours->len; i++)
        peer->n_left += ((const SyncHour *) g_ptr_array_index(hours, i))->n_missing;
    for (guint i = 0; i < hours->len; i++)
        peer->n_left += ((const SyncHour *) g_ptr_array_index(hours, i))->failed;
    return TRUE;
}

// ---- extras

// Whether PATH, from a peer, is of plain names, few enough.
static gboolean is_plain_path(const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    guint n = g_strv_length(names);
    for (guint i = 0; i < n; i++) {
        if (!segment_beneath_name_is_plain(names[i]))
            return FALSE;
    }
    return n > 0 && n < SYNC_PATH_MAX_NAMES;
}

static void add_extra(SyncPeer *peer, Fetching *fetching, const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    if (is_here(peer, path))
        return;
    if (peer->context->missing != NULL) {
        peer->context->missing(path, peer->context->missing_data);
        return;
    }
    char *slash = strrchr(path, '/');
    *slash = '\0';
    g_ptr_array_add(fetching->queue, fetch_new(peer, path, slash + 1));
}

gboolean sync_fetch_extras(SyncPeer *peer, const char *name, GError **error)
{
    g_autoptr(GString) path = g_string_new("/extras");
    g_auto(SyncAnswer) answer = {0};
    g_autoptr(GPtrArray) queue = g_ptr_array_new_with_free_func(fetch_free);
    Fetching fetching = {.queue = queue};
    sync_path_append(path, name);
    if (!sync_peer_ask(peer, path->str, NULL, FALSE, &answer, error))
        return FALSE;
    if (answer.status != 200)
        return answer.status == 404 || sync_peer_set_status_error(peer, path->str, answer.status, error);
    SyncJson *names = answer.json;
    for (guint i = 0; i < names->strings->len; i++) {
        const char *extra = g_ptr_array_index(names->strings, i);
        if (is_plain_path(extra))
            add_extra(peer, &fetching, name, extra);
        else
            names->n_bad++;
    }
    if (names->n_bad > 0)
        sync_peer_complain(peer, "%s: %u names that are no file's here", path->str, names->n_bad);
    return peer->context->missing != NULL || fetch_all(peer, &fetching, error);
}
