// SPDX-License-Identifier: MIT
// Memory that is taken anew for each segment costs as much as reading it: a few buffers are kept for the next ones, as
// many as there are processors, and none of an unusual size.
#include "cut/segment-buffer.h"

#include <errno.h>

#include "cut/sources.h"
#include "segment/error.h"
#include "segment/fd.h"
#include "segment/lock.h"

#define MAX_SEGMENT (256 * 1024 * 1024) // bytes
#define MAX_KEPT (8 * 1024 * 1024)

static GMutex lock;
static GQueue spare = G_QUEUE_INIT; // CutSegmentBuffer; guarded by lock

static CutSegmentBuffer *take_spare(void)
{
    SEGMENT_LOCK_SCOPE(&lock);
    return g_queue_pop_head(&spare);
}

static void buffer_destroy(CutSegmentBuffer *buffer)
{
    g_free(buffer->data);
    g_free(buffer);
}

void cut_segment_buffer_free(CutSegmentBuffer *buffer)
{
    if (buffer == NULL)
        return;
    g_mutex_lock(&lock);
    gboolean is_kept = buffer->room <= MAX_KEPT && spare.length < g_get_num_processors();
    if (is_kept)
        g_queue_push_head(&spare, buffer);
    g_mutex_unlock(&lock);
    if (!is_kept)
        buffer_destroy(buffer);
}

// A buffer of SIZE bytes; NULL where there is not that much memory.
static CutSegmentBuffer *buffer_new(gsize size)
{
    CutSegmentBuffer *buffer = take_spare();
    if (buffer == NULL)
        buffer = g_new0(CutSegmentBuffer, 1);
    if (size > buffer->room) {
        g_free(buffer->data);
        buffer->data = g_try_malloc(size);
        buffer->room = buffer->data != NULL ? size : 0;
    }
    buffer->size = size;
    if (buffer->data == NULL)
        g_clear_pointer(&buffer, buffer_destroy);
    return buffer;
}

CutSegmentBuffer *cut_segment_buffer_read(SegmentStream *stream, const SegmentRange *range, guint ref, GError **error)
{
    gsize size = (gsize) segment_range_entry(range, ref)->size;
    segment_autofd int fd = cut_open_segment(stream, range, ref, error);
    if (fd < 0)
        return NULL;
    // An empty one has a byte of memory, too.
    g_autoptr(CutSegmentBuffer) buffer = size <= MAX_SEGMENT ? buffer_new(MAX(1, size)) : NULL;
    errno = EFBIG;
    if (buffer != NULL && segment_fd_read(fd, buffer->data, size, 0)) {
        buffer->size = size;
        return g_steal_pointer(&buffer);
    }
    int code = errno;
    g_autofree char *path = cut_segment_path(stream, range, ref);
    segment_error_set_errno(error, code, "cannot read", path);
    return NULL;
}
