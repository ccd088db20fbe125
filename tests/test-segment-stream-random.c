// SPDX-License-Identifier: MIT
// Random streams of several hours, through the store, against a second implementation that is slow and obvious: it
// keeps a plain list of all files, and looks through all of it for each question. --seed repeats a run.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "segment/fd.h"
#include "segment/store.h"
#include "tests/scratch.h"

#define STREAM "channel/quality"
#define START G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02
#define MAX_HOURS 5
#define N_STREAMS 1500
#define N_QUERIES 12
#define MSEC G_GINT64_CONSTANT(1000)

typedef struct {
    gint64 hour, start, end;
    SegmentType type;
    guint seed; // stands for the hash
    gint64 size;
    gboolean tombstone;
    char *name;
} File;

static void file_clear(gpointer file)
{
    g_free(((File *) file)->name);
}

static int random_up_to(int n)
{
    return g_test_rand_int_range(0, n);
}

// ---- making them

// Starts on a raster of two seconds, now and then beside it by about as much as may be missing or too much.
static gint64 random_offset(void)
{
    static const gint64 jitter[] = {0,         0, 0, 0, 1, -1, 10 * MSEC, -10 * MSEC, 10 * MSEC + 1, -10 * MSEC - 1,
                                    500 * MSEC};
    // At the beginning and end of the hour, so that neighbours meet.
    gint64 step = random_up_to(16), base = step < 8 ? step : 1800 - 16 + step;
    gint64 offset = base * 2 * SEGMENT_SECOND + jitter[random_up_to(G_N_ELEMENTS(jitter))];
    return CLAMP(offset, 0, SEGMENT_HOUR_LENGTH - 1);
}

static gint64 random_duration(void)
{
    static const gint64 durations[] = {2000000, 2000000, 2000000, 2000000, 1999999, 2000001, 1989999,
                                       1990000, 2010001, 1000000, 4000000, 0,       9000000, 3560 * SEGMENT_SECOND};
    int limit = random_up_to(20) == 0 ? G_N_ELEMENTS(durations) : G_N_ELEMENTS(durations) - 1;
    return durations[random_up_to(limit)];
}

static void random_file(const Scratch *scratch, GArray *files, gint64 hour)
{
    static const SegmentType types[] = {SEGMENT_FULL, SEGMENT_FULL,    SEGMENT_FULL,   SEGMENT_FULL,
                                        SEGMENT_FULL, SEGMENT_SUSPECT, SEGMENT_PARTIAL};
    gint64 offset = random_offset(), duration = random_duration();
    char text[32], hour_name[SEGMENT_HOUR_TEXT_SIZE];
    g_snprintf(text, sizeof text, "%d.%06d", (int) (duration / SEGMENT_SECOND), (int) (duration % SEGMENT_SECOND));
    File file = {
        .hour = hour,
        .start = hour + offset,
        .end = hour + offset + duration,
        .type = types[random_up_to(G_N_ELEMENTS(types))],
        .seed = (guint) random_up_to(60),
        .tombstone = random_up_to(40) == 0,
    };
    file.size = file.tombstone ? 0 : random_up_to(3);
    file.name = file.tombstone ? scratch_tombstone(offset, text, file.type, file.seed)
                               : scratch_name(offset, text, file.type, file.seed);
    g_autofree char *path = g_build_filename(STREAM, segment_hour_name_format(hour, hour_name), file.name, NULL);
    for (guint i = 0; i < files->len; i++) {
        const File *other = &g_array_index(files, File, i);
        if (other->hour == hour && strcmp(other->name, file.name) == 0) {
            g_free(file.name);
            return;
        }
    }
    scratch_file(scratch, path, file.size);
    g_array_append_val(files, file);
}

// ---- the obvious way

static int compare_hashes(guint a, guint b)
{
    guint8 x[SEGMENT_HASH_SIZE], y[SEGMENT_HASH_SIZE];
    g_autofree char *s = scratch_hash(a), *t = scratch_hash(b);
    g_assert_true(segment_hash_parse(s, x) && segment_hash_parse(t, y));
    return memcmp(x, y, sizeof x);
}

static gboolean is_better(const File *a, const File *b)
{
    if (a->type != b->type)
        return a->type < b->type;
    if (a->type != SEGMENT_FULL)
        return a->size != b->size ? a->size > b->size : strcmp(a->name, b->name) > 0;
    if (a->end != b->end)
        return a->end > b->end;
    return a->size != b->size ? a->size > b->size : compare_hashes(a->seed, b->seed) > 0;
}

static gboolean is_listed(const GArray *files, const File *file)
{
    if (file->tombstone)
        return FALSE;
    for (guint i = 0; i < files->len; i++) {
        const File *other = &g_array_index(files, File, i);
        if (other->tombstone && other->seed == file->seed)
            return FALSE;
    }
    return TRUE;
}

static gboolean is_best(const GArray *files, const File *file)
{
    if (!is_listed(files, file))
        return FALSE;
    for (guint i = 0; i < files->len; i++) {
        const File *other = &g_array_index(files, File, i);
        if (other->start == file->start && is_listed(files, other) && is_better(other, file))
            return FALSE;
    }
    return TRUE;
}

// The first of BEST that starts at or after TIME and, where AFTER is set, later than that one.
static const File *first_from(const GPtrArray *best, gint64 time, const File *after)
{
    const File *found = NULL;
    for (guint i = 0; i < best->len; i++) {
        const File *file = g_ptr_array_index(best, i);
        if (file->start >= time && (after == NULL || file->start > after->start) &&
            (found == NULL || file->start < found->start))
            found = file;
    }
    return found;
}

// The first of BEST that is shown at START, in START's hour or the one before.
static const File *first_over(const GPtrArray *best, gint64 start)
{
    const File *found = NULL;
    for (guint i = 0; i < best->len; i++) {
        const File *file = g_ptr_array_index(best, i);
        if (file->hour >= segment_time_hour(start) - SEGMENT_HOUR_LENGTH && file->start <= start && file->end > start &&
            (found == NULL || file->start < found->start))
            found = file;
    }
    return found;
}

// One name a line, and "-" for a hole.
static char *obvious_range(const GPtrArray *best, gint64 start, gint64 end, gboolean accept_holes)
{
    GString *text = g_string_new(NULL);
    const File *last = first_over(best, start);
    if (last != NULL)
        g_string_append_printf(text, "%s\n", last->name);

    while (last == NULL || last->end < end) {
        // One of no length that starts at START is not shown there.
        const File *next =
            last != NULL ? first_from(best, last->end - 10 * MSEC, last) : first_from(best, start + 1, NULL);
        gboolean hole =
            last == NULL || last->type != SEGMENT_FULL || next == NULL || next->start > last->end + 10 * MSEC;
        if (next == NULL || next->start >= end) {
            // Where the next one follows without a hole there is none before END, either.
            g_string_append(text, hole ? "-\n" : "");
            return g_string_free(text, FALSE);
        }
        g_string_append(text, hole ? "-\n" : "");
        if (hole && !accept_holes)
            return g_string_free(text, FALSE);
        g_string_append_printf(text, "%s\n", next->name);
        last = next;
    }
    g_string_append(text, last->type != SEGMENT_FULL ? "-\n" : "");
    return g_string_free(text, FALSE);
}

// ---- comparing

static char *range_text(const SegmentRange *range)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < range->refs->len; i++) {
        g_string_append(text, g_array_index(range->refs, SegmentRef, i).after_hole ? "-\n" : "");
        g_string_append_printf(text, "%s\n",
                               segment_hour_name(segment_range_hour(range, i), segment_range_entry(range, i)));
    }
    // One that stops at its first hole has it in the list only.
    gboolean stopped = !range->accept_holes && range->holes->len > 0;
    g_string_append(text, range->ends_in_hole || stopped ? "-\n" : "");
    return g_string_free(text, FALSE);
}

static void check_hours(SegmentStream *stream, const GPtrArray *best)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) hours = segment_stream_hours(stream, NULL, &error);
    guint n = 0;
    for (guint h = 0; h < hours->len; h++) {
        g_autoptr(SegmentHour) hour = segment_stream_hour(stream, g_array_index(hours, gint64, h), TRUE, NULL, &error);
        g_assert_no_error(error);
        for (guint i = 0; i < best->len; i++) {
            const File *file = g_ptr_array_index(best, i);
            if (file->hour != hour->start)
                continue;
            const SegmentEntry *entry = segment_hour_find(hour, file->name);
            if (entry == NULL)
                g_error("%s is not listed", file->name);
            g_assert_cmpint(entry->size, ==, file->size);
            g_assert_cmpint(segment_entry_start(hour, entry), ==, file->start);
            g_assert_cmpint(entry->duration, ==, file->end - file->start);
            n++;
        }
        for (guint i = 1; i < hour->n_entries; i++)
            g_assert_cmpuint(hour->entries[i - 1].offset, <, hour->entries[i].offset);
        n -= hour->n_entries;
    }
    g_assert_cmpuint(n, ==, 0);
}

static void check_range(SegmentStream *stream, const GPtrArray *best, gint64 start, gint64 end)
{
    for (int accept = 0; accept < 2; accept++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(SegmentRange) range = segment_stream_range(stream, start, end, accept, accept, NULL, &error);
        g_assert_no_error(error);
        g_autofree char *got = range_text(range), *expected = obvious_range(best, start, end, accept);
        if (strcmp(got, expected) != 0) {
            char from[SEGMENT_TIME_TEXT_SIZE], to[SEGMENT_TIME_TEXT_SIZE];
            g_error("%s to %s, holes %s:\n%sis not\n%s", segment_time_format(start, from), segment_time_format(end, to),
                    accept ? "accepted" : "not accepted", got, expected);
        }
    }
}

// Where something begins or ends, or just beside it.
static gint64 random_time(const GArray *files)
{
    static const gint64 beside[] = {
        0, 0, 0, 1, -1, 10 * MSEC, -10 * MSEC, 10 * MSEC + 1, -10 * MSEC - 1, SEGMENT_SECOND};
    if (files->len == 0 || random_up_to(10) == 0)
        return START + random_up_to(MAX_HOURS) * SEGMENT_HOUR_LENGTH + random_up_to(3600) * SEGMENT_SECOND;
    const File *file = &g_array_index(files, File, random_up_to((int) files->len));
    return (random_up_to(2) ? file->start : file->end) + beside[random_up_to(G_N_ELEMENTS(beside))];
}

static void check_stream(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(File));
    g_autoptr(GPtrArray) best = g_ptr_array_new();
    g_array_set_clear_func(files, file_clear);
    int n_hours = 1 + random_up_to(MAX_HOURS);
    for (int h = 0; h < n_hours; h++) {
        if (random_up_to(6) == 0 && h > 0)
            continue; // missing
        gint64 hour = START + h * SEGMENT_HOUR_LENGTH;
        char name[SEGMENT_HOUR_TEXT_SIZE];
        g_autofree char *path = g_build_filename(STREAM, segment_hour_name_format(hour, name), NULL);
        scratch_mkdir(scratch, path);
        for (int n = random_up_to(30); n > 0; n--)
            random_file(scratch, files, hour);
    }
    for (guint i = 0; i < files->len; i++) {
        if (is_best(files, &g_array_index(files, File, i)))
            g_ptr_array_add(best, &g_array_index(files, File, i));
    }

    SegmentStoreOptions options = {.no_watch = TRUE};
    g_autoptr(SegmentStore) store = segment_store_open(scratch->path, &options, &error);
    g_assert_no_error(error);
    SegmentStream *stream = segment_store_stream(store, STREAM, NULL, &error);
    g_assert_no_error(error);
    check_hours(stream, best);
    for (int i = 0; i < N_QUERIES; i++) {
        gint64 start = random_time(files), end = random_time(files);
        if (start != end)
            check_range(stream, best, MIN(start, end), MAX(start, end));
    }
}

static void test_streams(void)
{
    for (int i = 0; i < N_STREAMS; i++)
        check_stream();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/random/streams", test_streams);
    return g_test_run();
}
