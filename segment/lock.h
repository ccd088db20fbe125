// SPDX-License-Identifier: MIT
// Locks that end with their scope. (clang takes a GMutexLocker that nobody looks at for unused.)
#ifndef SEGMENT_LOCK_H
#define SEGMENT_LOCK_H

#include <glib.h>

#define SEGMENT_LOCK_SCOPE(mutex) g_autoptr(GMutexLocker) scope_locker G_GNUC_UNUSED = g_mutex_locker_new(mutex)

#endif
