// SPDX-License-Identifier: MIT
// Serves a store to peers, by HTTP: the routes are in sync/routes.h, what they show in sync/catalog.h.
//
// NOTES ON THE THREAD MODEL. libmicrohttpd's threads, a fixed number, share the listening socket; each serves its
// connections by epoll, and reads directories itself. One thread guards the connections (guard.c). None is started
// before sync_server_start(), and sync_server_stop() ends all.
#ifndef SYNC_HTTP_SERVER_H
#define SYNC_HTTP_SERVER_H

#include <glib.h>

#include "sync/catalog.h"
#include "sync/events.h"
#include "sync/metrics.h"

typedef struct SyncServer SyncServer;

typedef struct {
    SegmentStore *store;
    SyncCatalog *catalog; // of it
    SyncEvents *events; // its tombstones
    SyncMetrics *metrics; // NULL: turned off
    const char *instance; // drawn at each start: by it a node knows itself
    const char *listen; // ADDR:PORT, [ADDR]:PORT, or :PORT and PORT for the loopback address; port 0: any that is free
    const char *name; // this node's
    const char *token_file; // NULL: everybody may read
    const char *tls_cert, *tls_key; // files in PEM; NULL: no TLS
    guint max_connections, threads;
    guint timeout; // seconds, see sync/guard.h
} SyncServerOptions;

// Binds the address and reads all files, but does not serve yet. The store, its catalog, events and metrics have to
// outlive it. Errors: SYNC_ERROR.
SyncServer *sync_server_new(const SyncServerOptions *options, GError **error);

// Starts its threads.
gboolean sync_server_start(SyncServer *server, GError **error);

// Ends them, and all connections.
void sync_server_stop(SyncServer *server);

// Stops it, if that was not done yet, and frees all.
void sync_server_free(SyncServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncServer, sync_server_free)

// What STREAM's tombstones bar, or its events have, is more by now.
void sync_server_revoke(SyncServer *server, SegmentStream *stream);

// Where it can be reached, "http://127.0.0.1:8000"; the server's own.
const char *sync_server_url(const SyncServer *server);

#endif
