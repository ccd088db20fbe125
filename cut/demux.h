// SPDX-License-Identifier: MIT
// Takes segments apart, one after the other, into units: pictures, audio frames, other PES packets, and packets that
// are none. Their time stamps are on one line, without wraps and without jumps between segments.
#ifndef CUT_DEMUX_H
#define CUT_DEMUX_H

#include <glib.h>

#include "cut/psi.h"

typedef struct {
    const guint8 *data;
    gsize size;
    gint64 start; // microseconds since 1970: of its first picture
    gboolean is_whole; // a full segment: its end is not missing
} CutSource;

typedef enum {
    CUT_UNIT_PICTURE,
    CUT_UNIT_AUDIO, // one frame where it is AAC in ADTS, else a PES packet
    CUT_UNIT_PES, // of some other stream
    CUT_UNIT_PSI, // a packet of a PAT or PMT
    CUT_UNIT_PACKET, // a packet of something that is not in PES packets
} CutUnitType;

typedef struct {
    guint8 type; // CutUnitType
    guint8 stream_id; // of its PES packet
    guint8 is_idr : 1, is_key : 1, is_reference : 1, is_damaged : 1;
    guint16 pid;
    guint16 source; // index
    guint32 position; // of its first packet in its source; frames of one PES packet share it
    gint64 pts, dts; // 90 kHz
    gint64 pcr; // 27 MHz: the last one at or before its first packet
    guint32 duration; // of an audio frame, 90 kHz; 0: not known
    gsize data, size; // its payload, in CutDemux.bytes
} CutUnit;

typedef struct {
    gint64 start; // microseconds since 1970
    gint64 pts; // that START stands for, 90 kHz
    guint first_unit, n_units;
    CutPsi psi;
    gboolean has_stamps;
    gint64 shift; // that was added to its stamps, 90 kHz
} CutDemuxSource;

typedef struct {
    GArray *units; // CutUnit, by source and position
    GByteArray *bytes;
    GArray *sources; // CutDemuxSource
} CutDemux;

// Stamps of the source ANCHOR are its own; those of sources that do not fit to it are shifted. Never fails: what makes
// no sense is left out.
CutDemux *cut_demux_new(const CutSource *sources, guint n_sources, guint anchor);
void cut_demux_free(CutDemux *demux);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutDemux, cut_demux_free)

static inline const CutUnit *cut_demux_unit(const CutDemux *demux, guint i)
{
    return &g_array_index(demux->units, CutUnit, i);
}

static inline const CutDemuxSource *cut_demux_source(const CutDemux *demux, guint i)
{
    return &g_array_index(demux->sources, CutDemuxSource, i);
}

static inline const guint8 *cut_demux_data(const CutDemux *demux, const CutUnit *unit)
{
    return demux->bytes->data + unit->data;
}

// Whether UNIT, which has a stamp, is shown before TIME, in microseconds since 1970, by the clock of its own segment:
// exactly.
gboolean cut_demux_is_before(const CutDemux *demux, const CutUnit *unit, gint64 time);

#endif
