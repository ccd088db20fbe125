// SPDX-License-Identifier: MIT
// The table of design and segfs-tree(7): which failure is which errno.
#include "fs/errno.h"

#include <errno.h>

#include "cut/request.h"
#include "segment/error.h"

int fs_errno(const GError *error)
{
    if (error->domain == SEGMENT_ERRNO)
        return error->code;
    if (error->domain == SEGMENT_ERROR) {
        switch ((SegmentErrorCode) error->code) {
        case SEGMENT_ERROR_WOULD_BLOCK:
            return EAGAIN;
        case SEGMENT_ERROR_CANCELLED:
            return EINTR;
        case SEGMENT_ERROR_BAD_NAME:
            return EINVAL;
        case SEGMENT_ERROR_BARRED:
            return EPERM;
        case SEGMENT_ERROR_MISMATCH:
            return EBADMSG;
        case SEGMENT_ERROR_NO_ROOM:
            return ENOSPC;
        }
    }
    if (error->domain == CUT_ERROR) {
        switch ((CutErrorCode) error->code) {
        case CUT_ERROR_NO_CUT:
            return ENOENT;
        case CUT_ERROR_EMPTY:
            return EINVAL;
        case CUT_ERROR_HOLES:
            return ENODATA;
        case CUT_ERROR_UNSUPPORTED:
            return EOPNOTSUPP;
        case CUT_ERROR_CODEC:
            return EIO;
        }
    }
    return EIO;
}
