// SPDX-License-Identifier: MIT
// Memory for something as large as a segment. Taken anew each time it would cost as much as reading one does, and left
// to malloc it would stay in the heap of each thread that ever had some; so a few buffers are kept for who comes next.
#ifndef CUT_BUFFER_H
#define CUT_BUFFER_H

#include <glib.h>

typedef struct {
    guint8 *data;
    gsize size; // bytes that are used
    gsize room; // bytes that there are
} CutBuffer;

// One of SIZE bytes, whatever is in them. NULL where there is not that much memory.
CutBuffer *cut_buffer_new(gsize size);
void cut_buffer_free(CutBuffer *buffer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutBuffer, cut_buffer_free)

// Its bytes; takes it over.
GBytes *cut_buffer_to_bytes(CutBuffer *buffer);

#endif
