// SPDX-License-Identifier: MIT
// HLS media playlists (RFC 8216) of a range: one entry a segment, a discontinuity at every hole, wall clock times.
#ifndef SEGMENT_PLAYLIST_H
#define SEGMENT_PLAYLIST_H

#include <glib.h>

#include "segment/range.h"

typedef enum {
    SEGMENT_URI_FILE, // for players that take it as a path: nothing is escaped
    SEGMENT_URI_PORTABLE, // the same with colon-free names
    SEGMENT_URI_HTTP, // percent-encoded (RFC 3986), colons too
} SegmentUriStyle;

// Appends the playlist of RANGE to TEXT. BASE goes before HOUR/NAME in each URI and ends with '/' or is empty. It
// ends with EXT-X-ENDLIST unless the range ends in a hole: what is missing there may still come. A hole at its start
// is not marked.
void segment_playlist_append(GString *text, const SegmentRange *range, const char *base, SegmentUriStyle style);

#endif
