// SPDX-License-Identifier: MIT
// A look at brackets and strings, then json-glib.
#include "sync/json.h"

#include <string.h>

#include "sync/error.h"

// The end of the string that begins at P, behind its quote; NULL where it has none before END, or a NUL in it.
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\0')
            return NULL;
        if (*p != '\\')
            continue;
        if (end - p > 5 && strncmp(p, "\\u0000", 6) == 0)
            return NULL;
        p++;
    }
    return NULL;
}

// json-glib calls itself for each bracket, and takes some hundred bytes for each value.
static gboolean is_bounded(const char *text, gsize length, GError **error)
{
    const char *end = text + length;
    guint depth = 0, n_values = 0;
    for (const char *p = text; p < end;) {
        if (*p == '"') {
            p = skip_string(p, end);
            if (p == NULL)
                return sync_error_set(error, SYNC_ERROR_PEER, "JSON with a NUL, or without an end");
            continue;
        }
        // Comments, which json-glib knows, could hide what is counted here.
        if (*p == '/' || *p == '\0')
            return sync_error_set(error, SYNC_ERROR_PEER, "no JSON");
        if ((*p == '[' || *p == '{') && ++depth > SYNC_JSON_MAX_DEPTH)
            return sync_error_set(error, SYNC_ERROR_PEER, "JSON of more than %d levels", SYNC_JSON_MAX_DEPTH);
        if (*p == ',' && ++n_values >= SYNC_JSON_MAX_VALUES)
            return sync_error_set(error, SYNC_ERROR_PEER, "more than %d values of JSON", SYNC_JSON_MAX_VALUES);
        if ((*p == ']' || *p == '}') && depth > 0)
            depth--;
        p++;
    }
    return TRUE;
}

JsonNode *sync_json_parse(const char *text, gsize length, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    g_autoptr(GError) failure = NULL;
    if (!is_bounded(text, length, error))
        return NULL;
    if (!json_parser_load_from_data(parser, text, (gssize) length, &failure) || json_parser_get_root(parser) == NULL) {
        g_autofree char *reason = g_strescape(failure != NULL ? failure->message : "empty", NULL);
        sync_error_set(error, SYNC_ERROR_PEER, "no JSON: %s", reason);
        return NULL;
    }
    return json_parser_steal_root(parser);
}

// NULL where NODE is no string, or none that is UTF-8.
static const char *text_of(JsonNode *node)
{
    const char *text = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
                           ? json_node_get_string(node)
                           : NULL;
    return text != NULL && g_utf8_validate(text, -1, NULL) ? text : NULL;
}

GPtrArray *sync_json_strings(JsonNode *root, guint *n_bad, GError **error)
{
    if (!JSON_NODE_HOLDS_ARRAY(root)) {
        sync_error_set(error, SYNC_ERROR_PEER, "JSON, but no list");
        return NULL;
    }
    JsonArray *array = json_node_get_array(root);
    GPtrArray *strings = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < json_array_get_length(array); i++) {
        const char *text = text_of(json_array_get_element(array, i));
        if (text != NULL)
            g_ptr_array_add(strings, g_strdup(text));
        else
            ++*n_bad;
    }
    return strings;
}

GPtrArray *sync_json_member_strings(JsonNode *root, const char *name, guint *n_bad, GError **error)
{
    JsonNode *member = JSON_NODE_HOLDS_OBJECT(root) ? json_object_get_member(json_node_get_object(root), name) : NULL;
    if (member != NULL)
        return sync_json_strings(member, n_bad, error);
    sync_error_set(error, SYNC_ERROR_PEER, "JSON without \"%s\"", name);
    return NULL;
}

static void add_member(JsonObject *object, const char *name, JsonNode *node, gpointer table)
{
    const char *text = text_of(node);
    if (text != NULL && g_utf8_validate(name, -1, NULL))
        g_hash_table_insert(table, g_strdup(name), g_strdup(text));
}

GHashTable *sync_json_object(JsonNode *root, GError **error)
{
    if (!JSON_NODE_HOLDS_OBJECT(root)) {
        sync_error_set(error, SYNC_ERROR_PEER, "JSON, but no object");
        return NULL;
    }
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    json_object_foreach_member(json_node_get_object(root), add_member, table);
    return table;
}
