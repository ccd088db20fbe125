// SPDX-License-Identifier: MIT
// A request that may have to wait. It is tried at once, with what is in memory; where that is not enough it goes to the
// pool, and the thread that read it is free for the next. FUSE_INTERRUPT answers it with EINTR, and its work ends at
// the next look at FsCall.wait.
#ifndef FS_CALL_H
#define FS_CALL_H

#include "fs/server.h"

typedef struct FsCall FsCall;

// Tries to answer. FALSE, with nothing answered and nothing kept, where it would have to wait and may not.
typedef gboolean (*FsCallFunc)(FsCall *call);

struct FsCall {
    FsCallFunc func;
    fuse_req_t req;
    FsServer *server;
    SegmentWait wait;

    // Arguments; which of them there are is the function's.
    guint64 id;
    char *name;
    mode_t mode;
    gsize size;
    gint64 offset;
    gboolean plus;
    struct fuse_file_info fi;
    gpointer handle; // a reference, if it is one that outlives the call; see release
    void (*release)(gpointer handle);

    gboolean deferred;
    int registered, claimed, cancelled; // atomic
};

// Runs CALL (on the caller's stack), or has the pool do it.
void fs_call_run(FsCall *call, const char *name);

// The same, but from the pool, and whatever the kernel says: for what changes the store.
void fs_call_run_uninterrupted(FsCall *call, const char *name);

// Has all calls given up that are not to be answered whatever the kernel says.
void fs_call_cancel_all(FsServer *server);

// Before an answer: FALSE where the request was answered with EINTR already, and must not be touched any more.
gboolean fs_call_claim(FsCall *call);

// Answers with the errno of ERROR. FALSE where that says that it would have to wait.
gboolean fs_call_fail(FsCall *call, const GError *error);

// The pool that calls wait in.
GThreadPool *fs_call_pool_new(void);

#endif
