// SPDX-License-Identifier: MIT
// Mounts are found by /proc/self/mountinfo (proc(5)): what a path is on is told by its device number.
#include "fs/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

G_DEFINE_QUARK(fs-place-error-quark, fs_place_error)

typedef struct {
    guint major, minor;
    char *mountpoint;
} Mount;

static void mount_free(gpointer data)
{
    Mount *mount = data;
    g_free(mount->mountpoint);
    g_free(mount);
}

// "36 35 98:0 /root /mountpoint options [tags] - type source options"
static Mount *parse_line(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    guint n = g_strv_length(words), dash = 6;
    unsigned major, minor;
    while (dash < n && strcmp(words[dash], "-") != 0)
        dash++;
    if (dash + 1 >= n || strcmp(words[dash + 1], "fuse.segfs") != 0 || sscanf(words[2], "%u:%u", &major, &minor) != 2)
        return NULL;
    Mount *mount = g_new0(Mount, 1);
    mount->major = major;
    mount->minor = minor;
    // Spaces and the like are octal escapes.
    mount->mountpoint = g_strcompress(words[4]);
    return mount;
}

static GPtrArray *read_mounts(void)
{
    GPtrArray *mounts = g_ptr_array_new_with_free_func(mount_free);
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
        return mounts;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        Mount *mount = parse_line(lines[i]);
        if (mount != NULL)
            g_ptr_array_add(mounts, mount);
    }
    return mounts;
}

// The mountpoint of the segfs mount that PATH is in, or NULL.
static char *find_mount(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return NULL;
    g_autoptr(GPtrArray) mounts = read_mounts();
    for (guint i = 0; i < mounts->len; i++) {
        const Mount *mount = g_ptr_array_index(mounts, i);
        if (mount->major == major(st.st_dev) && mount->minor == minor(st.st_dev))
            return g_strdup(mount->mountpoint);
    }
    return NULL;
}

GPtrArray *fs_place_mounts(void)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) mounts = read_mounts();
    for (guint i = 0; i < mounts->len; i++)
        g_ptr_array_add(paths, g_strdup(((Mount *) g_ptr_array_index(mounts, i))->mountpoint));
    return paths;
}

gboolean fs_place_is_mounted(const char *path)
{
    g_autofree char *mountpoint = find_mount(path);
    return mountpoint != NULL;
}

JsonNode *fs_place_read_control(const char *mountpoint, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(mountpoint, ".segfs", name, NULL);
    g_autofree char *text = NULL;
    gsize length;
    // Loaded first: json-glib maps files, which what is made on reading does not allow.
    if (!g_file_get_contents(path, &text, &length, error))
        return NULL;
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!json_parser_load_from_data(parser, text, (gssize) length, error))
        return NULL;
    JsonNode *root = json_parser_steal_root(parser);
    if (root == NULL)
        g_set_error(error, FS_PLACE_ERROR, 0, "%s is empty", path);
    return root;
}

static char *read_store(const char *mountpoint, GError **error)
{
    g_autoptr(JsonNode) root = fs_place_read_control(mountpoint, "status.json", error);
    const char *store = NULL;
    if (root == NULL)
        return NULL;
    if (JSON_NODE_HOLDS_OBJECT(root))
        store = json_object_get_string_member_with_default(json_node_get_object(root), "store", NULL);
    if (store == NULL)
        g_set_error(error, FS_PLACE_ERROR, 0, "%s: its .segfs/status.json does not name the store", mountpoint);
    return g_strdup(store);
}

char *fs_place_in_store(const char *path, GError **error)
{
    g_autofree char *absolute = realpath(path, NULL);
    if (absolute == NULL) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
        return NULL;
    }
    g_autofree char *mountpoint = find_mount(absolute);
    if (mountpoint == NULL)
        return g_steal_pointer(&absolute);
    g_autofree char *store = read_store(mountpoint, error);
    if (store == NULL)
        return NULL;
    if (!g_str_has_prefix(absolute, mountpoint)) {
        g_set_error(error, FS_PLACE_ERROR, 0, "%s is not below %s", absolute, mountpoint);
        return NULL;
    }
    return g_build_filename(store, absolute + strlen(mountpoint), NULL);
}

SegmentStream *fs_place_open_stream(const char *path, SegmentStore **store, GError **error)
{
    g_autofree char *stream_path = fs_place_in_store(path, error);
    if (stream_path == NULL)
        return NULL;
    g_autofree char *channel = g_path_get_dirname(stream_path);
    g_autofree char *root = g_path_get_dirname(channel);
    SegmentStoreOptions options = {.no_watch = TRUE};
    *store = segment_store_open(root, &options, error);
    if (*store == NULL)
        return NULL;
    const char *name = stream_path + strlen(root);
    return segment_store_stream(*store, name + (*name == '/'), NULL, error);
}
