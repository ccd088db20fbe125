// SPDX-License-Identifier: MIT
// Demultiplexing. A PES packet is put together in its PID's buffer and becomes a unit, or several frames, when the next
// one begins or its source ends. Memory is bounded by the sources' size.
#include "cut/demux.h"

#include <string.h>

#include "cut/adts.h"
#include "cut/nal.h"
#include "segment/time.h"

#define MAX_PES (32 * 1024 * 1024) // bytes: a picture is never as large
#define JUMP (CUT_STAMP_HZ / 2) // by which stamps may differ from what names say

// A PID's PES packet that is being put together.
typedef struct {
    guint16 pid;
    CutStreamKind kind;
    guint8 type; // stream_type
    GByteArray *pes;
    gboolean open;
    guint32 position;
    gint64 pcr;
    gboolean damaged, random_access;
    guint8 counter;
    gboolean has_counter;
    CutAdts adts; // of AAC
} Track;

typedef struct {
    CutDemux *demux;
    GPtrArray *tracks;
    Track *by_pid[CUT_TS_PIDS];
    gboolean is_packets[CUT_TS_PIDS]; // not in PES packets
    CutPsi psi;
    guint source;
    gint64 pcr; // the last one
} State;

static void track_free(gpointer data)
{
    Track *track = data;
    g_byte_array_unref(track->pes);
    cut_adts_clear(&track->adts);
    g_free(track);
}

static CutUnit *add_unit(State *state, CutUnitType type, const guint8 *data, gsize size)
{
    CutDemux *demux = state->demux;
    CutUnit unit = {
        .type = (guint8) type,
        .source = (guint16) state->source,
        .pts = CUT_NO_STAMP,
        .dts = CUT_NO_STAMP,
        .data = demux->bytes->len,
        .size = size,
    };
    g_byte_array_append(demux->bytes, data, (guint) size);
    g_array_append_val(demux->units, unit);
    return &g_array_index(demux->units, CutUnit, demux->units->len - 1);
}

static CutUnit *add_track_unit(State *state, const Track *track, CutUnitType type, const guint8 *data, gsize size)
{
    CutUnit *unit = add_unit(state, type, data, size);
    unit->pid = track->pid;
    unit->stream_id = track->pes->data[3];
    unit->position = track->position;
    unit->pcr = track->pcr;
    unit->is_damaged = track->damaged;
    return unit;
}

// ---- AAC

typedef struct {
    State *state;
    const Track *track;
} Frames;

static void add_frame(const guint8 *data, gsize size, gint64 pts, guint duration, gpointer user_data)
{
    const Frames *frames = user_data;
    CutUnit *unit = add_track_unit(frames->state, frames->track, CUT_UNIT_AUDIO, data, size);
    unit->duration = duration;
    unit->pts = unit->dts = pts;
}

// ---- PES packets

static void add_picture(State *state, const Track *track, const guint8 *payload, gsize size, const CutPesHeader *header)
{
    CutUnit *unit = add_track_unit(state, track, CUT_UNIT_PICTURE, payload, size);
    CutPicture picture;
    unit->pts = header->pts;
    unit->dts = header->dts;
    unit->is_reference = TRUE;
    if (track->type == CUT_TYPE_H264 || track->type == CUT_TYPE_HEVC) {
        (track->type == CUT_TYPE_H264 ? cut_nal_scan_h264 : cut_nal_scan_hevc)(payload, size, &picture);
        unit->is_idr = picture.is_idr;
        unit->is_key = picture.is_key;
        unit->is_reference = picture.is_reference;
    } else {
        unit->is_idr = unit->is_key = track->random_access;
    }
}

static void close_pes(State *state, Track *track)
{
    CutPesHeader header;
    if (!track->open)
        return;
    track->open = FALSE;
    if (cut_pes_parse(track->pes->data, track->pes->len, &header) != CUT_PES_OK)
        return;
    gsize size = track->pes->len - header.header;
    if (header.length != 0) {
        gsize wanted = header.length + 6 - header.header;
        track->damaged = track->damaged || size < wanted;
        size = MIN(size, wanted);
    }
    const guint8 *payload = track->pes->data + header.header;
    if (track->kind == CUT_STREAM_VIDEO) {
        // Without a time nobody knows when to show it.
        if (header.pts != CUT_NO_STAMP && size > 0)
            add_picture(state, track, payload, size, &header);
    } else if (track->kind == CUT_STREAM_AUDIO && track->type == CUT_TYPE_AAC) {
        Frames frames = {.state = state, .track = track};
        cut_adts_push(&track->adts, payload, size, header.pts, add_frame, &frames);
    } else {
        CutUnit *unit = add_track_unit(state, track, track->kind == CUT_STREAM_AUDIO ? CUT_UNIT_AUDIO : CUT_UNIT_PES,
                                       payload, size);
        unit->pts = header.pts;
        unit->dts = header.dts;
    }
}

static void check_counter(Track *track, const CutTsPacket *packet)
{
    if (packet->payload >= CUT_TS_PACKET)
        return;
    if (track->has_counter && packet->counter != ((track->counter + 1) & 0x0F))
        track->damaged = TRUE;
    track->counter = packet->counter;
    track->has_counter = TRUE;
}

static void add_packet(State *state, const guint8 *data, const CutTsPacket *packet, CutUnitType type, guint32 position)
{
    CutUnit *unit = add_unit(state, type, data, CUT_TS_PACKET);
    unit->pid = packet->pid;
    unit->position = position;
    unit->pcr = state->pcr;
}

// The track of PID, which begins with a PES packet; NULL for what does not.
static Track *find_track(State *state, const guint8 *data, const CutTsPacket *packet)
{
    Track *track = state->by_pid[packet->pid];
    if (track != NULL || state->is_packets[packet->pid] || !packet->unit_start)
        return track;
    // Of a header that straddles packets there may be a byte or two.
    if (packet->payload >= CUT_TS_PACKET ||
        memcmp(data + packet->payload, "\0\0\1", MIN(3, CUT_TS_PACKET - packet->payload)) != 0) {
        state->is_packets[packet->pid] = TRUE;
        return NULL;
    }
    track = g_new0(Track, 1);
    track->pid = packet->pid;
    track->pes = g_byte_array_new();
    cut_adts_init(&track->adts);
    g_ptr_array_add(state->tracks, track);
    state->by_pid[packet->pid] = track;
    return track;
}

static void read_packet(State *state, const guint8 *data, guint32 position)
{
    CutTsPacket packet;
    if (!cut_ts_parse(data, &packet) || packet.pid == CUT_TS_NULL_PID)
        return;
    if (packet.pcr != CUT_NO_STAMP && (!cut_psi_is_complete(&state->psi) || packet.pid == state->psi.pcr_pid))
        state->pcr = packet.pcr;
    if (cut_psi_read(&state->psi, data, &packet)) {
        add_packet(state, data, &packet, CUT_UNIT_PSI, position);
        return;
    }
    const CutPsiStream *stream = cut_psi_find(&state->psi, packet.pid);
    Track *track = stream != NULL ? find_track(state, data, &packet) : NULL;
    if (track == NULL) {
        if (state->is_packets[packet.pid] && packet.payload < CUT_TS_PACKET)
            add_packet(state, data, &packet, CUT_UNIT_PACKET, position);
        return;
    }
    track->kind = stream->kind;
    track->type = stream->type;
    check_counter(track, &packet);
    if (packet.payload >= CUT_TS_PACKET)
        return;
    if (packet.unit_start) {
        close_pes(state, track);
        g_byte_array_set_size(track->pes, 0);
        track->open = TRUE;
        track->damaged = FALSE;
        track->random_access = packet.random_access;
        track->position = position;
        track->pcr = state->pcr;
    }
    if (track->open && track->pes->len < MAX_PES)
        g_byte_array_append(track->pes, data + packet.payload, CUT_TS_PACKET - packet.payload);
    track->damaged = track->damaged || (data[1] & 0x80) != 0; // transport_error_indicator
}

// Where the next packet begins: sync is lost where the byte is wrong, and found where two in a row are right.
static gsize find_sync(const guint8 *data, gsize size, gsize at)
{
    while (at + CUT_TS_PACKET <= size) {
        if (data[at] == CUT_TS_SYNC && (at + CUT_TS_PACKET == size || data[at + CUT_TS_PACKET] == CUT_TS_SYNC))
            return at;
        at++;
    }
    return size;
}

static gint compare_units(gconstpointer a, gconstpointer b)
{
    const CutUnit *x = a, *y = b;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return (x->data > y->data) - (x->data < y->data);
}

static void read_source(State *state, const CutSource *source)
{
    GArray *units = state->demux->units;
    CutDemuxSource *own = &g_array_index(state->demux->sources, CutDemuxSource, state->source);
    own->start = source->start;
    own->first_unit = units->len;
    state->pcr = CUT_NO_STAMP;
    for (guint i = 0; i < state->tracks->len; i++)
        ((Track *) g_ptr_array_index(state->tracks, i))->has_counter = FALSE;
    for (gsize at = find_sync(source->data, source->size, 0); at + CUT_TS_PACKET <= source->size;) {
        read_packet(state, source->data + at, (guint32) (at / CUT_TS_PACKET));
        at += CUT_TS_PACKET;
        if (at + CUT_TS_PACKET <= source->size && source->data[at] != CUT_TS_SYNC)
            at = find_sync(source->data, source->size, at);
    }
    for (guint i = 0; i < state->tracks->len; i++)
        close_pes(state, g_ptr_array_index(state->tracks, i));
    own->psi = state->psi;
    own->n_units = units->len - own->first_unit;
    if (own->n_units > 0)
        qsort(&g_array_index(units, CutUnit, own->first_unit), own->n_units, sizeof(CutUnit), compare_units);
}

// ---- one line of time

// The unit whose PTS its segment's start stands for: the first picture where it is a key frame, else the one shown
// first; without pictures the first sound. NULL where nothing has a stamp.
static const CutUnit *first_shown(const CutDemux *demux, const CutDemuxSource *source)
{
    const CutUnit *best = NULL;
    for (guint i = source->first_unit; i < source->first_unit + source->n_units; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->pts == CUT_NO_STAMP || unit->type > CUT_UNIT_AUDIO)
            continue;
        if (best == NULL || unit->type < best->type ||
            (unit->type == best->type && cut_stamp_difference(unit->pts, best->pts) < 0))
            best = unit;
        // What comes after a key frame, but is shown before it, belongs to the segment before.
        if (unit->type == CUT_UNIT_PICTURE && unit->is_key && best == unit)
            break;
    }
    return best;
}

static gint64 unwrap(gint64 stamp, gint64 near)
{
    return near + cut_stamp_difference(stamp, near);
}

// The last source before K that has stamps, or NULL.
static const CutDemuxSource *source_before(const CutDemux *demux, guint k)
{
    while (k-- > 0) {
        if (cut_demux_source(demux, k)->has_stamps)
            return cut_demux_source(demux, k);
    }
    return NULL;
}

// Makes the stamps of SOURCE, which begin with those of FIRST, follow those of the source BEFORE.
static void follow(const CutDemux *demux, CutDemuxSource *source, const CutUnit *first, const CutDemuxSource *before)
{
    gint64 last_dts = CUT_NO_STAMP, end = CUT_NO_STAMP, step = 1;
    for (guint i = before->first_unit; i < before->first_unit + before->n_units; i++) {
        const CutUnit *unit = cut_demux_unit(demux, i);
        if (unit->type != first->type || unit->pts == CUT_NO_STAMP)
            continue;
        if (last_dts != CUT_NO_STAMP && unit->dts > last_dts)
            step = unit->dts - last_dts;
        last_dts = MAX(last_dts, unit->dts);
        end = MAX(end, unit->pts);
    }
    gint64 expected = before->pts + (source->start - before->start) * 9 / 100;
    source->shift = before->shift;
    source->pts = unwrap(first->pts + source->shift, expected);
    gboolean jumps = ABS(source->pts - expected) > JUMP ||
                     (last_dts != CUT_NO_STAMP && unwrap(first->dts + source->shift, source->pts) <= last_dts);
    if (jumps) {
        source->pts = end != CUT_NO_STAMP ? end + step : expected;
        source->shift = source->pts - first->pts;
    }
}

static void straighten(CutDemux *demux, guint k)
{
    CutDemuxSource *source = &g_array_index(demux->sources, CutDemuxSource, k);
    const CutUnit *first = first_shown(demux, source);
    if (first == NULL)
        return;
    const gint64 origin = first->pts; // its own stamps are unwrapped around it
    const CutDemuxSource *before = source_before(demux, k);
    source->pts = origin;
    if (before != NULL)
        follow(demux, source, first, before);
    source->has_stamps = TRUE;
    const gint64 add = source->pts - origin;
    for (guint i = source->first_unit; i < source->first_unit + source->n_units; i++) {
        CutUnit *unit = &g_array_index(demux->units, CutUnit, i);
        if (unit->pts != CUT_NO_STAMP) {
            unit->pts = unwrap(unit->pts, origin) + add;
            unit->dts = unwrap(unit->dts, origin) + add;
        }
        if (unit->pcr != CUT_NO_STAMP)
            unit->pcr =
                origin * CUT_PCR_SCALE + cut_pcr_difference(unit->pcr, origin * CUT_PCR_SCALE) + add * CUT_PCR_SCALE;
    }
}

static void shift_all(CutDemux *demux, gint64 delta)
{
    for (guint i = 0; i < demux->units->len; i++) {
        CutUnit *unit = &g_array_index(demux->units, CutUnit, i);
        if (unit->pts != CUT_NO_STAMP) {
            unit->pts += delta;
            unit->dts += delta;
        }
        if (unit->pcr != CUT_NO_STAMP)
            unit->pcr += delta * CUT_PCR_SCALE;
    }
    for (guint i = 0; i < demux->sources->len; i++)
        g_array_index(demux->sources, CutDemuxSource, i).pts += delta;
}

CutDemux *cut_demux_new(const CutSource *sources, guint n_sources, guint anchor)
{
    CutDemux *demux = g_new0(CutDemux, 1);
    gsize total = 0;
    for (guint i = 0; i < n_sources; i++)
        total += sources[i].size;
    demux->units = g_array_new(FALSE, FALSE, sizeof(CutUnit));
    demux->bytes = g_byte_array_sized_new((guint) MIN(total, G_MAXINT));
    demux->sources = g_array_new(FALSE, TRUE, sizeof(CutDemuxSource));
    g_array_set_size(demux->sources, n_sources);

    State *state = g_new0(State, 1);
    state->demux = demux;
    state->tracks = g_ptr_array_new_with_free_func(track_free);
    for (guint i = 0; i < n_sources; i++) {
        state->source = i;
        read_source(state, &sources[i]);
        straighten(demux, i);
    }
    g_ptr_array_unref(state->tracks);
    g_free(state);
    if (n_sources > 0 && cut_demux_source(demux, anchor)->shift != 0)
        shift_all(demux, -cut_demux_source(demux, anchor)->shift);
    return demux;
}

void cut_demux_free(CutDemux *demux)
{
    if (demux == NULL)
        return;
    g_array_unref(demux->units);
    g_byte_array_unref(demux->bytes);
    g_array_unref(demux->sources);
    g_free(demux);
}

gboolean cut_demux_is_before(const CutDemux *demux, const CutUnit *unit, gint64 time)
{
    const CutDemuxSource *source = cut_demux_source(demux, unit->source);
    // A tick is 100/9 µs.
    return (unit->pts - source->pts) * 100 < (time - source->start) * 9;
}
