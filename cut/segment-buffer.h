// SPDX-License-Identifier: MIT
// A whole segment in memory, for a moment.
#ifndef CUT_SEGMENT_BUFFER_H
#define CUT_SEGMENT_BUFFER_H

#include <glib.h>

#include "segment/store.h"

typedef struct {
    guint8 *data;
    gsize size; // bytes that were read
    gsize room; // bytes of memory
} CutSegmentBuffer;

// Reads segment REF of RANGE. Free it. NULL with the error set.
CutSegmentBuffer *cut_segment_buffer_read(SegmentStream *stream, const SegmentRange *range, guint ref, GError **error);
void cut_segment_buffer_free(CutSegmentBuffer *buffer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutSegmentBuffer, cut_segment_buffer_free)

#endif
