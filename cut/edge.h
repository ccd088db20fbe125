// SPDX-License-Identifier: MIT
// Edges: the parts of a cut that are made anew, where its beginning or end falls into a segment.
//
// An edge stands for one or more whole segments that follow each other, and is a stream by itself of a size that is
// fixed beforehand. Of the pictures that it is to show, those are copied that come after a key frame and need nothing
// that is cut away; the rest, at its beginning and at its end, is encoded. Sound is never encoded, only chosen by the
// frame.
#ifndef CUT_EDGE_H
#define CUT_EDGE_H

#include <glib.h>

#include "cut/demux.h"

#define CUT_EDGE_AUDIO 8
#define CUT_EDGE_OPEN G_MAXINT64 // no start, or no end, of its own

typedef struct {
    guint16 pid;
    gint64 start, end; // 90 kHz, in the edge's stamps: frames that begin at or after START and before END
} CutEdgeAudio;

typedef struct {
    guint n_before; // how many sources come before it: for what is referred to, and for sound
    guint n_covered; // how many it stands for; what comes after those is for sound, and for reordered pictures
    guint anchor; // the source whose stamps it keeps
    gint64 start, end; // microseconds since 1970: pictures at or after START and before END; or CUT_EDGE_OPEN
    gboolean encodes_all; // no picture is copied
    gboolean keeps_stamps; // a jump of stamps inside it is an error
    guint width, height; // encodes_all: of the pictures; 0: as they are
    int format; // the same of their pixels (enum AVPixelFormat), where there is a width
    gsize size; // bytes: what the edge is filled up to
    guint n_audio;
    CutEdgeAudio audio[CUT_EDGE_AUDIO]; // of PIDs that are not here all sound is taken that is in what it stands for
} CutEdgeSpec;

// What an edge will be, before anything is encoded.
typedef struct CutEdge CutEdge;

typedef struct {
    gint64 pts, end; // 90 kHz: of the first picture, and of what is shown next after the last one
    gint64 first_dts, last_dts;
    gint64 first_pcr, last_pcr; // 27 MHz
    gint64 anchor_pts, anchor_start; // a point of its clock: 90 kHz, and microseconds since 1970
    guint n_shown, n_encoded, n_copied; // pictures
    gboolean has_video;
} CutEdgeTimes;

// SOURCES (before, covered, after, in this order) have to live as long, but not their bytes. Errors:
// CUT_ERROR_UNSUPPORTED where it cannot be made from these; CUT_ERROR_CODEC where there is nothing in them.
CutEdge *cut_edge_new(const CutSource *sources, guint n_sources, const CutEdgeSpec *spec, GError **error);
void cut_edge_free(CutEdge *edge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutEdge, cut_edge_free)

const CutEdgeTimes *cut_edge_times(const CutEdge *edge);
const CutPsi *cut_edge_psi(const CutEdge *edge);
const CutEdgeSpec *cut_edge_spec(const CutEdge *edge);

// The beginning of the frame of sound on PID that begins nearest to TIME (90 kHz); the end of the one that ends nearest
// to it. CUT_NO_STAMP where there is no sound near.
gint64 cut_edge_sound_start(const CutEdge *edge, guint pid, gint64 time);
gint64 cut_edge_sound_end(const CutEdge *edge, guint pid, gint64 time);
// The first and last of what it takes of PID, by its spec. FALSE where there is none.
gboolean cut_edge_sound(const CutEdge *edge, guint pid, gint64 *start, gint64 *end);

// Chooses the sound of PID. Before cut_edge_make().
void cut_edge_set_sound(CutEdge *edge, guint pid, gint64 start, gint64 end);

// Whether it will have packets with a payload of PID. After all sound is chosen.
gboolean cut_edge_has_pid(CutEdge *edge, guint pid);

// Makes it: spec.size bytes. Ends early, with SEGMENT_ERROR_CANCELLED, once *CANCELLED (atomic, may be NULL) is not 0.
GBytes *cut_edge_make(CutEdge *edge, const int *cancelled, GError **error);

#endif
