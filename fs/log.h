// SPDX-License-Identifier: MIT
// Where messages go: to the journal, or to standard error.
#ifndef FS_LOG_H
#define FS_LOG_H

#include <glib.h>

// LOG: auto, journal or stderr; LEVEL: error, warning, info or debug. To be called once, before any thread is started.
void fs_log_start(const char *log, const char *level);

// From now on there is no standard error: "auto" means the journal.
void fs_log_detach(void);

#endif
