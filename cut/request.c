// SPDX-License-Identifier: MIT
// The grammar of names in range/. A name outside it does not exist; one inside it that makes no sense is an error.
#include "cut/request.h"

#include <string.h>

#include "segment/time.h"

#define MAX_DURATION (1000000 * SEGMENT_HOUR_LENGTH)
#define MAX_PICTURE 16384 // pixels, each way

G_DEFINE_QUARK(cut-error-quark, cut_error)

static const char *const mode_names[] = {"smart", "fast", "rough", "full"};
static const char *const format_names[] = {"ts", "mp4", "mov", "mkv", "m3u8", "png", "txt", "json"};

const char *cut_mode_to_string(CutMode mode)
{
    g_assert(mode < G_N_ELEMENTS(mode_names));
    return mode_names[mode];
}

static gboolean no_cut(GError **error, const char *name)
{
    g_set_error(error, CUT_ERROR, CUT_ERROR_NO_CUT, "%s: not a range", name);
    return FALSE;
}

// One number with its unit, such as 90s, 1.5s, 2m or 1h; the units have to come in this order: h, m, s.
static gboolean parse_unit(const char **text, const char **units, gint64 *duration)
{
    const char *p = *text;
    while (g_ascii_isdigit(*p))
        p++;
    // The '.' of a fraction is one only with a digit after it: "+90s.rough.ts".
    if (*p == '.' && g_ascii_isdigit(p[1])) {
        for (p++; g_ascii_isdigit(*p); p++)
            ;
    }
    const char *unit = *p == '\0' ? NULL : strchr(*units, *p);
    gint64 value;
    if (p == *text || unit == NULL)
        return FALSE;
    gint64 scale = *unit == 'h' ? 3600 : *unit == 'm' ? 60 : 1;
    if (*unit == 's') {
        if (!segment_duration_parse(*text, (gsize) (p - *text), &value))
            return FALSE;
    } else {
        g_autofree char *number = g_strndup(*text, (gsize) (p - *text));
        guint64 n;
        if (!g_ascii_string_to_unsigned(number, 10, 0, 100000000, &n, NULL))
            return FALSE;
        value = (gint64) n * scale * SEGMENT_SECOND;
    }
    *duration += value;
    *units = unit + 1;
    *text = p + 1;
    return *duration <= MAX_DURATION;
}

static gboolean parse_duration(const char **text, gint64 *duration)
{
    const char *units = "hms";
    *duration = 0;
    if (!parse_unit(text, &units, duration))
        return FALSE;
    while (g_ascii_isdigit(**text)) {
        if (!parse_unit(text, &units, duration))
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_span(const char **text, CutSpan *span)
{
    const char *p = *text;
    if (!segment_time_parse(p, &span->start, &p))
        return FALSE;
    if (*p == '-') {
        if (!segment_time_parse(p + 1, &span->end, &p))
            return FALSE;
    } else if (*p == '+') {
        gint64 duration;
        p++;
        if (!parse_duration(&p, &duration))
            return FALSE;
        span->end = span->start + duration;
    } else {
        return FALSE;
    }
    *text = p;
    return TRUE;
}

static gboolean check_span(const CutSpan *span, const char *name, GError **error)
{
    if (span->end > span->start)
        return TRUE;
    g_set_error(error, CUT_ERROR, CUT_ERROR_EMPTY, "%s: a range's end has to be after its start", name);
    return FALSE;
}

gboolean cut_span_parse(const char *text, CutSpan *span, GError **error)
{
    const char *rest = text;
    if (!parse_span(&rest, span) || *rest != '\0')
        return no_cut(error, text);
    return check_span(span, text, error);
}

static int find_word(const char *const *words, guint n, const char *word)
{
    for (guint i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0)
            return (int) i;
    }
    return -1;
}

// 1024x64
static gboolean parse_picture(const char *word, CutRequest *request)
{
    g_auto(GStrv) numbers = g_strsplit(word, "x", 2);
    guint64 width, height;
    if (request->width != 0 || g_strv_length(numbers) != 2 ||
        !g_ascii_string_to_unsigned(numbers[0], 10, 1, MAX_PICTURE, &width, NULL) ||
        !g_ascii_string_to_unsigned(numbers[1], 10, 1, MAX_PICTURE, &height, NULL))
        return FALSE;
    request->width = (guint) width;
    request->height = (guint) height;
    return TRUE;
}

// What follows the ranges: ".MOD.MOD.EXT", each at most once.
static gboolean parse_words(const char *text, CutRequest *request)
{
    if (*text != '.')
        return FALSE;
    g_auto(GStrv) words = g_strsplit(text + 1, ".", -1);
    guint n = g_strv_length(words);
    gboolean has_mode = FALSE;

    // Of an empty text there is not even one empty word.
    int format = n > 0 ? find_word(format_names, G_N_ELEMENTS(format_names), words[n - 1]) : -1;
    if (format < 0)
        return FALSE;
    request->format = (CutFormat) format;
    for (guint i = 0; i + 1 < n; i++) {
        int mode = find_word(mode_names, G_N_ELEMENTS(mode_names), words[i]);
        if (mode >= 0 && !has_mode) {
            request->mode = (CutMode) mode;
            has_mode = TRUE;
        } else if (strcmp(words[i], "holes") == 0 && !request->accept_holes) {
            request->accept_holes = TRUE;
        } else if (request->format != CUT_FORMAT_PNG || !parse_picture(words[i], request)) {
            return FALSE;
        }
    }
    return TRUE;
}

CutRequest *cut_request_parse(const char *name, GError **error)
{
    g_autoptr(CutRequest) request = g_new0(CutRequest, 1);
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(CutSpan));
    const char *p = name;
    for (;;) {
        CutSpan span;
        if (!parse_span(&p, &span)) {
            no_cut(error, name);
            return NULL;
        }
        g_array_append_val(spans, span);
        if (*p != ',')
            break;
        p++;
    }
    if (!parse_words(p, request)) {
        no_cut(error, name);
        return NULL;
    }
    for (guint i = 0; i < spans->len; i++) {
        if (!check_span(&g_array_index(spans, CutSpan, i), name, error))
            return NULL;
    }
    request->n_spans = spans->len;
    request->spans = g_memdup2(spans->data, spans->len * sizeof(CutSpan));
    return g_steal_pointer(&request);
}

CutRequest *cut_request_parse_archives(const char *name, GError **error)
{
    if (!g_str_has_suffix(name, ".rough.d")) {
        no_cut(error, name);
        return NULL;
    }
    g_autofree char *stem = g_strndup(name, strlen(name) - 1);
    g_autofree char *file = g_strconcat(stem, "mkv", NULL);
    return cut_request_parse(file, error);
}

CutRequest *cut_request_parse_frame(const char *name, GError **error)
{
    CutSpan span;
    const char *rest;
    gboolean is_png = g_str_has_suffix(name, ".png");
    if (!segment_time_parse(name, &span.start, &rest) || strcmp(rest, is_png ? ".png" : ".jpg") != 0) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_NO_CUT, "%s: not a frame", name);
        return NULL;
    }
    span.end = span.start + 1;
    return cut_request_new(&span, 1, is_png ? CUT_FORMAT_FRAME_PNG : CUT_FORMAT_FRAME_JPG);
}

CutRequest *cut_request_new(const CutSpan *spans, guint n, CutFormat format)
{
    CutRequest *request = g_new0(CutRequest, 1);
    request->n_spans = n;
    request->spans = g_memdup2(spans, n * sizeof *spans);
    request->format = format;
    return request;
}

CutRequest *cut_request_copy(const CutRequest *request, CutFormat format)
{
    CutRequest *copy = g_memdup2(request, sizeof *request);
    copy->spans = g_memdup2(request->spans, request->n_spans * sizeof(CutSpan));
    copy->format = format;
    return copy;
}

void cut_request_free(CutRequest *request)
{
    if (request == NULL)
        return;
    g_free(request->spans);
    g_free(request);
}
