// SPDX-License-Identifier: MIT
// Each thread keeps a buffer of the largest segment that it has read: memory that is taken anew for each costs as much
// as reading it does. One of an unusual size is not kept.
#include "cut/segment-buffer.h"

#include <errno.h>

#include "cut/sources.h"
#include "segment/error.h"
#include "segment/fd.h"

#define MAX_SEGMENT (256 * 1024 * 1024) // bytes
#define MAX_KEPT (8 * 1024 * 1024)

typedef struct {
    guint8 *data;
    gsize size;
} Buffer;

static void buffer_free(gpointer data)
{
    Buffer *buffer = data;
    g_free(buffer->data);
    g_free(buffer);
}

static guint8 *get_buffer(gsize size)
{
    static GPrivate private = G_PRIVATE_INIT(buffer_free);
    Buffer *buffer = g_private_get(&private);
    if (buffer == NULL) {
        buffer = g_new0(Buffer, 1);
        g_private_set(&private, buffer);
    }
    if (size > buffer->size || buffer->size > MAX_KEPT) {
        g_free(buffer->data);
        buffer->data = g_try_malloc(size);
        buffer->size = buffer->data != NULL ? size : 0;
    }
    return buffer->data;
}

const guint8 *cut_segment_buffer_read(SegmentStream *stream, const SegmentRange *range, guint ref, gsize *size,
                                      GError **error)
{
    *size = (gsize) segment_range_entry(range, ref)->size;
    segment_autofd int fd = cut_open_segment(stream, range, ref, error);
    if (fd < 0)
        return NULL;
    guint8 *data = *size <= MAX_SEGMENT ? get_buffer(MAX(1, *size)) : NULL;
    errno = EFBIG;
    if (data != NULL && segment_fd_read(fd, data, *size, 0))
        return data;
    int code = errno;
    g_autofree char *path = cut_segment_path(stream, range, ref);
    segment_error_set_errno(error, code, "cannot read", path);
    return NULL;
}
