// SPDX-License-Identifier: MIT
// One thread with a queue. The kernel takes a directory's lock to forget a name in it, and holds that lock itself while
// it waits for the answer to a create or lookup there: a handler that forgot a name itself would wait for itself.
#include "fs/notify.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

typedef struct {
    guint64 parent; // 0: end the thread
    FsNode *node; // a reference, or NULL
    char name[];
} Entry;

struct FsNotify {
    struct fuse_session *session;
    GAsyncQueue *queue; // Entry
    GThread *thread;
};

static Entry *entry_new(guint64 parent, const char *name, FsNode *node)
{
    gsize length = strlen(name) + 1;
    Entry *entry = g_malloc(sizeof *entry + length);
    entry->parent = parent;
    entry->node = node != NULL ? fs_node_ref(node) : NULL;
    memcpy(entry->name, name, length);
    return entry;
}

static void entry_free(gpointer data)
{
    Entry *entry = data;
    fs_node_unref(entry->node);
    g_free(entry);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Entry, entry_free)

static gpointer run(gpointer data)
{
    FsNotify *notify = data;
    for (;;) {
        g_autoptr(Entry) entry = g_async_queue_pop(notify->queue);
        if (entry->parent == 0)
            return NULL;
        int result = fuse_lowlevel_notify_inval_entry(notify->session, entry->parent, entry->name, strlen(entry->name));
        // ENOENT: it does not remember the name; ENOTCONN: it is gone; ENOTEMPTY: somebody uses what is below it.
        if (result != 0 && result != -ENOENT && result != -ENOTCONN && result != -ENODEV && result != -ENOTDIR &&
            result != -ENOTEMPTY && result != -EBADF)
            g_warning("cannot have the kernel forget %s: %s", entry->name, g_strerror(-result));
        if (entry->node != NULL)
            g_atomic_int_set(&entry->node->nameless, 1);
    }
}

FsNotify *fs_notify_new(struct fuse_session *session)
{
    FsNotify *notify = g_new0(FsNotify, 1);
    notify->session = session;
    notify->queue = g_async_queue_new_full(entry_free);
    notify->thread = g_thread_new("notify", run, notify);
    return notify;
}

void fs_notify_stop(FsNotify *notify)
{
    if (notify->thread == NULL)
        return;
    g_async_queue_push_front(notify->queue, entry_new(0, "", NULL));
    g_thread_join(notify->thread);
    notify->thread = NULL;
}

void fs_notify_free(FsNotify *notify)
{
    if (notify == NULL)
        return;
    fs_notify_stop(notify);
    g_async_queue_unref(notify->queue);
    g_free(notify);
}

void fs_notify_node(FsNotify *notify, guint64 id)
{
    // The answer does not matter: what the kernel does not remember it need not forget.
    fuse_lowlevel_notify_inval_inode(notify->session, id, 0, 0);
}

void fs_notify_entry(FsNotify *notify, guint64 parent, const char *name, FsNode *node)
{
    g_async_queue_push(notify->queue, entry_new(parent, name, node));
}
