// SPDX-License-Identifier: MIT
// Requests that wait for a tombstone, without a thread of their own: libmicrohttpd holds them until they are woken.
#ifndef SYNC_WAITING_H
#define SYNC_WAITING_H

#include <microhttpd.h>

#include "sync/events.h"

typedef struct SyncWaiting SyncWaiting;

// For MAX requests at a time, which wait for EVENTS. Starts its thread.
SyncWaiting *sync_waiting_new(SyncEvents *events, guint max);

// Suspends CONNECTION until something comes after CURSOR, UNTIL (monotonic), or the end: then it is handled again. FALSE
// where it is to be answered at once: something came, or too many wait.
gboolean sync_waiting_add(SyncWaiting *waiting, struct MHD_Connection *connection, const char *cursor, gint64 until);

// Something came.
void sync_waiting_wake(SyncWaiting *waiting);

// Has all be handled, and no other wait: before libmicrohttpd is stopped.
void sync_waiting_end(SyncWaiting *waiting);

// Ends its thread.
void sync_waiting_free(SyncWaiting *waiting);

#endif
