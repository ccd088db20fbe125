// SPDX-License-Identifier: MIT
// Writes a transport stream of a fixed size.
//
// Of every PID it writes a multiple of sixteen packets with a payload, so that continuity counters begin with 0 and end
// with 15 whatever is in it: what comes before and after can be numbered without knowing.
#ifndef CUT_MUX_H
#define CUT_MUX_H

#include <glib.h>

#include "cut/psi.h"

typedef struct CutMux CutMux;

typedef struct {
    guint16 pid;
    guint8 stream_id;
    gint64 pts, dts; // 90 kHz, or CUT_NO_STAMP
    gint64 pcr; // 27 MHz: to be told before it, unless it was already; or CUT_NO_STAMP
    gboolean is_random_access;
    gboolean is_video; // whose PES packets do not say how long they are
    gboolean is_last; // of its PID: fills up the sixteen
    const guint8 *data;
    gsize size;
} CutMuxPes;

// PSI has to live as long.
CutMux *cut_mux_new(const CutPsi *psi);
void cut_mux_free(CutMux *mux);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutMux, cut_mux_free)

// PAT and PMT. A stream has to begin with them.
void cut_mux_psi(CutMux *mux);
void cut_mux_pes(CutMux *mux, const CutMuxPes *pes);
// A packet that is passed on as it is, but for its counter.
void cut_mux_packet(CutMux *mux, const guint8 *data);

// Bytes so far; less than what the end of it takes.
gsize cut_mux_size(const CutMux *mux);

// Ends the stream and fills it up with null packets to SIZE bytes. NULL where it is longer than that.
GBytes *cut_mux_finish(CutMux *mux, gsize size);

#endif
