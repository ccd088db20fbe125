// SPDX-License-Identifier: MIT
// Hashes and writes what comes from peers, by threads of its own: a peer's thread only receives. What waits to be
// written has a bound for all peers together; whoever has more waits.
#ifndef SYNC_SINK_H
#define SYNC_SINK_H

#include <glib.h>

#include "segment/writer.h"

typedef struct SyncSinks SyncSinks;
typedef struct SyncSink SyncSink; // the way into one draft; used by one thread

SyncSinks *sync_sinks_new(void);

// Waits for all that is under way. All sinks have to be ended before, and the drafts' writer to be freed after.
void sync_sinks_free(SyncSinks *sinks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncSinks, sync_sinks_free)

// Takes DRAFT.
SyncSink *sync_sink_new(SyncSinks *sinks, SegmentDraft *draft);

// Adds LENGTH bytes, which are copied. FALSE once something failed: sync_sink_publish() tells what.
gboolean sync_sink_write(SyncSink *sink, gconstpointer data, gsize length);

// Takes the sink. Has the draft published when all of it is written. FUNC is called from another thread, whatever the end
// is.
void sync_sink_publish(SyncSink *sink, SegmentPublishedFunc func, gpointer data);

// Takes the sink, and gives the draft up. NULL is none.
void sync_sink_drop(SyncSink *sink);

#endif
