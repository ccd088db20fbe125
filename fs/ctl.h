// SPDX-License-Identifier: MIT
// What the commands of segfsctl share.
#ifndef FS_CTL_H
#define FS_CTL_H

#include <glib.h>

#define EXIT_USAGE 2

// Say on standard error what is wrong, and give the exit status that goes with it.
int fs_ctl_complain(const char *path, const char *reason);
int fs_ctl_complain_usage(const char *reason);

// ctl-progress.c: a bar that says that DONE is reached of SIZE, which is that of OF ("12 MB"). Whatever else is printed
// has its end before it; at SIZE it has one.
gboolean fs_ctl_may_show_progress(void);
void fs_ctl_show_progress(gint64 done, gint64 size, const char *of);
void fs_ctl_end_progress(void);

// ctl-cut.c: "cut", with what comes behind it.
int fs_ctl_cut(int argc, char **argv);

// ctl-care.c: the same of the commands of these names.
int fs_ctl_scrub(int argc, char **argv);
int fs_ctl_repair(int argc, char **argv);
int fs_ctl_prune(int argc, char **argv);

// ctl-peers.c: the same.
int fs_ctl_peers(int argc, char **argv);
int fs_ctl_sync(int argc, char **argv);
int fs_ctl_purge(int argc, char **argv);

// Says which peers have the tombstone FILE of the hour's directory at PATH in a store, as they will bring it back.
void fs_ctl_name_holders(const char *path, const char *file);

#endif
