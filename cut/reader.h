// SPDX-License-Identifier: MIT
// Reads a cut at any offset, from any number of threads.
#ifndef CUT_READER_H
#define CUT_READER_H

#include <glib.h>

#include "cut/engine.h"
#include "cut/plan.h"

typedef struct CutReader CutReader;

// Of a plan that is no text. Takes a reference to it.
CutReader *cut_reader_new(CutEngine *engine, CutPlan *plan);
void cut_reader_free(CutReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutReader, cut_reader_free)

// Whether it can be read at all, by what is in its segments. Errors: CUT_ERROR_UNSUPPORTED, SEGMENT_ERROR_WOULD_BLOCK,
// those of reading.
gboolean cut_reader_prepare(CutReader *reader, const SegmentWait *wait, GError **error);

// As pread(2): the number of bytes, less than SIZE only at the end; -1 with the error set. What has to be made first is
// waited for; segments are read whatever WAIT says.
gssize cut_reader_read(CutReader *reader, guint8 *buffer, gsize size, gint64 offset, const SegmentWait *wait,
                       GError **error);

#endif
