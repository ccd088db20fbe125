// SPDX-License-Identifier: MIT
// Opens the store and knows its streams. What is in a stream is stream.c's.
#include "segment/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/lock.h"
#include "segment/store-private.h"

#define DEFAULT_CACHE_MEMORY (128 * 1024 * 1024)
#define MAX_LOADERS 8

// inotify tells only what this machine did: on a network's file system it would miss the others' changes.
static gboolean is_local(int fd)
{
    static const unsigned long network[] = {
        NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,  SMB2_SUPER_MAGIC, CIFS_SUPER_MAGIC, CODA_SUPER_MAGIC, AFS_SUPER_MAGIC,
        AFS_FS_MAGIC,    CEPH_SUPER_MAGIC, V9FS_MAGIC,       FUSE_SUPER_MAGIC, NCP_SUPER_MAGIC,  OCFS2_SUPER_MAGIC,
    };
    struct statfs st;
    if (fstatfs(fd, &st) < 0)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(network); i++) {
        if ((unsigned long) st.f_type == network[i])
            return FALSE;
    }
    return TRUE;
}

SegmentStore *segment_store_open(const char *path, const SegmentStoreOptions *options, GError **error)
{
    segment_autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Resolved, since a daemon changes its working directory.
    char *absolute = fd < 0 ? NULL : realpath(path, NULL);
    if (absolute == NULL) {
        segment_error_set_errno(error, errno, "cannot open the store", path);
        return NULL;
    }

    SegmentStore *store = g_new0(SegmentStore, 1);
    store->path = g_strdup(absolute);
    free(absolute);
    store->may_watch = !options->no_watch && is_local(fd);
    store->fd = segment_fd_steal(&fd);
    store->cache_limit = options->cache_memory > 0 ? options->cache_memory : DEFAULT_CACHE_MEMORY;
    store->streams = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify) segment_stream_free);
    g_mutex_init(&store->lock);
    g_cond_init(&store->loaded);
    g_queue_init(&store->lru);
    return store;
}

void segment_store_add_listener(SegmentStore *store, SegmentChangeFunc listener, gpointer data)
{
    g_assert(store->n_listeners < SEGMENT_MAX_LISTENERS);
    store->listeners[store->n_listeners] = listener;
    store->listener_data[store->n_listeners++] = data;
}

gboolean segment_store_start(SegmentStore *store, GError **error)
{
    if (!store->may_watch || store->watch != NULL)
        return TRUE;
    SegmentWatch *watch = segment_watch_new(store, error);
    g_mutex_lock(&store->lock);
    store->watch = watch;
    g_mutex_unlock(&store->lock);
    return watch != NULL;
}

void segment_store_stop(SegmentStore *store)
{
    // The thread takes the lock, so it is not joined with it.
    if (store->watch != NULL)
        segment_watch_stop(store->watch);
}

void segment_store_free(SegmentStore *store)
{
    if (store == NULL)
        return;
    segment_watch_free(store->watch);
    if (store->loaders != NULL)
        g_thread_pool_free(store->loaders, FALSE, TRUE);
    g_hash_table_unref(store->streams);
    close(store->fd);
    g_mutex_clear(&store->lock);
    g_cond_clear(&store->loaded);
    g_free(store->path);
    g_free(store);
}

const char *segment_store_path(const SegmentStore *store)
{
    return store->path;
}

int segment_store_fd(const SegmentStore *store)
{
    return store->fd;
}

int segment_store_revocations(const SegmentStore *store)
{
    return g_atomic_int_get(&store->revocations);
}

SegmentStream *segment_store_stream(SegmentStore *store, const char *path, const SegmentWait *wait, GError **error)
{
    const char *quality = strchr(path, '/');
    if (quality == NULL || quality == path || quality[1] == '\0' || quality[1] == '.' || path[0] == '.' ||
        strchr(quality + 1, '/') != NULL || strcmp(quality + 1, "chat") == 0) {
        segment_error_set_errno(error, ENOENT, "no stream", path);
        return NULL;
    }

    g_mutex_lock(&store->lock);
    SegmentStream *stream = g_hash_table_lookup(store->streams, path);
    g_mutex_unlock(&store->lock);
    if (stream == NULL) {
        if (!segment_wait_may_block(wait)) {
            g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, path);
            return NULL;
        }
        // Names that only a lookup made up are not remembered.
        if (faccessat(store->fd, path, F_OK, 0) < 0) {
            segment_error_set_errno(error, errno, "no stream", path);
            return NULL;
        }
        g_mutex_lock(&store->lock);
        stream = g_hash_table_lookup(store->streams, path);
        if (stream == NULL) {
            stream = segment_stream_new(store, path);
            g_hash_table_insert(store->streams, stream->path, stream);
        }
        g_mutex_unlock(&store->lock);
    }

    g_autoptr(GError) failure = NULL;
    if (segment_stream_has_hours(stream, wait, &failure))
        return stream;
    if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    else
        segment_error_set_errno(error, ENOENT, "no hour in", path);
    return NULL;
}

void segment_store_get_status(SegmentStore *store, SegmentStoreStatus *status)
{
    GHashTableIter streams, hours;
    gpointer value;

    memset(status, 0, sizeof *status);
    SEGMENT_LOCK_SCOPE(&store->lock);
    status->cache_memory = store->cache_memory;
    status->n_hours_read = store->n_hours_read;
    status->n_hours_cached = store->lru.length;
    g_hash_table_iter_init(&streams, store->streams);
    while (g_hash_table_iter_next(&streams, NULL, &value)) {
        SegmentStream *stream = value;
        if (stream->sorted == NULL || stream->sorted->len == 0)
            continue;
        status->n_streams++;
        g_hash_table_iter_init(&hours, stream->hours);
        while (g_hash_table_iter_next(&hours, NULL, &value)) {
            StreamHour *sh = value;
            status->n_hours += sh->exists ? 1 : 0;
            status->n_hours_watched += sh->exists && sh->wd >= 0 ? 1 : 0;
            status->n_tombstones += sh->tombstones != NULL ? g_hash_table_size(sh->tombstones) : 0;
            status->n_skipped += sh->hour != NULL ? sh->hour->n_skipped : 0;
        }
    }
}

// ---- work on several threads

typedef struct {
    gatomicrefcount references;
    guint n;
    void (*func)(guint i, gpointer data);
    gpointer data;
    int next; // atomic
    guint n_done;
    GMutex lock;
    GCond done;
} Parallel;

static void parallel_unref(Parallel *parallel)
{
    if (!g_atomic_ref_count_dec(&parallel->references))
        return;
    g_mutex_clear(&parallel->lock);
    g_cond_clear(&parallel->done);
    g_free(parallel);
}

static void parallel_work(gpointer task, gpointer unused)
{
    Parallel *parallel = task;
    guint i, n = 0;
    while ((i = (guint) g_atomic_int_add(&parallel->next, 1)) < parallel->n) {
        parallel->func(i, parallel->data);
        n++;
    }
    if (n > 0) {
        g_mutex_lock(&parallel->lock);
        parallel->n_done += n;
        g_cond_signal(&parallel->done);
        g_mutex_unlock(&parallel->lock);
    }
    parallel_unref(parallel);
}

void segment_store_parallel(SegmentStore *store, guint n, void (*func)(guint i, gpointer data), gpointer data)
{
    // A network's delay, other than a disk's data, is nothing that a processor has to do with.
    guint threads = MIN(store->may_watch ? MIN(g_get_num_processors(), MAX_LOADERS) : MAX_LOADERS, n);
    if (threads < 2) {
        for (guint i = 0; i < n; i++)
            func(i, data);
        return;
    }

    g_mutex_lock(&store->lock);
    if (store->loaders == NULL)
        store->loaders = g_thread_pool_new(parallel_work, NULL, MAX_LOADERS, FALSE, NULL);
    g_mutex_unlock(&store->lock);

    Parallel *parallel = g_new0(Parallel, 1);
    g_atomic_ref_count_init(&parallel->references);
    g_mutex_init(&parallel->lock);
    g_cond_init(&parallel->done);
    parallel->n = n;
    parallel->func = func;
    parallel->data = data;
    g_atomic_ref_count_inc(&parallel->references);
    for (guint i = 1; i < threads; i++) {
        g_atomic_ref_count_inc(&parallel->references);
        g_thread_pool_push(store->loaders, parallel, NULL);
    }
    // The caller works, too: it never waits for a thread that has not begun.
    parallel_work(parallel, NULL);
    g_mutex_lock(&parallel->lock);
    while (parallel->n_done < n)
        g_cond_wait(&parallel->done, &parallel->lock);
    g_mutex_unlock(&parallel->lock);
    parallel_unref(parallel);
}
