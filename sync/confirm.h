// SPDX-License-Identifier: MIT
// Which peers know of a tombstone: what it hides may be deleted when all do, for then nobody brings it back.
#ifndef SYNC_CONFIRM_H
#define SYNC_CONFIRM_H

#include <glib.h>

#include "sync/nodes.h"
#include "sync/peer.h"

typedef struct SyncConfirm SyncConfirm;

// Of the peers NODES (SyncNode). POLICY says how they are asked; it has to outlive it.
SyncConfirm *sync_confirm_new(const GPtrArray *nodes, const SyncPolicy *policy);
void sync_confirm_free(SyncConfirm *confirm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncConfirm, sync_confirm_free)

// Whether all have TOMBSTONE of the hour at the path HOUR, or another one in it of the same hash. A peer that cannot be
// asked has none, and is not asked again. Best called hour by hour.
gboolean sync_confirm_ask(SyncConfirm *confirm, const char *hour, const char *tombstone);

// The names of the peers that have it (char *, SyncConfirm's own); those that cannot be asked are not among them.
GPtrArray *sync_confirm_holders(SyncConfirm *confirm, const char *hour, const char *tombstone);

typedef struct {
    const char *name; // a peer's; SyncConfirm's own
    guint n_lacking; // tombstones that it was asked for, and has not
    const char *error; // NULL where it could be asked
} SyncConfirmDoubt;

// The peers that lack any (SyncConfirmDoubt).
GArray *sync_confirm_doubts(SyncConfirm *confirm);

#endif
