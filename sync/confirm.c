// SPDX-License-Identifier: MIT
// One listing of an hour for each peer, however many of its tombstones are asked about.
#include "sync/confirm.h"

#include "sync/error.h"
#include "sync/peer-private.h"

typedef struct {
    SyncPeer *peer;
    GHashTable *hashes; // of its tombstones in the hour
    guint n_lacking;
    GError *error;
} Witness;

struct SyncConfirm {
    SyncContext context;
    GPtrArray *witnesses;
    char *hour; // the one that was listed last
};

static void witness_free(gpointer data)
{
    Witness *witness = data;
    sync_peer_free(witness->peer);
    g_hash_table_unref(witness->hashes);
    g_clear_error(&witness->error);
    g_free(witness);
}

SyncConfirm *sync_confirm_new(const GPtrArray *nodes, const SyncPolicy *policy)
{
    SyncConfirm *confirm = g_new0(SyncConfirm, 1);
    confirm->context.policy = policy;
    confirm->witnesses = g_ptr_array_new_with_free_func(witness_free);
    for (guint i = 0; i < nodes->len; i++) {
        Witness *witness = g_new0(Witness, 1);
        witness->peer = sync_peer_new(&confirm->context, g_ptr_array_index(nodes, i));
        witness->hashes = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, g_free, NULL);
        g_ptr_array_add(confirm->witnesses, witness);
    }
    return confirm;
}

void sync_confirm_free(SyncConfirm *confirm)
{
    if (confirm == NULL)
        return;
    g_ptr_array_unref(confirm->witnesses);
    g_free(confirm->hour);
    g_free(confirm);
}

static gboolean list(Witness *witness, const char *hour, GError **error)
{
    g_autofree char *path = sync_listing_path(hour);
    g_autoptr(SyncJson) names = sync_peer_ask_json(witness->peer, path, FALSE, error);
    for (guint i = 0; names != NULL && i < names->strings->len; i++) {
        SegmentName name;
        if (segment_name_parse(g_ptr_array_index(names->strings, i), &name) && name.tombstone &&
            name.type != SEGMENT_TEMP)
            g_hash_table_add(witness->hashes, g_memdup2(name.hash, sizeof name.hash));
    }
    return names != NULL;
}

static void list_all(SyncConfirm *confirm, const char *hour)
{
    for (guint i = 0; i < confirm->witnesses->len; i++) {
        Witness *witness = g_ptr_array_index(confirm->witnesses, i);
        g_hash_table_remove_all(witness->hashes);
        if (witness->error == NULL)
            list(witness, hour, &witness->error);
    }
    g_free(confirm->hour);
    confirm->hour = g_strdup(hour);
}

gboolean sync_confirm_ask(SyncConfirm *confirm, const char *hour, const char *tombstone)
{
    SegmentName name;
    gboolean all = segment_name_parse(tombstone, &name);
    if (g_strcmp0(confirm->hour, hour) != 0)
        list_all(confirm, hour);
    for (guint i = 0; i < confirm->witnesses->len; i++) {
        Witness *witness = g_ptr_array_index(confirm->witnesses, i);
        if (!g_hash_table_contains(witness->hashes, name.hash)) {
            witness->n_lacking++;
            all = FALSE;
        }
    }
    return all;
}

GPtrArray *sync_confirm_holders(SyncConfirm *confirm, const char *hour, const char *tombstone)
{
    GPtrArray *names = g_ptr_array_new();
    SegmentName name;
    if (!segment_name_parse(tombstone, &name))
        return names;
    if (g_strcmp0(confirm->hour, hour) != 0)
        list_all(confirm, hour);
    for (guint i = 0; i < confirm->witnesses->len; i++) {
        const Witness *witness = g_ptr_array_index(confirm->witnesses, i);
        if (g_hash_table_contains(witness->hashes, name.hash))
            g_ptr_array_add(names, witness->peer->node->name);
    }
    return names;
}

GArray *sync_confirm_doubts(SyncConfirm *confirm)
{
    GArray *doubts = g_array_new(FALSE, FALSE, sizeof(SyncConfirmDoubt));
    for (guint i = 0; i < confirm->witnesses->len; i++) {
        const Witness *witness = g_ptr_array_index(confirm->witnesses, i);
        SyncConfirmDoubt doubt = {
            .name = witness->peer->node->name,
            .n_lacking = witness->n_lacking,
            .error = witness->error != NULL ? witness->error->message : NULL,
        };
        if (doubt.n_lacking > 0)
            g_array_append_val(doubts, doubt);
    }
    return doubts;
}
