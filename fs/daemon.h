// SPDX-License-Identifier: MIT
// Starts and stops everything.
#ifndef FS_DAEMON_H
#define FS_DAEMON_H

#include "fs/config.h"

// Mounts as CONFIG says and serves until the end. Gives the exit status; where the process goes to the background, the
// parent's: 0 once the mount answers. Messages go to the log.
int fs_daemon_run(const FsConfig *config);

#endif
