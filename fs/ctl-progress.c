// SPDX-License-Identifier: MIT
// A bar on standard error, that is drawn again in its place.
#include <stdio.h>
#include <unistd.h>

#include "fs/ctl.h"

#define BAR 40 // characters
#define BAR_INTERVAL (100 * 1000) // microseconds

static gboolean shown; // there is one, and its line has no end yet

gboolean fs_ctl_may_show_progress(void)
{
    return isatty(STDERR_FILENO) != 0;
}

void fs_ctl_show_progress(gint64 done, gint64 size, const char *of)
{
    static gint64 last;
    gint64 now = g_get_monotonic_time();
    if (now - last < BAR_INTERVAL && done < size)
        return;
    last = now;
    int filled = size > 0 ? (int) (BAR * done / size) : BAR;
    fprintf(stderr, "\r[%.*s%*s] %3d %% of %s\033[K", filled, "########################################", BAR - filled,
            "", size > 0 ? (int) (100 * done / size) : 100, of);
    shown = TRUE;
    if (done >= size)
        fs_ctl_end_progress();
}

void fs_ctl_end_progress(void)
{
    if (shown)
        fputc('\n', stderr);
    shown = FALSE;
}
