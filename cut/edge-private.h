// SPDX-License-Identifier: MIT
// What edge.c, edge-items.c and edge-make.c share.
#ifndef CUT_EDGE_PRIVATE_H
#define CUT_EDGE_PRIVATE_H

#include "cut/edge.h"
#include "cut/slice.h"

// A PES packet, or a packet that is none, to be written.
typedef struct {
    guint16 source;
    guint32 position; // in its source: items are written in this order
    int encoded; // the number of a picture that is encoded; -1: data of the demultiplexer
    guint16 pid;
    guint8 stream_id;
    gboolean is_random_access, is_video, is_packet, is_psi, is_last;
    gint64 pts, dts, pcr; // CUT_NO_STAMP where there is none
    gsize data, size; // in CutDemux.bytes
} CutEdgeItem;

struct CutEdge {
    CutEdgeSpec spec;
    const CutSource *sources;
    CutDemux *demux;
    CutPsi psi;
    guint16 video_pid; // 0: there are no pictures
    GArray *pictures; // guint: units, in the order of decoding
    GArray *is_shown; // gboolean, of each
    GArray *sorted; // gint64: the stamps of all, in order
    GArray *shown; // gint64: the stamps of all that are shown, in order
    guint first_covered; // the first picture of what it stands for
    guint copy_begin, copy_end; // pictures
    gint64 first_copied; // what is shown before this is not copied
    GArray *head, *tail; // gint64: stamps of what is encoded, in order
    guint n_continued; // how many of the head's pictures the copied ones count on from; 0: they begin with an IDR
    CutSlicePlace place; // of the first copied one, where they do not
    GArray *video_items; // CutEdgeItem: of pictures
    GArray *items; // the same, of all; once cut_edge_collect_items() was called
    CutEdgeTimes times;
};

static inline const CutUnit *cut_edge_picture(const CutEdge *edge, guint i)
{
    return cut_demux_unit(edge->demux, g_array_index(edge->pictures, guint, i));
}

// Whether it is of the segments that the edge stands for.
gboolean cut_edge_is_covered(const CutEdge *edge, const CutUnit *unit);

// By its segment's clock.
gboolean cut_edge_is_shown(const CutEdge *edge, const CutUnit *unit);

// edge-items.c
// All that is written beside pictures, in order with them.
void cut_edge_collect_items(CutEdge *edge);
// Fills in the first and last PCR of edge->times.
void cut_edge_find_clock(CutEdge *edge);

#endif
