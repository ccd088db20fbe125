// SPDX-License-Identifier: MIT
// What has to be known of a segment to put it behind another one: its first and last time stamps, clock references and
// continuity counters. Only its head and its tail are read.
#ifndef CUT_INDEX_H
#define CUT_INDEX_H

#include <glib.h>

#include "cut/psi.h"

#define CUT_INDEX_PIDS 14
#define CUT_INDEX_SPS 64

typedef struct {
    guint16 pid;
    guint8 first, last; // continuity counters of packets with a payload
    guint8 kind; // CutStreamKind
    guint8 type; // stream_type; 0 where the PMT does not name it
    gboolean has_stamps;
    gint64 pts, end; // of sound, 90 kHz: its first PES packet's, and about where its last one ends
} CutIndexPid;

typedef struct {
    guint16 video_pid, pcr_pid; // 0: none
    guint8 video_type; // stream_type
    gboolean is_idr, is_key; // its first picture is one
    gboolean straddles; // a PES packet's stamps are not all in its first packet: it cannot be patched packet by packet
    gint64 pts, dts; // 90 kHz: of the first picture; without pictures, of the first sound
    gint64 last_dts, end; // of the last picture, and of what would be shown next
    gint64 first_pcr, last_pcr; // 27 MHz, or CUT_NO_STAMP
    guint n_pids;
    CutIndexPid pids[CUT_INDEX_PIDS];
    guint sps_size; // the first one; 0: none, or too large
    guint8 sps[CUT_INDEX_SPS];
} CutIndex;

// Reads the file open at FD, of SIZE bytes. PATH is for messages. Errors: SEGMENT_ERRNO; CUT_ERROR_CODEC where it is no
// transport stream.
gboolean cut_index_read(int fd, gint64 size, const char *path, CutIndex *index, GError **error);

// The same of what is in memory already.
gboolean cut_index_scan(const guint8 *data, gsize size, const char *path, CutIndex *index, GError **error);

CutIndexPid *cut_index_find(CutIndex *index, guint pid); // or NULL

#endif
