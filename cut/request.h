// SPDX-License-Identifier: MIT
// What the name of a cut asks for: RANGE[,RANGE…][.MOD…].EXT, where RANGE is START-END or START+DURATION.
#ifndef CUT_REQUEST_H
#define CUT_REQUEST_H

#include <glib.h>

#define CUT_ERROR (cut_error_quark())
GQuark cut_error_quark(void);

typedef enum {
    CUT_ERROR_NO_CUT, // the name is not of the grammar
    CUT_ERROR_EMPTY, // END is not after START
    CUT_ERROR_HOLES, // something is missing, and the request does not accept that
    CUT_ERROR_UNSUPPORTED, // this kind of cut cannot be made
    CUT_ERROR_CODEC, // what is there cannot be decoded, or what is wanted not be encoded
} CutErrorCode;

typedef enum { CUT_MODE_SMART, CUT_MODE_FAST, CUT_MODE_ROUGH, CUT_MODE_FULL } CutMode;

typedef enum {
    CUT_FORMAT_TS,
    CUT_FORMAT_MP4,
    CUT_FORMAT_MOV,
    CUT_FORMAT_MKV,
    CUT_FORMAT_M3U8,
    CUT_FORMAT_PNG,
    CUT_FORMAT_TXT,
    CUT_FORMAT_JSON,
    // of a frame alone
    CUT_FORMAT_FRAME_PNG,
    CUT_FORMAT_FRAME_JPG,
} CutFormat;

typedef struct {
    gint64 start, end; // microseconds since 1970
} CutSpan;

typedef struct {
    CutSpan *spans;
    guint n_spans; // at least one
    CutMode mode; // CUT_MODE_SMART where the name has none
    gboolean accept_holes;
    CutFormat format;
    guint width, height; // of a picture; 0 where the name has none
} CutRequest;

// Reads the name of a file in range/. Free it with cut_request_free().
CutRequest *cut_request_parse(const char *name, GError **error);

// The same of a directory of archives, RANGE[,RANGE…].rough.d: for one of all its runs.
CutRequest *cut_request_parse_archives(const char *name, GError **error);

// Reads the name of a file in frame/, TIME.png or TIME.jpg: a request whose one span begins with TIME. Free it.
CutRequest *cut_request_parse_frame(const char *name, GError **error);

// Of N spans, at least one.
CutRequest *cut_request_new(const CutSpan *spans, guint n, CutFormat format);

// A copy for another format. Free it.
CutRequest *cut_request_copy(const CutRequest *request, CutFormat format);

// Reads "START-END" or "START+DURATION" alone, as segfsctl takes it.
gboolean cut_span_parse(const char *text, CutSpan *span, GError **error);

void cut_request_free(CutRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutRequest, cut_request_free)

const char *cut_mode_to_string(CutMode mode);

#endif
