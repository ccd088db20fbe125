// SPDX-License-Identifier: MIT
// A slice takes a millisecond to make: who finds that it is being made waits.
#include "cut/slices.h"

#include <string.h>

#include "segment/lock.h"
#include "segment/name.h"

#define MEMORY (12 * 1024 * 1024) // bytes
#define MAX_AHEAD 2 // made at the same time, or waiting to be
#define POLL (20 * 1000) // microseconds between two looks whether a caller is still there

G_STATIC_ASSERT(CUT_SLICE_KEY == SEGMENT_HASH_SIZE);

typedef struct {
    guint8 key[CUT_SLICE_KEY];
    GBytes *bytes; // NULL while it is being made
    GList link;
} Slice;

typedef struct {
    CutSliceAheadFunc func;
    gpointer data;
} Ahead;

struct CutSlices {
    GThreadPool *ahead; // of Ahead
    GMutex lock; // guards all below
    GCond changed;
    GHashTable *table; // Slice, by key
    GQueue lru; // of those that are made, the one used last first
    gsize memory;
};

static void slice_free(gpointer data)
{
    Slice *slice = data;
    g_clear_pointer(&slice->bytes, g_bytes_unref);
    g_free(slice);
}

static void keep(CutSlices *slices, Slice *slice, GBytes *bytes)
{
    slice->bytes = g_bytes_ref(bytes);
    slice->link.data = slice;
    g_queue_push_head_link(&slices->lru, &slice->link);
    slices->memory += g_bytes_get_size(bytes);
    while (slices->memory > MEMORY && slices->lru.length > 1) {
        Slice *oldest = slices->lru.tail->data;
        g_queue_unlink(&slices->lru, &oldest->link);
        slices->memory -= g_bytes_get_size(oldest->bytes);
        g_hash_table_remove(slices->table, oldest->key);
    }
}

// The slice, or one that the caller has to make, without bytes; NULL where that cannot be waited for.
static Slice *find(CutSlices *slices, const guint8 *key, const SegmentWait *wait, GError **error)
{
    Slice *slice;
    while ((slice = g_hash_table_lookup(slices->table, key)) != NULL && slice->bytes == NULL) {
        if (!segment_wait_may_block(wait)) {
            g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "a slice");
            return NULL;
        }
        if (segment_wait_is_over(wait, error))
            return NULL;
        g_cond_wait_until(&slices->changed, &slices->lock, g_get_monotonic_time() + POLL);
    }
    if (slice != NULL) {
        g_queue_unlink(&slices->lru, &slice->link);
        g_queue_push_head_link(&slices->lru, &slice->link);
        return slice;
    }
    slice = g_new0(Slice, 1);
    memcpy(slice->key, key, sizeof slice->key);
    g_hash_table_insert(slices->table, slice->key, slice);
    return slice;
}

GBytes *cut_slices_get(CutSlices *slices, const guint8 *key, CutSliceFunc func, gpointer data, const SegmentWait *wait,
                       GError **error)
{
    g_mutex_lock(&slices->lock);
    Slice *slice = find(slices, key, wait, error);
    GBytes *bytes = slice != NULL && slice->bytes != NULL ? g_bytes_ref(slice->bytes) : NULL;
    g_mutex_unlock(&slices->lock);
    if (slice == NULL || bytes != NULL)
        return bytes;
    bytes = func(data, error);
    SEGMENT_LOCK_SCOPE(&slices->lock);
    if (bytes != NULL)
        keep(slices, slice, bytes);
    else
        g_hash_table_remove(slices->table, key);
    g_cond_broadcast(&slices->changed);
    return bytes;
}

static void make_ahead(gpointer data, gpointer unused)
{
    Ahead *ahead = data;
    ahead->func(ahead->data);
    g_free(ahead);
}

gboolean cut_slices_ahead(CutSlices *slices, CutSliceAheadFunc func, gpointer data)
{
    if (g_thread_pool_unprocessed(slices->ahead) >= MAX_AHEAD)
        return FALSE;
    Ahead *ahead = g_new(Ahead, 1);
    *ahead = (Ahead){func, data};
    g_thread_pool_push(slices->ahead, ahead, NULL);
    return TRUE;
}

CutSlices *cut_slices_new(void)
{
    CutSlices *slices = g_new0(CutSlices, 1);
    slices->ahead = g_thread_pool_new(make_ahead, NULL, MAX_AHEAD, FALSE, NULL);
    slices->table = g_hash_table_new_full(segment_hash_hash, segment_hash_equal, NULL, slice_free);
    g_mutex_init(&slices->lock);
    g_cond_init(&slices->changed);
    g_queue_init(&slices->lru);
    return slices;
}

void cut_slices_free(CutSlices *slices)
{
    if (slices == NULL)
        return;
    g_thread_pool_free(slices->ahead, FALSE, TRUE);
    g_hash_table_unref(slices->table);
    g_mutex_clear(&slices->lock);
    g_cond_clear(&slices->changed);
    g_free(slices);
}
