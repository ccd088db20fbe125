// SPDX-License-Identifier: MIT
// What the kernel knows by an id: the nodes of the tree, and the table that finds them.
//
// A node is immutable but for the fields that say otherwise. It lives while somebody holds a reference, and stays in
// the table while the kernel remembers it.
#ifndef FS_NODE_H
#define FS_NODE_H

#include <glib.h>

#include "cut/plan.h"
#include "segment/store.h"

typedef enum {
    FS_ROOT,
    FS_CHANNEL,
    FS_STREAM,
    FS_HOUR,
    FS_SEGMENT,
    FS_TOMBSTONE,
    FS_RANGES, // range/
    FS_ARCHIVES, // range/NAME.rough.d/
    FS_FRAMES, // frame/
    FS_CUT, // a file in range/ or frame/, and playlist.m3u8
    FS_CONTROL, // .segfs/
    FS_STATUS, // .segfs/status.json
    FS_ENTRY, // of the store, passed through
} FsKind;

typedef struct FsNode FsNode;
struct FsNode {
    guint64 id;
    FsKind kind;
    char *path; // from the root, "" for it; a segment's in the store's spelling
    FsNode *parent; // a reference; NULL for the root
    SegmentStream *stream; // of all that belongs to one, else NULL
    gint64 hour; // of FS_HOUR and below, microseconds since 1970

    // FS_SEGMENT
    gint64 start, duration; // microseconds
    gint64 size; // bytes
    guint8 hash[SEGMENT_HASH_SIZE];

    CutPlan *plan; // FS_CUT; a reference

    char *store_path; // FS_ENTRY: from the store's root; "." for .segfs/all

    // As in the store when it was looked up.
    uid_t uid;
    gid_t gid;
    mode_t mode; // permissions; atomic, a tombstone's may change

    int prefix; // atomic: of its children's ids; negative until it was computed
    int checked; // atomic: segment_store_revocations() when it was last found not to be barred
    int readers; // atomic: reads under way
    int nameless; // atomic: the kernel forgot its name, so that only who has it open can still ask for it
    GBytes *text; // FS_STATUS: what is shown until it is asked for again; guarded by the table's lock

    // Guarded by the table's lock.
    guint64 n_lookups; // that the kernel has not forgotten yet
    GList link; // in the list of its parent's children, while in the table

    gatomicrefcount references;
};

typedef struct FsNodeTable FsNodeTable;

FsNodeTable *fs_node_table_new(void);
// All nodes go, the kernel's too.
void fs_node_table_free(FsNodeTable *table);

// The child NAME of PARENT, which it references. Its id is its path's.
FsNode *fs_node_new(FsKind kind, FsNode *parent, const char *name);

// The root.
FsNode *fs_node_new_root(void);

// What the ids of its children begin with.
guint16 fs_node_prefix(FsNode *node);

// A segment's id has its size in it: a file that was still being written when it was first seen is another one than
// what it became.
void fs_node_set_size(FsNode *node, gint64 size);
guint64 fs_node_segment_id(FsNode *hour, const char *name, gint64 size);

// Makes PLAN, whose reference it takes over, the node's, and part of its id.
void fs_node_set_plan(FsNode *node, CutPlan *plan);

FsNode *fs_node_ref(FsNode *node);
void fs_node_unref(FsNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FsNode, fs_node_unref)

// The last part of its path.
const char *fs_node_name(const FsNode *node);

// Of the tree's own making; an FS_ENTRY may be one, too.
gboolean fs_node_is_directory(const FsNode *node);

// The node with this id, referenced; NULL where the table has none.
FsNode *fs_node_table_get(FsNodeTable *table, guint64 id);

// Puts NODE, whose reference it takes over, into the table and counts a lookup by the kernel. Gives the node that is
// in the table, referenced: an equal one may have been there. NULL where another path has the same id.
FsNode *fs_node_table_remember(FsNodeTable *table, FsNode *node);

// The kernel forgot N lookups. An id that is not there is no error.
void fs_node_table_forget(FsNodeTable *table, guint64 id, guint64 n);

// The nodes in the table whose parent has this id, referenced.
GPtrArray *fs_node_table_children(FsNodeTable *table, guint64 id);

void fs_node_table_set_text(FsNodeTable *table, FsNode *node, GBytes *text);
GBytes *fs_node_table_get_text(FsNodeTable *table, FsNode *node);

guint fs_node_table_size(FsNodeTable *table);

#endif
