// SPDX-License-Identifier: MIT
// Walks a path name by name.
#include "segment/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "segment/error.h"
#include "segment/fd.h"
#include "segment/name.h"

gboolean segment_beneath_name_is_plain(const char *name)
{
    if (name[0] == '\0' || name[0] == '.' || strlen(name) > SEGMENT_NAME_MAX)
        return FALSE;
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '/' || g_ascii_iscntrl(*p))
            return FALSE;
    }
    return TRUE;
}

gboolean segment_beneath_path_is_stream(const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    return g_strv_length(names) == 2 && segment_beneath_name_is_plain(names[0]) &&
           segment_beneath_name_is_plain(names[1]);
}

static int open_directory(int fd, const char *name)
{
    return openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_or_make(int fd, const char *name, gboolean make)
{
    int found = open_directory(fd, name);
    if (found >= 0 || errno != ENOENT || !make)
        return found;
    if (mkdirat(fd, name, 0777) < 0 && errno != EEXIST)
        return -1;
    return open_directory(fd, name);
}

int segment_beneath_open(int root_fd, const char *path, gboolean make, GError **error)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    gboolean plain = names[0] != NULL;
    for (guint i = 0; names[i] != NULL; i++)
        plain = plain && segment_beneath_name_is_plain(names[i] + (i == 0 && names[i][0] == '.'));
    if (!plain) {
        g_autofree char *shown = g_strescape(path, NULL);
        g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME, "\"%s\": no directory of a store", shown);
        return -1;
    }
    segment_autofd int fd = open_directory(root_fd, ".");
    for (guint i = 0; fd >= 0 && names[i] != NULL; i++) {
        segment_autofd int parent = segment_fd_steal(&fd);
        fd = open_or_make(parent, names[i], make);
    }
    if (fd < 0)
        segment_error_set_errno(error, errno, make ? "cannot make" : "cannot open", path);
    return segment_fd_steal(&fd);
}

gboolean segment_beneath_sync(int root_fd, const char *path, GError **error)
{
    g_autofree char *parent = g_strdup(path);
    for (char *slash = parent; slash != NULL;) {
        slash = strrchr(parent, '/');
        if (slash != NULL)
            *slash = '\0';
        segment_autofd int fd = open_directory(root_fd, slash != NULL ? parent : ".");
        if (fd < 0 || fsync(fd) < 0)
            return segment_error_set_errno(error, errno, "cannot sync what leads to", path);
    }
    return TRUE;
}
