// SPDX-License-Identifier: MIT
// The table of extended attributes.
#include "fs/xattr.h"

#include <errno.h>
#include <string.h>

#include "segment/time.h"

static char *sha256(const FsNode *node)
{
    char text[2 * SEGMENT_HASH_SIZE + 1];
    segment_hash_to_hex(node->hash, text);
    return g_strdup(text);
}

static char *duration(const FsNode *node)
{
    return g_strdup_printf("%" G_GINT64_FORMAT ".%06d", node->duration / SEGMENT_SECOND,
                           (int) (node->duration % SEGMENT_SECOND));
}

static char *start(const FsNode *node)
{
    char text[SEGMENT_TIME_TEXT_SIZE];
    return g_strconcat(segment_time_format(node->start, text), "Z", NULL);
}

static char *segments(const FsNode *node)
{
    return g_strdup_printf("%u", node->plan->n_segments);
}

static char *holes(const FsNode *node)
{
    return g_strdup_printf("%u", node->plan->n_holes);
}

static const struct {
    FsKind kind;
    const char *name;
    char *(*get)(const FsNode *node);
} attributes[] = {
    {FS_SEGMENT, "user.segfs.sha256", sha256}, {FS_SEGMENT, "user.segfs.duration", duration},
    {FS_SEGMENT, "user.segfs.start", start},   {FS_CUT, "user.segfs.segments", segments},
    {FS_CUT, "user.segfs.holes", holes},
};

char *fs_xattr_get(const FsNode *node, const char *name, int *code)
{
    for (guint i = 0; i < G_N_ELEMENTS(attributes); i++) {
        if (attributes[i].kind == node->kind && strcmp(attributes[i].name, name) == 0)
            return attributes[i].get(node);
    }
    *code = g_str_has_prefix(name, "user.") ? ENODATA : EOPNOTSUPP;
    return NULL;
}

int fs_xattr_set(FsTree *tree, const FsNode *node, const char *name, const char *value, gsize size)
{
    g_autofree char *text = g_strndup(value, size);
    if (node->kind != FS_STATUS || !g_str_has_suffix(node->path, "/peers.json") ||
        strcmp(name, "user.segfs.accept") != 0)
        return EPERM;
    return fs_peers_accept(tree->options.peers, text) ? 0 : ENOENT;
}

char *fs_xattr_list(const FsNode *node, gsize *size)
{
    GString *names = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(attributes); i++) {
        if (attributes[i].kind == node->kind)
            g_string_append_len(names, attributes[i].name, (gssize) strlen(attributes[i].name) + 1);
    }
    *size = names->len;
    return g_string_free(names, FALSE);
}
