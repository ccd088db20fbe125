// SPDX-License-Identifier: MIT
// What a request asks for. Its target is the only text of a client's that becomes a path: it is taken apart here, and
// each name of it is plain (segment/beneath.h) or the request is refused.
//
// The routes are those of wubloader's restreamer (its main.py), and segfs's own:
//   /files   /files/CHANNEL   /files/CHANNEL/QUALITY   /files/CHANNEL/QUALITY/HOUR[?tombstones=true]
//   /segments/PATH   /extras/DIR   /digests   /digests/CHANNEL/QUALITY   /tombstones[?after=CURSOR&wait=SECONDS]
//   /metrics   /healthz
#ifndef SYNC_ROUTES_H
#define SYNC_ROUTES_H

#include <glib.h>

#include "sync/events.h"

#define SYNC_WAIT_MAX 300 // seconds that a request may wait
#define SYNC_TARGET_MAX 4096 // bytes of a request's target
#define SYNC_PATH_MAX_NAMES 16 // in a path: a link could make it endless

typedef enum {
    SYNC_ROUTE_NONE,
    SYNC_ROUTE_DIRECTORY, // /files with up to two names: what directories there are
    SYNC_ROUTE_HOUR, // the files of an hour
    SYNC_ROUTE_FILE,
    SYNC_ROUTE_EXTRAS, // all files below a directory
    SYNC_ROUTE_DIGESTS, // of the hours of a stream
    SYNC_ROUTE_STREAMS, // the digests of all streams
    SYNC_ROUTE_TOMBSTONES, // those that came lately
    SYNC_ROUTE_METRICS,
    SYNC_ROUTE_HEALTH,
    SYNC_N_ROUTES
} SyncRouteKind;

typedef struct {
    SyncRouteKind kind;
    char *path; // decoded, from the store's root: plain names with slashes between them; NULL where there are none
    guint n_names;
    gboolean tombstones; // an hour's are asked for, too
    char after[SYNC_CURSOR_MAX + 1]; // a cursor of events.h; empty: none
    guint wait; // seconds; SYNC_WAIT_MAX at most
} SyncRoute;

// Reads TARGET, a request's as it came: still with its percent signs (RFC 3986 2.1) and its query. Returns the status
// that it deserves: 200, or 400, 404 or 414 with *ROUTE empty. *ROUTE has to be cleared.
guint sync_route_parse(const char *target, SyncRoute *route);
void sync_route_clear(SyncRoute *route);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SyncRoute, sync_route_clear)

// A word for it, for metrics: "hour". Always the same one.
const char *sync_route_name(SyncRouteKind kind);

#endif
