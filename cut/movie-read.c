// SPDX-License-Identifier: MIT
// Reading a movie: its head, and slices of its parts. What an edge leaves of its room is zeros.
#include <string.h>

#include "cut/blobs.h"
#include "cut/make.h"
#include "cut/movie-private.h"
#include "cut/request.h"
#include "cut/sample-cache.h"
#include "cut/sources.h"
#include "cut/timeline.h"
#include "segment/name.h"

// What a slice is made of.
typedef struct {
    CutEngine *engine;
    CutPlan *plan;
    const CutPart *part;
    const SegmentWait *wait;
    CutBlobRequest *request; // of an edge
} Source;

static GBytes *make_head(gpointer data, GError **error)
{
    const Source *source = data;
    return cut_movie_make_head(source->engine, source->plan, source->wait, error);
}

static GBytes *write_slice(const CutSamples *samples, const guint8 *data, gsize size)
{
    g_autoptr(CutBuffer) out = cut_buffer_new((gsize) cut_samples_size(samples));
    if (out == NULL || !cut_samples_write(samples, data, size, out->data))
        return NULL;
    return cut_buffer_to_bytes(g_steal_pointer(&out));
}

static GBytes *slice_segment(gpointer data, GError **error)
{
    const Source *source = data;
    const SegmentRange *range = source->part->run->range;
    guint ref = source->part->first_ref;
    SegmentStream *stream = source->plan->stream;
    g_autoptr(GBytes) packed = NULL;
    g_autoptr(CutSamples) samples = cut_samples_new();
    if (!cut_sample_cache_get(cut_engine_samples(source->engine), stream, range, ref, 1, &packed, source->wait, error))
        return NULL;
    g_autoptr(CutBuffer) buffer = cut_read_segment(stream, range, ref, error);
    if (buffer == NULL)
        return NULL;
    GBytes *slice = cut_samples_unpack(samples, packed) ? write_slice(samples, buffer->data, buffer->size) : NULL;
    if (slice == NULL) {
        g_autofree char *path = cut_segment_path(stream, range, ref);
        g_set_error(error, CUT_ERROR, CUT_ERROR_CODEC, "%s: it is not what it was when it was looked into", path);
    }
    return slice;
}

static GBytes *slice_edge(gpointer data, GError **error)
{
    const Source *source = data;
    gsize size;
    g_autoptr(CutSamples) samples = cut_samples_new();
    g_autoptr(GBytes) edge = cut_blobs_get(cut_engine_blobs(source->engine), source->request, source->wait, error);
    if (edge == NULL)
        return NULL;
    const guint8 *bytes = g_bytes_get_data(edge, &size);
    cut_samples_scan(samples, bytes, size);
    GBytes *slice = write_slice(samples, bytes, size);
    if (slice == NULL)
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "an edge is not what it was just now");
    return slice;
}

static GBytes *get_slice(Source *source, GError **error)
{
    CutSlices *slices = cut_engine_slices(source->engine);
    const CutPart *part = source->part;
    if (!part->is_made) {
        SegmentHour *hour;
        SegmentName name;
        const SegmentEntry *entry = cut_run_entry(part->run, part->first_ref, &hour);
        if (!segment_name_parse(segment_hour_name(hour, entry), &name))
            g_assert_not_reached();
        return cut_slices_get(slices, name.hash, slice_segment, source, source->wait, error);
    }
    CutBlobRequest request;
    const CutTimeline *timeline = cut_timeline_get(source->engine, source->plan, source->wait, error);
    if (timeline == NULL)
        return NULL;
    cut_make_request(source->plan, timeline, part->number, &request);
    source->request = &request;
    GBytes *slice = cut_slices_get(slices, request.key, slice_edge, source, source->wait, error);
    cut_make_request_clear(&request);
    return slice;
}

// ---- ahead of who reads part by part

typedef struct {
    CutEngine *engine;
    CutPlan *plan;
    guint number;
} Next;

static void make_next(gpointer data)
{
    Next *next = data;
    CutPart part;
    cut_plan_part(next->plan, next->number, &part);
    Source source = {.engine = next->engine, .plan = next->plan, .part = &part};
    GBytes *slice = get_slice(&source, NULL); // who wants it will see what is wrong
    g_clear_pointer(&slice, g_bytes_unref);
    cut_plan_unref(next->plan);
    g_free(next);
}

// Edges are there: the head needs them.
static void read_ahead(CutEngine *engine, CutPlan *plan, guint number)
{
    int last = g_atomic_int_get(&plan->movie->last_part);
    CutPart part;
    if ((int) number == last)
        return;
    g_atomic_int_set(&plan->movie->last_part, (int) number);
    if ((int) number != last + 1 || number + 1 >= plan->n_parts)
        return;
    cut_plan_part(plan, number + 1, &part);
    if (part.is_made)
        return;
    Next *next = g_new(Next, 1);
    *next = (Next){engine, cut_plan_ref(plan), number + 1};
    if (!cut_slices_ahead(cut_engine_slices(engine), make_next, next)) {
        cut_plan_unref(plan);
        g_free(next);
    }
}

// SIZE bytes at OFFSET of what the part has room for.
static gboolean read_part(Source *source, guint8 *buffer, gsize size, gint64 offset, GError **error)
{
    g_autoptr(GBytes) slice = get_slice(source, error);
    if (slice == NULL)
        return FALSE;
    gsize length, n = 0;
    const guint8 *data = g_bytes_get_data(slice, &length);
    if ((gsize) offset < length) {
        n = MIN(size, length - (gsize) offset);
        memcpy(buffer, data + offset, n);
    }
    memset(buffer + n, 0, size - n);
    return TRUE;
}

static gboolean read_head(Source *source, guint8 *buffer, gsize size, gint64 offset, GError **error)
{
    g_autoptr(GBytes) head = cut_slices_get(cut_engine_slices(source->engine), source->plan->movie->key, make_head,
                                            source, source->wait, error);
    if (head == NULL)
        return FALSE;
    memcpy(buffer, (const guint8 *) g_bytes_get_data(head, NULL) + offset, size);
    return TRUE;
}

// The last part that begins at or before OFFSET.
static guint find_part(const CutPlan *plan, gint64 offset)
{
    guint low = 0, high = plan->n_parts;
    while (high - low > 1) {
        guint middle = low + (high - low) / 2;
        if (plan->movie->offsets[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

gssize cut_movie_read(CutEngine *engine, CutPlan *plan, guint8 *buffer, gsize size, gint64 offset,
                      const SegmentWait *wait, GError **error)
{
    const CutMovie *movie = plan->movie;
    Source source = {.engine = engine, .plan = plan, .wait = wait};
    if (offset >= plan->size)
        return 0;
    size = MIN(size, (gsize) (plan->size - offset));
    gsize done = 0;
    if (offset < movie->offsets[0]) {
        done = MIN(size, (gsize) (movie->offsets[0] - offset));
        if (!read_head(&source, buffer, done, offset, error))
            return -1;
    }
    while (done < size) {
        CutPart part;
        gint64 at = offset + (gint64) done;
        guint i = find_part(plan, at);
        cut_plan_part(plan, i, &part);
        source.part = &part;
        read_ahead(engine, plan, i);
        gsize n = MIN(size - done, (gsize) (movie->offsets[i + 1] - at));
        if (!read_part(&source, buffer + done, n, at - movie->offsets[i], error))
            return -1;
        done += n;
    }
    return (gssize) done;
}
