// SPDX-License-Identifier: MIT
// From an id to its node. Mostly it is in the table; an NFS server's handle may be from before the kernel's caches were
// dropped, or from before this process began. Then a cut is found by the table on disk, and all else by a walk over the
// directories: only in those whose prefix the id has are names compared.
#include <errno.h>
#include <string.h>

#include "fs/dir.h"
#include "fs/id.h"
#include "fs/tree.h"
#include "segment/time.h"

#define MAX_DEPTH 32 // of directories that are passed through

static FsNode *search(FsTree *tree, FsNode *node, guint64 id, int depth, const SegmentWait *wait);

static FsNode *take_if(FsNode *node, guint64 id)
{
    if (node != NULL && node->id == id)
        return node;
    fs_node_unref(node);
    return NULL;
}

// The node at PATH, if it still has this id.
static FsNode *walk(FsTree *tree, const char *path, guint64 id, const SegmentWait *wait)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    FsNode *node = fs_node_ref(tree->root);
    for (guint i = 0; names[i] != NULL && node != NULL; i++) {
        FsNode *child = fs_tree_lookup(tree, node, names[i], wait, NULL);
        fs_node_unref(node);
        node = child;
    }
    return take_if(node, id);
}

// Whether what is below the directory NAME in NODE can have the id. Below an hour, and in range/ and frame/, there are
// only files.
static gboolean may_be_below(const FsNode *node, const char *name, guint64 id)
{
    gint64 hour;
    if (node->kind != FS_STREAM ||
        !(segment_hour_name_parse(name, &hour) || strcmp(name, "range") == 0 || strcmp(name, "frame") == 0))
        return TRUE;
    g_autofree char *path = g_strconcat(node->path, "/", name, NULL);
    return fs_id_prefix(path) == fs_id_get_prefix(id);
}

static FsNode *search_entry(FsTree *tree, FsNode *node, const FsDirEntry *entry, guint64 id, int depth,
                            const SegmentWait *wait)
{
    gboolean own = fs_node_prefix(node) == fs_id_get_prefix(id);
    // A playlist's id is not its path's alone.
    gboolean playlist = node->kind == FS_STREAM && strcmp(entry->name, "playlist.m3u8") == 0;
    if (own && (entry->id == id || playlist)) {
        FsNode *found = take_if(fs_tree_lookup(tree, node, entry->name, wait, NULL), id);
        if (found != NULL)
            return found;
    }
    if (entry->type != S_IFDIR || !may_be_below(node, entry->name, id))
        return NULL;
    g_autoptr(FsNode) child = fs_tree_lookup(tree, node, entry->name, wait, NULL);
    return child != NULL ? search(tree, child, id, depth + 1, wait) : NULL;
}

static FsNode *search(FsTree *tree, FsNode *node, guint64 id, int depth, const SegmentWait *wait)
{
    if (depth > MAX_DEPTH || segment_wait_is_over(wait, NULL))
        return NULL;
    g_autoptr(FsDir) dir = fs_dir_open(tree, node, wait, NULL);
    FsNode *found = NULL;
    FsDirEntry entry = {.key = 0};
    while (dir != NULL && found == NULL && fs_dir_next(dir, entry.key, &entry)) {
        if (strcmp(entry.name, ".") != 0 && strcmp(entry.name, "..") != 0)
            found = search_entry(tree, node, &entry, id, depth, wait);
    }
    return found;
}

FsNode *fs_tree_resolve(FsTree *tree, guint64 id, const SegmentWait *wait, GError **error)
{
    FsNode *node = fs_node_table_get(tree->nodes, id);
    if (node != NULL)
        return node;
    if (!segment_wait_may_block(wait)) {
        g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "a node");
        return NULL;
    }
    g_autofree char *cut = fs_recent_find(tree->recent, id);
    node = cut != NULL ? walk(tree, cut, id, wait) : search(tree, tree->root, id, 0, wait);
    if (node == NULL) {
        g_autofree char *text = g_strdup_printf("node %016" G_GINT64_MODIFIER "x", id);
        segment_error_set_errno(error, ESTALE, "cannot find", cut != NULL ? cut : text);
    }
    return node;
}
