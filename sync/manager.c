// SPDX-License-Identifier: MIT
// The table of peers.
//
// LOCKS. SyncManager.lock guards the table. It is not held while a peer is waited for; a peer's own lock may be taken
// with it held.
#include "sync/manager.h"

#include <string.h>
#include <sys/stat.h>

#include "segment/lock.h"
#include "segment/time.h"
#include "sync/error.h"
#include "sync/listing.h"

#define LOOK_INTERVAL G_TIME_SPAN_SECOND // at the file of nodes

struct SyncManager {
    const SyncContext *context;
    char *name, *nodes_file;
    GPtrArray *given; // SyncNode
    struct stat seen; // of the file, when it was read

    GMutex lock;
    GCond stop_cond;
    gboolean stopping;
    GHashTable *peers; // name → SyncPeer
    GThread *thread; // NULL where it was not started
};

static SyncNode *copy_node(const SyncNode *node)
{
    SyncNode *copy = g_new0(SyncNode, 1);
    copy->name = g_strdup(node->name);
    copy->url = g_strdup(node->url);
    return copy;
}

static void add_node(const SyncManager *manager, GHashTable *wanted, const SyncNode *node)
{
    if (strcmp(node->name, manager->name) == 0) {
        if (!g_hash_table_contains(manager->peers, node->name))
            g_debug("peer %s: has this node's name; left alone", node->name);
        return;
    }
    // What was given first counts.
    if (!g_hash_table_contains(wanted, node->name))
        g_hash_table_insert(wanted, node->name, (gpointer) node);
}

static gboolean is_changed(const struct stat *a, const struct stat *b)
{
    return a->st_ino != b->st_ino || a->st_dev != b->st_dev || a->st_size != b->st_size ||
           a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

// With the lock held. Peers that are not wanted any more, or have another URL, go into GONE.
static void set_peers(SyncManager *manager, GHashTable *wanted, GPtrArray *gone)
{
    GHashTableIter i;
    gpointer name, value;
    g_hash_table_iter_init(&i, manager->peers);
    while (g_hash_table_iter_next(&i, &name, &value)) {
        SyncPeer *peer = value;
        const SyncNode *node = g_hash_table_lookup(wanted, name);
        if (node == NULL || !sync_peer_is_at(peer, node->url)) {
            g_ptr_array_add(gone, peer);
            g_hash_table_iter_steal(&i);
            g_free(name);
        }
    }
    g_hash_table_iter_init(&i, wanted);
    while (g_hash_table_iter_next(&i, &name, &value)) {
        if (g_hash_table_contains(manager->peers, name))
            continue;
        SyncPeer *peer = sync_peer_new(manager->context, value);
        g_hash_table_insert(manager->peers, g_strdup(name), peer);
        if (manager->thread != NULL)
            sync_peer_start(peer);
    }
}

static gboolean read_nodes(SyncManager *manager, GError **error)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func((GDestroyNotify) sync_peer_free);
    g_autoptr(GHashTable) wanted = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) nodes = NULL;
    if (manager->nodes_file != NULL) {
        nodes = sync_nodes_read(manager->nodes_file, error);
        if (nodes == NULL)
            return FALSE;
    }
    g_mutex_lock(&manager->lock);
    for (guint i = 0; i < manager->given->len; i++)
        add_node(manager, wanted, g_ptr_array_index(manager->given, i));
    for (guint i = 0; nodes != NULL && i < nodes->len; i++)
        add_node(manager, wanted, g_ptr_array_index(nodes, i));
    set_peers(manager, wanted, gone);
    g_mutex_unlock(&manager->lock);
    for (guint i = 0; i < gone->len; i++)
        sync_peer_cancel(g_ptr_array_index(gone, i));
    return TRUE;
}

// Reads the file again where it is another one. What is wrong with it is said once.
static void look_at_file(SyncManager *manager)
{
    g_autoptr(GError) error = NULL;
    struct stat st;
    if (manager->nodes_file == NULL || stat(manager->nodes_file, &st) < 0 || !is_changed(&st, &manager->seen))
        return;
    manager->seen = st;
    if (read_nodes(manager, &error))
        g_message("%s: read again", manager->nodes_file);
    else
        g_warning("%s; the peers stay as they are", error->message);
}

static gpointer watch(gpointer data)
{
    SyncManager *manager = data;
    g_mutex_lock(&manager->lock);
    while (!manager->stopping) {
        g_cond_wait_until(&manager->stop_cond, &manager->lock, g_get_monotonic_time() + LOOK_INTERVAL);
        if (manager->stopping || manager->nodes_file == NULL)
            continue;
        g_mutex_unlock(&manager->lock);
        look_at_file(manager);
        g_mutex_lock(&manager->lock);
    }
    g_mutex_unlock(&manager->lock);
    return NULL;
}

SyncManager *sync_manager_new(const SyncContext *context, const SyncManagerOptions *options, GError **error)
{
    g_autoptr(SyncManager) manager = g_new0(SyncManager, 1);
    manager->context = context;
    manager->name = g_strdup(options->name);
    manager->nodes_file = g_strdup(options->nodes_file);
    manager->given = g_ptr_array_new_with_free_func((GDestroyNotify) sync_node_free);
    for (guint i = 0; options->nodes != NULL && i < options->nodes->len; i++)
        g_ptr_array_add(manager->given, copy_node(g_ptr_array_index(options->nodes, i)));
    manager->peers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) sync_peer_free);
    g_mutex_init(&manager->lock);
    g_cond_init(&manager->stop_cond);
    if (manager->nodes_file != NULL)
        stat(manager->nodes_file, &manager->seen);
    return read_nodes(manager, error) ? g_steal_pointer(&manager) : NULL;
}

static GPtrArray *list_peers(SyncManager *manager)
{
    GPtrArray *peers = g_ptr_array_new();
    GHashTableIter i;
    gpointer peer;
    g_hash_table_iter_init(&i, manager->peers);
    while (g_hash_table_iter_next(&i, NULL, &peer))
        g_ptr_array_add(peers, peer);
    return peers;
}

void sync_manager_start(SyncManager *manager)
{
    SEGMENT_LOCK_SCOPE(&manager->lock);
    g_autoptr(GPtrArray) peers = list_peers(manager);
    manager->thread = g_thread_new("peers", watch, manager);
    for (guint i = 0; i < peers->len; i++)
        sync_peer_start(g_ptr_array_index(peers, i));
}

static gpointer run_once(gpointer data)
{
    g_autoptr(GError) error = NULL;
    SyncPeerStatus status;
    SyncPeer *peer = data;
    if (sync_peer_run_once(peer, &error))
        return GINT_TO_POINTER(TRUE);
    sync_peer_get_status(peer, &status);
    g_free(status.error);
    // A failure of the pass itself was logged by it.
    if (status.state != SYNC_PEER_FAILED && status.state != SYNC_PEER_SELF)
        g_warning("peer %s: %s", status.name, error->message);
    return GINT_TO_POINTER(status.state == SYNC_PEER_SELF);
}

gboolean sync_manager_run_once(SyncManager *manager)
{
    g_autoptr(GPtrArray) peers = list_peers(manager);
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    gboolean ok = TRUE;
    for (guint i = 0; i < peers->len; i++)
        g_ptr_array_add(threads, g_thread_new("peer", run_once, g_ptr_array_index(peers, i)));
    for (guint i = 0; i < threads->len; i++)
        ok = GPOINTER_TO_INT(g_thread_join(g_ptr_array_index(threads, i))) && ok;
    return ok;
}

void sync_manager_cancel(SyncManager *manager)
{
    SEGMENT_LOCK_SCOPE(&manager->lock);
    g_autoptr(GPtrArray) peers = list_peers(manager);
    for (guint i = 0; i < peers->len; i++)
        sync_peer_cancel(g_ptr_array_index(peers, i));
}

void sync_manager_free(SyncManager *manager)
{
    if (manager == NULL)
        return;
    g_mutex_lock(&manager->lock);
    manager->stopping = TRUE;
    g_cond_signal(&manager->stop_cond);
    g_mutex_unlock(&manager->lock);
    if (manager->thread != NULL)
        g_thread_join(manager->thread);
    sync_manager_cancel(manager);
    g_hash_table_unref(manager->peers);
    g_ptr_array_unref(manager->given);
    g_mutex_clear(&manager->lock);
    g_cond_clear(&manager->stop_cond);
    g_free(manager->name);
    g_free(manager->nodes_file);
    g_free(manager);
}

// ---- status

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(((const SyncPeerStatus *) a)->name, ((const SyncPeerStatus *) b)->name);
}

static void append_text(GString *json, const char *name, const char *value)
{
    g_string_append_printf(json, "    \"%s\": ", name);
    if (value != NULL)
        sync_json_append(json, value);
    else
        g_string_append(json, "null");
    g_string_append(json, ",\n");
}

static void append_time(GString *json, const char *name, gint64 time)
{
    char text[SEGMENT_TIME_TEXT_SIZE];
    g_autofree char *shown = time > 0 ? g_strconcat(segment_time_format(time, text), "Z", NULL) : NULL;
    append_text(json, name, shown);
}

static void append_peer(GString *json, const SyncPeerStatus *status)
{
    // A peer's words may be in it.
    g_autofree char *error = status->error != NULL ? g_utf8_make_valid(status->error, -1) : NULL;
    g_string_append(json, json->len > 1 ? ",\n  {\n" : "\n  {\n");
    append_text(json, "name", status->name);
    append_text(json, "url", status->url);
    append_text(json, "state", sync_peer_state_name(status->state));
    append_text(json, "kind", status->kind);
    append_time(json, "last_pass", status->last_pass);
    append_time(json, "next_pass", status->next_pass);
    append_text(json, "error", error);
    g_string_append_printf(json,
                           "    \"missing\": %u,\n    \"held_tombstones\": %u,\n    \"files\": %" G_GUINT64_FORMAT
                           ",\n    \"bytes\": %" G_GUINT64_FORMAT ",\n    \"tombstones\": %" G_GUINT64_FORMAT "\n  }",
                           status->n_missing, status->n_held, status->n_files, status->n_bytes, status->n_tombstones);
}

GString *sync_manager_format(SyncManager *manager)
{
    GString *json = g_string_new("[");
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(SyncPeerStatus));
    SEGMENT_LOCK_SCOPE(&manager->lock);
    g_autoptr(GPtrArray) peers = list_peers(manager);
    for (guint i = 0; i < peers->len; i++) {
        SyncPeerStatus status;
        sync_peer_get_status(g_ptr_array_index(peers, i), &status);
        g_array_append_val(all, status);
    }
    g_array_sort(all, compare_names);
    for (guint i = 0; i < all->len; i++) {
        SyncPeerStatus *status = &g_array_index(all, SyncPeerStatus, i);
        append_peer(json, status);
        g_free(status->error);
    }
    g_string_append(json, "\n]\n");
    return json;
}

gboolean sync_manager_accept(SyncManager *manager, const char *name)
{
    SEGMENT_LOCK_SCOPE(&manager->lock);
    SyncPeer *peer = g_hash_table_lookup(manager->peers, name);
    return peer != NULL && sync_peer_accept(peer);
}
