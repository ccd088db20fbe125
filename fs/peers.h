// SPDX-License-Identifier: MIT
// A node's part in the cluster, as the configuration has it: the server that peers read from, and the peers that this
// node takes from. It stands beside the mount; either can be without the other.
#ifndef FS_PEERS_H
#define FS_PEERS_H

#include <glib.h>

#include "fs/config.h"
#include "segment/store.h"

typedef struct FsPeers FsPeers;

// Looks at all that CONFIG says of it, and binds the address, but starts nothing yet. Both have to outlive it; it
// becomes a listener of STORE.
FsPeers *fs_peers_new(const FsConfig *config, SegmentStore *store, GError **error);

// The peers (SyncNode) that CONFIG names, those of its file too; none where it names none.
GPtrArray *fs_peers_list(const FsConfig *config, GError **error);

// What CONFIG says of how they are asked, into *POLICY, whose token is to be freed; the rest is CONFIG's.
gboolean fs_peers_make_policy(const FsConfig *config, SyncPolicy *policy, GError **error);

// Starts all threads.
gboolean fs_peers_start(FsPeers *peers, GError **error);

// Has it come to its end, soon. From any thread.
void fs_peers_cancel(FsPeers *peers);

// Ends all of it. Nothing of the store may be told any more.
void fs_peers_free(FsPeers *peers);

// One pass of each peer, instead of fs_peers_start(). FALSE where something could not be had.
gboolean fs_peers_run_once(FsPeers *peers, GError **error);

// The texts of .segfs/peers.json and .segfs/metrics. Free them.
GString *fs_peers_format(FsPeers *peers);
GString *fs_peers_format_metrics(FsPeers *peers);

// Has the tombstones that the peer NAME is held for taken. FALSE where there is no such peer, or nothing is held.
gboolean fs_peers_accept(FsPeers *peers, const char *name);

#endif
