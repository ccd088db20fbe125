// SPDX-License-Identifier: MIT
// What http-server.c and http-reply.c share.
#ifndef SYNC_HTTP_PRIVATE_H
#define SYNC_HTTP_PRIVATE_H

#include <microhttpd.h>

#include "sync/catalog.h"
#include "sync/guard.h"
#include "sync/http-server.h"
#include "sync/routes.h"
#include "sync/waiting.h"

struct SyncServer {
    SegmentStore *store;
    SyncCatalog *catalog;
    SyncEvents *events;
    SyncMetrics *metrics; // NULL: turned off
    int listen_fd; // ours until libmicrohttpd has it
    char *url;
    char *name;
    char *instance;
    char *token, *cert, *key; // NULL where there is none
    guint max_connections, threads, timeout;

    struct MHD_Daemon *daemon; // NULL where it is not running
    GMutex guard_lock; // guards the pointer alone: changes are told at any time
    SyncGuard *guard; // while it is running
    SyncWaiting *waiting; // the same
};

// One request, from its first line to the last byte of its answer.
typedef struct {
    SyncRoute route;
    guint route_status; // what sync_route_parse() said
    gboolean begun; // its headers are there
    gboolean waited; // for a tombstone; it is to be answered now
    gint64 started; // monotonic: since then
    guint status; // of the answer; 0: there is none yet
    gint64 size; // of its body
} SyncRequest;

// Answers REQUEST, by METHOD ("GET"), on CONNECTION, which GUARDED watches over.
enum MHD_Result sync_http_reply(SyncServer *server, struct MHD_Connection *connection, SyncGuarded *guarded,
                                SyncRequest *request, const char *method);

#endif
