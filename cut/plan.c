// SPDX-License-Identifier: MIT
// Plans. A week is 302,400 parts, so that a part is two indices into listings that are shared, and an offset.
#include "cut/plan.h"

#include <libavcodec/avcodec.h>
#include <openssl/evp.h>
#include <string.h>

#include "cut/frame.h"
#include "cut/movie.h"
#include "cut/report.h"
#include "cut/run.h"
#include "cut/waveform.h"
#include "segment/time.h"

static gboolean is_text(const CutRequest *request)
{
    return request->format == CUT_FORMAT_M3U8 || request->format == CUT_FORMAT_TXT ||
           request->format == CUT_FORMAT_JSON;
}

static gboolean is_frame(const CutRequest *request)
{
    return request->format == CUT_FORMAT_FRAME_PNG || request->format == CUT_FORMAT_FRAME_JPG;
}

static gboolean is_picture(const CutRequest *request)
{
    return is_frame(request) || request->format == CUT_FORMAT_PNG;
}

static gboolean is_movie(const CutRequest *request)
{
    return request->format == CUT_FORMAT_MP4 || request->format == CUT_FORMAT_MOV;
}

static gboolean is_supported(const CutRequest *request, const CutTextOptions *options)
{
    if (is_picture(request))
        return options != NULL && options->render != NULL && cut_waveform_is_possible(request);
    if (is_movie(request))
        return options != NULL && options->lay_out_movie != NULL &&
               (request->mode == CUT_MODE_SMART || request->mode == CUT_MODE_ROUGH);
    return request->format == CUT_FORMAT_TS || is_text(request) ||
           (request->format == CUT_FORMAT_MKV && request->mode == CUT_MODE_ROUGH);
}

// A playlist has a mark for a hole, and a report is about them.
static gboolean accepts_holes(const CutRequest *request)
{
    return request->accept_holes || is_text(request);
}

static gboolean fail_for_hole(const SegmentRange *range, const char *stream, GError **error)
{
    char start[SEGMENT_TIME_TEXT_SIZE], end[SEGMENT_TIME_TEXT_SIZE];
    const SegmentHole *hole = &g_array_index(range->holes, SegmentHole, 0);
    g_set_error(error, CUT_ERROR, CUT_ERROR_HOLES, "%s: nothing from %s to %s", stream,
                segment_time_format(hole->start, start), segment_time_format(hole->end, end));
    return FALSE;
}

static gboolean add_range(CutPlan *plan, const CutSpan *span, const SegmentWait *wait, GError **error)
{
    gboolean sizes = plan->request->format != CUT_FORMAT_M3U8;
    SegmentRange *range =
        segment_stream_range(plan->stream, span->start, span->end, accepts_holes(plan->request), sizes, wait, error);
    if (range == NULL)
        return FALSE;
    g_ptr_array_add(plan->ranges, range);
    plan->n_segments += range->refs->len;
    plan->n_holes += range->holes->len;
    if (range->refs->len > 0) {
        guint last = range->refs->len - 1;
        gint64 newest = segment_entry_start(segment_range_hour(range, last), segment_range_entry(range, last));
        plan->mtime = MAX(plan->mtime, newest);
    }
    if (range->holes->len > 0 && !accepts_holes(plan->request))
        return fail_for_hole(range, segment_stream_path(plan->stream), error);
    return TRUE;
}

static gboolean add_runs(CutPlan *plan, CutMode mode, gboolean split, const SegmentWait *wait, GError **error)
{
    for (guint r = 0; r < plan->ranges->len; r++) {
        if (!cut_runs_add(plan->runs, plan->stream, g_ptr_array_index(plan->ranges, r), mode, split, wait, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean lay_out(CutPlan *plan, const SegmentWait *wait, GError **error)
{
    CutMode mode = plan->request->mode;
    // Bytes that are the segments' own go on over holes.
    if (!add_runs(plan, mode, cut_plan_is_patched(plan), wait, error))
        return FALSE;
    for (guint r = 0; r < plan->runs->len; r++) {
        CutRun *run = &g_array_index(plan->runs, CutRun, r);
        run->first_part = plan->n_parts;
        plan->n_parts += cut_run_n_parts(run);
    }
    plan->offsets = g_new(gint64, plan->n_parts + 1);
    for (guint r = 0; r < plan->runs->len; r++) {
        const CutRun *run = &g_array_index(plan->runs, CutRun, r);
        for (guint i = 0; i < cut_run_n_parts(run); i++) {
            CutPart part;
            cut_run_part(run, i, mode, &part);
            plan->offsets[run->first_part + i] = plan->size;
            plan->size += cut_run_part_size(run, mode, &part);
        }
    }
    plan->offsets[plan->n_parts] = plan->size;
    return TRUE;
}

static gboolean render(CutPlan *plan, const CutTextOptions *options, const SegmentWait *wait, GError **error)
{
    CutFindings findings = {0};
    gboolean ok = plan->request->format == CUT_FORMAT_M3U8 || options->inspect == NULL ||
                  options->inspect(plan, wait, options->data, &findings, error);
    if (ok) {
        GString *text = g_string_new(NULL);
        if (plan->request->format == CUT_FORMAT_TXT)
            cut_report_append_text(text, plan, &findings);
        else if (plan->request->format == CUT_FORMAT_JSON)
            cut_report_append_json(text, plan, &findings);
        else
            segment_playlist_append(text, g_ptr_array_index(plan->ranges, 0), options->base, options->uris);
        plan->text = g_string_free_to_bytes(text);
        plan->size = (gint64) g_bytes_get_size(plan->text);
    }
    g_free(findings.obstacle);
    g_free(findings.mp4);
    return ok;
}

static gboolean render_picture(CutPlan *plan, const CutTextOptions *options, const SegmentWait *wait, GError **error)
{
    if (!add_runs(plan, CUT_MODE_SMART, TRUE, wait, error))
        return FALSE;
    plan->text = options->render(plan, wait, options->data, error);
    plan->size = plan->text != NULL ? (gint64) g_bytes_get_size(plan->text) : 0;
    return plan->text != NULL;
}

CutPlan *cut_plan_new(SegmentStream *stream, CutRequest *request, const CutTextOptions *options,
                      const SegmentWait *wait, GError **error)
{
    g_autoptr(CutPlan) plan = g_new0(CutPlan, 1);
    g_atomic_ref_count_init(&plan->references);
    plan->stream = stream;
    plan->request = request;
    plan->ranges = g_ptr_array_new_with_free_func((GDestroyNotify) segment_range_free);
    plan->runs = g_array_new(FALSE, FALSE, sizeof(CutRun));
    g_array_set_clear_func(plan->runs, cut_run_clear);
    g_mutex_init(&plan->lock);

    if (!is_supported(request, options)) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED, "%s: %s", segment_stream_path(stream),
                    is_movie(request) ? "an mp4, or mov, is smart or rough" : "there is no such kind of cut");
        return NULL;
    }
    // A playlist is one range: HLS has no cuts.
    if (request->format == CUT_FORMAT_M3U8 && request->n_spans > 1) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED, "%s: a playlist has one range",
                    segment_stream_path(stream));
        return NULL;
    }
    for (guint i = 0; i < request->n_spans; i++) {
        if (!(is_frame(request) ? cut_frame_locate(plan, wait, error)
                                : add_range(plan, &request->spans[i], wait, error)))
            return NULL;
    }
    gboolean is_report = request->format == CUT_FORMAT_TXT || request->format == CUT_FORMAT_JSON;
    if (plan->n_segments == 0 && !is_report) {
        fail_for_hole(g_ptr_array_index(plan->ranges, 0), segment_stream_path(stream), error);
        return NULL;
    }
    gboolean ok = is_text(request)      ? render(plan, options, wait, error)
                  : is_picture(request) ? render_picture(plan, options, wait, error)
                                        : lay_out(plan, wait, error);
    if (ok && is_movie(request))
        ok = options->lay_out_movie(plan, wait, options->data, error);
    return ok ? g_steal_pointer(&plan) : NULL;
}

guint cut_plan_find(const CutPlan *plan, gint64 offset)
{
    guint low = 0, high = plan->n_parts;
    g_assert(offset >= 0 && offset < plan->size);
    // The last part that begins at or before OFFSET: an empty one before it begins there, too.
    while (high - low > 1) {
        guint middle = low + (high - low) / 2;
        if (plan->offsets[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void cut_plan_part(const CutPlan *plan, guint i, CutPart *part)
{
    guint low = 0, high = plan->runs->len;
    while (high - low > 1) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(plan->runs, CutRun, middle).first_part <= i)
            low = middle;
        else
            high = middle;
    }
    const CutRun *run = &g_array_index(plan->runs, CutRun, low);
    cut_run_part(run, i - run->first_part, plan->request->mode, part);
    part->number = i;
    part->size = plan->offsets[i + 1] - plan->offsets[i];
}

// Names of entries that follow each other do so in memory, too: they are hashed as one block.
static void hash_range(EVP_MD_CTX *context, const SegmentRange *range)
{
    const SegmentRef *refs = (const SegmentRef *) (const void *) range->refs->data;
    for (guint i = 0, next; i < range->refs->len; i = next) {
        const SegmentHour *hour = g_ptr_array_index(range->hours, refs[i].hour);
        const SegmentEntry *first = &hour->entries[refs[i].entry];
        for (next = i + 1; next < range->refs->len; next++) {
            if (refs[next].hour != refs[i].hour || refs[next].entry != refs[next - 1].entry + 1)
                break;
        }
        const char *begin = segment_hour_name(hour, first);
        const char *last = segment_hour_name(hour, &hour->entries[refs[next - 1].entry]);
        EVP_DigestUpdate(context, &hour->start, sizeof hour->start);
        EVP_DigestUpdate(context, begin, (size_t) (last - begin) + strlen(last) + 1);
    }
}

// What is cut, and by which encoder.
static void hash_runs(EVP_MD_CTX *context, const CutPlan *plan)
{
    const guint32 version[] = {CUT_EDGE_VERSION, avcodec_version()};
    EVP_DigestUpdate(context, version, sizeof version);
    for (guint r = 0; r < plan->runs->len; r++) {
        const CutRun *run = &g_array_index(plan->runs, CutRun, r);
        EVP_DigestUpdate(context, &run->start, sizeof run->start);
        EVP_DigestUpdate(context, &run->end, sizeof run->end);
        if (run->before != NULL)
            hash_range(context, run->before);
        if (run->after != NULL)
            hash_range(context, run->after);
    }
}

void cut_plan_hash(const CutPlan *plan, guint8 hash[CUT_HASH_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, &plan->size, sizeof plan->size);
    if (plan->text != NULL) {
        gsize size;
        gconstpointer text = g_bytes_get_data(plan->text, &size);
        EVP_DigestUpdate(context, text, size);
    } else {
        for (guint r = 0; r < plan->ranges->len; r++)
            hash_range(context, g_ptr_array_index(plan->ranges, r));
        EVP_DigestUpdate(context, plan->offsets, sizeof(gint64) * plan->n_parts);
        if (cut_plan_is_patched(plan))
            hash_runs(context, plan);
        const guint32 version = CUT_MOVIE_VERSION;
        if (plan->movie != NULL)
            EVP_DigestUpdate(context, &version, sizeof version);
    }
    EVP_DigestFinal_ex(context, hash, NULL);
    EVP_MD_CTX_free(context);
}

static gboolean is_range_barred(SegmentStream *stream, const SegmentRange *range)
{
    for (guint i = 0; range != NULL && i < range->refs->len; i++) {
        SegmentName name;
        const char *text = segment_hour_name(segment_range_hour(range, i), segment_range_entry(range, i));
        if (segment_name_parse(text, &name) && segment_stream_is_barred(stream, name.hash))
            return TRUE;
    }
    return FALSE;
}

gboolean cut_plan_is_barred(const CutPlan *plan)
{
    for (guint r = 0; r < plan->ranges->len; r++) {
        if (is_range_barred(plan->stream, g_ptr_array_index(plan->ranges, r)))
            return TRUE;
    }
    for (guint r = 0; r < plan->runs->len; r++) {
        const CutRun *run = &g_array_index(plan->runs, CutRun, r);
        if (is_range_barred(plan->stream, run->before) || is_range_barred(plan->stream, run->after))
            return TRUE;
    }
    return FALSE;
}

gboolean cut_plan_depends_on(const CutPlan *plan, gint64 time)
{
    // What starts in the hour before START's may cover START; what starts right after END shows whether it is reached,
    // and may be the last segment's neighbour.
    gboolean has_neighbours = plan->text == NULL ? plan->request->mode != CUT_MODE_ROUGH : plan->runs->len > 0;
    gint64 behind = has_neighbours ? SEGMENT_HOUR_LENGTH : SEGMENT_FUDGE;
    for (guint r = 0; r < plan->ranges->len; r++) {
        const SegmentRange *range = g_ptr_array_index(plan->ranges, r);
        if (time >= segment_time_hour(range->start) - SEGMENT_HOUR_LENGTH && time <= range->end + behind)
            return TRUE;
    }
    return FALSE;
}

CutPlan *cut_plan_ref(CutPlan *plan)
{
    g_atomic_ref_count_inc(&plan->references);
    return plan;
}

void cut_plan_unref(CutPlan *plan)
{
    if (plan == NULL || !g_atomic_ref_count_dec(&plan->references))
        return;
    cut_request_free(plan->request);
    if (plan->derived != NULL)
        plan->free_derived(plan->derived);
    g_mutex_clear(&plan->lock);
    g_array_unref(plan->runs);
    g_ptr_array_unref(plan->ranges);
    g_free(plan->offsets);
    cut_movie_free(plan->movie);
    g_clear_pointer(&plan->text, g_bytes_unref);
    g_free(plan);
}
