// SPDX-License-Identifier: MIT
// Deferred requests. An answer is given once, by whoever claims the call: its own work, or the interrupt.
#include "fs/call.h"

#include <errno.h>

#include "fs/errno.h"

#define MAX_WAITING 256 // threads; each waits for one directory

static void call_free(FsCall *call)
{
    if (call->release != NULL)
        call->release(call->handle);
    g_free(call->name);
    g_free(call);
}

static void answer_interrupt(FsCall *call, fuse_req_t req)
{
    if (g_atomic_int_compare_and_exchange(&call->claimed, 0, 1))
        fuse_reply_err(req, EINTR);
}

// libfuse holds the request's own lock meanwhile, so that fs_call_claim() waits for it.
static void interrupted(fuse_req_t req, void *data)
{
    FsCall *call = data;
    g_atomic_int_set(&call->cancelled, 1);
    // Called from within fuse_req_interrupt_func(), an answer would free the request under libfuse's hands (3.14):
    // fs_call_run() gives it then.
    if (g_atomic_int_get(&call->registered) != 0)
        answer_interrupt(call, req);
}

gboolean fs_call_claim(FsCall *call)
{
    if (!call->deferred)
        return TRUE;
    if (!g_atomic_int_compare_and_exchange(&call->claimed, 0, 1))
        return FALSE;
    // From here on the interrupt finds nothing to do; after this it is not called any more.
    fuse_req_interrupt_func(call->req, NULL, NULL);
    return TRUE;
}

gboolean fs_call_fail(FsCall *call, const GError *error)
{
    if (!call->deferred && segment_error_would_block(error))
        return FALSE;
    if (fs_call_claim(call)) {
        int code = fs_errno(error);
        if (code != ENOENT)
            g_debug("%s", error->message);
        fuse_reply_err(call->req, code);
    }
    return TRUE;
}

static void work(gpointer task, gpointer unused)
{
    FsCall *call = task;
    if (!call->func(call))
        g_assert_not_reached();
    g_mutex_lock(&call->server->handles_lock);
    g_hash_table_remove(call->server->calls, call);
    g_mutex_unlock(&call->server->handles_lock);
    call_free(call);
}

GThreadPool *fs_call_pool_new(void)
{
    // Idle threads wait without a time limit: an idle daemon does not wake up.
    g_thread_pool_set_max_idle_time(0);
    return g_thread_pool_new(work, NULL, MAX_WAITING, FALSE, NULL);
}

static FsCall *defer(const FsCall *call, const char *name)
{
    FsCall *deferred = g_memdup2(call, sizeof *call);
    deferred->name = g_strdup(name);
    deferred->deferred = TRUE;
    deferred->wait = (SegmentWait){.may_block = TRUE, .cancelled = &deferred->cancelled};
    return deferred;
}

void fs_call_run(FsCall *call, const char *name)
{
    // Its own copy is made only when it has to wait.
    call->name = (char *) name;
    call->wait = segment_no_wait;
    if (call->func(call)) {
        if (call->release != NULL)
            call->release(call->handle);
        return;
    }
    FsCall *deferred = defer(call, name);
    g_mutex_lock(&call->server->handles_lock);
    g_hash_table_add(call->server->calls, deferred);
    g_mutex_unlock(&call->server->handles_lock);
    fuse_req_interrupt_func(deferred->req, interrupted, deferred);
    g_atomic_int_set(&deferred->registered, 1);
    if (g_atomic_int_get(&deferred->cancelled) != 0)
        answer_interrupt(deferred, deferred->req);
    g_thread_pool_push(deferred->server->pool, deferred, NULL);
}

void fs_call_cancel_all(FsServer *server)
{
    GHashTableIter iter;
    gpointer call;
    g_mutex_lock(&server->handles_lock);
    g_hash_table_iter_init(&iter, server->calls);
    while (g_hash_table_iter_next(&iter, &call, NULL))
        g_atomic_int_set(&((FsCall *) call)->cancelled, 1);
    g_mutex_unlock(&server->handles_lock);
}

void fs_call_run_uninterrupted(FsCall *call, const char *name)
{
    g_thread_pool_push(call->server->pool, defer(call, name), NULL);
}
