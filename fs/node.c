// SPDX-License-Identifier: MIT
// The table of nodes. One lock, held for a few instructions; nothing else is called with it held.
#include "fs/node.h"

#include <string.h>

#include "fs/id.h"
#include "segment/lock.h"

struct FsNodeTable {
    GMutex lock;
    GHashTable *nodes; // id → FsNode
    // By id: a node may hold a parent that the kernel forgot, and that another object stands for by now.
    GHashTable *children; // parent's id → GQueue of FsNode
};

static guint id_hash(gconstpointer key)
{
    // An id is a hash already.
    return (guint) * (const guint64 *) key;
}

FsNode *fs_node_new_root(void)
{
    FsNode *node = g_new0(FsNode, 1);
    node->kind = FS_ROOT;
    node->id = FS_ID_ROOT;
    node->path = g_strdup("");
    node->prefix = -1;
    node->link.data = node;
    g_atomic_ref_count_init(&node->references);
    return node;
}

FsNode *fs_node_new(FsKind kind, FsNode *parent, const char *name)
{
    FsNode *node = fs_node_new_root();
    g_free(node->path);
    node->kind = kind;
    node->path = *parent->path == '\0' ? g_strdup(name) : g_strconcat(parent->path, "/", name, NULL);
    node->id = fs_id_make(fs_node_prefix(parent), parent->path, name, NULL, 0);
    node->parent = fs_node_ref(parent);
    node->stream = parent->stream;
    node->hour = parent->hour;
    node->uid = parent->uid;
    node->gid = parent->gid;
    node->mode = parent->mode;
    return node;
}

guint16 fs_node_prefix(FsNode *node)
{
    int prefix = g_atomic_int_get(&node->prefix);
    if (prefix < 0) {
        prefix = fs_id_prefix(node->path);
        g_atomic_int_set(&node->prefix, prefix);
    }
    return (guint16) prefix;
}

guint64 fs_node_segment_id(FsNode *hour, const char *name, gint64 size)
{
    guint64 salt = GUINT64_TO_LE((guint64) size);
    return fs_id_make(fs_node_prefix(hour), hour->path, name, (const guint8 *) &salt, sizeof salt);
}

void fs_node_set_size(FsNode *node, gint64 size)
{
    g_assert(node->kind == FS_SEGMENT);
    node->size = size;
    node->id = fs_node_segment_id(node->parent, fs_node_name(node), size);
}

void fs_node_set_plan(FsNode *node, CutPlan *plan)
{
    guint8 hash[CUT_HASH_SIZE];
    g_assert(node->kind == FS_CUT && node->plan == NULL);
    node->plan = plan;
    cut_plan_hash(plan, hash);
    node->id = fs_id_make(fs_node_prefix(node->parent), node->parent->path, fs_node_name(node), hash, sizeof hash);
}

FsNode *fs_node_ref(FsNode *node)
{
    g_atomic_ref_count_inc(&node->references);
    return node;
}

void fs_node_unref(FsNode *node)
{
    // Not recursive: a chain of parents can be as long as a path.
    while (node != NULL && g_atomic_ref_count_dec(&node->references)) {
        FsNode *parent = node->parent;
        cut_plan_unref(node->plan);
        g_clear_pointer(&node->text, g_bytes_unref);
        g_free(node->path);
        g_free(node->store_path);
        g_free(node);
        node = parent;
    }
}

const char *fs_node_name(const FsNode *node)
{
    const char *slash = strrchr(node->path, '/');
    return slash != NULL ? slash + 1 : node->path;
}

FsNodeTable *fs_node_table_new(void)
{
    FsNodeTable *table = g_new0(FsNodeTable, 1);
    g_mutex_init(&table->lock);
    table->nodes = g_hash_table_new(id_hash, g_int64_equal);
    table->children = g_hash_table_new_full(id_hash, g_int64_equal, g_free, g_free);
    return table;
}

void fs_node_table_free(FsNodeTable *table)
{
    if (table == NULL)
        return;
    GHashTableIter iter;
    gpointer node;
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func((GDestroyNotify) fs_node_unref);
    g_hash_table_iter_init(&iter, table->nodes);
    while (g_hash_table_iter_next(&iter, NULL, &node))
        g_ptr_array_add(nodes, node);
    g_hash_table_unref(table->nodes);
    g_hash_table_unref(table->children);
    g_mutex_clear(&table->lock);
    g_free(table);
}

// With the lock held.
static void link_child(FsNodeTable *table, FsNode *node)
{
    GQueue *queue = g_hash_table_lookup(table->children, &node->parent->id);
    if (queue == NULL) {
        queue = g_new0(GQueue, 1);
        g_hash_table_insert(table->children, g_memdup2(&node->parent->id, sizeof node->parent->id), queue);
    }
    g_queue_push_tail_link(queue, &node->link);
}

static void unlink_child(FsNodeTable *table, FsNode *node)
{
    GQueue *queue = g_hash_table_lookup(table->children, &node->parent->id);
    g_queue_unlink(queue, &node->link);
    if (queue->length == 0)
        g_hash_table_remove(table->children, &node->parent->id);
}

FsNode *fs_node_table_get(FsNodeTable *table, guint64 id)
{
    g_mutex_lock(&table->lock);
    FsNode *node = g_hash_table_lookup(table->nodes, &id);
    if (node != NULL)
        fs_node_ref(node);
    g_mutex_unlock(&table->lock);
    return node;
}

FsNode *fs_node_table_remember(FsNodeTable *table, FsNode *node)
{
    g_autoptr(FsNode) owned G_GNUC_UNUSED = node;
    g_mutex_lock(&table->lock);
    FsNode *known = g_hash_table_lookup(table->nodes, &node->id);
    gboolean collides = known != NULL && (known->kind != node->kind || strcmp(known->path, node->path) != 0);
    if (known == NULL) {
        known = fs_node_ref(node); // the table's
        g_hash_table_insert(table->nodes, &known->id, known);
        if (known->parent != NULL)
            link_child(table, known);
    }
    fs_node_ref(known);
    known->n_lookups += collides ? 0 : 1;
    g_atomic_int_set(&known->nameless, 0);
    g_mutex_unlock(&table->lock);
    if (!collides)
        return known;
    g_warning("%s has the same id as %s", node->path, known->path);
    fs_node_unref(known);
    return NULL;
}

void fs_node_table_forget(FsNodeTable *table, guint64 id, guint64 n)
{
    g_mutex_lock(&table->lock);
    FsNode *node = g_hash_table_lookup(table->nodes, &id);
    if (node != NULL) {
        node->n_lookups -= MIN(n, node->n_lookups);
        if (node->n_lookups == 0) {
            g_hash_table_remove(table->nodes, &id);
            if (node->parent != NULL)
                unlink_child(table, node);
        } else {
            node = NULL;
        }
    }
    g_mutex_unlock(&table->lock);
    fs_node_unref(node);
}

GPtrArray *fs_node_table_children(FsNodeTable *table, guint64 id)
{
    GPtrArray *children = g_ptr_array_new_with_free_func((GDestroyNotify) fs_node_unref);
    g_mutex_lock(&table->lock);
    GQueue *queue = g_hash_table_lookup(table->children, &id);
    for (GList *l = queue != NULL ? queue->head : NULL; l != NULL; l = l->next)
        g_ptr_array_add(children, fs_node_ref(l->data));
    g_mutex_unlock(&table->lock);
    return children;
}

void fs_node_table_set_text(FsNodeTable *table, FsNode *node, GBytes *text)
{
    g_mutex_lock(&table->lock);
    GBytes *before = node->text;
    node->text = g_bytes_ref(text);
    g_mutex_unlock(&table->lock);
    g_clear_pointer(&before, g_bytes_unref);
}

GBytes *fs_node_table_get_text(FsNodeTable *table, FsNode *node)
{
    g_mutex_lock(&table->lock);
    GBytes *text = node->text != NULL ? g_bytes_ref(node->text) : NULL;
    g_mutex_unlock(&table->lock);
    return text;
}

guint fs_node_table_size(FsNodeTable *table)
{
    SEGMENT_LOCK_SCOPE(&table->lock);
    return g_hash_table_size(table->nodes);
}

gboolean fs_node_is_directory(const FsNode *node)
{
    switch (node->kind) {
    case FS_ROOT:
    case FS_CHANNEL:
    case FS_STREAM:
    case FS_HOUR:
    case FS_RANGES:
    case FS_ARCHIVES:
    case FS_FRAMES:
    case FS_CONTROL:
        return TRUE;
    default:
        return FALSE;
    }
}
