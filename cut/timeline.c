// SPDX-License-Identifier: MIT
// The stream that a cut becomes, computed part by part. All arithmetic is modulo the wrap of time stamps: only
// differences count.
//
// A run's first picture comes where the run before it ended. Sound is kept without gaps: each edge begins with the
// frame that is nearest to where the sound so far ended, and its run's sound is shifted by what is left, half a frame
// at most, so that no error adds up. Within a run nothing changes, unless the stream was restarted: then its stamps go
// on where they were.
#include "cut/timeline.h"

#include <string.h>

#include "cut/codec.h"
#include "cut/make.h"
#include "cut/request.h"
#include "cut/run.h"
#include "cut/sps.h"
#include "segment/lock.h"

#define CHUNK 1024 // segments whose indices are in memory at a time
#define JUMP (CUT_STAMP_HZ / 2) // by which stamps may differ from what names say
#define MAX_SHIFT (CUT_STAMP_HZ / 40) // of sound against pictures: a frame, at any usual rate
#define MAX_GAP (5 * CUT_STAMP_HZ) // between two pictures of one stream

struct CutTimeline {
    guint8 slots[CUT_TS_PIDS];
    guint16 pids[CUT_PATCH_SLOTS];
    guint n_slots;
    guint n_parts;
    guint32 *stamps_of; // of each part, index into stamps
    GArray *stamps; // CutPatchStamps
    guint8 *counters; // CUT_PATCH_SLOTS of each part
    GHashTable *straddling; // numbers of parts
    GArray *sounds; // CutTimelineSound, by number
    guint width, height;
    int format;
};

// When a part begins and ends, in its own stamps.
typedef struct {
    gint64 pts, end, first_dts, last_dts; // 90 kHz
    gint64 first_pcr, last_pcr; // 27 MHz
    gint64 anchor_pts, anchor_start; // a point of its clock: 90 kHz, microseconds since 1970
} Times;

typedef struct {
    CutEngine *engine;
    CutPlan *plan;
    const SegmentWait *wait;
    CutTimeline *timeline;
    gboolean keeps_stamps, encodes_all;

    // The stream so far, in its own stamps
    gboolean has_begun;
    gint64 end, last_dts, last_pcr;
    gint64 sound_end[CUT_PATCH_SLOTS]; // or CUT_NO_STAMP
    guint8 counter[CUT_PATCH_SLOTS];
    gboolean has_counter[CUT_PATCH_SLOTS];
    // What is added to the part at hand
    gint64 video_delta, pcr_delta, sound_delta[CUT_PATCH_SLOTS];
    // The part before it in its run
    Times before;
    gboolean has_before;

    // What all segments have to be like
    gboolean has_reference;
    guint16 video_pid;
    guint8 video_type;
    guint8 types[CUT_PATCH_SLOTS]; // stream_type, 0: not known
    guint8 kinds[CUT_PATCH_SLOTS]; // CutStreamKind
    gboolean has_sps;
    CutSps sps;
} Builder;

// ---- what fits together

static gboolean misfit(GError **error, const char *path, const char *what)
{
    g_set_error(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED, "%s: its %s is not that of the segments before it%s", path,
                what, strcmp(what, "PID") == 0 ? "" : "; .full makes them the same");
    return FALSE;
}

static int find_slot(Builder *builder, guint pid, GError **error)
{
    CutTimeline *timeline = builder->timeline;
    if (timeline->slots[pid] != CUT_PATCH_NO_SLOT)
        return timeline->slots[pid];
    if (timeline->n_slots == CUT_PATCH_SLOTS) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED, "there are too many streams in the segments");
        return -1;
    }
    timeline->pids[timeline->n_slots] = (guint16) pid;
    builder->sound_end[timeline->n_slots] = CUT_NO_STAMP;
    return timeline->slots[pid] = (guint8) timeline->n_slots++;
}

static gboolean check_pid(Builder *builder, guint pid, guint8 type, CutStreamKind kind, const char *path,
                          GError **error)
{
    int slot = find_slot(builder, pid, error);
    if (slot < 0)
        return FALSE;
    if (type == 0)
        return TRUE;
    if (builder->types[slot] != 0 && builder->types[slot] != type && pid != builder->video_pid)
        return misfit(error, path, kind == CUT_STREAM_AUDIO ? "sound's codec" : "PID");
    builder->types[slot] = type;
    builder->kinds[slot] = (guint8) kind;
    return TRUE;
}

static gboolean check_fits(Builder *builder, const CutIndex *index, const char *path, GError **error)
{
    CutSps sps;
    gboolean has_sps =
        index->video_type == CUT_TYPE_H264 && index->sps_size > 0 && cut_sps_parse(index->sps, index->sps_size, &sps);
    if (!builder->has_reference) {
        builder->has_reference = TRUE;
        builder->video_pid = index->video_pid;
        builder->video_type = index->video_type;
    }
    if (index->video_pid != builder->video_pid)
        return misfit(error, path, "PID");
    if (!builder->encodes_all && index->video_type != builder->video_type)
        return misfit(error, path, "codec");
    if (has_sps && builder->has_sps && !builder->encodes_all && !cut_sps_fits(&sps, &builder->sps))
        return misfit(error, path, "picture's size or rate");
    if (has_sps && !builder->has_sps) {
        builder->has_sps = TRUE;
        builder->sps = sps;
    }
    for (guint i = 0; i < index->n_pids; i++) {
        const CutIndexPid *own = &index->pids[i];
        if (!check_pid(builder, own->pid, own->type, own->kind, path, error))
            return FALSE;
    }
    return index->pcr_pid == CUT_TS_NULL_PID || find_slot(builder, index->pcr_pid, error) >= 0;
}

// ---- counters

// Numbers the packets of PID in part NUMBER, which begin with FIRST and end with LAST, on.
static void count(Builder *builder, guint number, guint pid, guint8 first, guint8 last)
{
    guint slot = builder->timeline->slots[pid];
    guint8 delta = builder->has_counter[slot] ? (guint8) ((builder->counter[slot] + 1 - first) & 0x0F) : 0;
    builder->timeline->counters[number * CUT_PATCH_SLOTS + slot] = delta;
    builder->counter[slot] = (last + delta) & 0x0F;
    builder->has_counter[slot] = TRUE;
}

// ---- stamps

static gint64 add_pcr(const Builder *builder, gint64 pcr)
{
    return pcr == CUT_NO_STAMP ? CUT_NO_STAMP : pcr + builder->pcr_delta;
}

// The clock follows the pictures, but never steps back.
static void set_clock(Builder *builder, const Times *times)
{
    builder->pcr_delta = builder->video_delta * CUT_PCR_SCALE;
    if (times->first_pcr == CUT_NO_STAMP || builder->last_pcr == CUT_NO_STAMP)
        return;
    gint64 behind = cut_pcr_difference(builder->last_pcr, times->first_pcr + builder->pcr_delta);
    if (behind >= 0)
        builder->pcr_delta += behind + CUT_PCR_SCALE;
}

static void set_all_sound(Builder *builder, gint64 delta)
{
    for (guint i = 0; i < CUT_PATCH_SLOTS; i++)
        builder->sound_delta[i] = delta;
}

static void begin_stream(Builder *builder, const Times *times)
{
    gint64 origin = times->first_pcr != CUT_NO_STAMP ? times->first_pcr : times->first_dts * CUT_PCR_SCALE;
    builder->has_begun = TRUE;
    builder->pcr_delta = -origin;
    builder->video_delta = -(origin / CUT_PCR_SCALE);
    builder->last_pcr = CUT_NO_STAMP;
}

// Its first picture comes when what was before it ends.
static void append(Builder *builder, const Times *times)
{
    builder->video_delta = builder->end - times->pts;
    gint64 behind = cut_stamp_difference(builder->last_dts, times->first_dts + builder->video_delta);
    if (behind >= 0)
        builder->video_delta += behind + 1;
    set_clock(builder, times);
}

static void begin_run(Builder *builder, const Times *times)
{
    builder->has_before = FALSE;
    if (builder->keeps_stamps)
        return;
    if (!builder->has_begun)
        begin_stream(builder, times);
    else
        append(builder, times);
    set_all_sound(builder, builder->video_delta);
}

// Within a run: whether the stream goes on as its names say.
static gboolean goes_on(const Builder *builder, const Times *times)
{
    const Times *before = &builder->before;
    gint64 expected = before->anchor_pts + (times->anchor_start - before->anchor_start) * 9 / 100;
    gint64 step = cut_stamp_difference(times->first_dts, before->last_dts);
    return ABS(cut_stamp_difference(times->anchor_pts, expected)) <= JUMP && step > 0 && step < MAX_GAP;
}

// Sound that a restarted stream brings: in step with its pictures, but not before the sound so far has ended.
static void restart_sound(Builder *builder, const CutIndex *index)
{
    gint64 delta = builder->video_delta;
    for (guint i = 0; i < index->n_pids; i++) {
        const CutIndexPid *own = &index->pids[i];
        guint slot = builder->timeline->slots[own->pid];
        builder->sound_delta[slot] = delta;
        if (!own->has_stamps || builder->sound_end[slot] == CUT_NO_STAMP)
            continue;
        gint64 behind = cut_stamp_difference(builder->sound_end[slot], own->pts + delta);
        if (behind > 0 && behind < JUMP)
            builder->sound_delta[slot] += behind;
    }
}

static gboolean continue_run(Builder *builder, const Times *times, const CutIndex *index, GError **error)
{
    if (!builder->has_before || goes_on(builder, times))
        return TRUE;
    if (builder->keeps_stamps) {
        g_set_error_literal(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED,
                            "the stream's time stamps jump in the range; without .fast they are made to run on");
        return FALSE;
    }
    append(builder, times);
    set_all_sound(builder, builder->video_delta);
    if (index != NULL)
        restart_sound(builder, index);
    return TRUE;
}

// Takes notice of what part NUMBER will be.
static void place(Builder *builder, guint number, const Times *times)
{
    CutTimeline *timeline = builder->timeline;
    CutPatchStamps stamps;
    memset(&stamps, 0, sizeof stamps); // padding, too: it is compared
    stamps.pcr = builder->pcr_delta;
    for (guint i = 0; i < timeline->n_slots; i++) {
        if (builder->types[i] != 0)
            stamps.stamps[i] = builder->kinds[i] == CUT_STREAM_AUDIO ? builder->sound_delta[i] : builder->video_delta;
        stamps.any = stamps.any || stamps.stamps[i] != 0;
    }
    stamps.any = stamps.any || stamps.pcr != 0;
    guint n = timeline->stamps->len;
    if (n == 0 || memcmp(&g_array_index(timeline->stamps, CutPatchStamps, n - 1), &stamps, sizeof stamps) != 0)
        g_array_append_val(timeline->stamps, stamps);
    timeline->stamps_of[number] = timeline->stamps->len - 1;

    builder->end = times->end + builder->video_delta;
    builder->last_dts = times->last_dts + builder->video_delta;
    if (times->last_pcr != CUT_NO_STAMP)
        builder->last_pcr = add_pcr(builder, times->last_pcr);
    builder->before = *times;
    builder->has_before = TRUE;
}

// ---- edges

static void begin_sound(Builder *builder, CutEdge *edge, guint pid, gint64 run_begin)
{
    guint slot = builder->timeline->slots[pid];
    const CutEdgeTimes *times = cut_edge_times(edge);
    gint64 sound_end = builder->sound_end[slot];
    gboolean joins = !builder->keeps_stamps && sound_end != CUT_NO_STAMP;
    // What is left over from the run before: its sound ended so much later than its pictures.
    gint64 ahead = joins ? cut_stamp_difference(sound_end, run_begin) : 0;
    if (ABS(ahead) > MAX_SHIFT)
        ahead = 0;
    gint64 start = cut_edge_sound_start(edge, pid, times->pts + ahead);
    if (start == CUT_NO_STAMP)
        start = times->pts;
    else if (joins) {
        gint64 shift = cut_stamp_difference(sound_end - start, builder->video_delta);
        if (ABS(shift) <= MAX_SHIFT)
            builder->sound_delta[slot] = builder->video_delta + shift;
    }
    cut_edge_set_sound(edge, pid, start, G_MAXINT64);
}

static void end_sound(Builder *builder, CutEdge *edge, const CutPart *part, guint pid)
{
    guint slot = builder->timeline->slots[pid];
    const CutEdgeTimes *times = cut_edge_times(edge);
    gint64 start = G_MININT64, end, first, last;
    if (part->is_head) {
        if (!cut_edge_sound(edge, pid, &start, &last))
            start = times->pts;
    }
    gint64 shift = builder->sound_delta[slot] - builder->video_delta;
    end = cut_edge_sound_end(edge, pid, times->end - shift);
    if (end == CUT_NO_STAMP)
        end = times->end;
    cut_edge_set_sound(edge, pid, start, end);
    if (cut_edge_sound(edge, pid, &first, &last))
        builder->sound_end[slot] = last + builder->sound_delta[slot];
}

static void keep_sound(Builder *builder, const CutEdge *edge, guint number)
{
    const CutEdgeSpec *spec = cut_edge_spec(edge);
    CutTimelineSound sound = {.number = number, .n_audio = spec->n_audio};
    memcpy(sound.audio, spec->audio, sizeof sound.audio);
    g_array_append_val(builder->timeline->sounds, sound);
}

static void choose_sound(Builder *builder, CutEdge *edge, const CutPart *part, gint64 run_begin)
{
    const CutPsi *psi = cut_edge_psi(edge);
    for (guint i = 0; i < psi->n_streams; i++) {
        if (psi->streams[i].kind != CUT_STREAM_AUDIO ||
            builder->timeline->slots[psi->streams[i].pid] == CUT_PATCH_NO_SLOT)
            continue;
        if (part->is_head)
            begin_sound(builder, edge, psi->streams[i].pid, run_begin);
        if (part->is_tail)
            end_sound(builder, edge, part, psi->streams[i].pid);
    }
    keep_sound(builder, edge, part->number);
}

// Its tables may be others than those that its segments' indices saw.
static gboolean count_edge(Builder *builder, CutEdge *edge, guint number, GError **error)
{
    const CutPsi *psi = cut_edge_psi(edge);
    if (find_slot(builder, 0, error) < 0 || find_slot(builder, psi->pmt_pid, error) < 0)
        return FALSE;
    count(builder, number, 0, 0, 15);
    count(builder, number, psi->pmt_pid, 0, 15);
    for (guint i = 0; i < psi->n_streams; i++) {
        guint pid = psi->streams[i].pid;
        if (builder->timeline->slots[pid] != CUT_PATCH_NO_SLOT && cut_edge_has_pid(edge, pid))
            count(builder, number, pid, 0, 15);
    }
    return TRUE;
}

static gboolean check_sources(Builder *builder, const CutSources *sources, const CutPart *part, GError **error)
{
    for (guint i = 0; i < sources->n_covered; i++) {
        const CutSource *source = &sources->items[sources->n_before + i];
        g_autofree char *path = cut_segment_path(builder->plan->stream, part->run->range, part->first_ref + i);
        CutIndex index;
        if (!cut_index_scan(source->data, source->size, path, &index, error) ||
            !check_fits(builder, &index, path, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean note_format(AVFrame *frame, gpointer data, GError **error)
{
    CutTimeline *timeline = data;
    if (timeline->width == 0) {
        // No halves of pixels in colour.
        timeline->width = MAX(2, (guint) frame->width & ~1U);
        timeline->height = MAX(2, (guint) frame->height & ~1U);
        timeline->format = cut_encoder_format(frame->format);
    }
    return TRUE;
}

// What the pictures of a cut that is encoded as a whole are like: as its first one.
static gboolean find_format(Builder *builder, const CutSources *sources, GError **error)
{
    g_autoptr(CutDemux) demux = cut_demux_new(sources->items, sources->n, 0);
    g_autoptr(CutDecoder) decoder = NULL;
    CutTimeline *timeline = builder->timeline;
    for (guint i = 0; i < demux->units->len && timeline->width == 0; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        const CutPsiStream *stream = cut_psi_first(&cut_demux_source(demux, unit->source)->psi, CUT_STREAM_VIDEO);
        if (unit->type != CUT_UNIT_PICTURE || stream == NULL)
            continue;
        if (decoder == NULL && (decoder = cut_decoder_new(stream, 1, error)) == NULL)
            return FALSE;
        cut_decoder_send(decoder, cut_demux_data(demux, unit), unit->size, unit->pts, FALSE, note_format, timeline,
                         NULL);
    }
    if (decoder != NULL)
        cut_decoder_flush(decoder, note_format, timeline, NULL);
    return TRUE;
}

static gboolean add_edge(Builder *builder, const CutPart *part, GError **error)
{
    CutEdgeSpec spec;
    const int *cancelled = builder->wait != NULL ? builder->wait->cancelled : NULL;
    g_autoptr(CutSources) sources = cut_sources_load(builder->plan, part, cancelled, error);
    if (sources == NULL || !check_sources(builder, sources, part, error))
        return FALSE;
    if (builder->encodes_all && builder->timeline->width == 0 && !find_format(builder, sources, error))
        return FALSE;
    cut_make_spec(builder->plan, part, sources, &spec);
    g_autoptr(CutEdge) edge = cut_edge_new(sources->items, sources->n, &spec, error);
    if (edge == NULL) {
        g_autofree char *path = cut_segment_path(builder->plan->stream, part->run->range, part->first_ref);
        g_prefix_error(error, "%s: ", path);
        return FALSE;
    }
    const CutEdgeTimes *own = cut_edge_times(edge);
    Times times = {own->pts,       own->end,      own->first_dts,  own->last_dts,
                   own->first_pcr, own->last_pcr, own->anchor_pts, own->anchor_start};
    gint64 run_begin = builder->end;
    if (part->is_head)
        begin_run(builder, &times);
    else if (!continue_run(builder, &times, NULL, error))
        return FALSE;
    choose_sound(builder, edge, part, run_begin);
    if (!count_edge(builder, edge, part->number, error))
        return FALSE;
    place(builder, part->number, &times);
    return TRUE;
}

// ---- whole segments

static gboolean add_segment(Builder *builder, const CutPart *part, const CutIndex *index, GError **error)
{
    g_autofree char *path = cut_segment_path(builder->plan->stream, part->run->range, part->first_ref);
    SegmentHour *hour;
    const SegmentEntry *entry = cut_run_entry(part->run, part->first_ref, &hour);
    if (!check_fits(builder, index, path, error))
        return FALSE;
    Times times = {index->pts,       index->end,      index->dts, index->last_dts,
                   index->first_pcr, index->last_pcr, index->pts, segment_entry_start(hour, entry)};
    // A run without edges begins with one.
    gboolean begins = part->number == part->run->first_part;
    if (begins)
        begin_run(builder, &times);
    else if (!continue_run(builder, &times, index, error))
        return FALSE;
    if (begins)
        restart_sound(builder, index);
    for (guint i = 0; i < index->n_pids; i++) {
        const CutIndexPid *own = &index->pids[i];
        guint slot = builder->timeline->slots[own->pid];
        if (!part->is_made)
            count(builder, part->number, own->pid, own->first, own->last);
        else if (own->type != 0 || own->pid == 0 || builder->has_counter[slot])
            count(builder, part->number, own->pid, 0, 15);
        if (own->end != CUT_NO_STAMP)
            builder->sound_end[slot] = own->end + builder->sound_delta[slot];
    }
    if (index->straddles)
        g_hash_table_add(builder->timeline->straddling, GUINT_TO_POINTER(part->number));
    place(builder, part->number, &times);
    return TRUE;
}

static gboolean add_run(Builder *builder, const CutRun *run, GError **error)
{
    g_autofree CutIndex *indices = g_new(CutIndex, CHUNK);
    guint n = cut_run_n_parts(run);
    for (guint i = 0, loaded = 0, base = 0; i < n; i++) {
        CutPart part;
        cut_plan_part(builder->plan, run->first_part + i, &part);
        if (segment_wait_is_over(builder->wait, error))
            return FALSE;
        if (part.is_head || part.is_tail) {
            if (!add_edge(builder, &part, error))
                return FALSE;
            continue;
        }
        if (i >= loaded) {
            guint last = run->first_ref + run->n_refs - run->n_tail; // the segment behind the last whole one
            guint wanted = MIN(CHUNK, last - part.first_ref);
            if (!cut_engine_index(builder->engine, builder->plan->stream, run->range, part.first_ref, wanted, indices,
                                  builder->wait, error))
                return FALSE;
            base = i;
            loaded = i + wanted;
        }
        if (!add_segment(builder, &part, &indices[i - base], error))
            return FALSE;
    }
    return TRUE;
}

// ---- all of it

static void timeline_free(gpointer data)
{
    CutTimeline *timeline = data;
    g_free(timeline->stamps_of);
    g_free(timeline->counters);
    g_array_unref(timeline->stamps);
    g_array_unref(timeline->sounds);
    g_hash_table_unref(timeline->straddling);
    g_free(timeline);
}

static CutTimeline *build(CutEngine *engine, CutPlan *plan, const SegmentWait *wait, GError **error)
{
    CutTimeline *timeline = g_new0(CutTimeline, 1);
    memset(timeline->slots, CUT_PATCH_NO_SLOT, sizeof timeline->slots);
    timeline->n_parts = plan->n_parts;
    timeline->stamps_of = g_new0(guint32, plan->n_parts);
    timeline->stamps = g_array_new(FALSE, FALSE, sizeof(CutPatchStamps));
    timeline->counters = g_new0(guint8, (gsize) plan->n_parts * CUT_PATCH_SLOTS);
    timeline->straddling = g_hash_table_new(NULL, NULL);
    timeline->sounds = g_array_new(FALSE, FALSE, sizeof(CutTimelineSound));
    g_autofree Builder *builder = g_new0(Builder, 1);
    builder->engine = engine;
    builder->plan = plan;
    builder->wait = wait;
    builder->timeline = timeline;
    builder->keeps_stamps = plan->request->mode == CUT_MODE_FAST;
    builder->encodes_all = plan->request->mode == CUT_MODE_FULL;
    builder->last_pcr = CUT_NO_STAMP;
    gboolean ok = TRUE;
    for (guint r = 0; r < plan->runs->len && ok; r++)
        ok = add_run(builder, &g_array_index(plan->runs, CutRun, r), error);
    if (!ok)
        g_clear_pointer(&timeline, timeline_free);
    return timeline;
}

const CutTimeline *cut_timeline_get(CutEngine *engine, CutPlan *plan, const SegmentWait *wait, GError **error)
{
    // Who cannot wait does not wait for somebody who computes it, either.
    if (!segment_wait_may_block(wait)) {
        if (!g_mutex_trylock(&plan->lock)) {
            g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "a timeline");
            return NULL;
        }
    } else {
        g_mutex_lock(&plan->lock);
    }
    CutTimeline *timeline = plan->derived;
    if (timeline == NULL && !segment_wait_may_block(wait)) {
        g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK, "a timeline");
    } else if (timeline == NULL) {
        timeline = build(engine, plan, wait, error);
        plan->derived = timeline;
        plan->free_derived = timeline_free;
    }
    g_mutex_unlock(&plan->lock);
    return timeline;
}

void cut_timeline_patch(const CutTimeline *timeline, guint number, CutPatch *patch)
{
    patch->slots = timeline->slots;
    patch->stamps = &g_array_index(timeline->stamps, CutPatchStamps, timeline->stamps_of[number]);
    patch->counters = timeline->counters + (gsize) number * CUT_PATCH_SLOTS;
}

gboolean cut_timeline_straddles(const CutTimeline *timeline, guint number)
{
    return g_hash_table_contains(timeline->straddling, GUINT_TO_POINTER(number));
}

const CutTimelineSound *cut_timeline_sound(const CutTimeline *timeline, guint number)
{
    for (guint low = 0, high = timeline->sounds->len; low < high;) {
        guint middle = low + (high - low) / 2;
        const CutTimelineSound *sound = &g_array_index(timeline->sounds, CutTimelineSound, middle);
        if (sound->number == number)
            return sound;
        if (sound->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void cut_timeline_picture(const CutTimeline *timeline, guint *width, guint *height, int *format)
{
    *width = timeline->width;
    *height = timeline->height;
    *format = timeline->format;
}

gsize cut_timeline_size(const CutTimeline *timeline)
{
    return sizeof *timeline + timeline->n_parts * (sizeof(guint32) + CUT_PATCH_SLOTS) +
           timeline->stamps->len * sizeof(CutPatchStamps) + timeline->sounds->len * sizeof(CutTimelineSound);
}
