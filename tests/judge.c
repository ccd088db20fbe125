// SPDX-License-Identifier: MIT
// judge [--smart|--fast|--full] [--broken] [--copied-min N] MANIFEST START,END[;START,END]... FILE
// judge --prepare MANIFEST
//
// Says whether FILE is the cut of those ranges, of the stream that make-media.py made with MANIFEST: one line that
// begins with OK, or all that is wrong with it, and status 1. Times are of either ISO form, or seconds since the
// stream's start.
//
// Without an option the cut is a smart one: one clean stream, where whatever can be is copied. --full: all of it may be
// encoded again, which does not show here, as far as it was well done. --fast: stamps are the source's. What a broken
// segment holds need not be there; --broken: nor is it a fault where libav complains of it.
#include "tests/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segment/time.h"

#define SHOWN_OF_A_KIND 4

struct JudgeReport {
    GPtrArray *lines;
    GHashTable *kinds; // name to count
    guint n;
};

void judge_fault(JudgeReport *report, const char *kind, const char *format, ...)
{
    if (report == NULL)
        return;
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(report->kinds, kind)) + 1;
    g_hash_table_insert(report->kinds, (gpointer) kind, GUINT_TO_POINTER(n));
    report->n++;
    if (n > SHOWN_OF_A_KIND)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(report->lines, g_strdup_printf("%s: %s", kind, text));
}

static void print_report(JudgeReport *report)
{
    GHashTableIter iter;
    gpointer kind, n;
    for (guint i = 0; i < report->lines->len; i++)
        puts(g_ptr_array_index(report->lines, i));
    g_hash_table_iter_init(&iter, report->kinds);
    while (g_hash_table_iter_next(&iter, &kind, &n)) {
        if (GPOINTER_TO_UINT(n) > SHOWN_OF_A_KIND)
            printf("%s: and %u more\n", (const char *) kind, GPOINTER_TO_UINT(n) - SHOWN_OF_A_KIND);
    }
}

static void clear_report(JudgeReport *report)
{
    g_ptr_array_unref(report->lines);
    g_hash_table_unref(report->kinds);
}

static void track_free(gpointer data)
{
    JudgeTrack *track = data;
    g_array_unref(track->chunks);
    g_array_unref(track->samples);
    g_free(track);
}

// In 1/9000000 s since START.
static gboolean parse_time(const char *text, gint64 start, gint64 *time)
{
    gint64 value;
    if (strchr(text, 'T') != NULL) {
        if (!segment_time_parse_all(text, &value))
            return FALSE;
        value -= start;
    } else if (!segment_duration_parse(text, strlen(text), &value)) {
        return FALSE;
    }
    *time = value * 9;
    return TRUE;
}

static GArray *parse_ranges(const char *text, gint64 start)
{
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(JudgeRange));
    g_auto(GStrv) words = g_strsplit(text, ";", -1);
    for (guint i = 0; words[i] != NULL; i++) {
        g_auto(GStrv) ends = g_strsplit(words[i], ",", -1);
        JudgeRange range;
        if (g_strv_length(ends) != 2 || !parse_time(ends[0], start, &range.start) ||
            !parse_time(ends[1], start, &range.end))
            return NULL;
        g_array_append_val(ranges, range);
    }
    return g_steal_pointer(&ranges);
}

// How many times the stamps of a fast cut may jump: between ranges, and where the source's do.
static guint count_jumps(const JudgeCut *cut)
{
    guint jumps = cut->ranges->len - 1;
    if (cut->mode != JUDGE_FAST)
        return 0;
    for (guint i = 1; i < cut->source->header->n_frames; i++) {
        const JudgeFrame *frame = &cut->source->frames[i];
        gint64 step = judge_distance(frame->pts, frame[-1].pts);
        jumps += ABS(step - (frame->flow - frame[-1].flow)) > JUDGE_TOLERANCE;
    }
    return jumps;
}

static gboolean judge(JudgeCut *cut, const char *file, guint copied_min, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize size;
    cut->n_jumps = count_jumps(cut);
    if (!g_file_get_contents(file, &bytes, &size, error))
        return FALSE;
    g_autoptr(JudgeTs) ts = judge_ts_read((const guint8 *) bytes, size, cut->n_jumps, cut->report);
    if (size == 0)
        judge_fault(cut->report, "sync", "the file is empty");
    else if (judge_frames(cut, file, ts))
        judge_sounds(cut, ts);
    if (cut->n_copied < copied_min)
        judge_fault(cut->report, "copied", "only %u frames are copied, %u should be", cut->n_copied, copied_min);
    return TRUE;
}

static void print_good(const JudgeCut *cut)
{
    printf("OK: %u frames, %u copied, %u encoded", cut->n_frames, cut->n_copied, cut->n_encoded);
    if (cut->n_encoded > 0)
        printf(" (at least %.1f dB)", cut->least_psnr);
    printf("; %u sounds, %u gaps, at most %.1f ms off\n", cut->n_sounds, cut->n_marks, (double) cut->worst_sync / 90);
}

static int run(char **arguments, JudgeMode mode, gboolean is_broken, guint copied_min)
{
    const char *manifest = arguments[0], *ranges = arguments[1], *file = arguments[2];
    g_autoptr(GError) error = NULL;
    g_autoptr(JudgeSource) source = judge_source_open(manifest, &error);
    JudgeReport report = {g_ptr_array_new_with_free_func(g_free), g_hash_table_new(g_str_hash, g_str_equal), 0};
    JudgeCut cut = {
        .mode = mode,
        .is_broken = is_broken,
        .source = source,
        .report = &report,
        .ranges = source != NULL ? parse_ranges(ranges, source->header->start) : NULL,
        .runs = g_array_new(FALSE, FALSE, sizeof(JudgeRun)),
        .stamps = g_array_new(FALSE, FALSE, sizeof(gint64)),
        .tracks = g_ptr_array_new_with_free_func(track_free),
        .least_psnr = 100,
    };
    int status = 2;
    if (source != NULL && cut.ranges == NULL)
        g_printerr("judge: %s: not ranges\n", ranges);
    else if (source == NULL || !judge(&cut, file, copied_min, &error))
        g_printerr("judge: %s\n", error->message);
    else if (report.n == 0)
        status = 0;
    else
        status = 1;
    if (status == 0)
        print_good(&cut);
    print_report(&report);
    clear_report(&report);
    g_clear_pointer(&cut.ranges, g_array_unref);
    g_array_unref(cut.runs);
    g_array_unref(cut.stamps);
    g_ptr_array_unref(cut.tracks);
    return status;
}

int main(int argc, char **argv)
{
    gboolean smart = FALSE, fast = FALSE, full = FALSE, broken = FALSE;
    int copied_min = 0;
    g_autofree char *prepare = NULL;
    const GOptionEntry entries[] = {
        {"smart", 0, 0, G_OPTION_ARG_NONE, &smart, "one clean stream, the default", NULL},
        {"fast", 0, 0, G_OPTION_ARG_NONE, &fast, "stamps are the source's", NULL},
        {"full", 0, 0, G_OPTION_ARG_NONE, &full, "no frame need be copied", NULL},
        {"broken", 0, 0, G_OPTION_ARG_NONE, &broken, "segments are: libav may complain", NULL},
        {"copied-min", 0, 0, G_OPTION_ARG_INT, &copied_min, "so many frames are copied at least", "N"},
        {"prepare", 0, 0, G_OPTION_ARG_FILENAME, &prepare, "only get ready to judge cuts of it", "MANIFEST"},
        {NULL},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("MANIFEST START,END[;START,END]... FILE");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || (prepare == NULL && argc != 4)) {
        g_printerr("judge: %s\n", error != NULL ? error->message : "see --help");
        return 2;
    }
    if (prepare != NULL) {
        if (judge_source_prepare(prepare, &error))
            return 0;
        g_printerr("judge: %s\n", error->message);
        return 2;
    }
    return run(argv + 1, fast ? JUDGE_FAST : full ? JUDGE_FULL : JUDGE_SMART, broken, (guint) copied_min);
}
