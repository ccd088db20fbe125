// SPDX-License-Identifier: MIT
// Watches over the connections of the server: ends those that hold a place and do nothing with it, and those that are
// sent what a tombstone bars by now.
//
// libmicrohttpd's own time-out counts from the last byte, so that a byte now and then holds a connection for ever. Here a
// request has a time for all of it, and an answer has to be taken at SYNC_GUARD_MIN_RATE.
//
// LOCKS. The guard's lock is taken by libmicrohttpd's threads, the guard's own, and whoever tells of a tombstone. No
// other is taken with it held but a stream's barred_lock.
#ifndef SYNC_GUARD_H
#define SYNC_GUARD_H

#include <glib.h>

#include "segment/store.h"
#include "sync/metrics.h"

#define SYNC_GUARD_MIN_RATE 1024 // bytes a second that a client has to take

typedef struct SyncGuard SyncGuard;
typedef struct SyncGuarded SyncGuarded; // a connection

// SECONDS: that a client may be idle, may take for a request, and over which the rate of its reading is measured.
// Starts its thread. METRICS has to outlive it.
SyncGuard *sync_guard_new(guint seconds, SyncMetrics *metrics);

// Ends the thread. All connections have to be removed before.
void sync_guard_free(SyncGuard *guard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncGuard, sync_guard_free)

// A connection on the socket FD, which it waits for a request on, has come, or is about to be closed.
SyncGuarded *sync_guard_add(SyncGuard *guard, int fd);
void sync_guard_remove(SyncGuard *guard, SyncGuarded *guarded);

// What it does now. sync_guard_begin_answer(): STREAM, which may be NULL, is the one whose tombstones can end it if they
// bar HASH. Whether they do already is to be asked after that: then none is missed.
void sync_guard_begin_request(SyncGuard *guard, SyncGuarded *guarded);
void sync_guard_begin_answer(SyncGuard *guard, SyncGuarded *guarded, SegmentStream *stream,
                             const guint8 hash[SEGMENT_HASH_SIZE]);
void sync_guard_begin_wait(SyncGuard *guard, SyncGuarded *guarded); // for what waiting.c looks after
void sync_guard_begin_idle(SyncGuard *guard, SyncGuarded *guarded);

// Ends what is sent of STREAM and barred.
void sync_guard_revoke(SyncGuard *guard, SegmentStream *stream);

#endif
