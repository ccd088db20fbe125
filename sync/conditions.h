// SPDX-License-Identifier: MIT
// The headers by which a client asks for less than all of it: If-None-Match, Range and If-Range (RFC 9110 13 and 14).
#ifndef SYNC_CONDITIONS_H
#define SYNC_CONDITIONS_H

#include <glib.h>

// Whether FIELD, the value of If-None-Match, names ETAG (with its quotes): the client has it already. NULL names none.
gboolean sync_etag_matches(const char *field, const char *etag);

typedef enum {
    SYNC_RANGE_ALL, // no range, or one that may be ignored: several, another unit, not a range
    SYNC_RANGE_PART,
    SYNC_RANGE_UNSATISFIABLE, // begins behind the end
} SyncRangeKind;

typedef struct {
    SyncRangeKind kind;
    gint64 start, length; // bytes; all of them where it is no part
} SyncRange;

// The range that RANGE, the value of that field, asks for of SIZE bytes. IF_RANGE, the value of that field, has to be
// ETAG for it to count. Both may be NULL.
SyncRange sync_range_parse(const char *range, const char *if_range, const char *etag, gint64 size);

#endif
