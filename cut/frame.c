// SPDX-License-Identifier: MIT
// The last picture whose time is not after TIME. It may lie in the file after the one that covers TIME: pictures that
// an open GOP's key frame comes before, but that are shown before it; and it may need the key frame of the file before.
// What comes after it in the order of decoding is not decoded, and of what comes before it only what others refer to.
#include "cut/frame.h"

#include "cut/codec.h"
#include "cut/picture.h"
#include "cut/run.h"
#include "cut/sources.h"
#include "segment/time.h"

#define DECODER_THREADS 2

// ---- which segments

static gint64 start_of(const SegmentRange *range, guint ref)
{
    return segment_entry_start(segment_range_hour(range, ref), segment_range_entry(range, ref));
}

static gboolean fail_for_nothing(const CutPlan *plan, GError **error)
{
    char time[SEGMENT_TIME_TEXT_SIZE];
    g_set_error(error, CUT_ERROR, CUT_ERROR_HOLES, "%s: nothing is shown at %s", segment_stream_path(plan->stream),
                segment_time_format(plan->request->spans[0].start, time));
    return FALSE;
}

// The segments around TIME, up to that which the one that covers it may overlap with. NULL without an error: there is a
// hole.
static SegmentRange *find_range(const CutPlan *plan, const SegmentWait *wait, GError **error)
{
    gint64 time = plan->request->spans[0].start, end = time + SEGMENT_FUDGE + 1;
    g_autoptr(SegmentRange) range = segment_stream_range(plan->stream, time, end, TRUE, TRUE, wait, error);
    if (range == NULL)
        return NULL;
    if (range->refs->len > 0 && start_of(range, 0) <= time)
        return g_steal_pointer(&range);
    // In a gap that is too short for a hole the last picture before it is still shown.
    g_clear_pointer(&range, segment_range_free);
    range = segment_stream_range(plan->stream, time - SEGMENT_FUDGE, end, TRUE, TRUE, wait, error);
    if (range == NULL || range->refs->len < 2 || start_of(range, 0) > time ||
        g_array_index(range->refs, SegmentRef, 1).after_hole)
        return NULL;
    return g_steal_pointer(&range);
}

gboolean cut_frame_locate(CutPlan *plan, const SegmentWait *wait, GError **error)
{
    g_autoptr(GError) failure = NULL;
    SegmentRange *range = find_range(plan, wait, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    if (range == NULL)
        return fail_for_nothing(plan, error);
    g_ptr_array_add(plan->ranges, range);
    plan->n_segments = range->refs->len;
    for (guint i = 0; i < range->refs->len && start_of(range, i) <= plan->request->spans[0].start; i++)
        plan->mtime = start_of(range, i);
    return TRUE;
}

// ---- which picture

typedef struct {
    const CutDemux *demux;
    GArray *pictures; // guint: units, in the order of decoding
    guint first, wanted; // of them
    gint64 pts; // of the one that is wanted
    AVFrame *frame; // the same, once it was decoded
} Search;

static const CutUnit *picture(const Search *search, guint i)
{
    return cut_demux_unit(search->demux, g_array_index(search->pictures, guint, i));
}

static gboolean is_shown_by(const CutDemux *demux, const CutUnit *unit, gint64 time)
{
    const CutDemuxSource *source = cut_demux_source(demux, unit->source);
    // A tick is 100/9 µs.
    return (unit->pts - source->pts) * 100 <= (time - source->start) * 9;
}

// Whether TIME is past all that is in the source of PTS, its last picture: then something is missing there.
static gboolean is_past_end(const Search *search, guint source, gint64 time)
{
    const CutDemuxSource *own = cut_demux_source(search->demux, source);
    gint64 before = CUT_NO_STAMP;
    for (guint i = 0; i < search->pictures->len; i++) {
        const CutUnit *unit = picture(search, i);
        if (unit->source == source && unit->pts > search->pts)
            return FALSE;
        if (unit->pts < search->pts)
            before = MAX(before, unit->pts);
    }
    gint64 step = before != CUT_NO_STAMP ? search->pts - before : CUT_STAMP_HZ / 25;
    return (search->pts + step - own->pts) * 100 <= (time - own->start) * 9;
}

static gboolean find_wanted(Search *search, const CutSources *sources, gint64 time)
{
    guint best = G_MAXUINT;
    for (guint i = 0; i < search->pictures->len; i++) {
        const CutUnit *unit = picture(search, i);
        if (is_shown_by(search->demux, unit, time) && (best == G_MAXUINT || unit->pts >= search->pts)) {
            best = i;
            search->pts = unit->pts;
        }
    }
    if (best == G_MAXUINT)
        return FALSE;
    guint source = picture(search, best)->source;
    search->wanted = best;
    return source >= sources->n_before && (sources->items[source].is_whole || !is_past_end(search, source, time));
}

// The key frame to begin with: the last one that neither comes nor is shown after it.
static gboolean find_first(Search *search, const CutPsiStream *video)
{
    for (guint i = search->wanted + 1; i-- > 0;) {
        const CutUnit *unit = picture(search, i);
        if (unit->is_key && unit->pts <= search->pts) {
            search->first = i;
            return TRUE;
        }
    }
    // Of other codecs it is known only if the multiplexer says so.
    search->first = 0;
    return video->type != CUT_TYPE_H264 && video->type != CUT_TYPE_HEVC;
}

static gboolean take(AVFrame *frame, gpointer data, GError **error)
{
    Search *search = data;
    if (search->frame == NULL && frame->pts == search->pts)
        search->frame = av_frame_clone(frame);
    return TRUE;
}

static gboolean decode(Search *search, const CutPsiStream *video, const SegmentWait *wait, GError **error)
{
    g_autoptr(CutDecoder) decoder = cut_decoder_new(video, DECODER_THREADS, error);
    if (decoder == NULL)
        return FALSE;
    for (guint i = search->first; i <= search->wanted; i++) {
        const CutUnit *unit = picture(search, i);
        if (segment_wait_is_over(wait, error) ||
            !cut_decoder_send(decoder, cut_demux_data(search->demux, unit), unit->size, unit->pts, i != search->wanted,
                              take, search, error))
            return FALSE;
    }
    if (!cut_decoder_flush(decoder, take, search, error))
        return FALSE;
    if (search->frame == NULL)
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "the picture cannot be decoded");
    return search->frame != NULL;
}

// ---- all of it

// A tombstone on what was not needed, but looked at, is no reason to refuse it.
static void drop_unused(CutPlan *plan, const CutSources *sources, const Search *search)
{
    CutRun *run = &g_array_index(plan->runs, CutRun, 0);
    SegmentRange *range = g_ptr_array_index(plan->ranges, 0);
    guint source = picture(search, search->wanted)->source;
    if (picture(search, search->first)->source >= sources->n_before)
        g_clear_pointer(&run->before, segment_range_free);
    if (source < sources->n_before + sources->n_covered) {
        g_clear_pointer(&run->after, segment_range_free);
        g_array_set_size(range->refs, source - sources->n_before + 1);
        plan->n_segments = range->refs->len;
    }
}

static gboolean find_frame(CutPlan *plan, const CutSources *sources, Search *search, const SegmentWait *wait,
                           GError **error)
{
    const CutPsi *psi = &cut_demux_source(search->demux, sources->n_before)->psi;
    const CutPsiStream *video = cut_psi_first(psi, CUT_STREAM_VIDEO);
    if (!cut_psi_is_complete(psi)) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "not a transport stream");
        return FALSE;
    }
    for (guint i = 0; video != NULL && i < search->demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(search->demux, i);
        if (unit->type == CUT_UNIT_PICTURE && unit->pid == video->pid)
            g_array_append_val(search->pictures, i);
    }
    if (video == NULL || !find_wanted(search, sources, plan->request->spans[0].start))
        return fail_for_nothing(plan, error);
    if (!find_first(search, video)) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "there is no key frame before the picture");
        return FALSE;
    }
    if (!decode(search, video, wait, error))
        return FALSE;
    drop_unused(plan, sources, search);
    return TRUE;
}

static GBytes *encode(const AVFrame *frame, CutFormat format, GError **error)
{
    g_autoptr(CutAvFrame) rgb = cut_picture_to_rgb(frame, error);
    if (rgb == NULL)
        return NULL;
    return format == CUT_FORMAT_FRAME_JPG ? cut_picture_to_jpeg(rgb, error) : cut_picture_to_png(rgb, error);
}

GBytes *cut_frame_render(CutPlan *plan, const SegmentWait *wait, GError **error)
{
    const CutRun *run = &g_array_index(plan->runs, CutRun, 0);
    CutPart part = {.run = run,
                    .first_ref = run->first_ref,
                    .n_refs = run->n_refs,
                    .is_head = TRUE,
                    .is_tail = TRUE,
                    .is_made = TRUE};
    g_autofree char *path = cut_segment_path(plan->stream, run->range, run->first_ref);
    g_autoptr(CutSources) sources = cut_sources_load(plan, &part, wait != NULL ? wait->cancelled : NULL, error);
    if (sources == NULL)
        return NULL;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GArray) pictures = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(CutDemux) demux = cut_demux_new(sources->items, sources->n, sources->n_before);
    Search search = {.demux = demux, .pictures = pictures};
    gboolean found = find_frame(plan, sources, &search, wait, &failure);
    g_autoptr(CutAvFrame) frame = search.frame;
    GBytes *bytes = found ? encode(frame, plan->request->format, &failure) : NULL;
    if (failure != NULL) {
        if (g_error_matches(failure, CUT_ERROR, CUT_ERROR_CODEC))
            g_prefix_error(&failure, "%s: ", path);
        g_propagate_error(error, g_steal_pointer(&failure));
    }
    return bytes;
}
