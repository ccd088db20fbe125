// SPDX-License-Identifier: MIT
// A cut as an MP4 or QuickTime file that nobody writes: its head is computed from the samples of its segments, its data
// is taken out of them when it is read. Layout: ftyp, moov, free, mdat; in mdat the timecodes, then part by part its
// pictures and its sound.
//
// Where each part begins follows from the samples of whole segments, and from the room of edges, which is that of the
// edges of a transport stream. What an edge does not need of it, nothing refers to. So the file's size, and where all
// but the head is, are known before an edge is made.
#ifndef CUT_MOVIE_H
#define CUT_MOVIE_H

#include <glib.h>

#include "cut/engine.h"
#include "cut/plan.h"

// The version of how a movie is made: its bytes may change only with it.
#define CUT_MOVIE_VERSION 2

typedef struct CutMovie CutMovie;

// Lays out PLAN, which has its parts, as a movie: CutTextOptions.lay_out_movie, with the engine as its data. Errors:
// CUT_ERROR_UNSUPPORTED where what is in the segments cannot be in one; those of cut_sample_cache_get().
gboolean cut_movie_lay_out(CutPlan *plan, const SegmentWait *wait, gpointer engine, GError **error);
void cut_movie_free(CutMovie *movie);

// Reads it: as cut_reader_read().
gssize cut_movie_read(CutEngine *engine, CutPlan *plan, guint8 *buffer, gsize size, gint64 offset,
                      const SegmentWait *wait, GError **error);

// What a report says of it: its rate. Free it.
char *cut_movie_describe(const CutMovie *movie);

#endif
