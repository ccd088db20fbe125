// SPDX-License-Identifier: MIT
// Plans. A week is 302,400 parts, so that a part is two indices into listings that are shared, and an offset.
#include "cut/plan.h"

#include <openssl/evp.h>
#include <string.h>

#include "cut/report.h"
#include "segment/time.h"

static gboolean is_supported(const CutRequest *request)
{
    switch (request->format) {
    case CUT_FORMAT_TS:
        return request->mode == CUT_MODE_ROUGH;
    case CUT_FORMAT_M3U8:
    case CUT_FORMAT_TXT:
    case CUT_FORMAT_JSON:
        return TRUE;
    default:
        return FALSE;
    }
}

// A playlist has a mark for a hole, and a report is about them.
static gboolean accepts_holes(const CutRequest *request)
{
    return request->accept_holes || request->format != CUT_FORMAT_TS;
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
    plan->first_parts[plan->ranges->len] = plan->n_parts;
    g_ptr_array_add(plan->ranges, range);
    plan->n_parts += range->refs->len;
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

static void lay_out(CutPlan *plan)
{
    guint part = 0;
    plan->offsets = g_new(gint64, plan->n_parts + 1);
    for (guint r = 0; r < plan->ranges->len; r++) {
        const SegmentRange *range = g_ptr_array_index(plan->ranges, r);
        for (guint i = 0; i < range->refs->len; i++) {
            plan->offsets[part++] = plan->size;
            plan->size += segment_range_entry(range, i)->size;
        }
    }
    plan->offsets[part] = plan->size;
}

static void render(CutPlan *plan, const CutTextOptions *options)
{
    GString *text = g_string_new(NULL);
    switch (plan->request->format) {
    case CUT_FORMAT_M3U8:
        segment_playlist_append(text, g_ptr_array_index(plan->ranges, 0), options->base, options->uris);
        break;
    case CUT_FORMAT_TXT:
        cut_report_append_text(text, plan);
        break;
    case CUT_FORMAT_JSON:
        cut_report_append_json(text, plan);
        break;
    default:
        g_assert_not_reached();
    }
    plan->text = g_string_free_to_bytes(text);
    plan->size = (gint64) g_bytes_get_size(plan->text);
}

CutPlan *cut_plan_new(SegmentStream *stream, CutRequest *request, const CutTextOptions *options,
                      const SegmentWait *wait, GError **error)
{
    g_autoptr(CutPlan) plan = g_new0(CutPlan, 1);
    g_atomic_ref_count_init(&plan->references);
    plan->stream = stream;
    plan->request = request;
    plan->ranges = g_ptr_array_new_with_free_func((GDestroyNotify) segment_range_free);
    plan->first_parts = g_new0(guint, request->n_spans);

    if (!is_supported(request)) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED,
                    "%s: this kind of cut needs an encoder, which segfs does not have yet", segment_stream_path(stream));
        return NULL;
    }
    // A playlist is one range: HLS has no cuts.
    if (request->format == CUT_FORMAT_M3U8 && request->n_spans > 1) {
        g_set_error(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED, "%s: a playlist has one range", segment_stream_path(stream));
        return NULL;
    }
    for (guint i = 0; i < request->n_spans; i++) {
        if (!add_range(plan, &request->spans[i], wait, error))
            return NULL;
    }
    gboolean is_report = request->format == CUT_FORMAT_TXT || request->format == CUT_FORMAT_JSON;
    if (plan->n_parts == 0 && !is_report) {
        fail_for_hole(g_ptr_array_index(plan->ranges, 0), segment_stream_path(stream), error);
        return NULL;
    }
    if (request->format == CUT_FORMAT_TS)
        lay_out(plan);
    else
        render(plan, options);
    return g_steal_pointer(&plan);
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

const SegmentEntry *cut_plan_segment(const CutPlan *plan, guint i, SegmentHour **hour)
{
    guint r = plan->ranges->len - 1;
    while (plan->first_parts[r] > i)
        r--;
    const SegmentRange *range = g_ptr_array_index(plan->ranges, r);
    *hour = segment_range_hour(range, i - plan->first_parts[r]);
    return segment_range_entry(range, i - plan->first_parts[r]);
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
    }
    EVP_DigestFinal_ex(context, hash, NULL);
    EVP_MD_CTX_free(context);
}

gboolean cut_plan_is_barred(const CutPlan *plan)
{
    for (guint r = 0; r < plan->ranges->len; r++) {
        const SegmentRange *range = g_ptr_array_index(plan->ranges, r);
        for (guint i = 0; i < range->refs->len; i++) {
            SegmentName name;
            const char *text = segment_hour_name(segment_range_hour(range, i), segment_range_entry(range, i));
            if (segment_name_parse(text, &name) && segment_stream_is_barred(plan->stream, name.hash))
                return TRUE;
        }
    }
    return FALSE;
}

gboolean cut_plan_depends_on(const CutPlan *plan, gint64 time)
{
    for (guint r = 0; r < plan->ranges->len; r++) {
        const SegmentRange *range = g_ptr_array_index(plan->ranges, r);
        // What starts in the hour before START's may cover START; what starts right after END shows whether it is reached.
        if (time >= segment_time_hour(range->start) - SEGMENT_HOUR_LENGTH && time <= range->end + SEGMENT_FUDGE)
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
    g_ptr_array_unref(plan->ranges);
    g_free(plan->first_parts);
    g_free(plan->offsets);
    g_clear_pointer(&plan->text, g_bytes_unref);
    g_free(plan);
}
