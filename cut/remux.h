// SPDX-License-Identifier: MIT
// Another container around the same packets, by libavformat.
#ifndef CUT_REMUX_H
#define CUT_REMUX_H

#include <glib.h>

#include "cut/reader.h"

// Writes what READER reads as Matroska into the file open at FD, from its beginning: the same bytes every time. Its
// clock begins at START (microseconds since 1970), which it says. Errors: SEGMENT_ERROR_CANCELLED, SEGMENT_ERRNO where
// it cannot be written, CUT_ERROR_CODEC.
gboolean cut_remux_matroska(CutReader *reader, gint64 size, gint64 start, int fd, const SegmentWait *wait,
                            GError **error);

#endif
