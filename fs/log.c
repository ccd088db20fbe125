// SPDX-License-Identifier: MIT
// GLib's messages, by level, and libfuse's among them.
#include "fs/log.h"

#include <fuse_log.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static GLogLevelFlags least = G_LOG_LEVEL_INFO; // the least important that is written
static int to_journal; // atomic
static gboolean is_auto;

static GLogWriterOutput write_message(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    const char *message = NULL;
    // A lower number is more important.
    if ((level & G_LOG_LEVEL_MASK) > least)
        return G_LOG_WRITER_HANDLED;
    if (g_atomic_int_get(&to_journal) && g_log_writer_journald(level, fields, n, data) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;
    for (gsize i = 0; i < n; i++) {
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            message = fields[i].value;
    }
    fprintf(stderr, "segfs: %s\n", message != NULL ? message : "?");
    return G_LOG_WRITER_HANDLED;
}

static void write_fuse_message(enum fuse_log_level level, const char *format, va_list arguments) G_GNUC_PRINTF(2, 0);

static void write_fuse_message(enum fuse_log_level level, const char *format, va_list arguments)
{
    GLogLevelFlags own = level <= FUSE_LOG_ERR       ? G_LOG_LEVEL_WARNING
                         : level <= FUSE_LOG_WARNING ? G_LOG_LEVEL_WARNING
                         : level <= FUSE_LOG_INFO    ? G_LOG_LEVEL_INFO
                                                     : G_LOG_LEVEL_DEBUG;
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    g_log(G_LOG_DOMAIN, own, "%s", g_strchomp(text));
}

void fs_log_start(const char *log, const char *level)
{
    if (strcmp(level, "error") == 0)
        least = G_LOG_LEVEL_CRITICAL;
    else if (strcmp(level, "warning") == 0)
        least = G_LOG_LEVEL_WARNING;
    else if (strcmp(level, "debug") == 0)
        least = G_LOG_LEVEL_DEBUG;
    is_auto = strcmp(log, "auto") == 0;
    to_journal = strcmp(log, "journal") == 0 || (is_auto && g_log_writer_is_journald(STDERR_FILENO));
    g_log_set_writer_func(write_message, NULL, NULL);
    fuse_set_log_func(write_fuse_message);
}

void fs_log_detach(void)
{
    if (is_auto)
        g_atomic_int_set(&to_journal, 1);
}
