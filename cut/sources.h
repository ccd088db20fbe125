// SPDX-License-Identifier: MIT
// The segments that a part is made of, in memory.
#ifndef CUT_SOURCES_H
#define CUT_SOURCES_H

#include <glib.h>

#include "cut/buffer.h"
#include "cut/edge.h"
#include "cut/index.h"
#include "cut/plan.h"

// Opens segment REF of RANGE. -1 where it is gone, or its size is not what it was when it was listed (SEGMENT_ERRNO,
// EIO; the message has its path).
int cut_open_segment(SegmentStream *stream, const SegmentRange *range, guint ref, GError **error);

// Reads all of segment REF of RANGE. Errors: those of cut_open_segment(), EFBIG, those of reading.
CutBuffer *cut_read_segment(SegmentStream *stream, const SegmentRange *range, guint ref, GError **error);

// The path of segment REF from the store's root. Free it.
char *cut_segment_path(SegmentStream *stream, const SegmentRange *range, guint ref);

typedef struct {
    guint n;
    CutSource *items;
    GPtrArray *buffers; // CutBuffer: the bytes of all
    guint n_before, n_covered;
} CutSources;

// Appends to IDENTITY what names all segments that PART can be made of, and to HASHES their SegmentName.hash.
void cut_part_identify(const CutPart *part, GByteArray *identity, GByteArray *hashes);

// Loads what PART is made of: what it stands for, and what comes before and after it where that is needed.
CutSources *cut_sources_load(const CutPlan *plan, const CutPart *part, const int *cancelled, GError **error);
// Lets go of the bytes, once they were taken apart.
void cut_sources_drop_bytes(CutSources *sources);
void cut_sources_free(CutSources *sources);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutSources, cut_sources_free)

#endif
