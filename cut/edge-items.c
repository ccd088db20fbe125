// SPDX-License-Identifier: MIT
// Edges: what goes beside pictures. Sound is chosen by the frame, out of all sources; other streams by their time;
// tables as they come.
#include "cut/edge-private.h"

static const CutEdgeAudio *find_choice(const CutEdge *edge, guint pid)
{
    for (guint i = 0; i < edge->spec.n_audio; i++) {
        if (edge->spec.audio[i].pid == pid)
            return &edge->spec.audio[i];
    }
    return NULL;
}

static gboolean takes_sound(const CutEdge *edge, const CutUnit *unit)
{
    const CutEdgeAudio *choice = find_choice(edge, unit->pid);
    if (unit->pts == CUT_NO_STAMP)
        return FALSE;
    if (choice == NULL || (choice->start == G_MININT64 && choice->end == G_MAXINT64))
        return cut_edge_is_covered(edge, unit);
    // An open side ends with what it stands for.
    guint last = edge->spec.n_before + edge->spec.n_covered;
    return (choice->start != G_MININT64 ? unit->pts >= choice->start : unit->source >= edge->spec.n_before) &&
           (choice->end != G_MAXINT64 ? unit->pts < choice->end : unit->source < last);
}

// Other streams' PES packets, such as timed ID3, belong to the pictures that are shown with them.
static gboolean takes_pes(const CutEdge *edge, const CutUnit *unit)
{
    if (!cut_edge_is_covered(edge, unit) || unit->pts == CUT_NO_STAMP)
        return FALSE;
    return (edge->spec.start == CUT_EDGE_OPEN || unit->pts >= edge->times.pts) &&
           (edge->spec.end == CUT_EDGE_OPEN || unit->pts < edge->times.end);
}

static gint compare_items(gconstpointer a, gconstpointer b)
{
    const CutEdgeItem *x = a, *y = b;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    if (x->encoded != y->encoded)
        return x->encoded < y->encoded ? -1 : 1;
    return (x->data > y->data) - (x->data < y->data);
}

// Between the first and the last thing that is taken in any case.
static void add_tables(CutEdge *edge)
{
    if (edge->items->len == 0)
        return;
    const CutEdgeItem first = g_array_index(edge->items, CutEdgeItem, 0);
    const CutEdgeItem last = g_array_index(edge->items, CutEdgeItem, edge->items->len - 1);
    guint n = edge->items->len;
    for (guint i = 0; i < edge->demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(edge->demux, i);
        if ((unit->type != CUT_UNIT_PSI && unit->type != CUT_UNIT_PACKET) || !cut_edge_is_covered(edge, unit))
            continue;
        CutEdgeItem item = {
            .source = unit->source,
            .position = unit->position,
            .encoded = -1,
            .pid = unit->pid,
            .is_psi = unit->type == CUT_UNIT_PSI,
            .is_packet = TRUE,
            .pts = CUT_NO_STAMP,
            .dts = CUT_NO_STAMP,
            .pcr = unit->pcr,
            .data = unit->data,
            .size = unit->size,
        };
        // A PAT stands for both tables. The first ones are written anyway.
        if ((!item.is_psi || unit->pid == 0) && compare_items(&item, &first) > 0 && compare_items(&item, &last) < 0)
            g_array_append_val(edge->items, item);
    }
    if (edge->items->len > n)
        g_array_sort(edge->items, compare_items);
}

static void add_unit(CutEdge *edge, const CutUnit *unit)
{
    CutEdgeItem *before = edge->items->len > 0 ? &g_array_index(edge->items, CutEdgeItem, edge->items->len - 1) : NULL;
    // Frames of one PES packet that follow each other stay in one.
    if (before != NULL && unit->type == CUT_UNIT_AUDIO && before->pid == unit->pid && before->source == unit->source &&
        before->position == unit->position && before->data + before->size == unit->data) {
        before->size += unit->size;
        return;
    }
    CutEdgeItem item = {
        .source = unit->source,
        .position = unit->position,
        .encoded = -1,
        .pid = unit->pid,
        .stream_id = unit->stream_id,
        .is_random_access = unit->type == CUT_UNIT_AUDIO,
        .pts = unit->pts,
        .dts = unit->dts,
        .pcr = unit->pcr,
        .data = unit->data,
        .size = unit->size,
    };
    g_array_append_val(edge->items, item);
}

static void mark_last(CutEdge *edge)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    for (guint i = edge->items->len; i-- > 0;) {
        CutEdgeItem *item = &g_array_index(edge->items, CutEdgeItem, i);
        item->is_last = !item->is_packet && g_hash_table_add(seen, GUINT_TO_POINTER((guint) item->pid));
    }
}

// To be called again after another choice of sound.
void cut_edge_collect_items(CutEdge *edge)
{
    g_array_set_size(edge->items, 0);
    g_array_append_vals(edge->items, edge->video_items->data, edge->video_items->len);
    for (guint i = 0; i < edge->demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(edge->demux, i);
        if ((unit->type == CUT_UNIT_AUDIO && takes_sound(edge, unit)) ||
            (unit->type == CUT_UNIT_PES && takes_pes(edge, unit)))
            add_unit(edge, unit);
    }
    g_array_sort(edge->items, compare_items);
    add_tables(edge);
    mark_last(edge);
}

static void note_clock(CutEdgeTimes *times, gint64 pcr)
{
    if (pcr == CUT_NO_STAMP)
        return;
    times->first_pcr = times->first_pcr == CUT_NO_STAMP ? pcr : MIN(times->first_pcr, pcr);
    times->last_pcr = times->last_pcr == CUT_NO_STAMP ? pcr : MAX(times->last_pcr, pcr);
}

// By pictures alone where there are any, so that it does not hang on which sound is chosen.
void cut_edge_find_clock(CutEdge *edge)
{
    edge->times.first_pcr = edge->times.last_pcr = CUT_NO_STAMP;
    for (guint i = 0; i < edge->video_items->len; i++)
        note_clock(&edge->times, g_array_index(edge->video_items, CutEdgeItem, i).pcr);
    for (guint i = 0; i < edge->demux->units->len && edge->video_items->len == 0; i++) {
        const CutUnit *unit = cut_demux_unit(edge->demux, i);
        if (unit->type == CUT_UNIT_AUDIO && unit->pts != CUT_NO_STAMP && cut_edge_is_shown(edge, unit))
            note_clock(&edge->times, unit->pcr);
    }
}

// ---- choosing sound

static gint64 nearest(const CutEdge *edge, guint pid, gint64 time, gboolean ends)
{
    gint64 best = CUT_NO_STAMP, duration = 0;
    for (guint i = 0; i < edge->demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(edge->demux, i);
        if (unit->type != CUT_UNIT_AUDIO || unit->pid != pid || unit->pts == CUT_NO_STAMP)
            continue;
        gint64 stamp = unit->pts + (ends ? unit->duration : 0);
        if (best != CUT_NO_STAMP && ABS(best - time) <= ABS(stamp - time))
            continue;
        best = stamp;
        duration = unit->duration;
    }
    // Nothing near: sound begins later, or has ended before.
    return best != CUT_NO_STAMP && ABS(best - time) <= MAX(duration, CUT_STAMP_HZ / 10) ? best : CUT_NO_STAMP;
}

gint64 cut_edge_sound_start(const CutEdge *edge, guint pid, gint64 time)
{
    return nearest(edge, pid, time, FALSE);
}

gint64 cut_edge_sound_end(const CutEdge *edge, guint pid, gint64 time)
{
    return nearest(edge, pid, time, TRUE);
}

gboolean cut_edge_sound(const CutEdge *edge, guint pid, gint64 *start, gint64 *end)
{
    gboolean any = FALSE;
    for (guint i = 0; i < edge->demux->units->len; i++) {
        const CutUnit *unit = cut_demux_unit(edge->demux, i);
        if (unit->type != CUT_UNIT_AUDIO || unit->pid != pid || !takes_sound(edge, unit))
            continue;
        *start = any ? MIN(*start, unit->pts) : unit->pts;
        *end = any ? MAX(*end, unit->pts + unit->duration) : unit->pts + unit->duration;
        any = TRUE;
    }
    return any;
}

void cut_edge_set_sound(CutEdge *edge, guint pid, gint64 start, gint64 end)
{
    CutEdgeAudio *choice = (CutEdgeAudio *) find_choice(edge, pid);
    if (choice == NULL && edge->spec.n_audio < CUT_EDGE_AUDIO)
        choice = &edge->spec.audio[edge->spec.n_audio++];
    if (choice != NULL)
        *choice = (CutEdgeAudio){.pid = (guint16) pid, .start = start, .end = end};
}

gboolean cut_edge_has_pid(CutEdge *edge, guint pid)
{
    if (pid == 0 || pid == edge->psi.pmt_pid)
        return TRUE;
    cut_edge_collect_items(edge);
    for (guint i = 0; i < edge->items->len; i++) {
        if (g_array_index(edge->items, CutEdgeItem, i).pid == pid)
            return TRUE;
    }
    return FALSE;
}
