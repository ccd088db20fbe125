// SPDX-License-Identifier: MIT
// Tells ThreadSanitizer of GLib's locks. They are made of futexes in a library that was built without it, so that it
// sees none of them and takes all that they guard for races. These stand before GLib's own, which they call; linked
// only where the sanitizer is. (GLib's calls of its own functions do not come here, and need not.)
// G_SLICE=always-malloc has to be set, as blocks that GLib passes from thread to thread are not seen either.
#if defined __SANITIZE_THREAD__

#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

// Around what GLib allocates here and frees in another thread, under a lock of its own.
#define OWN_BLOCKS(call)                                                                                               \
    do {                                                                                                               \
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);                                                                 \
        call;                                                                                                          \
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);                                                                   \
    } while (0)

#define REAL(name)                                                                                                     \
    static __typeof__(&name) found;                                                                                    \
    __typeof__(&name) real = __atomic_load_n(&found, __ATOMIC_ACQUIRE);                                                \
    if (real == NULL) {                                                                                                \
        real = (__typeof__(&name)) (guintptr) dlsym(RTLD_NEXT, #name);                                                 \
        __atomic_store_n(&found, real, __ATOMIC_RELEASE);                                                              \
    }

#define LOCK(name, type)                                                                                               \
    void name(type *lock)                                                                                              \
    {                                                                                                                  \
        REAL(name);                                                                                                    \
        real(lock);                                                                                                    \
        __tsan_acquire(lock);                                                                                          \
    }

#define UNLOCK(name, type)                                                                                             \
    void name(type *lock)                                                                                              \
    {                                                                                                                  \
        REAL(name);                                                                                                    \
        __tsan_release(lock);                                                                                          \
        real(lock);                                                                                                    \
    }

LOCK(g_mutex_lock, GMutex)
UNLOCK(g_mutex_unlock, GMutex)
LOCK(g_rw_lock_reader_lock, GRWLock)
UNLOCK(g_rw_lock_reader_unlock, GRWLock)
LOCK(g_rw_lock_writer_lock, GRWLock)
UNLOCK(g_rw_lock_writer_unlock, GRWLock)

gboolean g_mutex_trylock(GMutex *mutex)
{
    REAL(g_mutex_trylock);
    gboolean locked = real(mutex);
    if (locked)
        __tsan_acquire(mutex);
    return locked;
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    REAL(g_cond_wait);
    __tsan_release(mutex);
    real(cond, mutex);
    __tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    REAL(g_cond_wait_until);
    __tsan_release(mutex);
    gboolean signalled = real(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return signalled;
}

// ---- counts of references: what was done with it comes before it is freed

gboolean(g_atomic_ref_count_dec)(gatomicrefcount *count)
{
    REAL(g_atomic_ref_count_dec);
    __tsan_release(count);
    gboolean last = real(count);
    if (last)
        __tsan_acquire(count);
    return last;
}

#define UNREF(name, type)                                                                                              \
    void name(type *object)                                                                                            \
    {                                                                                                                  \
        REAL(name);                                                                                                    \
        __tsan_release(object);                                                                                        \
        __tsan_acquire(object);                                                                                        \
        real(object);                                                                                                  \
    }

UNREF(g_array_unref, GArray)
UNREF(g_ptr_array_unref, GPtrArray)
UNREF(g_hash_table_unref, GHashTable)
UNREF(g_bytes_unref, GBytes)

// ---- queues

void g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    REAL(g_async_queue_push);
    __tsan_release(queue);
    OWN_BLOCKS(real(queue, data));
}

void g_async_queue_push_front(GAsyncQueue *queue, gpointer data)
{
    REAL(g_async_queue_push_front);
    __tsan_release(queue);
    OWN_BLOCKS(real(queue, data));
}

gpointer g_async_queue_pop(GAsyncQueue *queue)
{
    REAL(g_async_queue_pop);
    gpointer data = real(queue);
    __tsan_acquire(queue);
    return data;
}

gpointer g_async_queue_try_pop(GAsyncQueue *queue)
{
    REAL(g_async_queue_try_pop);
    gpointer data = real(queue);
    __tsan_acquire(queue);
    return data;
}

gpointer g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout)
{
    REAL(g_async_queue_timeout_pop);
    gpointer data = real(queue, timeout);
    __tsan_acquire(queue);
    return data;
}

void g_async_queue_unref(GAsyncQueue *queue)
{
    REAL(g_async_queue_unref);
    __tsan_acquire(queue);
    real(queue);
}

// ---- pools: from the push to the work, and from the work to the pool's end

typedef struct {
    GFunc func;
    gpointer data;
} Work;

static void work(gpointer task, gpointer data)
{
    Work *pool = data;
    __tsan_acquire(task);
    pool->func(task, pool->data);
    __tsan_release(pool);
}

GThreadPool *g_thread_pool_new(GFunc func, gpointer data, gint max_threads, gboolean exclusive, GError **error)
{
    REAL(g_thread_pool_new);
    Work *pool = g_new(Work, 1); // as long as the process
    *pool = (Work){.func = func, .data = data};
    GThreadPool *result;
    OWN_BLOCKS(result = real(work, pool, max_threads, exclusive, error));
    return result;
}

gboolean g_thread_pool_push(GThreadPool *pool, gpointer task, GError **error)
{
    REAL(g_thread_pool_push);
    __tsan_release(task);
    gboolean result;
    OWN_BLOCKS(result = real(pool, task, error));
    return result;
}

// (Its last thread may free it.)
__attribute__((no_sanitize_thread)) void g_thread_pool_free(GThreadPool *pool, gboolean immediate, gboolean wait)
{
    REAL(g_thread_pool_free);
    gpointer own = pool->user_data;
    real(pool, immediate, wait);
    __tsan_acquire(own);
}

#else
typedef int TsanIsNotThere;
#endif
