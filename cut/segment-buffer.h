// SPDX-License-Identifier: MIT
// A whole segment in memory, for a moment.
#ifndef CUT_SEGMENT_BUFFER_H
#define CUT_SEGMENT_BUFFER_H

#include <glib.h>

#include "segment/store.h"

// Reads segment REF of RANGE. The *SIZE bytes are the thread's, until it reads another one. NULL with the error set.
const guint8 *cut_segment_buffer_read(SegmentStream *stream, const SegmentRange *range, guint ref, gsize *size,
                                      GError **error);

#endif
