// SPDX-License-Identifier: MIT
// From errors to what a program that uses the mount sees.
#ifndef FS_ERRNO_H
#define FS_ERRNO_H

#include <glib.h>

// The errno, positive, that stands for ERROR.
int fs_errno(const GError *error);

#endif
