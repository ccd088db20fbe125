// SPDX-License-Identifier: MIT
// Something that is done to each of many, by several threads.
#ifndef CUT_BATCH_H
#define CUT_BATCH_H

#include <glib.h>

#include "segment/store.h"

typedef struct CutBatchPool CutBatchPool;

// Of as many threads as there are processors.
CutBatchPool *cut_batch_pool_new(void);
void cut_batch_pool_free(CutBatchPool *pool);

// Does it to number I, from any thread. FALSE ends all.
typedef gboolean (*CutBatchFunc)(guint i, gpointer data, GError **error);

// Calls FUNC for all numbers below N. Few are done by the caller alone. Ends early, with the first error, where one
// fails or WAIT is over.
gboolean cut_batch_run(CutBatchPool *pool, guint n, CutBatchFunc func, gpointer data, const SegmentWait *wait,
                       GError **error);

#endif
