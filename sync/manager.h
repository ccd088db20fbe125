// SPDX-License-Identifier: MIT
// All peers of this node: those that it was told of, and those of a file, which is read again when it changes.
#ifndef SYNC_MANAGER_H
#define SYNC_MANAGER_H

#include <glib.h>

#include "sync/peer.h"

typedef struct SyncManager SyncManager;

typedef struct {
    const char *name; // this node's: a peer of this name is this node, and left alone
    const GPtrArray *nodes; // SyncNode; NULL: none
    const char *nodes_file; // NULL: none
} SyncManagerOptions;

// CONTEXT and all that it names have to outlive it. Errors: those of sync_nodes_read().
SyncManager *sync_manager_new(const SyncContext *context, const SyncManagerOptions *options, GError **error);

// Starts all peers, and a thread that looks after the file.
void sync_manager_start(SyncManager *manager);

// One pass of each peer, at the same time, of a manager that was not started. FALSE where one of them failed, or could
// not be had something from; each is logged.
gboolean sync_manager_run_once(SyncManager *manager);

// Has all peers come to their end, soon. From any thread.
void sync_manager_cancel(SyncManager *manager);

// Ends all of it.
void sync_manager_free(SyncManager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncManager, sync_manager_free)

// What is known of all peers, as JSON.
GString *sync_manager_format(SyncManager *manager);

// Has the tombstones that the peer NAME is held for taken. FALSE where there is no such peer, or nothing is held.
gboolean sync_manager_accept(SyncManager *manager, const char *name);

#endif
