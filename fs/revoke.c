// SPDX-License-Identifier: MIT
// What a change of the store means for the kernel's caches, and how a tombstone takes effect at once.
//
// By the time that it is told here, the change has taken effect in the store: new lookups find the new state. What is
// left is what the kernel remembers. After a tombstone the pages of the segment, and of every cut with it, go before
// the caller's create returns: reads that were under way are waited for, as their pages would come after that; later
// ones fail. Names go a little later, from another thread, since the kernel holds the directory's lock during a create.
#include <string.h>

#include "cut/archive.h"
#include "fs/id.h"
#include "fs/tree.h"
#include "segment/time.h"

gboolean fs_tree_is_revoked(FsTree *tree, FsNode *node)
{
    if (node->kind != FS_SEGMENT && node->kind != FS_CUT)
        return FALSE;
    int now = segment_store_revocations(tree->store);
    if (g_atomic_int_get(&node->checked) == now)
        return FALSE;
    gboolean barred =
        node->kind == FS_CUT ? cut_plan_is_barred(node->plan) : segment_stream_is_barred(node->stream, node->hash);
    if (!barred)
        g_atomic_int_set(&node->checked, now);
    return barred;
}

void fs_tree_begin_read(FsTree *tree, FsNode *node)
{
    // Counted first and checked after that; a tombstone bars first and waits after that. One of them sees the other.
    g_atomic_int_inc(&node->readers);
}

void fs_tree_end_read(FsTree *tree, FsNode *node)
{
    if (!g_atomic_int_dec_and_test(&node->readers) || g_atomic_int_get(&tree->n_draining) == 0)
        return;
    g_mutex_lock(&tree->drain_lock);
    g_cond_broadcast(&tree->drained);
    g_mutex_unlock(&tree->drain_lock);
}

static void wait_for_readers(FsTree *tree, FsNode *node)
{
    g_atomic_int_inc(&tree->n_draining);
    g_mutex_lock(&tree->drain_lock);
    while (g_atomic_int_get(&node->readers) > 0)
        g_cond_wait(&tree->drained, &tree->drain_lock);
    g_mutex_unlock(&tree->drain_lock);
    g_atomic_int_add(&tree->n_draining, -1);
}

static void invalidate_node(FsTree *tree, guint64 id)
{
    if (tree->kernel.invalidate_node != NULL)
        tree->kernel.invalidate_node(id, tree->kernel.data);
}

// A name in an hour goes in both spellings: either may have been looked up.
static void invalidate_entry(FsTree *tree, FsNode *node)
{
    if (tree->kernel.invalidate_entry == NULL)
        return;
    if (node->kind == FS_SEGMENT || node->kind == FS_TOMBSTONE) {
        g_autofree char *portable = segment_name_to_portable(fs_node_name(node), node->hour);
        tree->kernel.invalidate_entry(node->parent->id, portable, NULL, tree->kernel.data);
    }
    tree->kernel.invalidate_entry(node->parent->id, fs_node_name(node), node, tree->kernel.data);
}

static void revoke_node(FsTree *tree, FsNode *node)
{
    if (!fs_tree_is_revoked(tree, node))
        return;
    wait_for_readers(tree, node);
    invalidate_node(tree, node->id);
    invalidate_entry(tree, node);
}

static FsNode *find_stream(FsTree *tree, SegmentStream *stream)
{
    g_auto(GStrv) parts = g_strsplit(segment_stream_path(stream), "/", 2);
    guint64 id = fs_id_make(fs_id_prefix(parts[0]), parts[0], parts[1], NULL, 0);
    return fs_node_table_get(tree->nodes, id);
}

static FsNode *find_child(FsTree *tree, FsNode *parent, const char *name)
{
    return fs_node_table_get(tree->nodes, fs_id_make(fs_node_prefix(parent), parent->path, name, NULL, 0));
}

static FsNode *find_hour(FsTree *tree, FsNode *stream, gint64 hour)
{
    char name[SEGMENT_HOUR_TEXT_SIZE];
    return find_child(tree, stream, segment_hour_name_format(hour, name));
}

static void cuts_below_changed(FsTree *tree, guint64 parent, gint64 time, gboolean everything)
{
    g_autoptr(GPtrArray) children = fs_node_table_children(tree->nodes, parent);
    for (guint i = 0; i < children->len; i++) {
        FsNode *node = g_ptr_array_index(children, i);
        if (node->kind == FS_CUT && (everything || cut_plan_depends_on(node->plan, time)))
            invalidate_entry(tree, node);
        else if (node->kind == FS_ARCHIVES)
            cuts_below_changed(tree, node->id, time, everything);
    }
}

// Cuts that a change of what starts at TIME can have changed; all of them where EVERYTHING is set.
static void cuts_changed(FsTree *tree, FsNode *stream, gint64 time, gboolean everything)
{
    g_autoptr(FsNode) ranges = find_child(tree, stream, "range");
    g_autoptr(FsNode) frames = find_child(tree, stream, "frame");
    cuts_below_changed(tree, stream->id, time, everything);
    if (ranges != NULL)
        cuts_below_changed(tree, ranges->id, time, everything);
    if (frames != NULL)
        cuts_below_changed(tree, frames->id, time, everything);
}

// The segment that came may be better than the one with its start time that the kernel knows.
static void segment_changed(FsTree *tree, FsNode *stream, const SegmentChange *change)
{
    gint64 time = change->hour + change->name->offset;
    g_autoptr(FsNode) hour = find_hour(tree, stream, change->hour);
    if (hour != NULL) {
        g_autoptr(GPtrArray) children = fs_node_table_children(tree->nodes, hour->id);
        for (guint i = 0; i < children->len; i++) {
            FsNode *node = g_ptr_array_index(children, i);
            if (node->start == time)
                invalidate_entry(tree, node);
        }
        invalidate_node(tree, hour->id);
    }
    cuts_changed(tree, stream, time, FALSE);
}

static void hours_changed(FsTree *tree, FsNode *stream, gint64 start)
{
    g_autoptr(FsNode) hour = find_hour(tree, stream, start);
    if (hour != NULL)
        invalidate_entry(tree, hour);
    invalidate_node(tree, stream->id);
    cuts_changed(tree, stream, 0, TRUE);
}

static gboolean is_barred(const char *path, const guint8 *hash, gpointer data)
{
    return strcmp(segment_stream_path(data), path) == 0 && segment_stream_is_barred(data, hash);
}

// A hash may be barred, or set free, in hours other than the tombstone's.
static void bar_changed(FsTree *tree, FsNode *parent, gboolean everything)
{
    g_autoptr(GPtrArray) children = fs_node_table_children(tree->nodes, parent->id);
    for (guint i = 0; i < children->len; i++) {
        FsNode *node = g_ptr_array_index(children, i);
        revoke_node(tree, node); // the playlist is one of the stream's own
        if (everything && parent->kind != FS_STREAM)
            invalidate_entry(tree, node);
        bar_changed(tree, node, everything);
        if (node->kind == FS_HOUR)
            invalidate_node(tree, node->id);
    }
}

void fs_tree_changed(const SegmentChange *change, gpointer data)
{
    FsTree *tree = data;
    if (change->type == SEGMENT_CHANGE_TOMBSTONE || change->type == SEGMENT_CHANGE_EVERYTHING) {
        cut_blobs_drop(cut_engine_blobs(tree->engine), is_barred, change->stream);
        cut_archives_drop_barred(cut_engine_archives(tree->engine));
    }
    // Of a stream that the kernel does not know it remembers nothing.
    g_autoptr(FsNode) stream = find_stream(tree, change->stream);
    if (stream == NULL)
        return;
    switch (change->type) {
    case SEGMENT_CHANGE_SEGMENT:
        segment_changed(tree, stream, change);
        break;
    case SEGMENT_CHANGE_TOMBSTONE:
        bar_changed(tree, stream, FALSE);
        segment_changed(tree, stream, change);
        break;
    case SEGMENT_CHANGE_UNTOMBSTONE:
        bar_changed(tree, stream, FALSE);
        segment_changed(tree, stream, change);
        cuts_changed(tree, stream, 0, TRUE);
        break;
    case SEGMENT_CHANGE_HOURS:
        hours_changed(tree, stream, change->hour);
        break;
    case SEGMENT_CHANGE_EVERYTHING:
        bar_changed(tree, stream, TRUE);
        invalidate_node(tree, stream->id);
        cuts_changed(tree, stream, 0, TRUE);
        break;
    }
}
