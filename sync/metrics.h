// SPDX-License-Identifier: MIT
// What is counted, and its text for Prometheus. Counting takes no lock, and neither does the text: counters are read one
// by one. There are as many of them as are listed here, whatever peers ask for.
//
// Every function takes NULL for metrics that are turned off.
#ifndef SYNC_METRICS_H
#define SYNC_METRICS_H

#include <glib.h>

#include "sync/routes.h"

typedef struct SyncMetrics SyncMetrics;

// Why a connection was ended by us.
typedef enum {
    SYNC_END_IDLE, // no request for too long
    SYNC_END_SLOW_REQUEST, // one that does not come to its end
    SYNC_END_SLOW_READER, // an answer that is not taken
    SYNC_END_TOMBSTONE, // what it is sent is barred by now
    SYNC_N_ENDS
} SyncEnd;

// What a file from a peer is.
typedef enum { SYNC_FILE_FULL, SYNC_FILE_SUSPECT, SYNC_FILE_PARTIAL, SYNC_FILE_OTHER, SYNC_N_FILE_TYPES } SyncFileType;

// How it ended.
typedef enum {
    SYNC_RESULT_OK,
    SYNC_RESULT_KNOWN, // it was here meanwhile
    SYNC_RESULT_GONE, // the peer does not have it any more
    SYNC_RESULT_BARRED, // a tombstone came meanwhile
    SYNC_RESULT_MISMATCH, // its bytes are not those of its name
    SYNC_RESULT_NO_ROOM,
    SYNC_RESULT_FAILED,
    SYNC_N_RESULTS
} SyncResult;

SyncMetrics *sync_metrics_new(void);
void sync_metrics_free(SyncMetrics *metrics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncMetrics, sync_metrics_free)

// A request that was answered with STATUS, a body of SIZE bytes, MICROSECONDS after its headers were there.
void sync_metrics_add_request(SyncMetrics *metrics, SyncRouteKind route, guint status, gint64 size,
                              gint64 microseconds);
void sync_metrics_add_connections(SyncMetrics *metrics, int n);
void sync_metrics_add_end(SyncMetrics *metrics, SyncEnd end);

// Those of the peer NAME, the same ones whenever it is asked for. They live as long as METRICS.
typedef struct SyncPeerMetrics SyncPeerMetrics;
SyncPeerMetrics *sync_metrics_peer(SyncMetrics *metrics, const char *name);

// A file of SIZE bytes, as far as they came, in MICROSECONDS; a pass; a tombstone that was taken.
void sync_peer_metrics_add_file(SyncPeerMetrics *peer, SyncFileType type, SyncResult result, gint64 size,
                                gint64 microseconds);
void sync_peer_metrics_add_pass(SyncPeerMetrics *peer, gboolean ok, gint64 microseconds);
void sync_peer_metrics_add_tombstone(SyncPeerMetrics *peer);

// The text (Prometheus's exposition format, version 0.0.4). Free it with g_string_free().
GString *sync_metrics_format(SyncMetrics *metrics);

#endif
