// SPDX-License-Identifier: MIT
// A parser by recursive descent, as deep as SYNC_JSON_MAX_DEPTH.
#include "sync/json.h"

#include <string.h>

#include "sync/error.h"

typedef struct {
    const char *p, *end;
    guint depth, n_values;
    SyncJson *json;
    const char *error; // what is wrong; NULL: nothing so far
} Parser;

static gboolean fail(Parser *parser, const char *what)
{
    if (parser->error == NULL)
        parser->error = what;
    return FALSE;
}

static void skip_space(Parser *parser)
{
    while (parser->p < parser->end && memchr(" \t\r\n", *parser->p, 4) != NULL)
        parser->p++;
}

// Whether C comes next, after space; it is passed then.
static gboolean take(Parser *parser, char c)
{
    skip_space(parser);
    if (parser->p == parser->end || *parser->p != c)
        return FALSE;
    parser->p++;
    return TRUE;
}

// ---- strings

// The four digits of a \uXXXX; negative where they are none.
static int read_unit(Parser *parser)
{
    int unit = 0;
    if (parser->end - parser->p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(parser->p[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    parser->p += 4;
    return unit;
}

// Behind "\u". *BAD: it is no character that a name may have.
static gboolean read_escaped_character(Parser *parser, GString *text, gboolean *bad)
{
    int unit = read_unit(parser);
    if (unit < 0)
        return fail(parser, "an escape that is none");
    gunichar c = (gunichar) unit;
    if (unit >= 0xd800 && unit < 0xdc00 && parser->end - parser->p >= 6 && strncmp(parser->p, "\\u", 2) == 0) {
        const char *before = parser->p;
        parser->p += 2;
        int low = read_unit(parser);
        if (low >= 0xdc00 && low < 0xe000)
            c = 0x10000 + (((gunichar) unit - 0xd800) << 10) + ((gunichar) low - 0xdc00);
        else
            parser->p = before;
    }
    if (c == 0 || (c >= 0xd800 && c < 0xe000))
        *bad = TRUE;
    else
        g_string_append_unichar(text, c);
    return TRUE;
}

static gboolean read_escape(Parser *parser, GString *text, gboolean *bad)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (parser->p == parser->end)
        return fail(parser, "a string without end");
    char c = *parser->p++;
    if (c == 'u')
        return read_escaped_character(parser, text, bad);
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    if (letter == NULL)
        return fail(parser, "an escape that is none");
    g_string_append_c(text, meanings[letter - letters]);
    return TRUE;
}

// Behind the first quote. *STRING is NULL where it is nothing that can be a name here.
static gboolean read_string(Parser *parser, char **string)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gboolean bad = FALSE;
    *string = NULL;
    for (;;) {
        const char *start = parser->p;
        while (parser->p < parser->end && *parser->p != '"' && *parser->p != '\\' && (guchar) *parser->p >= ' ')
            parser->p++;
        g_string_append_len(text, start, parser->p - start);
        if (parser->p == parser->end)
            return fail(parser, "a string without end");
        char c = *parser->p++;
        if (c == '"')
            break;
        if (c != '\\')
            return fail(parser, "a control character in a string");
        if (!read_escape(parser, text, &bad))
            return FALSE;
    }
    if (!bad && g_utf8_validate_len(text->str, text->len, NULL))
        *string = g_string_free(g_steal_pointer(&text), FALSE);
    return TRUE;
}

// ---- values

static gboolean skip_digits(Parser *parser)
{
    const char *start = parser->p;
    while (parser->p < parser->end && g_ascii_isdigit(*parser->p))
        parser->p++;
    return parser->p > start || fail(parser, "no value");
}

static gboolean is_next(Parser *parser, const char *set)
{
    return parser->p < parser->end && *parser->p != '\0' && strchr(set, *parser->p) != NULL;
}

// A number, or a word.
static gboolean skip_scalar(Parser *parser)
{
    static const char *const words[] = {"true", "false", "null"};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        gsize length = strlen(words[i]);
        if ((gsize) (parser->end - parser->p) >= length && strncmp(parser->p, words[i], length) == 0) {
            parser->p += length;
            return TRUE;
        }
    }
    parser->p += is_next(parser, "-");
    if (!skip_digits(parser))
        return FALSE;
    if (is_next(parser, ".")) {
        parser->p++;
        if (!skip_digits(parser))
            return FALSE;
    }
    if (!is_next(parser, "eE"))
        return TRUE;
    parser->p++;
    parser->p += is_next(parser, "+-");
    return skip_digits(parser);
}

static gboolean read_list(Parser *parser, GPtrArray *strings);
static gboolean read_object(Parser *parser, SyncJson *json);

// Any value. *STRING or *LIST is set where it is one, and wanted (not NULL).
static gboolean read_value(Parser *parser, char **string, GPtrArray **list)
{
    char *ignored = NULL;
    if (++parser->n_values > SYNC_JSON_MAX_VALUES)
        return fail(parser, "too many values");
    if (take(parser, '"')) {
        gboolean ok = read_string(parser, string != NULL ? string : &ignored);
        g_free(ignored);
        return ok;
    }
    gboolean is_list = take(parser, '[');
    if (!is_list && !take(parser, '{'))
        return skip_scalar(parser);
    if (++parser->depth > SYNC_JSON_MAX_DEPTH)
        return fail(parser, "too many levels");
    gboolean ok;
    if (is_list) {
        if (list != NULL)
            *list = g_ptr_array_new_with_free_func(g_free);
        ok = read_list(parser, list != NULL ? *list : NULL);
    } else {
        ok = read_object(parser, NULL);
    }
    parser->depth--;
    return ok;
}

// Behind its bracket; into STRINGS, which may be NULL.
static gboolean read_list(Parser *parser, GPtrArray *strings)
{
    if (take(parser, ']'))
        return TRUE;
    do {
        char *string = NULL;
        if (!read_value(parser, &string, NULL)) {
            g_free(string);
            return FALSE;
        }
        if (strings != NULL && string != NULL)
            g_ptr_array_add(strings, g_steal_pointer(&string));
        else if (strings != NULL)
            parser->json->n_bad++;
        g_free(string);
    } while (take(parser, ','));
    return take(parser, ']') || fail(parser, "a list without end");
}

// Takes all of them; a name that comes twice has its last value.
static void add_member(SyncJson *json, char *name, char *string, GPtrArray *list)
{
    if (json != NULL && name != NULL && list != NULL)
        g_hash_table_insert(json->lists, g_steal_pointer(&name), g_steal_pointer(&list));
    else if (json != NULL && name != NULL && string != NULL)
        g_hash_table_insert(json->members, g_steal_pointer(&name), g_steal_pointer(&string));
    else if (json != NULL)
        json->n_bad++;
    g_free(name);
    g_free(string);
    if (list != NULL)
        g_ptr_array_unref(list);
}

static gboolean read_object(Parser *parser, SyncJson *json)
{
    if (take(parser, '}'))
        return TRUE;
    do {
        char *name = NULL, *string = NULL;
        GPtrArray *list = NULL;
        gboolean ok = (take(parser, '"') || fail(parser, "a member without a name")) && read_string(parser, &name) &&
                      (take(parser, ':') || fail(parser, "a member without a value")) &&
                      read_value(parser, &string, json != NULL ? &list : NULL);
        add_member(ok ? json : NULL, name, string, list);
        if (!ok)
            return FALSE;
    } while (take(parser, ','));
    return take(parser, '}') || fail(parser, "an object without end");
}

static gboolean read_root(Parser *parser)
{
    gboolean ok;
    parser->depth = 1;
    if (take(parser, '[')) {
        ok = read_list(parser, parser->json->strings);
    } else if (take(parser, '{')) {
        parser->json->is_object = TRUE;
        ok = read_object(parser, parser->json);
    } else {
        ok = fail(parser, "neither a list nor an object");
    }
    skip_space(parser);
    return ok && (parser->p == parser->end || fail(parser, "something behind its end"));
}

// ---- all of it

SyncJson *sync_json_parse(const char *text, gsize length, GError **error)
{
    g_autoptr(SyncJson) json = g_new0(SyncJson, 1);
    if (text == NULL)
        text = "";
    Parser parser = {.p = text, .end = text + length, .json = json};
    json->strings = g_ptr_array_new_with_free_func(g_free);
    json->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    json->lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
    if (read_root(&parser))
        return g_steal_pointer(&json);
    sync_error_set(error, SYNC_ERROR_PEER, "no JSON that we know, at byte %" G_GSIZE_FORMAT ": %s",
                   (gsize) (parser.p - text), parser.error);
    return NULL;
}

void sync_json_free(SyncJson *json)
{
    if (json == NULL)
        return;
    g_ptr_array_unref(json->strings);
    g_hash_table_unref(json->members);
    g_hash_table_unref(json->lists);
    g_free(json);
}

static SyncJson *parse_kind(const char *text, gsize length, gboolean is_object, GError **error)
{
    g_autoptr(SyncJson) json = sync_json_parse(text, length, error);
    if (json == NULL || json->is_object == is_object)
        return g_steal_pointer(&json);
    sync_error_set(error, SYNC_ERROR_PEER, "JSON, but %s", is_object ? "no object" : "no list");
    return NULL;
}

SyncJson *sync_json_parse_list(const char *text, gsize length, GError **error)
{
    return parse_kind(text, length, FALSE, error);
}

SyncJson *sync_json_parse_object(const char *text, gsize length, GError **error)
{
    return parse_kind(text, length, TRUE, error);
}
