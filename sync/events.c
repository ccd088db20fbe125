// SPDX-License-Identifier: MIT
// A ring of paths, numbered.
#include "sync/events.h"

#include <string.h>

#include "segment/lock.h"
#include "sync/listing.h"

struct SyncEvents {
    char *instance;
    GMutex lock;
    guint64 next; // number of the next one
    guint64 first; // the oldest number after which all are known
    char *paths[SYNC_EVENTS_KEPT]; // by number, modulo
};

SyncEvents *sync_events_new(const char *instance)
{
    SyncEvents *events = g_new0(SyncEvents, 1);
    events->instance = g_strdup(instance);
    g_mutex_init(&events->lock);
    return events;
}

void sync_events_free(SyncEvents *events)
{
    if (events == NULL)
        return;
    for (guint i = 0; i < SYNC_EVENTS_KEPT; i++)
        g_free(events->paths[i]);
    g_mutex_clear(&events->lock);
    g_free(events->instance);
    g_free(events);
}

void sync_events_add(SyncEvents *events, const char *path)
{
    SEGMENT_LOCK_SCOPE(&events->lock);
    char **place = &events->paths[events->next++ % SYNC_EVENTS_KEPT];
    g_free(*place);
    *place = g_strdup(path);
    if (events->next - events->first > SYNC_EVENTS_KEPT)
        events->first = events->next - SYNC_EVENTS_KEPT;
}

void sync_events_lose(SyncEvents *events)
{
    SEGMENT_LOCK_SCOPE(&events->lock);
    events->first = ++events->next;
}

// With the lock held: the number that CURSOR stands for. FALSE where it is another run's, or too old.
static gboolean read_cursor(const SyncEvents *events, const char *cursor, guint64 *number)
{
    gsize length = strlen(events->instance);
    return strncmp(cursor, events->instance, length) == 0 && cursor[length] == '.' &&
           g_ascii_string_to_unsigned(cursor + length + 1, 10, events->first, events->next, number, NULL);
}

gboolean sync_events_has_news(SyncEvents *events, const char *cursor)
{
    guint64 number;
    SEGMENT_LOCK_SCOPE(&events->lock);
    return !read_cursor(events, cursor, &number) || number < events->next;
}

GString *sync_events_format(SyncEvents *events, const char *cursor)
{
    guint64 number = 0;
    GString *json = g_string_new("{\"tombstones\": [");
    SEGMENT_LOCK_SCOPE(&events->lock);
    gboolean known = cursor != NULL && read_cursor(events, cursor, &number);
    for (guint64 i = number; known && i < events->next; i++) {
        const char *path = events->paths[i % SYNC_EVENTS_KEPT];
        if (i > number)
            g_string_append(json, ", ");
        sync_json_append(json, path);
    }
    g_string_append_printf(json, "], \"cursor\": \"%s.%" G_GUINT64_FORMAT "\"", events->instance, events->next);
    if (cursor != NULL && !known)
        g_string_append(json, ", \"lost\": \"true\"");
    g_string_append(json, "}\n");
    return json;
}

gboolean sync_events_is_cursor(const char *text)
{
    gsize length = strlen(text);
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("-.", *p) == NULL)
            return FALSE;
    }
    return length > 0 && length <= SYNC_CURSOR_MAX;
}
