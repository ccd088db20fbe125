// SPDX-License-Identifier: MIT
// The samples of segments, packed: in memory hour by hour, and on disk a file for each hour of a stream.
#ifndef CUT_SAMPLE_CACHE_H
#define CUT_SAMPLE_CACHE_H

#include <glib.h>

#include "cut/batch.h"
#include "segment/name.h"
#include "segment/store.h"

typedef struct CutSampleCache CutSampleCache;

// Called with each segment that is read, from any thread: so nobody else need do that.
typedef void (*CutSampleFunc)(const SegmentName *name, const guint8 *bytes, gsize size, gpointer data);

// On disk below DIRECTORY, which may be NULL, up to LIMIT bytes. POOL does the reading, and has to live as long.
CutSampleCache *cut_sample_cache_new(const char *directory, gint64 limit, CutBatchPool *pool, CutSampleFunc func,
                                     gpointer data);
void cut_sample_cache_free(CutSampleCache *cache);

// Puts what cut_samples_unpack() takes, of N segments of RANGE from FIRST on, into PACKED; free each. What nobody knows
// is read from the segments. Errors: SEGMENT_ERROR_WOULD_BLOCK; those of reading; then nothing is to be freed.
gboolean cut_sample_cache_get(CutSampleCache *cache, SegmentStream *stream, const SegmentRange *range, guint first,
                              guint n, GBytes **packed, const SegmentWait *wait, GError **error);

#endif
