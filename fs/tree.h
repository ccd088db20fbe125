// SPDX-License-Identifier: MIT
// The tree that a mount shows: which names there are, and what they stand for. It knows nothing of FUSE; ops.c is the
// thin layer that does.
#ifndef FS_TREE_H
#define FS_TREE_H

#include <glib.h>
#include <sys/stat.h>

#include "cut/engine.h"
#include "fs/node.h"
#include "fs/peers.h"
#include "fs/plans.h"
#include "fs/recent.h"
#include "segment/store.h"

// What the kernel has to be told; called from any thread, without locks. NULL where there is no kernel (in tests).
typedef struct {
    // Forget the attributes and pages of the node ID, before this returns.
    void (*invalidate_node)(guint64 id, gpointer data);
    // Forget the name NAME in the directory PARENT, some time after this returns: a handler may call it while the
    // kernel holds that directory's lock. NODE, which may be NULL, is what it stands for, and nameless after that.
    void (*invalidate_entry)(guint64 parent, const char *name, FsNode *node, gpointer data);
    gpointer data;
} FsKernel;

typedef struct {
    gboolean portable_names; // hours list names without a colon
    gboolean has_uid, has_gid;
    uid_t uid; // owner of everything shown, where given
    gid_t gid;
    mode_t umask; // permissions taken away from everything shown
    char *mountpoint; // for the status
    gint64 cache_size; // bytes of edges on disk
    FsPeers *peers; // NULL: none; has to outlive the tree
} FsTreeOptions;

typedef struct {
    SegmentStore *store;
    FsNodeTable *nodes;
    FsRecent *recent;
    FsPlans *plans;
    CutEngine *engine;
    FsTreeOptions options;
    FsKernel kernel;
    FsNode *root;
    gint64 started; // microseconds since 1970

    GMutex drain_lock; // see revoke.c
    GCond drained;
    int n_draining; // atomic

    GMutex once_lock;
    GHashTable *once; // files whose loss was logged
} FsTree;

// Takes over STORE and becomes its listener. CACHE_DIR, which may be NULL, is for the table of cuts and for edges.
FsTree *fs_tree_new(SegmentStore *store, const FsTreeOptions *options, const char *cache_dir);
void fs_tree_free(FsTree *tree);

// The child NAME of PARENT, as a new node that is not in the table. Errors have an errno (fs_errno()).
FsNode *fs_tree_lookup(FsTree *tree, FsNode *parent, const char *name, const SegmentWait *wait, GError **error);

// The node with this id, from the table or, where the kernel asks for an id from an earlier life, by a search of the
// tree. ESTALE where there is none any more.
FsNode *fs_tree_resolve(FsTree *tree, guint64 id, const SegmentWait *wait, GError **error);

// The attributes of NODE, and for how many seconds they hold.
gboolean fs_tree_getattr(FsTree *tree, FsNode *node, struct stat *st, double *timeout, const SegmentWait *wait,
                         GError **error);

// The kernel has got to know NODE, which it did not know before.
void fs_tree_remembered(FsTree *tree, FsNode *node);

// For how many seconds the name of NODE holds.
double fs_tree_entry_timeout(FsTree *tree, const FsNode *node);

// The segment ENTRY of HOUR as a child of the hour's node PARENT.
FsNode *fs_tree_segment(FsTree *tree, FsNode *parent, const SegmentHour *hour, const SegmentEntry *entry);

// The path from the store's root of what is NAME in PARENT there. Free it.
char *fs_tree_store_path(const FsNode *parent, const char *name);

// Has every stream listed and scanned, so that whoever looks first does not wait for it.
void fs_tree_warm_up(FsTree *tree, const SegmentWait *wait);

// Whether a tombstone bars what NODE is, or is made of.
gboolean fs_tree_is_revoked(FsTree *tree, FsNode *node);

// What segfs does with all changes of the store (revoke.c).
void fs_tree_changed(const SegmentChange *change, gpointer tree);

// Between these two, a read of NODE is under way: after a tombstone its pages go only when all of them have ended.
void fs_tree_begin_read(FsTree *tree, FsNode *node);
void fs_tree_end_read(FsTree *tree, FsNode *node);

// Creates the tombstone NAME in the hour PARENT: durable, and in effect. Gives its node.
FsNode *fs_tree_bury(FsTree *tree, FsNode *parent, const char *name, uid_t uid, gid_t gid, mode_t mode, GError **error);

// Logs, once for each file, that a listed file of the store is gone or not what it was.
void fs_tree_lost_file(FsTree *tree, const char *path, const char *why);

#endif
