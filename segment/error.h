// SPDX-License-Identifier: MIT
// What can go wrong in segment/. A system call's failure keeps its errno as the error's code in the domain
// SEGMENT_ERRNO, so that it reaches a program that reads the mount as it was.
#ifndef SEGMENT_ERROR_H
#define SEGMENT_ERROR_H

#include <glib.h>

// Codes are errno values.
#define SEGMENT_ERRNO (segment_errno_quark())
GQuark segment_errno_quark(void);

#define SEGMENT_ERROR (segment_error_quark())
GQuark segment_error_quark(void);

typedef enum {
    SEGMENT_ERROR_WOULD_BLOCK, // the answer is not in memory, and the caller said not to wait
    SEGMENT_ERROR_CANCELLED,
    SEGMENT_ERROR_BAD_NAME,
    SEGMENT_ERROR_BARRED, // a tombstone bars it
    SEGMENT_ERROR_MISMATCH, // the bytes are not those that the name stands for
    SEGMENT_ERROR_NO_ROOM, // less would be free than has to be
} SegmentErrorCode;

// "what PATH: reason of errno CODE", with CODE as the error's code. Always returns FALSE.
gboolean segment_error_set_errno(GError **error, int code, const char *what, const char *path);

gboolean segment_error_is_errno(const GError *error, int code);
gboolean segment_error_would_block(const GError *error);
gboolean segment_error_is_barred(const GError *error);
// The disk is full, or as full as it may get.
gboolean segment_error_is_no_room(const GError *error);

// How long a caller is willing to wait for what has to be read first. NULL stands for: as long as it takes.
typedef struct {
    gboolean may_block;
    const int *cancelled; // atomic, may be NULL; not 0 ends the work with SEGMENT_ERROR_CANCELLED
} SegmentWait;

extern const SegmentWait segment_no_wait;

static inline gboolean segment_wait_may_block(const SegmentWait *wait)
{
    return wait == NULL || wait->may_block;
}

// TRUE, and the error set, once the caller is gone.
gboolean segment_wait_is_over(const SegmentWait *wait, GError **error);

#endif
