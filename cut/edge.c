// SPDX-License-Identifier: MIT
// Edges: which pictures are shown, which of them are copied, and when each is decoded. What is encoded takes the
// decoding times of what it stands in for, so that the stream's own buffering stays as it is.
#include "cut/edge-private.h"

#include <string.h>

#include "cut/nal.h"
#include "cut/request.h"

#define MAX_TRIES 100 // key frames that are looked at for one that can go on; there are a few in a segment
#define DEFAULT_STEP (CUT_STAMP_HZ / 25) // of a stream with one picture

static gint compare_stamps(gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;
    return (x > y) - (x < y);
}

// How many of STAMPS, which are in order, come before PTS.
static guint count_before(const GArray *stamps, gint64 pts)
{
    guint low = 0, high = stamps->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(stamps, gint64, middle) < pts)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Pictures in the order of decoding; those of one PID only, the first one that has some.
static void collect_pictures(CutEdge *edge)
{
    const CutDemux *demux = edge->demux;
    for (guint i = 0; i < demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type != CUT_UNIT_PICTURE)
            continue;
        // In a stream that changed its PIDs it is the kind that counts.
        const CutPsiStream *video = cut_psi_first(&cut_demux_source(demux, unit->source)->psi, CUT_STREAM_VIDEO);
        if (video == NULL || video->pid != unit->pid)
            continue;
        if (edge->video_pid == 0)
            edge->video_pid = unit->pid;
        if (unit->source < edge->spec.n_before)
            edge->first_covered = edge->pictures->len + 1;
        g_array_append_val(edge->pictures, i);
        g_array_append_val(edge->sorted, unit->pts);
    }
    g_array_sort(edge->sorted, compare_stamps);
}

gboolean cut_edge_is_covered(const CutEdge *edge, const CutUnit *unit)
{
    return unit->source >= edge->spec.n_before && unit->source < edge->spec.n_before + edge->spec.n_covered;
}

gboolean cut_edge_is_shown(const CutEdge *edge, const CutUnit *unit)
{
    const CutEdgeSpec *spec = &edge->spec;
    if (unit->source < spec->n_before)
        return FALSE;
    // What comes after it is shown only where it was reordered over the end.
    if (!cut_edge_is_covered(edge, unit) &&
        (spec->end == CUT_EDGE_OPEN || !cut_demux_is_before(edge->demux, unit, spec->end)))
        return FALSE;
    return (spec->start == CUT_EDGE_OPEN || !cut_demux_is_before(edge->demux, unit, spec->start)) &&
           (spec->end == CUT_EDGE_OPEN || cut_demux_is_before(edge->demux, unit, spec->end));
}

// The last picture of a segment whose end is missing is broken.
static gboolean is_broken(const CutEdge *edge, guint i)
{
    const CutUnit *unit = cut_edge_picture(edge, i);
    gboolean last = i + 1 == edge->pictures->len || cut_edge_picture(edge, i + 1)->source != unit->source;
    return last && !edge->sources[unit->source].is_whole;
}

static void find_shown(CutEdge *edge)
{
    for (guint i = 0; i < edge->pictures->len; i++) {
        const CutUnit *unit = cut_edge_picture(edge, i);
        gboolean shown = cut_edge_is_shown(edge, unit) && !is_broken(edge, i);
        g_array_append_val(edge->is_shown, shown);
        if (shown)
            g_array_append_val(edge->shown, unit->pts);
    }
    g_array_sort(edge->shown, compare_stamps);
}

// The parameter set that holds for picture I: its own, or the last one before it.
static GBytes *find_sps(const CutEdge *edge, guint i)
{
    for (guint k = i + 1; k-- > 0;) {
        const CutUnit *unit = cut_edge_picture(edge, k);
        CutPicture picture;
        if (!unit->is_key)
            continue;
        cut_nal_scan_h264(cut_demux_data(edge->demux, unit), unit->size, &picture);
        if (picture.sps != NULL)
            return g_bytes_new(picture.sps, picture.sps_size);
    }
    return NULL;
}

// Whether key frame I, which is no IDR, can go on behind what is encoded before it: as many pictures since an IDR as it
// counts itself. Then PLACE says what they have to be like.
static gboolean can_continue(CutEdge *edge, guint i)
{
    const CutUnit *unit = cut_edge_picture(edge, i);
    g_autoptr(GBytes) sps = find_sps(edge, i);
    CutSlicePlace place;
    if (sps == NULL || !cut_slice_read(cut_demux_data(edge->demux, unit), unit->size, sps, &place))
        return FALSE;
    guint max_frame_num = 1U << place.sps.log2_max_frame_num;
    guint wanted = place.frame_num != 0 ? place.frame_num : max_frame_num;
    if (wanted > count_before(edge->shown, unit->pts))
        return FALSE;
    edge->place = place;
    edge->place.sps_nal = g_steal_pointer(&sps);
    edge->n_continued = wanted;
    return TRUE;
}

// Where copying can begin: where what comes before is copied, too, at once. Else at the first IDR that is shown; in a
// stream that has none (open GOPs), at the first key frame that can go on behind what is encoded before it. Where there
// is no such thing either it is the first key frame at all, if what follows the edge is copied.
static guint find_copy(CutEdge *edge)
{
    guint n = edge->pictures->len, first_key = n;
    if (edge->spec.encodes_all || edge->shown->len == 0)
        return n;
    if (edge->spec.start == CUT_EDGE_OPEN)
        return edge->first_covered;
    const CutPsiStream *video = cut_psi_find(&edge->psi, edge->video_pid);
    gboolean is_h264 = video != NULL && video->type == CUT_TYPE_H264;
    for (guint i = 0, tries = 0; i < n; i++) {
        const CutUnit *unit = cut_edge_picture(edge, i);
        if (!g_array_index(edge->is_shown, gboolean, i) || !unit->is_key)
            continue;
        if (unit->is_idr || !is_h264 || (tries++ < MAX_TRIES && can_continue(edge, i)))
            return i;
        if (first_key == n)
            first_key = i;
    }
    return edge->spec.end == CUT_EDGE_OPEN ? first_key : n;
}

// Sorts what is shown into what is encoded before, copied, and encoded after that.
static void sort_pictures(CutEdge *edge)
{
    guint n = edge->pictures->len;
    edge->copy_begin = find_copy(edge);
    edge->copy_end = edge->copy_begin;
    edge->first_copied = edge->copy_begin >= n               ? G_MAXINT64
                         : edge->spec.start == CUT_EDGE_OPEN ? G_MININT64
                                                             : cut_edge_picture(edge, edge->copy_begin)->pts;
    // In the order of decoding up to the first one that is not shown any more.
    while (edge->copy_end < n) {
        const CutUnit *unit = cut_edge_picture(edge, edge->copy_end);
        if (unit->pts >= edge->first_copied && !g_array_index(edge->is_shown, gboolean, edge->copy_end))
            break;
        edge->copy_end++;
    }
    for (guint i = 0; i < n; i++) {
        const CutUnit *unit = cut_edge_picture(edge, i);
        if (!g_array_index(edge->is_shown, gboolean, i))
            continue;
        if (unit->pts < edge->first_copied)
            g_array_append_val(edge->head, unit->pts);
        else if (i >= edge->copy_end)
            g_array_append_val(edge->tail, unit->pts);
        else
            edge->times.n_copied++;
    }
    g_array_sort(edge->head, compare_stamps);
    g_array_sort(edge->tail, compare_stamps);
    edge->times.n_shown = edge->shown->len;
    edge->times.n_encoded = edge->head->len + edge->tail->len;
}

// The picture whose place in the order of decoding is that of PTS in the order of showing: when that is decoded, what
// is shown at PTS would be, were no picture reordered any more than all are.
static guint rank_of(const CutEdge *edge, gint64 pts)
{
    return MIN(count_before(edge->sorted, pts), edge->pictures->len - 1);
}

// What is encoded stands in for pictures that are decoded just before what is copied, or just after it.
static void add_encoded(CutEdge *edge, CutEdgeItem item)
{
    item.pid = edge->video_pid;
    item.stream_id = cut_edge_picture(edge, 0)->stream_id;
    item.is_video = TRUE;
    g_array_append_val(edge->video_items, item);
}

static void add_head(CutEdge *edge)
{
    guint n = edge->head->len;
    const CutUnit *copied = edge->copy_begin < edge->pictures->len ? cut_edge_picture(edge, edge->copy_begin) : NULL;
    for (guint k = 0; k < n; k++) {
        gint64 pts = g_array_index(edge->head, gint64, k);
        const CutUnit *when = cut_edge_picture(edge, rank_of(edge, pts)), *where = when;
        // Of what comes before a key frame with reordered pictures some may have to be decoded a little earlier.
        if (copied != NULL)
            where = cut_edge_picture(edge, edge->copy_begin + k >= n ? edge->copy_begin + k - n : 0);
        add_encoded(edge, (CutEdgeItem){
                              .source = where->source,
                              .position = where->position,
                              .encoded = (int) k,
                              .is_random_access = k == 0 || k == n - edge->n_continued,
                              .pts = pts,
                              .dts = MIN(MIN(when->dts, pts), copied != NULL ? copied->dts - (gint64) (n - k) : pts),
                              .pcr = copied != NULL && when->pcr > copied->pcr ? copied->pcr : when->pcr,
                          });
    }
}

static void add_tail(CutEdge *edge)
{
    gint64 last_dts = G_MININT64;
    for (guint k = 0; k < edge->tail->len; k++) {
        gint64 pts = g_array_index(edge->tail, gint64, k);
        const CutUnit *slot = cut_edge_picture(edge, MIN(edge->copy_end + k, edge->pictures->len - 1));
        // Where there are fewer slots than pictures they share one.
        gint64 dts = MIN(MAX(slot->dts, last_dts + 1), pts);
        add_encoded(edge, (CutEdgeItem){
                              .source = slot->source,
                              .position = slot->position,
                              .encoded = (int) (edge->head->len + k),
                              .is_random_access = k == 0,
                              .pts = pts,
                              .dts = dts,
                              .pcr = slot->pcr,
                          });
        last_dts = dts;
    }
}

static void add_copied(CutEdge *edge)
{
    for (guint i = edge->copy_begin; i < edge->copy_end; i++) {
        const CutUnit *unit = cut_edge_picture(edge, i);
        // Pictures that are shown before the key frame were encoded.
        if (unit->pts < edge->first_copied || is_broken(edge, i))
            continue;
        CutEdgeItem item = {
            .source = unit->source,
            .position = unit->position,
            .encoded = -1,
            .pid = edge->video_pid,
            .stream_id = unit->stream_id,
            .is_random_access = unit->is_key,
            .is_video = TRUE,
            .pts = unit->pts,
            .dts = unit->dts,
            .pcr = unit->pcr,
            .data = unit->data,
            .size = unit->size,
        };
        g_array_append_val(edge->video_items, item);
    }
}

// The time of what is shown next: of the picture after the last one where there is one, else a step later.
static gint64 find_end(const CutEdge *edge)
{
    gint64 last = g_array_index(edge->shown, gint64, edge->shown->len - 1), next = G_MAXINT64, before = G_MININT64;
    for (guint i = 0; i < edge->pictures->len; i++) {
        gint64 pts = cut_edge_picture(edge, i)->pts;
        if (pts > last)
            next = MIN(next, pts);
        else if (pts < last)
            before = MAX(before, pts);
    }
    gint64 step = before != G_MININT64 ? last - before : DEFAULT_STEP;
    // A picture that is much later is behind something that is missing.
    return next != G_MAXINT64 && next - last <= 4 * step + DEFAULT_STEP ? next : last + step;
}

static void find_times(CutEdge *edge)
{
    CutEdgeTimes *times = &edge->times;
    const CutDemuxSource *anchor = cut_demux_source(edge->demux, edge->spec.anchor);
    times->anchor_pts = anchor->pts;
    times->anchor_start = anchor->start;
    times->has_video = edge->shown->len > 0;
    if (times->has_video) {
        times->pts = g_array_index(edge->shown, gint64, 0);
        times->end = find_end(edge);
    }
    times->first_dts = G_MAXINT64;
    times->last_dts = G_MININT64;
    for (guint i = 0; i < edge->video_items->len; i++) {
        const CutEdgeItem *item = &g_array_index(edge->video_items, CutEdgeItem, i);
        times->first_dts = MIN(times->first_dts, item->dts);
        times->last_dts = MAX(times->last_dts, item->dts);
    }
}

// Without pictures it is the sound that says when it begins and ends.
static void find_times_of_sound(CutEdge *edge)
{
    gint64 first = G_MAXINT64, end = G_MININT64;
    for (guint i = 0; i < edge->demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(edge->demux, i);
        if (unit->type != CUT_UNIT_AUDIO || unit->pts == CUT_NO_STAMP || !cut_edge_is_shown(edge, unit))
            continue;
        first = MIN(first, unit->pts);
        end = MAX(end, unit->pts + unit->duration);
    }
    if (first == G_MAXINT64)
        return;
    edge->times.pts = edge->times.first_dts = first;
    edge->times.end = end;
    edge->times.last_dts = end - 1; // what comes next may begin with the end
}

static gboolean check(const CutEdge *edge, GError **error)
{
    for (guint i = 0; i < edge->spec.n_covered && edge->spec.keeps_stamps; i++) {
        if (cut_demux_source(edge->demux, edge->spec.n_before + i)->shift !=
            cut_demux_source(edge->demux, edge->spec.anchor)->shift) {
            g_set_error_literal(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED,
                                "the stream's time stamps jump here; without .fast they are made to run on");
            return FALSE;
        }
    }
    if (edge->video_pid != 0 && edge->shown->len == 0) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "no picture is shown in the range");
        return FALSE;
    }
    if (edge->times.n_encoded == 0 || edge->spec.encodes_all)
        return TRUE;
    const CutPsiStream *video = cut_psi_find(cut_edge_psi(edge), edge->video_pid);
    if (video == NULL || video->type != CUT_TYPE_H264) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED,
                            "only H.264 can be cut between key frames; .full encodes all of it");
        return FALSE;
    }
    // What follows is copied, and refers to what would be encoded.
    if (edge->spec.end == CUT_EDGE_OPEN && edge->copy_begin == edge->pictures->len) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED,
                            "there is no key frame for too long; .full encodes all of it");
        return FALSE;
    }
    return TRUE;
}

// The tables of the one with most streams: another may lack a track.
static const CutPsi *find_psi(const CutEdge *edge)
{
    const CutPsi *best = &cut_demux_source(edge->demux, edge->spec.anchor)->psi;
    for (guint i = 0; i < edge->spec.n_covered; i++) {
        const CutPsi *psi = &cut_demux_source(edge->demux, edge->spec.n_before + i)->psi;
        if (cut_psi_is_complete(psi) && psi->n_streams > best->n_streams)
            best = psi;
    }
    return best;
}

CutEdge *cut_edge_new(const CutSource *sources, guint n_sources, const CutEdgeSpec *spec, GError **error)
{
    g_autoptr(CutEdge) edge = g_new0(CutEdge, 1);
    g_assert(n_sources >= spec->n_before + spec->n_covered && spec->anchor < n_sources && spec->n_covered > 0);
    edge->spec = *spec;
    edge->sources = sources;
    edge->demux = cut_demux_new(sources, n_sources, spec->anchor);
    edge->pictures = g_array_new(FALSE, FALSE, sizeof(guint));
    edge->is_shown = g_array_new(FALSE, FALSE, sizeof(gboolean));
    edge->sorted = g_array_new(FALSE, FALSE, sizeof(gint64));
    edge->shown = g_array_new(FALSE, FALSE, sizeof(gint64));
    edge->head = g_array_new(FALSE, FALSE, sizeof(gint64));
    edge->tail = g_array_new(FALSE, FALSE, sizeof(gint64));
    edge->video_items = g_array_new(FALSE, FALSE, sizeof(CutEdgeItem));
    edge->items = g_array_new(FALSE, FALSE, sizeof(CutEdgeItem));
    edge->psi = *find_psi(edge);
    if (!cut_psi_is_complete(&edge->psi)) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "there is no transport stream in it");
        return NULL;
    }
    collect_pictures(edge);
    find_shown(edge);
    sort_pictures(edge);
    if (!check(edge, error))
        return NULL;
    add_head(edge);
    add_copied(edge);
    add_tail(edge);
    find_times(edge);
    if (!edge->times.has_video)
        find_times_of_sound(edge);
    if (edge->times.first_dts == G_MAXINT64) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "nothing is shown in the range");
        return NULL;
    }
    if (spec->encodes_all && edge->video_pid != 0)
        cut_psi_set_h264(&edge->psi, edge->video_pid);
    cut_edge_find_clock(edge);
    return g_steal_pointer(&edge);
}

void cut_edge_free(CutEdge *edge)
{
    if (edge == NULL)
        return;
    g_clear_pointer(&edge->place.sps_nal, g_bytes_unref);
    cut_demux_free(edge->demux);
    g_array_unref(edge->pictures);
    g_array_unref(edge->is_shown);
    g_array_unref(edge->sorted);
    g_array_unref(edge->shown);
    g_array_unref(edge->head);
    g_array_unref(edge->tail);
    g_array_unref(edge->video_items);
    g_array_unref(edge->items);
    g_free(edge);
}

const CutEdgeTimes *cut_edge_times(const CutEdge *edge)
{
    return &edge->times;
}

const CutPsi *cut_edge_psi(const CutEdge *edge)
{
    return &edge->psi;
}

const CutEdgeSpec *cut_edge_spec(const CutEdge *edge)
{
    return &edge->spec;
}
