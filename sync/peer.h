// SPDX-License-Identifier: MIT
// A peer: the thread that takes from it what this node lacks, pass after pass, and hears of its tombstones.
//
// A pass compares hours, first by their digests where the peer has them, then by their names; takes all tombstones that
// are new, then the files that are missing. A peer that has more new tombstones than it may is held: none of them is
// taken until an operator agrees. A pass that fails is tried again, later each time.
#ifndef SYNC_PEER_H
#define SYNC_PEER_H

#include <glib.h>

#include "segment/writer.h"
#include "sync/catalog.h"
#include "sync/claims.h"
#include "sync/metrics.h"
#include "sync/nodes.h"
#include "sync/sink.h"

typedef enum { SYNC_ORDER_NEWEST, SYNC_ORDER_OLDEST, SYNC_ORDER_RANDOM } SyncOrder;

typedef struct {
    char **channels, **qualities; // NULL: all that the peer has
    char **extras; // directories; NULL: none
    SyncOrder order; // of hours
    gint64 start; // microseconds since 1970; of older hours nothing but tombstones is taken
    gint64 max_age; // microseconds, the same as a distance from now; 0: none
    gint64 recent_cutoff; // microseconds: younger segments are left for another time
    guint concurrency; // files at a time
    guint interval; // seconds between two passes
    guint timeout; // seconds, see http-client.h
    guint max_tombstones; // in an hour of time, from one peer
    char *token, *ca_file; // NULL: none
} SyncPolicy;

// Called for a file that would be taken: its path from the store's root.
typedef void (*SyncMissingFunc)(const char *path, gpointer data);

// What all peers share. All of it has to outlive them.
typedef struct {
    SegmentStore *store;
    SegmentWriter *writer; // NULL for a dry run
    SyncSinks *sinks; // the same
    SyncCatalog *catalog;
    SyncClaims *claims;
    SyncMetrics *metrics;
    const char *instance; // this node's; a peer that has the same is this node
    const SyncPolicy *policy;
    SyncMissingFunc missing; // for a dry run: called instead of taking anything
    gpointer missing_data;
} SyncContext;

typedef enum {
    SYNC_PEER_NEW, // no pass has come to its end
    SYNC_PEER_AT_WORK,
    SYNC_PEER_IDLE,
    SYNC_PEER_HELD, // as idle, but for tombstones that wait for an operator
    SYNC_PEER_NO_ROOM, // the disk is as full as it may get
    SYNC_PEER_FAILED,
    SYNC_PEER_SELF, // it is this node
} SyncPeerState;

typedef struct {
    SyncPeerState state;
    const char *name, *url; // the peer's own
    const char *kind; // "segfs", "wubloader", or "" where that is not known
    gint64 last_pass; // microseconds since 1970 when one last came to its end; 0: never
    gint64 next_pass; // when one is due
    guint n_missing; // files that it has, as far as is known, and this node not
    guint n_held; // tombstones
    guint64 n_files, n_bytes, n_tombstones; // that were taken
    char *error; // of the last pass; NULL: none. To be freed
} SyncPeerStatus;

typedef struct SyncPeer SyncPeer;

SyncPeer *sync_peer_new(const SyncContext *context, const SyncNode *node);

// Starts its thread.
void sync_peer_start(SyncPeer *peer);

// Has the thread come to its end, soon; sync_peer_free() waits for that.
void sync_peer_cancel(SyncPeer *peer);
void sync_peer_free(SyncPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncPeer, sync_peer_free)

// One pass, in the caller's thread, of a peer that was not started. FALSE where it failed, or something is still missing.
gboolean sync_peer_run_once(SyncPeer *peer, GError **error);

// Whether URL is the peer's.
gboolean sync_peer_is_at(const SyncPeer *peer, const char *url);

// As it is now.
void sync_peer_get_status(SyncPeer *peer, SyncPeerStatus *status);

// Has the tombstones that are held taken, as many as there are now. FALSE where there are none.
gboolean sync_peer_accept(SyncPeer *peer);

const char *sync_peer_state_name(SyncPeerState state);

#endif
