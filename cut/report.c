// SPDX-License-Identifier: MIT
// Reports. Both forms hold the same facts in the same order.
#include "cut/report.h"

#include <json-glib/json-glib.h>

#include "segment/time.h"

typedef struct {
    gint64 size; // bytes of the whole segments
    guint n_suspect, n_partial;
} Totals;

static Totals add_up(const SegmentRange *range)
{
    Totals totals = {0};
    for (guint i = 0; i < range->refs->len; i++) {
        const SegmentEntry *entry = segment_range_entry(range, i);
        totals.size += entry->size;
        totals.n_suspect += entry->type == SEGMENT_SUSPECT ? 1 : 0;
        totals.n_partial += entry->type == SEGMENT_PARTIAL ? 1 : 0;
    }
    return totals;
}

static char *format_seconds(gint64 usec, char text[SEGMENT_TIME_TEXT_SIZE])
{
    g_snprintf(text, SEGMENT_TIME_TEXT_SIZE, "%" G_GINT64_FORMAT ".%06d", usec / SEGMENT_SECOND,
               (int) (usec % SEGMENT_SECOND));
    return text;
}

static char *format_file(const SegmentRange *range, guint i)
{
    char hour[SEGMENT_HOUR_TEXT_SIZE];
    const SegmentHour *h = segment_range_hour(range, i);
    return g_strdup_printf("%s/%s", segment_hour_name_format(h->start, hour),
                           segment_hour_name(h, segment_range_entry(range, i)));
}

static void append_range(GString *text, const SegmentRange *range)
{
    char a[SEGMENT_TIME_TEXT_SIZE], b[SEGMENT_TIME_TEXT_SIZE], c[SEGMENT_TIME_TEXT_SIZE];
    Totals totals = add_up(range);

    g_string_append_printf(text, "\nrange     %s to %s (%s s)\n", segment_time_format(range->start, a),
                           segment_time_format(range->end, b), format_seconds(range->end - range->start, c));
    g_string_append_printf(text, "segments  %u, %" G_GINT64_FORMAT " bytes, %u suspect, %u partial\n", range->refs->len,
                           totals.size, totals.n_suspect, totals.n_partial);
    g_string_append_printf(text, "overlaps  %u skipped\n", range->n_overlaps);
    g_string_append_printf(text, "holes     %u\n", range->holes->len);
    for (guint i = 0; i < range->holes->len; i++) {
        const SegmentHole *hole = &g_array_index(range->holes, SegmentHole, i);
        g_string_append_printf(text, "hole      %s to %s (%s s)\n", segment_time_format(hole->start, a),
                               segment_time_format(hole->end, b), format_seconds(hole->end - hole->start, c));
    }
    for (guint i = 0; i < range->refs->len; i++) {
        g_autofree char *file = format_file(range, i);
        g_string_append_printf(text, "segment   %10" G_GINT64_FORMAT " %s\n", segment_range_entry(range, i)->size,
                               file);
    }
}

void cut_report_append_text(GString *text, const CutPlan *plan, const CutFindings *findings)
{
    gint64 size = 0;
    for (guint r = 0; r < plan->ranges->len; r++)
        size += add_up(g_ptr_array_index(plan->ranges, r)).size;

    g_string_append_printf(text, "stream    %s\n", segment_stream_path(plan->stream));
    g_string_append_printf(text, "ranges    %u\nsegments  %u\nholes     %u%s\n", plan->ranges->len, plan->n_segments,
                           plan->n_holes, plan->n_holes > 0 ? " (a cut needs .holes in its name)" : "");
    g_string_append_printf(text, "size      %" G_GINT64_FORMAT " bytes as .rough.ts\n", size);
    if (findings->obstacle != NULL)
        g_string_append_printf(text, "obstacle  %s\n", findings->obstacle);
    if (findings->mp4 != NULL)
        g_string_append_printf(text, "mp4       %s\n", findings->mp4);
    for (guint r = 0; r < plan->ranges->len; r++)
        append_range(text, g_ptr_array_index(plan->ranges, r));
}

static void add_time(JsonBuilder *builder, const char *member, gint64 time)
{
    char text[SEGMENT_TIME_TEXT_SIZE];
    g_autofree char *utc = g_strdup_printf("%sZ", segment_time_format(time, text));
    json_builder_set_member_name(builder, member);
    json_builder_add_string_value(builder, utc);
}

static void add_int(JsonBuilder *builder, const char *member, gint64 value)
{
    json_builder_set_member_name(builder, member);
    json_builder_add_int_value(builder, value);
}

// Nothing where there is none.
static void add_text(JsonBuilder *builder, const char *member, const char *value)
{
    if (value == NULL)
        return;
    json_builder_set_member_name(builder, member);
    json_builder_add_string_value(builder, value);
}

static void build_range(JsonBuilder *builder, const SegmentRange *range)
{
    json_builder_begin_object(builder);
    add_time(builder, "start", range->start);
    add_time(builder, "end", range->end);
    add_int(builder, "overlaps", range->n_overlaps);
    json_builder_set_member_name(builder, "holes");
    json_builder_begin_array(builder);
    for (guint i = 0; i < range->holes->len; i++) {
        const SegmentHole *hole = &g_array_index(range->holes, SegmentHole, i);
        json_builder_begin_object(builder);
        add_time(builder, "start", hole->start);
        add_time(builder, "end", hole->end);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "segments");
    json_builder_begin_array(builder);
    for (guint i = 0; i < range->refs->len; i++) {
        const SegmentEntry *entry = segment_range_entry(range, i);
        g_autofree char *file = format_file(range, i);
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "file");
        json_builder_add_string_value(builder, file);
        add_time(builder, "start", segment_entry_start(segment_range_hour(range, i), entry));
        add_int(builder, "duration_us", entry->duration);
        json_builder_set_member_name(builder, "type");
        json_builder_add_string_value(builder, segment_type_to_string(entry->type));
        add_int(builder, "size", entry->size);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

void cut_report_append_json(GString *text, const CutPlan *plan, const CutFindings *findings)
{
    gint64 size = 0;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "stream");
    json_builder_add_string_value(builder, segment_stream_path(plan->stream));
    json_builder_set_member_name(builder, "ranges");
    json_builder_begin_array(builder);
    for (guint r = 0; r < plan->ranges->len; r++) {
        build_range(builder, g_ptr_array_index(plan->ranges, r));
        size += add_up(g_ptr_array_index(plan->ranges, r)).size;
    }
    json_builder_end_array(builder);
    add_int(builder, "segments", plan->n_segments);
    add_int(builder, "holes", plan->n_holes);
    add_int(builder, "rough_size", size);
    add_text(builder, "obstacle", findings->obstacle);
    add_text(builder, "mp4", findings->mp4);
    json_builder_end_object(builder);

    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autoptr(JsonGenerator) generator = json_generator_new();
    json_generator_set_root(generator, root);
    json_generator_set_pretty(generator, TRUE);
    json_generator_to_gstring(generator, text);
    g_string_append_c(text, '\n');
}
