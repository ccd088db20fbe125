// SPDX-License-Identifier: MIT
// Tells the kernel to forget.
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include "fs/node.h"

typedef struct FsNotify FsNotify;
struct fuse_session;

// Starts its thread.
FsNotify *fs_notify_new(struct fuse_session *session);

// Ends its thread; what is left to say, and what comes after that, is dropped. The session still has to be served, or
// to be unmounted: the kernel may hold up the thread until a handler answers.
void fs_notify_stop(FsNotify *notify);

// The same, if that was not done yet, and frees it. NULL is fine.
void fs_notify_free(FsNotify *notify);

// Forget the attributes, and the pages or the listing, of ID, before this returns.
void fs_notify_node(FsNotify *notify, guint64 id);

// Forget the name NAME in PARENT: from the thread, as the kernel waits for the lock of that directory. NODE, which may
// be NULL, is marked as nameless when that is done.
void fs_notify_entry(FsNotify *notify, guint64 parent, const char *name, FsNode *node);

#endif
