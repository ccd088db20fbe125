// SPDX-License-Identifier: MIT
// Reading. A cut has no descriptor of its own: the segments that were read last stay open, a few for each reader, and
// the edges that were read last stay in memory. Edges that will be read next are made ahead.
#include "cut/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cut/make.h"
#include "cut/movie.h"
#include "cut/sources.h"
#include "cut/timeline.h"
#include "segment/fd.h"
#include "segment/lock.h"

#define N_SLOTS 4 // a kernel that reads ahead is in two segments at a time
#define MAX_WISHES 8 // edges that are made ahead: as many as there are processors, and no more than this
#define MAX_STRADDLING (256 * 1024 * 1024) // bytes of a segment that is patched as a whole

// A part that is open: a segment, or bytes in memory.
typedef struct {
    guint number;
    int fd; // or -1
    GBytes *bytes; // or NULL
    gatomicrefcount references;
} OpenPart;

struct CutReader {
    CutEngine *engine;
    CutPlan *plan;
    GMutex lock; // guards all below
    OpenPart *slots[N_SLOTS];
    guint next_slot;
    CutBlobJob *wishes[MAX_WISHES];
    guint wished; // the part that they were made for, plus 1
};

static void part_unref(OpenPart *open)
{
    if (open == NULL || !g_atomic_ref_count_dec(&open->references))
        return;
    if (open->fd >= 0)
        close(open->fd);
    g_clear_pointer(&open->bytes, g_bytes_unref);
    g_free(open);
}

static OpenPart *find_part(CutReader *reader, guint number)
{
    SEGMENT_LOCK_SCOPE(&reader->lock);
    for (guint s = 0; s < N_SLOTS; s++) {
        OpenPart *open = reader->slots[s];
        if (open != NULL && open->number == number) {
            g_atomic_ref_count_inc(&open->references);
            return open;
        }
    }
    return NULL;
}

// Of a descriptor or of bytes, which it takes over; for the caller, and kept.
static OpenPart *keep_part(CutReader *reader, guint number, int fd, GBytes *bytes)
{
    OpenPart *open = g_new0(OpenPart, 1);
    open->number = number;
    open->fd = fd;
    open->bytes = bytes;
    g_atomic_ref_count_init(&open->references);
    g_atomic_ref_count_inc(&open->references);
    g_mutex_lock(&reader->lock);
    OpenPart *oldest = reader->slots[reader->next_slot];
    reader->slots[reader->next_slot] = open;
    reader->next_slot = (reader->next_slot + 1) % N_SLOTS;
    g_mutex_unlock(&reader->lock);
    part_unref(oldest);
    return open;
}

// ---- edges

static CutBlobJob *wish_part(CutReader *reader, const CutTimeline *timeline, guint number)
{
    CutBlobRequest request;
    cut_make_request(reader->plan, timeline, number, &request);
    CutBlobJob *job = cut_blobs_wish(cut_engine_blobs(reader->engine), &request);
    cut_make_request_clear(&request);
    return job;
}

// Has those that come next made, once for each that is read. A kernel that reads ahead is in two parts at a time: one that
// comes a little late changes nothing.
static void wish(CutReader *reader, const CutTimeline *timeline, guint number)
{
    CutBlobJob *wishes[MAX_WISHES] = {NULL};
    g_mutex_lock(&reader->lock);
    gboolean done = reader->wished == number + 1 || reader->wished == number + 2;
    if (!done)
        reader->wished = number + 1;
    g_mutex_unlock(&reader->lock);
    if (done)
        return;
    const CutPlan *plan = reader->plan;
    const guint n_wishes = CLAMP(g_get_num_processors(), 2, MAX_WISHES);
    guint n = 0;
    for (guint i = number + 1; i < plan->n_parts && n < n_wishes;) {
        CutPart part;
        cut_plan_part(plan, i, &part);
        if (!part.is_made) {
            // All of a run's whole segments at once.
            i = part.run->first_part + (part.run->n_head > 0 ? 1 : 0) + part.run->n_refs - part.run->n_head -
                part.run->n_tail;
            continue;
        }
        wishes[n++] = wish_part(reader, timeline, i++);
    }
    g_mutex_lock(&reader->lock);
    for (guint i = 0; i < MAX_WISHES; i++) {
        CutBlobJob *old = reader->wishes[i];
        reader->wishes[i] = wishes[i];
        wishes[i] = old;
    }
    g_mutex_unlock(&reader->lock);
    for (guint i = 0; i < MAX_WISHES; i++)
        cut_blobs_unwish(cut_engine_blobs(reader->engine), wishes[i]);
}

static GBytes *get_edge(CutReader *reader, const CutTimeline *timeline, const CutPart *part, const SegmentWait *wait,
                        GError **error)
{
    CutBlobRequest request;
    const gsize size = (gsize) part->size;
    cut_make_request(reader->plan, timeline, part->number, &request);
    GBytes *bytes = cut_blobs_get(cut_engine_blobs(reader->engine), &request, wait, error);
    cut_make_request_clear(&request);
    // One of the cache that is something else, whatever its key says.
    if (bytes != NULL && g_bytes_get_size(bytes) != size) {
        g_set_error(error, SEGMENT_ERRNO, EIO,
                    "an edge has %" G_GSIZE_FORMAT " bytes, and should have %" G_GSIZE_FORMAT, g_bytes_get_size(bytes),
                    size);
        g_clear_pointer(&bytes, g_bytes_unref);
    }
    return bytes;
}

// ---- segments

// What does not begin, or end, with a packet is patched by the packet and cut out of it.
static gboolean read_piece(int fd, const CutPart *part, const CutPatch *patch, guint8 *buffer, gsize size,
                           gint64 offset)
{
    guint8 packet[CUT_TS_PACKET];
    gint64 begin = offset / CUT_TS_PACKET * CUT_TS_PACKET;
    gsize length = (gsize) MIN(CUT_TS_PACKET, part->size - begin);
    if (!segment_fd_read(fd, packet, length, begin))
        return FALSE;
    // A rest at the segment's end is no packet.
    if (length == CUT_TS_PACKET)
        cut_ts_patch(packet, 1, patch);
    memcpy(buffer, packet + (offset - begin), size);
    return TRUE;
}

static gboolean read_patched(int fd, const CutPart *part, const CutPatch *patch, guint8 *buffer, gsize size,
                             gint64 offset)
{
    gsize head = (gsize) (offset % CUT_TS_PACKET);
    if (head > 0) {
        head = MIN(CUT_TS_PACKET - head, size);
        if (!read_piece(fd, part, patch, buffer, head, offset))
            return FALSE;
    }
    gsize whole = (size - head) / CUT_TS_PACKET;
    if (!segment_fd_read(fd, buffer + head, whole * CUT_TS_PACKET, offset + (gint64) head))
        return FALSE;
    cut_ts_patch(buffer + head, whole, patch);
    gsize done = head + whole * CUT_TS_PACKET;
    return done == size || read_piece(fd, part, patch, buffer + done, size - done, offset + (gint64) done);
}

static gboolean fail_to_read(CutReader *reader, const CutPart *part, GError **error)
{
    int code = errno;
    g_autofree char *path = cut_segment_path(reader->plan->stream, part->run->range, part->first_ref);
    return segment_error_set_errno(error, code, "cannot read", path);
}

// All of a segment whose stamps straddle packets.
static GBytes *load_straddling(CutReader *reader, const CutPart *part, int fd, const CutPatch *patch, GError **error)
{
    g_autofree guint8 *data = part->size <= MAX_STRADDLING ? g_try_malloc((gsize) part->size) : NULL;
    errno = EFBIG;
    if (data == NULL || !segment_fd_read(fd, data, (gsize) part->size, 0)) {
        fail_to_read(reader, part, error);
        return NULL;
    }
    cut_ts_patch_straddling(data, (gsize) part->size / CUT_TS_PACKET, patch);
    return g_bytes_new_take(g_steal_pointer(&data), (gsize) part->size);
}

// ---- parts

static OpenPart *open_part(CutReader *reader, const CutTimeline *timeline, const CutPart *part, const SegmentWait *wait,
                           GError **error)
{
    if (part->is_made) {
        GBytes *bytes = get_edge(reader, timeline, part, wait, error);
        return bytes != NULL ? keep_part(reader, part->number, -1, bytes) : NULL;
    }
    int fd = cut_open_segment(reader->plan->stream, part->run->range, part->first_ref, error);
    if (fd < 0)
        return NULL;
    if (timeline == NULL || !cut_timeline_straddles(timeline, part->number))
        return keep_part(reader, part->number, fd, NULL);
    CutPatch patch;
    cut_timeline_patch(timeline, part->number, &patch);
    GBytes *bytes = load_straddling(reader, part, fd, &patch, error);
    close(fd);
    return bytes != NULL ? keep_part(reader, part->number, -1, bytes) : NULL;
}

// Edges are patched, too: they keep their source's stamps.
static void copy_patched(const OpenPart *open, const CutPatch *patch, guint8 *buffer, gsize size, gint64 offset)
{
    const guint8 *data = g_bytes_get_data(open->bytes, NULL);
    gsize done = 0;
    while (done < size) {
        gsize at = (gsize) offset + done, within = at % CUT_TS_PACKET;
        gsize n = within != 0 || size - done < CUT_TS_PACKET ? MIN(CUT_TS_PACKET - within, size - done)
                                                             : (size - done) / CUT_TS_PACKET * CUT_TS_PACKET;
        if (n % CUT_TS_PACKET == 0) {
            memcpy(buffer + done, data + at, n);
            cut_ts_patch(buffer + done, n / CUT_TS_PACKET, patch);
        } else {
            guint8 packet[CUT_TS_PACKET];
            memcpy(packet, data + at - within, sizeof packet);
            cut_ts_patch(packet, 1, patch);
            memcpy(buffer + done, packet + within, n);
        }
        done += n;
    }
}

static gboolean read_part(CutReader *reader, const CutTimeline *timeline, const CutPart *part, guint8 *buffer,
                          gsize size, gint64 offset, const SegmentWait *wait, GError **error)
{
    OpenPart *open = find_part(reader, part->number);
    CutBlobJob *own = NULL;
    if (part->is_made && segment_wait_may_block(wait)) {
        // Itself before the others, and before what was wished earlier is given up, which it may have been part of.
        own = open == NULL ? wish_part(reader, timeline, part->number) : NULL;
        wish(reader, timeline, part->number);
    }
    if (open == NULL)
        open = open_part(reader, timeline, part, wait, error);
    cut_blobs_unwish(cut_engine_blobs(reader->engine), own);
    if (open == NULL)
        return FALSE;
    CutPatch patch;
    gboolean ok = TRUE;
    if (timeline != NULL)
        cut_timeline_patch(timeline, part->number, &patch);
    if (part->is_made)
        copy_patched(open, &patch, buffer, size, offset);
    else if (open->bytes != NULL)
        memcpy(buffer, (const guint8 *) g_bytes_get_data(open->bytes, NULL) + offset, size);
    else
        ok = timeline != NULL ? read_patched(open->fd, part, &patch, buffer, size, offset)
                              : segment_fd_read(open->fd, buffer, size, offset);
    if (!ok)
        fail_to_read(reader, part, error);
    part_unref(open);
    return ok;
}

// Rough cuts need none: *TIMELINE is NULL.
static gboolean get_timeline(CutReader *reader, const CutTimeline **timeline, const SegmentWait *wait, GError **error)
{
    *timeline = NULL;
    if (!cut_plan_is_patched(reader->plan))
        return TRUE;
    *timeline = cut_timeline_get(reader->engine, reader->plan, wait, error);
    return *timeline != NULL;
}

gboolean cut_reader_prepare(CutReader *reader, const SegmentWait *wait, GError **error)
{
    const CutTimeline *timeline;
    return get_timeline(reader, &timeline, wait, error);
}

gssize cut_reader_read(CutReader *reader, guint8 *buffer, gsize size, gint64 offset, const SegmentWait *wait,
                       GError **error)
{
    const CutPlan *plan = reader->plan;
    const CutTimeline *timeline;
    if (offset >= plan->size)
        return 0;
    if (plan->movie != NULL)
        return cut_movie_read(reader->engine, reader->plan, buffer, size, offset, wait, error);
    if (!get_timeline(reader, &timeline, wait, error))
        return -1;
    size = MIN(size, (gsize) (plan->size - offset));
    gsize done = 0;
    for (guint i = cut_plan_find(plan, offset); done < size; i++) {
        CutPart part;
        cut_plan_part(plan, i, &part);
        gint64 within = offset + (gint64) done - plan->offsets[i];
        gsize wanted = MIN(size - done, (gsize) (part.size - within));
        if (wanted > 0 && !read_part(reader, timeline, &part, buffer + done, wanted, within, wait, error))
            return -1;
        done += wanted;
    }
    return (gssize) done;
}

CutReader *cut_reader_new(CutEngine *engine, CutPlan *plan)
{
    CutReader *reader = g_new0(CutReader, 1);
    reader->engine = engine;
    reader->plan = cut_plan_ref(plan);
    g_mutex_init(&reader->lock);
    return reader;
}

void cut_reader_free(CutReader *reader)
{
    if (reader == NULL)
        return;
    for (guint i = 0; i < MAX_WISHES; i++)
        cut_blobs_unwish(cut_engine_blobs(reader->engine), reader->wishes[i]);
    for (guint s = 0; s < N_SLOTS; s++)
        part_unref(reader->slots[s]);
    g_mutex_clear(&reader->lock);
    cut_plan_unref(reader->plan);
    g_free(reader);
}
