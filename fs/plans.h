// SPDX-License-Identifier: MIT
// Bounds the memory of plans. A cut's plan lives as long as the kernel remembers the cut, which by itself is as long as
// it likes: when all of them take too much, it is asked to forget the ones that were looked up first.
#ifndef FS_PLANS_H
#define FS_PLANS_H

#include "fs/node.h"

typedef struct FsPlans FsPlans;

// LIMIT: bytes.
FsPlans *fs_plans_new(gsize limit);
void fs_plans_free(FsPlans *plans);

// The kernel has got to know the cut NODE. FORGET is called, without locks, for each that it is to forget.
void fs_plans_add(FsPlans *plans, FsNode *node, void (*forget)(guint64 parent, const char *name, gpointer data),
                  gpointer data);

#endif
