// SPDX-License-Identifier: MIT
// The tombstones that came lately, for peers that ask what came since they last asked. A cursor says until where a peer
// knows of them; it is of one run of this process.
#ifndef SYNC_EVENTS_H
#define SYNC_EVENTS_H

#include <glib.h>

#define SYNC_EVENTS_KEPT 1024 // tombstones
#define SYNC_CURSOR_MAX 64 // characters

typedef struct SyncEvents SyncEvents;

// INSTANCE, of letters, digits and '-', is this run's.
SyncEvents *sync_events_new(const char *instance);
void sync_events_free(SyncEvents *events);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncEvents, sync_events_free)

// A tombstone came: CHANNEL/QUALITY/HOUR/FILE.
void sync_events_add(SyncEvents *events, const char *path);

// Some may have come that nobody told of.
void sync_events_lose(SyncEvents *events);

// Whether something came after CURSOR.
gboolean sync_events_has_news(SyncEvents *events, const char *cursor);

// An object of JSON: "cursor", the one until now, and "tombstones", the list of those that came after CURSOR; with
// "lost" where what came is not known any more. CURSOR is NULL for whoever begins.
GString *sync_events_format(SyncEvents *events, const char *cursor);

// Whether TEXT has the form of a cursor, a peer's perhaps: it can be a part of a query.
gboolean sync_events_is_cursor(const char *text);

#endif
