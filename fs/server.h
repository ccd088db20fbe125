// SPDX-License-Identifier: MIT
// What serves one mount: the session with the kernel, the tree behind it, and the threads that answer what takes time.
//
// NOTES ON THE THREAD MODEL. libfuse's threads read requests and answer what is in memory, and reads. All that may wait
// for a directory of the store goes to a pool (call.c) and is answered from there. The store's watch tells of changes
// (segment/watch.c); one thread passes forgotten names on to the kernel (notify.c). None of them is started before the
// process has gone to the background, and fs_server_free() ends them all.
#ifndef FS_SERVER_H
#define FS_SERVER_H

#include <fuse_lowlevel.h>
#include <glib.h>

#include "fs/notify.h"
#include "fs/tree.h"

typedef struct {
    struct fuse_session *session;
    FsTree *tree;
    FsNotify *notify;
    GThreadPool *pool; // of FsCall (call.h)
    guint64 init_unique; // device.c: the INIT request
    guint connection; // atomic; its number in /sys/fs/fuse/connections, once the mount answers
    gboolean unmounted;

    GMutex handles_lock; // guards both
    GHashTable *handles; // open files and directories → how to free them
    GHashTable *calls; // FsCall that may be given up
} FsServer;

typedef struct {
    const char *mountpoint;
    gboolean read_only, allow_other, debug;
    const char *words; // further options for the kernel and libfuse, separated by commas; or NULL
    guint read_ahead; // KiB; 0: the kernel's
} FsServerOptions;

// Mounts TREE, which it takes over in any case, and starts its threads.
FsServer *fs_server_new(FsTree *tree, const FsServerOptions *options, GError **error);

// Serves until the file system is unmounted or fs_server_exit() is called, from another thread.
gboolean fs_server_run(FsServer *server, GError **error);
void fs_server_exit(FsServer *server);

// Unmounts. Who waits for an answer of the mount waits no longer.
void fs_server_unmount(FsServer *server);

// Unmounts, if that was not done yet, ends all threads, and frees all.
void fs_server_free(FsServer *server);

// Waits until the mount answers, and sets its read-ahead where we may.
gboolean fs_server_wait_ready(FsServer *server, const FsServerOptions *options, GError **error);

// The kernel does not release what is open when it is unmounted by force: handles that are left are freed at the end.
void fs_server_hold(FsServer *server, gpointer handle, GDestroyNotify destroy);
void fs_server_release(FsServer *server, gpointer handle);

// device.c: reads and writes what libfuse does, with what it has wrong put right.
gboolean fs_device_enable(FsServer *server, GError **error);

// ops.c
extern const struct fuse_lowlevel_ops fs_ops;

// The server that a request is for.
static inline FsServer *fs_server(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

#endif
