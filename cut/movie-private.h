// SPDX-License-Identifier: MIT
// What the files of a movie share.
#ifndef CUT_MOVIE_PRIVATE_H
#define CUT_MOVIE_PRIVATE_H

#include "cut/movie.h"
#include "cut/rate.h"
#include "cut/samples.h"
#include "cut/slices.h"

#define CUT_MOVIE_TIMECODE 4 // bytes of one, in front of the parts; one for each run
#define CUT_MOVIE_TIMESCALE 90000

typedef struct {
    guint16 pid, config; // CutSampleTrack
    guint32 rate;
} CutMovieSound;

struct CutMovie {
    guint8 key[CUT_SLICE_KEY]; // of its head
    gint64 head; // bytes before the data: ftyp, moov, free, and the head of mdat
    int last_part; // atomic: that was read last
    gint64 *offsets; // of each part in the file, and behind the last its end
    gboolean has_video;
    CutRate rate; // that all stamps fit to; num is 0 where there is none
    gboolean is_regular; // and no frame of it is left out
    guint n_sounds;
    CutMovieSound sounds[CUT_SAMPLE_TRACKS];
};

// All bytes before the first part. Waits for all edges.
GBytes *cut_movie_make_head(CutEngine *engine, CutPlan *plan, const SegmentWait *wait, GError **error);

#endif
