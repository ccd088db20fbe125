// SPDX-License-Identifier: MIT
// Memory is mapped, so that it goes back at once when it is let go of. Buffers that nobody has are in a list, the one given back last in front, up to some bytes in all.
#include "cut/buffer.h"

#include <sys/mman.h>

#include "segment/lock.h"

#define STEP (1024 * 1024) // bytes: rooms are multiples of it, so that one fits for many
#define SPARE (8 * 1024 * 1024) // bytes of all that nobody has

static GMutex lock;
static GQueue spare = G_QUEUE_INIT; // CutBuffer; guarded by lock
static gsize spare_size; // the same

static CutBuffer *take_spare(gsize room)
{
    SEGMENT_LOCK_SCOPE(&lock);
    for (GList *link = spare.head; link != NULL; link = link->next) {
        CutBuffer *buffer = link->data;
        if (buffer->room < room || buffer->room / 2 > room)
            continue;
        spare_size -= buffer->room;
        g_queue_delete_link(&spare, link);
        return buffer;
    }
    return NULL;
}

static void buffer_destroy(CutBuffer *buffer)
{
    munmap(buffer->data, buffer->room);
    g_free(buffer);
}

CutBuffer *cut_buffer_new(gsize size)
{
    gsize room = (size / STEP + 1) * STEP;
    CutBuffer *buffer = take_spare(room);
    if (buffer == NULL) {
        void *data = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (data == MAP_FAILED)
            return NULL;
        buffer = g_new0(CutBuffer, 1);
        buffer->data = data;
        buffer->room = room;
    }
    buffer->size = size;
    return buffer;
}

void cut_buffer_free(CutBuffer *buffer)
{
    if (buffer == NULL)
        return;
    CutBuffer *oldest = NULL;
    g_mutex_lock(&lock);
    g_queue_push_head(&spare, buffer);
    spare_size += buffer->room;
    if (spare_size > SPARE) {
        oldest = g_queue_pop_tail(&spare);
        spare_size -= oldest->room;
    }
    g_mutex_unlock(&lock);
    if (oldest != NULL)
        buffer_destroy(oldest);
}

GBytes *cut_buffer_to_bytes(CutBuffer *buffer)
{
    return g_bytes_new_with_free_func(buffer->data, buffer->size, (GDestroyNotify) cut_buffer_free, buffer);
}
