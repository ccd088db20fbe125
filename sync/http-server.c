// SPDX-License-Identifier: MIT
// The life of the server, and what libmicrohttpd calls.
#include "sync/http-server.h"

#include <errno.h>
#include <string.h>

#include "segment/fd.h"
#include "segment/lock.h"
#include "sync/address.h"
#include "sync/error.h"
#include "sync/http-private.h"
#include "sync/token.h"

#define CONNECTION_MEMORY (16 * 1024) // bytes: a request's headers have to fit
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

static SyncGuarded *guarded_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void connection_changed(void *cls, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    SyncServer *server = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = sync_guard_add(server->guard, info->connect_fd);
    } else if (*context != NULL) {
        sync_guard_remove(server->guard, *context);
        *context = NULL;
    }
}

// The request's line is there; TARGET is as it came.
static void *request_begins(void *cls, const char *target, struct MHD_Connection *connection)
{
    SyncServer *server = cls;
    SyncRequest *request = g_new0(SyncRequest, 1);
    request->route_status = sync_route_parse(target, &request->route);
    sync_guard_begin_request(server->guard, guarded_of(connection));
    return request;
}

static void request_ended(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_RequestTerminationCode code)
{
    SyncServer *server = cls;
    SyncRequest *request = *context;
    if (request == NULL)
        return;
    sync_guard_begin_idle(server->guard, guarded_of(connection));
    if (request->status != 0)
        sync_metrics_add_request(server->metrics, request->route.kind, request->status, request->size,
                                 g_get_monotonic_time() - request->started);
    sync_route_clear(&request->route);
    g_free(request);
    *context = NULL;
}

// Nothing that is served takes a body, and one may be endless.
static gboolean has_body(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return (length != NULL && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *body, size_t *body_size, void **context)
{
    SyncServer *server = cls;
    SyncRequest *request = *context;
    if (!request->begun) {
        request->begun = TRUE;
        request->started = g_get_monotonic_time();
        if (!has_body(connection))
            return MHD_YES;
        // An answer at this point ends the connection.
        request->route_status = MHD_HTTP_CONTENT_TOO_LARGE;
    }
    return sync_http_reply(server, connection, guarded_of(connection), request, method);
}

// The target is decoded by sync_route_parse(), which has to know what was a slash.
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    return strlen(text);
}

static void log_message(void *cls, const char *format, va_list arguments) G_GNUC_PRINTF(2, 0);

// Mostly what clients do wrong.
static void log_message(void *cls, const char *format, va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    g_debug("libmicrohttpd: %s", g_strchomp(text));
}

// ---- from options

static gboolean read_tls(SyncServer *server, const SyncServerOptions *options, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (options->tls_cert == NULL && options->tls_key == NULL)
        return TRUE;
    if (options->tls_cert == NULL || options->tls_key == NULL)
        return sync_error_set(error, SYNC_ERROR_FILE, "TLS needs a certificate and a key");
    if (!g_file_get_contents(options->tls_cert, &server->cert, NULL, &failure) ||
        !g_file_get_contents(options->tls_key, &server->key, NULL, &failure))
        return sync_error_set(error, SYNC_ERROR_FILE, "cannot use TLS: %s", failure->message);
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return sync_error_set(error, SYNC_ERROR_SERVER, "this libmicrohttpd has no TLS");
    return TRUE;
}

static gboolean set_up(SyncServer *server, const SyncServerOptions *options, GError **error)
{
    g_autofree char *shown = NULL;
    gboolean is_loopback = TRUE;
    if (options->token_file != NULL && (server->token = sync_token_read(options->token_file, error)) == NULL)
        return FALSE;
    if (!read_tls(server, options, error))
        return FALSE;
    server->listen_fd = sync_address_listen(options->listen, &shown, &is_loopback, error);
    if (server->listen_fd < 0)
        return FALSE;
    server->url = g_strconcat(server->cert != NULL ? "https://" : "http://", shown, NULL);
    if (!is_loopback && server->token == NULL)
        g_warning("%s has no token: whoever reaches it can read the store", server->url);
    return TRUE;
}

SyncServer *sync_server_new(const SyncServerOptions *options, GError **error)
{
    g_autoptr(SyncServer) server = g_new0(SyncServer, 1);
    server->store = options->store;
    server->catalog = options->catalog;
    server->events = options->events;
    server->metrics = options->metrics;
    server->listen_fd = -1;
    server->max_connections = MAX(options->max_connections, 1);
    server->threads = CLAMP(options->threads, 1, server->max_connections);
    server->timeout = MAX(options->timeout, 1);
    server->name = g_utf8_make_valid(options->name, -1);
    server->instance = g_strdup(options->instance);
    g_mutex_init(&server->guard_lock);
    return set_up(server, options, error) ? g_steal_pointer(&server) : NULL;
}

static void set_guard(SyncServer *server, SyncGuard *guard, SyncWaiting *waiting)
{
    SEGMENT_LOCK_SCOPE(&server->guard_lock);
    server->guard = guard;
    server->waiting = waiting;
}

gboolean sync_server_start(SyncServer *server, GError **error)
{
    guint flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME |
                  (server->cert != NULL ? MHD_USE_TLS : 0);
    struct MHD_OptionItem options[8];
    guint n = 0;
    // One thread is what there is without a pool.
    if (server->threads > 1)
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, server->threads, NULL};
    if (server->cert != NULL) {
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, server->key};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (gpointer) TLS_PRIORITIES};
    }
    options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};

    // Peers that wait leave room for those that ask.
    set_guard(server, sync_guard_new(server->timeout, server->metrics),
              sync_waiting_new(server->events, server->max_connections / 2));
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER, log_message, NULL, MHD_OPTION_LISTEN_SOCKET,
        server->listen_fd, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server, MHD_OPTION_URI_LOG_CALLBACK,
        request_begins, server, MHD_OPTION_NOTIFY_COMPLETED, request_ended, server, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, NULL, MHD_OPTION_CONNECTION_LIMIT, server->max_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t) CONNECTION_MEMORY, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (server->daemon == NULL)
        return sync_error_set(error, SYNC_ERROR_SERVER, "cannot serve on %s%s", server->url,
                              server->cert != NULL ? ": the certificate or its key may be wrong" : "");
    server->listen_fd = -1;
    g_message("serving peers on %s", server->url);
    return TRUE;
}

void sync_server_stop(SyncServer *server)
{
    SyncGuard *guard = server->guard;
    SyncWaiting *waiting = server->waiting;
    if (waiting != NULL)
        sync_waiting_end(waiting);
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
    set_guard(server, NULL, NULL);
    sync_guard_free(guard);
    sync_waiting_free(waiting);
}

void sync_server_free(SyncServer *server)
{
    if (server == NULL)
        return;
    sync_server_stop(server);
    segment_fd_close(&server->listen_fd);
    g_mutex_clear(&server->guard_lock);
    g_free(server->url);
    g_free(server->name);
    g_free(server->instance);
    g_free(server->token);
    g_free(server->cert);
    g_free(server->key);
    g_free(server);
}

void sync_server_revoke(SyncServer *server, SegmentStream *stream)
{
    SEGMENT_LOCK_SCOPE(&server->guard_lock);
    if (server->guard == NULL)
        return;
    sync_guard_revoke(server->guard, stream);
    sync_waiting_wake(server->waiting);
}

const char *sync_server_url(const SyncServer *server)
{
    return server->url;
}
