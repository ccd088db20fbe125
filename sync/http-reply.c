// SPDX-License-Identifier: MIT
// From a request to its answer.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/fd.h"
#include "sync/conditions.h"
#include "sync/http-private.h"
#include "sync/token.h"

#define JSON "application/json"
#define TEXT "text/plain; charset=utf-8"

typedef struct {
    SyncServer *server;
    struct MHD_Connection *connection;
    SyncGuarded *guarded;
    SyncRequest *request;
} Exchange;

typedef struct MHD_Response Response;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Response, MHD_destroy_response)

static const char *field(const Exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static void add_field(Response *response, const char *name, const char *value)
{
    if (MHD_add_response_header(response, name, value) != MHD_YES)
        g_warning("cannot add the field %s: %s", name, value);
}

// Sends RESPONSE, with SIZE bytes. No cache between may answer for us: what is barred meanwhile has to be asked for.
static enum MHD_Result queue(Exchange *exchange, guint status, Response *response, gint64 size)
{
    add_field(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    exchange->request->status = status;
    exchange->request->size = size;
    return MHD_queue_response(exchange->connection, status, response);
}

// Answers with no more than a line that says what STATUS means.
static enum MHD_Result queue_status(Exchange *exchange, guint status)
{
    g_autofree char *line = g_strconcat(MHD_get_reason_phrase_for(status), "\n", NULL);
    g_autoptr(Response) response =
        MHD_create_response_from_buffer(strlen(line), (gpointer) line, MHD_RESPMEM_MUST_COPY);
    add_field(response, MHD_HTTP_HEADER_CONTENT_TYPE, TEXT);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        add_field(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (status == MHD_HTTP_UNAUTHORIZED)
        add_field(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    return queue(exchange, status, response, (gint64) strlen(line));
}

// Logs ERROR, and says no more of it than that it is ours.
static enum MHD_Result queue_failure(Exchange *exchange, const GError *error)
{
    g_warning("cannot serve: %s", error->message);
    return queue_status(exchange, MHD_HTTP_SERVICE_UNAVAILABLE);
}

static enum MHD_Result queue_not_modified(Exchange *exchange, const char *etag)
{
    g_autoptr(Response) response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    add_field(response, MHD_HTTP_HEADER_ETAG, etag);
    return queue(exchange, MHD_HTTP_NOT_MODIFIED, response, 0);
}

// ---- texts

static void unref_listing(void *listing)
{
    sync_listing_unref(listing);
}

// Takes LISTING; NULL: ERROR says why there is none.
static enum MHD_Result queue_listing(Exchange *exchange, SyncListing *listing, const GError *error)
{
    if (listing == NULL)
        return queue_failure(exchange, error);
    if (sync_etag_matches(field(exchange, MHD_HTTP_HEADER_IF_NONE_MATCH), listing->etag)) {
        enum MHD_Result result = queue_not_modified(exchange, listing->etag);
        sync_listing_unref(listing);
        return result;
    }
    g_autoptr(Response) response =
        MHD_create_response_from_buffer_with_free_callback_cls(listing->length, listing->text, unref_listing, listing);
    add_field(response, MHD_HTTP_HEADER_CONTENT_TYPE, JSON);
    add_field(response, MHD_HTTP_HEADER_ETAG, listing->etag);
    return queue(exchange, MHD_HTTP_OK, response, (gint64) listing->length);
}

static enum MHD_Result queue_text(Exchange *exchange, guint status, const char *type, GString *text)
{
    gsize length = text->len;
    g_autoptr(Response) response =
        MHD_create_response_from_buffer_with_free_callback(length, g_string_free(text, FALSE), g_free);
    add_field(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return queue(exchange, status, response, (gint64) length);
}

static enum MHD_Result queue_health(Exchange *exchange)
{
    const SyncServer *server = exchange->server;
    struct stat st;
    // A disk that is gone is not healthy.
    gboolean ok = fstatat(segment_store_fd(server->store), ".", &st, 0) == 0 && st.st_nlink > 0;
    GString *json = g_string_new("{\"status\": ");
    sync_json_append(json, ok ? "ok" : "no store");
    g_string_append(json, ", \"version\": ");
    sync_json_append(json, PACKAGE_VERSION);
    g_string_append(json, ", \"name\": ");
    sync_json_append(json, server->name);
    g_string_append(json, ", \"instance\": ");
    sync_json_append(json, server->instance);
    g_string_append(json, "}\n");
    return queue_text(exchange, ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, JSON, json);
}

// Waits first where there is nothing to tell, and the client said so.
static enum MHD_Result queue_tombstones(Exchange *exchange)
{
    const SyncServer *server = exchange->server;
    SyncRequest *request = exchange->request;
    const char *after = request->route.after;
    if (*after != '\0' && request->route.wait > 0 && !request->waited) {
        request->waited = TRUE;
        sync_guard_begin_wait(server->guard, exchange->guarded);
        if (sync_waiting_add(server->waiting, exchange->connection, after,
                             g_get_monotonic_time() + request->route.wait * G_TIME_SPAN_SECOND))
            return MHD_YES;
    }
    sync_guard_begin_answer(server->guard, exchange->guarded, NULL, NULL);
    return queue_text(exchange, MHD_HTTP_OK, JSON, sync_events_format(server->events, *after != '\0' ? after : NULL));
}

static enum MHD_Result queue_metrics(Exchange *exchange)
{
    if (exchange->server->metrics == NULL)
        return queue_status(exchange, MHD_HTTP_NOT_FOUND);
    return queue_text(exchange, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                      sync_metrics_format(exchange->server->metrics));
}

// ---- files

static const char *content_type(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".ts", "video/MP2T"}, // RFC 3555 4.2.9
        {".json", JSON},
        {".m3u8", "application/vnd.apple.mpegurl"}, // RFC 8216 10
        {".txt", TEXT},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".mp4", "video/mp4"},
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_str_has_suffix(path, types[i].suffix))
            return types[i].type;
    }
    return "application/octet-stream";
}

// The regular file PATH beneath the store's root, or -1 with errno set. PATH is of plain names.
static int open_file(const SyncServer *server, const char *path, struct stat *st)
{
    segment_autofd int fd = openat(segment_store_fd(server->store), path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, st) < 0)
        return -1;
    if (!S_ISREG(st->st_mode)) {
        errno = ENOENT;
        return -1;
    }
    return segment_fd_steal(&fd);
}

// A segment's is what its name says of its content, and how much there is of it. Any other file's is what changes with it.
static char *file_etag(const SyncFile *file, const struct stat *st)
{
    if (file->stream == NULL)
        return g_strdup_printf("\"%llx-%llx-%llx.%lx\"", (unsigned long long) st->st_ino,
                               (unsigned long long) st->st_size, (unsigned long long) st->st_mtim.tv_sec,
                               (unsigned long) st->st_mtim.tv_nsec);
    g_autofree char *hash = segment_hash_format(file->hash);
    return g_strdup_printf("\"%s-%llx\"", hash, (unsigned long long) st->st_size);
}

static enum MHD_Result queue_unsatisfiable(Exchange *exchange, gint64 size)
{
    g_autoptr(Response) response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    g_autofree char *range = g_strdup_printf("bytes */%" G_GINT64_FORMAT, size);
    add_field(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
    return queue(exchange, MHD_HTTP_RANGE_NOT_SATISFIABLE, response, 0);
}

// Sends the file open at FD, which it takes: by sendfile(2) where there is no TLS.
static enum MHD_Result queue_open_file(Exchange *exchange, int fd, gint64 size, const char *etag)
{
    segment_autofd int file = fd;
    if (sync_etag_matches(field(exchange, MHD_HTTP_HEADER_IF_NONE_MATCH), etag))
        return queue_not_modified(exchange, etag);
    SyncRange range =
        sync_range_parse(field(exchange, MHD_HTTP_HEADER_RANGE), field(exchange, MHD_HTTP_HEADER_IF_RANGE), etag, size);
    if (range.kind == SYNC_RANGE_UNSATISFIABLE)
        return queue_unsatisfiable(exchange, size);

    g_autoptr(Response) response =
        MHD_create_response_from_fd_at_offset64((guint64) range.length, file, (guint64) range.start);
    if (response == NULL)
        return queue_status(exchange, MHD_HTTP_SERVICE_UNAVAILABLE);
    segment_fd_steal(&file); // the response's now
    add_field(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type(exchange->request->route.path));
    add_field(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    add_field(response, MHD_HTTP_HEADER_ETAG, etag);
    if (range.kind == SYNC_RANGE_ALL)
        return queue(exchange, MHD_HTTP_OK, response, range.length);
    g_autofree char *text = g_strdup_printf("bytes %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT,
                                            range.start, range.start + range.length - 1, size);
    add_field(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    return queue(exchange, MHD_HTTP_PARTIAL_CONTENT, response, range.length);
}

static enum MHD_Result queue_file(Exchange *exchange)
{
    const SyncServer *server = exchange->server;
    const char *path = exchange->request->route.path;
    g_autoptr(GError) error = NULL;
    SyncFile file;
    struct stat st;

    if (!sync_catalog_find(server->catalog, path, &file, &error))
        return queue_failure(exchange, error);
    if (file.is_temp)
        return queue_status(exchange, MHD_HTTP_NOT_FOUND);
    // First the guard knows of it, then it is asked: a tombstone that comes between is seen by one of them.
    sync_guard_begin_answer(server->guard, exchange->guarded, file.stream, file.hash);
    if (file.stream != NULL && segment_stream_is_barred(file.stream, file.hash))
        return queue_status(exchange, MHD_HTTP_GONE);
    int fd = open_file(server, path, &st);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG || errno == ENXIO))
        return queue_status(exchange, MHD_HTTP_NOT_FOUND);
    if (fd < 0) {
        segment_error_set_errno(&error, errno, "cannot open", path);
        return queue_failure(exchange, error);
    }
    g_autofree char *etag = file_etag(&file, &st);
    return queue_open_file(exchange, fd, st.st_size, etag);
}

// ---- all of them

static enum MHD_Result queue_catalog(Exchange *exchange)
{
    SyncCatalog *catalog = exchange->server->catalog;
    const SyncRoute *route = &exchange->request->route;
    g_autoptr(GError) error = NULL;
    SyncListing *listing = NULL;
    if (route->kind == SYNC_ROUTE_DIRECTORY)
        listing = sync_catalog_directories(catalog, route->path, &error);
    else if (route->kind == SYNC_ROUTE_HOUR)
        listing = sync_catalog_hour(catalog, route->path, route->tombstones, &error);
    else if (route->kind == SYNC_ROUTE_EXTRAS)
        listing = sync_catalog_extras(catalog, route->path, &error);
    else if (route->kind == SYNC_ROUTE_DIGESTS)
        listing = sync_catalog_digests(catalog, route->path, &error);
    else
        listing = sync_catalog_streams(catalog, &error);
    return queue_listing(exchange, listing, error);
}

enum MHD_Result sync_http_reply(SyncServer *server, struct MHD_Connection *connection, SyncGuarded *guarded,
                                SyncRequest *request, const char *method)
{
    Exchange exchange = {server, connection, guarded, request};
    sync_guard_begin_answer(server->guard, guarded, NULL, NULL);
    if (server->token != NULL && !sync_token_matches(server->token, field(&exchange, MHD_HTTP_HEADER_AUTHORIZATION)))
        return queue_status(&exchange, MHD_HTTP_UNAUTHORIZED);
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return queue_status(&exchange, MHD_HTTP_METHOD_NOT_ALLOWED);
    if (request->route_status != MHD_HTTP_OK)
        return queue_status(&exchange, request->route_status);
    switch (request->route.kind) {
    case SYNC_ROUTE_FILE:
        return queue_file(&exchange);
    case SYNC_ROUTE_TOMBSTONES:
        return queue_tombstones(&exchange);
    case SYNC_ROUTE_METRICS:
        return queue_metrics(&exchange);
    case SYNC_ROUTE_HEALTH:
        return queue_health(&exchange);
    default:
        return queue_catalog(&exchange);
    }
}
