// SPDX-License-Identifier: MIT
// Takes a request's target apart.
#include "sync/routes.h"

#include <string.h>

#include "segment/beneath.h"

static const struct {
    const char *name;
    guint min, max; // names that follow
    SyncRouteKind kind;
} routes[] = {
    {"files", 0, 2, SYNC_ROUTE_DIRECTORY},
    {"files", 3, 3, SYNC_ROUTE_HOUR},
    {"segments", 1, SYNC_PATH_MAX_NAMES, SYNC_ROUTE_FILE},
    {"extras", 1, 1, SYNC_ROUTE_EXTRAS},
    {"digests", 0, 0, SYNC_ROUTE_STREAMS},
    {"digests", 2, 2, SYNC_ROUTE_DIGESTS},
    {"tombstones", 0, 0, SYNC_ROUTE_TOMBSTONES},
    {"metrics", 0, 0, SYNC_ROUTE_METRICS},
    {"healthz", 0, 0, SYNC_ROUTE_HEALTH},
};

const char *sync_route_name(SyncRouteKind kind)
{
    static const char *const names[] = {"none",    "directory", "hour",       "file",    "extras",
                                        "digests", "streams",   "tombstones", "metrics", "healthz"};
    G_STATIC_ASSERT(G_N_ELEMENTS(names) == SYNC_N_ROUTES);
    return names[kind];
}

// Without the scheme and host that a proxy's request has (RFC 9112 3.2.2).
static const char *skip_authority(const char *target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (guint i = 0; i < G_N_ELEMENTS(schemes); i++) {
        gsize length = strlen(schemes[i]);
        if (g_ascii_strncasecmp(target, schemes[i], length) == 0) {
            const char *path = strpbrk(target + length, "/?");
            return path != NULL ? path : "/";
        }
    }
    return target;
}

// One name, up to LENGTH bytes of TEXT, with %XX decoded. NULL where it is no plain one. Free it.
static char *decode_name(const char *text, gsize length)
{
    g_autoptr(GString) name = g_string_sized_new(length);
    for (gsize i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            // (Both digits are looked at only where they are a part of it.)
            if (length - i < 3 || !g_ascii_isxdigit(text[i + 1]) || !g_ascii_isxdigit(text[i + 2]))
                return NULL;
            c = (char) (g_ascii_xdigit_value(text[i + 1]) * 16 + g_ascii_xdigit_value(text[i + 2]));
            i += 2;
        }
        if (c == '\0')
            return NULL;
        g_string_append_c(name, c);
    }
    return segment_beneath_name_is_plain(name->str) ? g_string_free(g_steal_pointer(&name), FALSE) : NULL;
}

// The names of a path that begins with a slash, up to LENGTH. A slash at its end is none's beginning. NULL where one is
// not plain, or there are too many.
static GPtrArray *split_path(const char *path, gsize length)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (gsize at = 0; at < length;) {
        const char *start = path + at + 1, *end = memchr(start, '/', length - at - 1);
        gsize n = end != NULL ? (gsize) (end - start) : length - at - 1;
        if (n == 0 && end == NULL)
            break;
        char *name = names->len <= SYNC_PATH_MAX_NAMES ? decode_name(start, n) : NULL;
        if (name == NULL)
            return NULL;
        g_ptr_array_add(names, name);
        at += n + 1;
    }
    return g_steal_pointer(&names);
}

// TRUE where the query (without its '?') says nothing that cannot be understood. What is not known is let pass.
static gboolean parse_query(const char *query, SyncRoute *route)
{
    g_auto(GStrv) fields = g_strsplit(query, "&", -1);
    gboolean ok = TRUE;
    for (guint i = 0; fields[i] != NULL && ok; i++) {
        const char *equals = strchr(fields[i], '='), *value = equals != NULL ? equals + 1 : "";
        if (g_str_has_prefix(fields[i], "tombstones=")) {
            route->tombstones = g_ascii_strcasecmp(value, "true") == 0;
            ok = route->tombstones || g_ascii_strcasecmp(value, "false") == 0;
        } else if (g_str_has_prefix(fields[i], "after=")) {
            ok = sync_events_is_cursor(value);
            g_strlcpy(route->after, ok ? value : "", sizeof route->after);
        } else if (g_str_has_prefix(fields[i], "wait=")) {
            guint64 seconds;
            ok = g_ascii_string_to_unsigned(value, 10, 0, SYNC_WAIT_MAX, &seconds, NULL);
            route->wait = ok ? (guint) seconds : 0;
        }
    }
    return ok;
}

static guint refuse(SyncRoute *route, guint status)
{
    sync_route_clear(route);
    return status;
}

guint sync_route_parse(const char *target, SyncRoute *route)
{
    memset(route, 0, sizeof *route);
    if (strlen(target) > SYNC_TARGET_MAX)
        return refuse(route, 414);
    const char *path = skip_authority(target);
    if (*path != '/')
        return refuse(route, 400);
    gsize length = strcspn(path, "?");
    g_autoptr(GPtrArray) names = split_path(path, length);
    if (names == NULL || (path[length] == '?' && !parse_query(path + length + 1, route)))
        return refuse(route, 400);

    guint n = names->len > 0 ? names->len - 1 : 0;
    for (gsize i = 0; names->len > 0 && i < G_N_ELEMENTS(routes); i++) {
        if (strcmp(g_ptr_array_index(names, 0), routes[i].name) == 0 && n >= routes[i].min && n <= routes[i].max)
            route->kind = routes[i].kind;
    }
    if (route->kind == SYNC_ROUTE_NONE)
        return refuse(route, 404);
    route->n_names = n;
    g_ptr_array_add(names, NULL);
    route->path = n > 0 ? g_strjoinv("/", (char **) names->pdata + 1) : NULL;
    return 200;
}

void sync_route_clear(SyncRoute *route)
{
    g_free(route->path);
    memset(route, 0, sizeof *route);
}
