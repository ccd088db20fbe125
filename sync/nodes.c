// SPDX-License-Identifier: MIT
// Names and URLs.
#include "sync/nodes.h"

#include <string.h>

#include "sync/error.h"

#define NAME_MAX_LENGTH 100 // characters
#define MAX_FILE_SIZE (1024 * 1024) // bytes

void sync_node_free(SyncNode *node)
{
    if (node == NULL)
        return;
    g_free(node->name);
    g_free(node->url);
    g_free(node);
}

static gboolean is_name(const char *name)
{
    gsize length = strlen(name);
    for (const char *p = name; *p != '\0'; p++) {
        if (!g_ascii_isgraph(*p) || strchr("=\"\\", *p) != NULL)
            return FALSE;
    }
    return length > 0 && length <= NAME_MAX_LENGTH;
}

// NULL where TEXT is no URL that can have a peer behind it.
static GUri *parse_url(const char *text)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
    // What would have to be escaped is a slip.
    for (const char *p = text; *p != '\0'; p++)
        host = g_ascii_isgraph(*p) ? host : NULL;
    if (host == NULL || *host == '\0' || g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL ||
        g_uri_get_userinfo(uri) != NULL)
        return NULL;
    const char *scheme = g_uri_get_scheme(uri);
    return strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0 ? g_steal_pointer(&uri) : NULL;
}

static char *name_of(GUri *uri)
{
    if (g_uri_get_port(uri) < 0)
        return g_strdup(g_uri_get_host(uri));
    return g_strdup_printf("%s:%d", g_uri_get_host(uri), g_uri_get_port(uri));
}

static SyncNode *make_node(const char *name, const char *url, GError **error)
{
    g_autoptr(GUri) uri = parse_url(url);
    g_autoptr(SyncNode) node = g_new0(SyncNode, 1);
    if (uri == NULL) {
        sync_error_set(error, SYNC_ERROR_ADDRESS, "'%s' is no URL of a peer: http://HOST[:PORT] or https://...", url);
        return NULL;
    }
    node->name = name != NULL ? g_strdup(name) : name_of(uri);
    node->url = g_strconcat(g_uri_get_scheme(uri), strchr(url, ':'), NULL); // the scheme in small letters
    for (gsize n = strlen(node->url); n > 0 && node->url[n - 1] == '/'; n--)
        node->url[n - 1] = '\0';
    if (!is_name(node->name)) {
        sync_error_set(error, SYNC_ERROR_ADDRESS, "'%s' is no name of a peer", node->name);
        return NULL;
    }
    return g_steal_pointer(&node);
}

SyncNode *sync_node_parse(const char *text, GError **error)
{
    const char *equals = strchr(text, '='), *colon = strchr(text, ':');
    if (equals == NULL || (colon != NULL && colon < equals))
        return make_node(NULL, text, error);
    g_autofree char *name = g_strndup(text, (gsize) (equals - text));
    return make_node(name, equals + 1, error);
}

// NULL without an error where LINE has none.
static SyncNode *parse_line(char *line, GError **error)
{
    line[strcspn(line, "#")] = '\0';
    g_strdelimit(line, "\t\r", ' ');
    g_strstrip(line);
    if (*line == '\0')
        return NULL;
    char *space = strchr(line, ' ');
    if (space == NULL)
        return make_node(NULL, line, error);
    *space = '\0';
    return make_node(line, g_strchug(space + 1), error);
}

static gboolean is_known(const GPtrArray *nodes, const char *name)
{
    for (guint i = 0; i < nodes->len; i++) {
        const SyncNode *node = g_ptr_array_index(nodes, i);
        if (strcmp(node->name, name) == 0)
            return TRUE;
    }
    return FALSE;
}

GPtrArray *sync_nodes_read(const char *file, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) failure = NULL;
    gsize length;
    if (!g_file_get_contents(file, &text, &length, &failure)) {
        sync_error_set(error, SYNC_ERROR_FILE, "cannot read the file of nodes: %s", failure->message);
        return NULL;
    }
    if (length > MAX_FILE_SIZE || strlen(text) != length) {
        sync_error_set(error, SYNC_ERROR_FILE, "%s: no file of nodes", file);
        return NULL;
    }
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func((GDestroyNotify) sync_node_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        g_autoptr(SyncNode) node = parse_line(lines[i], &failure);
        if (failure != NULL) {
            sync_error_set(error, SYNC_ERROR_ADDRESS, "%s, line %u: %s", file, i + 1, failure->message);
            return NULL;
        }
        if (node != NULL && !is_known(nodes, node->name))
            g_ptr_array_add(nodes, g_steal_pointer(&node));
    }
    return g_steal_pointer(&nodes);
}
