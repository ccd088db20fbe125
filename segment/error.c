// SPDX-License-Identifier: MIT
// Errors of segment/ and the ways to ask about them.
#include "segment/error.h"

#include <errno.h>

G_DEFINE_QUARK(segment-errno-quark, segment_errno)
G_DEFINE_QUARK(segment-error-quark, segment_error)

const SegmentWait segment_no_wait = {.may_block = FALSE};

gboolean segment_error_set_errno(GError **error, int code, const char *what, const char *path)
{
    g_set_error(error, SEGMENT_ERRNO, code, "%s %s: %s", what, path, g_strerror(code));
    return FALSE;
}

gboolean segment_error_is_errno(const GError *error, int code)
{
    return g_error_matches(error, SEGMENT_ERRNO, code);
}

gboolean segment_error_would_block(const GError *error)
{
    return g_error_matches(error, SEGMENT_ERROR, SEGMENT_ERROR_WOULD_BLOCK);
}

gboolean segment_error_is_barred(const GError *error)
{
    return g_error_matches(error, SEGMENT_ERROR, SEGMENT_ERROR_BARRED);
}

gboolean segment_error_is_no_room(const GError *error)
{
    return g_error_matches(error, SEGMENT_ERROR, SEGMENT_ERROR_NO_ROOM) || segment_error_is_errno(error, ENOSPC) ||
           segment_error_is_errno(error, EDQUOT);
}

gboolean segment_wait_is_over(const SegmentWait *wait, GError **error)
{
    if (wait == NULL || wait->cancelled == NULL || g_atomic_int_get(wait->cancelled) == 0)
        return FALSE;
    g_set_error_literal(error, SEGMENT_ERROR, SEGMENT_ERROR_CANCELLED, "nobody waits for it any more");
    return TRUE;
}
