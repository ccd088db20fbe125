// SPDX-License-Identifier: MIT
// A queue of names and what their plans take. What is open when it is forgotten stays until it is closed, and is looked
// up anew by whoever comes next.
#include "fs/plans.h"

#include "segment/lock.h"

typedef struct {
    guint64 parent;
    char *name;
    gsize size; // bytes
} Entry;

struct FsPlans {
    gsize limit;
    GMutex lock;
    GQueue queue; // Entry, the one added first first
    gsize size; // of all
};

static void entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->name);
    g_free(entry);
}

static gsize size_of(const CutPlan *plan)
{
    gsize text = plan->text != NULL ? g_bytes_get_size(plan->text) : 0;
    // With what its timeline takes.
    return sizeof *plan + text + plan->n_segments * sizeof(SegmentRef) + plan->n_parts * 32;
}

FsPlans *fs_plans_new(gsize limit)
{
    FsPlans *plans = g_new0(FsPlans, 1);
    plans->limit = limit;
    g_mutex_init(&plans->lock);
    g_queue_init(&plans->queue);
    return plans;
}

void fs_plans_free(FsPlans *plans)
{
    if (plans == NULL)
        return;
    g_queue_clear_full(&plans->queue, entry_free);
    g_mutex_clear(&plans->lock);
    g_free(plans);
}

// The oldest one, if all take too much; the newest stays in any case.
static Entry *pop_over_limit(FsPlans *plans)
{
    SEGMENT_LOCK_SCOPE(&plans->lock);
    if (plans->size <= plans->limit || plans->queue.length < 2)
        return NULL;
    Entry *entry = g_queue_pop_head(&plans->queue);
    plans->size -= entry->size;
    return entry;
}

void fs_plans_add(FsPlans *plans, FsNode *node, void (*forget)(guint64 parent, const char *name, gpointer data),
                  gpointer data)
{
    Entry *entry = g_new(Entry, 1);
    entry->parent = node->parent->id;
    entry->name = g_strdup(fs_node_name(node));
    entry->size = size_of(node->plan);
    g_mutex_lock(&plans->lock);
    g_queue_push_tail(&plans->queue, entry);
    plans->size += entry->size;
    g_mutex_unlock(&plans->lock);

    while ((entry = pop_over_limit(plans)) != NULL) {
        forget(entry->parent, entry->name, data);
        entry_free(entry);
    }
}
