// SPDX-License-Identifier: MIT
// Random hours and ranges against a second implementation, which is slow and obvious: it looks at every pair of names,
// keeps no order, and takes each step of a range by looking through all segments again.
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/hour.h"
#include "segment/range.h"
#include "segment/time.h"

#define HOURS 3000
#define MAX_FILES 40

typedef struct {
    char *text;
    SegmentName name;
    gint64 size;
    gboolean hidden;
} File;

typedef struct {
    File files[MAX_FILES];
    guint n;
} Obvious;

static char *random_hash(void)
{
    guint8 bytes[SEGMENT_HASH_SIZE];
    // Few different ones, so that some bar others.
    memset(bytes, g_test_rand_int_range(0, 60), sizeof bytes);
    g_autofree char *text = g_base64_encode(bytes, sizeof bytes);
    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[SEGMENT_HASH_TEXT_LENGTH] = '\0';
    return g_steal_pointer(&text);
}

static char *random_name(void)
{
    static const char *const types[] = {"full", "full", "full", "suspect", "partial"};
    static const char *const durations[] = {"2.0", "2.0", "2.0", "1.99", "2.010", "2.011", "0", "5.5", "2.0000004"};
    static const char *const fractions[] = {"", ".0", ".000000", ".000", ".01", ".01", ".010001", ".5"};
    g_autofree char *hash = random_hash();
    return g_strdup_printf("00:%02d%s-%s-%s-%s.%s", g_test_rand_int_range(0, 12) * 2,
                           fractions[g_test_rand_int_range(0, G_N_ELEMENTS(fractions))],
                           durations[g_test_rand_int_range(0, G_N_ELEMENTS(durations))],
                           types[g_test_rand_int_range(0, G_N_ELEMENTS(types))], hash,
                           g_test_rand_int_range(0, 15) == 0 ? "tombstone" : "ts");
}

static void make_hour(int fd, Obvious *obvious)
{
    guint wanted = (guint) g_test_rand_int_range(0, MAX_FILES);
    for (obvious->n = 0; obvious->n < wanted;) {
        File *file = &obvious->files[obvious->n];
        file->text = random_name();
        file->size = g_test_rand_int_range(0, 4);
        file->hidden = FALSE;
        int f = openat(fd, file->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (f < 0) {
            g_free(file->text);
            wanted--;
            continue;
        }
        g_assert_true(segment_name_parse(file->text, &file->name));
        g_assert_cmpint(ftruncate(f, file->name.tombstone ? 0 : file->size), ==, 0);
        close(f);
        obvious->n++;
    }
    for (guint i = 0; i < obvious->n; i++) {
        for (guint j = 0; j < obvious->n; j++) {
            if (obvious->files[j].name.tombstone &&
                memcmp(obvious->files[i].name.hash, obvious->files[j].name.hash, SEGMENT_HASH_SIZE) == 0)
                obvious->files[i].hidden = TRUE;
        }
    }
}

// Whether A is to be used rather than B, said in words of the rule.
static gboolean beats(const File *a, const File *b)
{
    const char *kinds[] = {"full", "suspect", "partial"};
    for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
        gboolean is_a = strcmp(segment_type_to_string(a->name.type), kinds[k]) == 0;
        gboolean is_b = strcmp(segment_type_to_string(b->name.type), kinds[k]) == 0;
        if (is_a != is_b)
            return is_a;
        if (!is_a)
            continue;
        if (k == 0 && a->name.duration != b->name.duration)
            return a->name.duration > b->name.duration;
        if (a->size != b->size)
            return a->size > b->size;
        int hashes = memcmp(a->name.hash, b->name.hash, SEGMENT_HASH_SIZE);
        if (k == 0 && hashes != 0)
            return hashes > 0;
        return strcmp(a->text, b->text) > 0;
    }
    g_assert_not_reached();
}

static gboolean is_best(const Obvious *obvious, guint i)
{
    const File *file = &obvious->files[i];
    if (file->hidden)
        return FALSE;
    for (guint j = 0; j < obvious->n; j++) {
        const File *other = &obvious->files[j];
        if (j != i && !other->hidden && other->name.offset == file->name.offset && beats(other, file))
            return FALSE;
    }
    return TRUE;
}

static void check_hour(const SegmentHour *hour, const Obvious *obvious)
{
    guint n = 0;
    for (guint i = 0; i < obvious->n; i++) {
        const SegmentEntry *entry = segment_hour_find(hour, obvious->files[i].text);
        gboolean best = is_best(obvious, i);
        g_assert_cmpint(entry != NULL, ==, best);
        if (!best)
            continue;
        g_assert_cmpint(entry->size, ==, obvious->files[i].size);
        g_assert_cmpint(entry->offset, ==, obvious->files[i].name.offset);
        g_assert_cmpint(entry->duration, ==, obvious->files[i].name.duration);
        n++;
    }
    g_assert_cmpuint(hour->n_entries, ==, n);
    for (guint i = 1; i < hour->n_entries; i++)
        g_assert_cmpint(hour->entries[i - 1].offset, <, hour->entries[i].offset);
}

// The best segment that starts first, among those at or after FROM; -1: none.
static int earliest(const Obvious *obvious, gint64 from)
{
    int found = -1;
    for (guint i = 0; i < obvious->n; i++) {
        gint64 offset = obvious->files[i].name.offset;
        if (is_best(obvious, i) && offset >= from && (found < 0 || offset < obvious->files[found].name.offset))
            found = (int) i;
    }
    return found;
}

// As the design has it: the one that covers START, or else the first after it, and so on.
static char *obvious_range(const Obvious *obvious, gint64 start, gint64 end)
{
    GString *text = g_string_new(NULL);
    const File *previous = NULL;
    gint64 from = 0;
    for (int i; (i = earliest(obvious, from)) >= 0; from = obvious->files[i].name.offset + 1) {
        const File *file = &obvious->files[i];
        gint64 first = file->name.offset, last = first + file->name.duration;
        if (first >= end) {
            // What follows without a gap shows that nothing is missing up to END.
            if (previous != NULL && previous->name.type == SEGMENT_FULL &&
                first - previous->name.offset - previous->name.duration <= 10000)
                return g_string_free(text, FALSE);
            break;
        }
        if (previous == NULL && first <= start && last <= start)
            continue;
        gint64 reached = previous != NULL ? previous->name.offset + previous->name.duration : start;
        if (previous != NULL && reached - first > 10000)
            continue;
        gboolean hole =
            previous != NULL ? first - reached > 10000 || previous->name.type != SEGMENT_FULL : first > start;
        g_string_append_printf(text, "%s%s\n", hole ? "hole\n" : "", file->text);
        previous = file;
        if (last >= end)
            break;
    }
    if (previous == NULL || previous->name.type != SEGMENT_FULL ||
        previous->name.offset + previous->name.duration < end)
        g_string_append(text, "hole\n");
    return g_string_free(text, FALSE);
}

static void check_range(SegmentHour *hour, const Obvious *obvious, gint64 start, gint64 end)
{
    g_autoptr(SegmentRange) range = segment_range_new(hour->start + start, hour->start + end, TRUE);
    g_autoptr(GString) got = g_string_new(NULL);
    segment_range_add_hour(range, hour);
    segment_range_finish(range);
    for (guint i = 0; i < range->refs->len; i++)
        g_string_append_printf(got, "%s%s\n", g_array_index(range->refs, SegmentRef, i).after_hole ? "hole\n" : "",
                               segment_hour_name(hour, segment_range_entry(range, i)));
    g_string_append(got, range->ends_in_hole ? "hole\n" : "");
    g_autofree char *wanted = obvious_range(obvious, start, end);
    if (strcmp(got->str, wanted) != 0)
        g_test_message("from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " us", start, end);
    g_assert_cmpstr(got->str, ==, wanted);
}

static void test_random(void)
{
    g_autoptr(GError) error = NULL;
    for (int h = 0; h < HOURS; h++) {
        Obvious obvious;
        g_autofree char *path = g_dir_make_tmp("segfs-random-XXXXXX", &error);
        g_assert_no_error(error);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        make_hour(fd, &obvious);
        g_autoptr(SegmentHour) hour = segment_hour_read(fd, path, 7 * SEGMENT_HOUR_LENGTH, NULL, NULL, &error);
        g_assert_no_error(error);
        g_assert_true(segment_hour_load_sizes(hour, fd, path, &error));
        check_hour(hour, &obvious);
        for (int r = 0; r < 5; r++) {
            gint64 start = g_test_rand_int_range(0, 26000000);
            start = r % 2 ? start : start / SEGMENT_SECOND * SEGMENT_SECOND;
            check_range(hour, &obvious, start, start + g_test_rand_int_range(1, 20000000));
        }
        for (guint i = 0; i < obvious.n; i++) {
            unlinkat(fd, obvious.files[i].text, 0);
            g_free(obvious.files[i].text);
        }
        close(fd);
        g_assert_cmpint(g_rmdir(path), ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/random/hours-and-ranges", test_random);
    return g_test_run();
}
