// SPDX-License-Identifier: MIT
// What the commands of segfsctl share.
#ifndef FS_CTL_H
#define FS_CTL_H

#define EXIT_USAGE 2

// Say on standard error what is wrong, and give the exit status that goes with it.
int fs_ctl_complain(const char *path, const char *reason);
int fs_ctl_complain_usage(const char *reason);

// ctl-cut.c: "cut", with what comes behind it.
int fs_ctl_cut(int argc, char **argv);

#endif
