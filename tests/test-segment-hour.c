// SPDX-License-Identifier: MIT
// One hour's directory: which segment is the best of its start, what tombstones hide, what is skipped, sizes, digest.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/error.h"
#include "segment/fd.h"
#include "segment/hour.h"
#include "tests/scratch.h"

#define START G_GINT64_CONSTANT(1573610400000000) // 2019-11-13T02
#define HOUR "2019-11-13T02"
#define AT (61 * SEGMENT_SECOND)

static SegmentHour *read_hour_with(const Scratch *scratch, SegmentBarredFunc barred, gpointer data)
{
    g_autoptr(GError) error = NULL;
    scratch_mkdir(scratch, HOUR);
    segment_autofd int fd = scratch_open(scratch, HOUR);
    SegmentHour *hour = segment_hour_read(fd, HOUR, START, barred, data, &error);
    g_assert_no_error(error);
    g_assert_nonnull(hour);
    for (guint i = 0; i < hour->n_entries; i++) {
        const SegmentEntry *entry = &hour->entries[i];
        g_assert_true(segment_hour_find(hour, segment_hour_name(hour, entry)) == entry);
        g_assert_cmpuint(segment_hour_search(hour, entry->offset), ==, i);
        g_assert_cmpuint(segment_hour_search(hour, (gint64) entry->offset + 1), ==, i + 1);
        g_assert_cmpint(segment_entry_start(hour, entry), ==, START + entry->offset);
    }
    return hour;
}

static SegmentHour *read_hour(const Scratch *scratch)
{
    return read_hour_with(scratch, NULL, NULL);
}

static void add(const Scratch *scratch, const char *name, gint64 size)
{
    g_autofree char *path = g_build_filename(HOUR, name, NULL);
    scratch_file(scratch, path, size);
}

static char *add_segment(const Scratch *scratch, gint64 offset, const char *duration, SegmentType type, guint seed,
                         gint64 size)
{
    char *name = scratch_name(offset, duration, type, seed);
    add(scratch, name, size);
    return name;
}

static void add_tombstone(const Scratch *scratch, gint64 offset, const char *duration, SegmentType type, guint seed)
{
    g_autofree char *name = scratch_tombstone(offset, duration, type, seed);
    add(scratch, name, 0);
}

// ---- best

typedef struct {
    const char *duration;
    SegmentType type;
    gint64 size;
} Kind;

// Of two with one start the first is the best, whatever their hashes, and in whatever order they are read.
static void test_best(void)
{
    static const Kind pairs[][2] = {
        {{"1.0", SEGMENT_FULL, 1}, {"3.0", SEGMENT_SUSPECT, 9}},
        {{"1.0", SEGMENT_FULL, 1}, {"3.0", SEGMENT_PARTIAL, 9}},
        {{"1.0", SEGMENT_SUSPECT, 1}, {"3.0", SEGMENT_PARTIAL, 9}},
        {{"2.000001", SEGMENT_FULL, 1}, {"2.0", SEGMENT_FULL, 9}},
        {{"2.0", SEGMENT_FULL, 2}, {"2.0", SEGMENT_FULL, 1}},
        {{"2.0", SEGMENT_FULL, 2}, {"2.000000", SEGMENT_FULL, 1}},
        {{"10.0", SEGMENT_FULL, 1}, {"9.0", SEGMENT_FULL, 2}},
        {{"1.0", SEGMENT_SUSPECT, 2}, {"9.0", SEGMENT_SUSPECT, 1}},
        {{"1.0", SEGMENT_PARTIAL, 2}, {"9.0", SEGMENT_PARTIAL, 1}},
        {{"0.0", SEGMENT_FULL, 1}, {"9.0", SEGMENT_SUSPECT, 9}},
    };
    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
        for (guint seed = 0; seed < 8; seed++) {
            g_autoptr(Scratch) scratch = scratch_new();
            const Kind *best = &pairs[i][0], *worse = &pairs[i][1];
            g_autofree char *name = add_segment(scratch, AT, best->duration, best->type, seed, best->size);
            g_free(add_segment(scratch, AT, worse->duration, worse->type, seed + 1, worse->size));
            g_autoptr(SegmentHour) hour = read_hour(scratch);
            g_test_message("pair %u, seed %u", i, seed);
            g_assert_cmpuint(hour->n_entries, ==, 1);
            g_assert_cmpuint(hour->n_worse, ==, 1);
            g_assert_cmpstr(segment_hour_name(hour, hour->entries), ==, name);
        }
    }
}

// Where all else is the same: for fulls the highest hash (by its bytes, not by its letters), for others the highest
// name.
static void test_ties(void)
{
    static const char low[] = "01:01-2.0-%s-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ts";
    static const char high[] = "01:01-2.0-%s-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ts";
    static const char dash[] = "01:01-2.0-%s--AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ts";
    static const char letter[] = "01:01-2.0-%s-zAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ts";
    static const struct {
        const char *type, *best, *worse;
    } cases[] = {
        {"full", high, low},    {"full", dash, low},       {"full", dash, letter},    {"suspect", high, low},
        {"suspect", low, dash}, {"suspect", letter, high}, {"partial", letter, dash},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scratch) scratch = scratch_new();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        g_autofree char *best = g_strdup_printf(cases[i].best, cases[i].type);
        g_autofree char *worse = g_strdup_printf(cases[i].worse, cases[i].type);
#pragma GCC diagnostic pop
        add(scratch, best, 5);
        add(scratch, worse, 5);
        g_autoptr(SegmentHour) hour = read_hour(scratch);
        g_assert_cmpuint(hour->n_entries, ==, 1);
        g_assert_cmpstr(segment_hour_name(hour, hour->entries), ==, best);
    }
}

// 1 s and 1.0 s are one start; a microsecond later is another.
static void test_order(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autofree char *hash = scratch_hash(1), *other = scratch_hash(2);
    static const char *const times[] = {"59:59.999999", "00:00", "00:00.000001", "01:01.5", "01:01.50", "01:01.500000"};
    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autofree char *name = g_strdup_printf("%s-2.0-full-%s.ts", times[i], i % 2 ? hash : other);
        add(scratch, name, 1);
    }
    g_autoptr(SegmentHour) hour = read_hour(scratch);
    g_assert_cmpuint(hour->n_entries, ==, 4);
    g_assert_cmpuint(hour->n_worse, ==, 2);
    g_assert_cmpuint(hour->entries[0].offset, ==, 0);
    g_assert_cmpuint(hour->entries[1].offset, ==, 1);
    g_assert_cmpuint(hour->entries[2].offset, ==, 61500000);
    g_assert_cmpuint(hour->entries[3].offset, ==, 3599999999);
    g_assert_cmpuint(segment_hour_search(hour, -1), ==, 0);
    g_assert_cmpuint(segment_hour_search(hour, 2), ==, 2);
    g_assert_cmpuint(segment_hour_search(hour, SEGMENT_HOUR_LENGTH), ==, 4);
    g_assert_null(segment_hour_find(hour, "nothing"));
    g_autofree char *absent = g_strdup_printf("00:07-2.0-full-%s.ts", hash);
    g_assert_null(segment_hour_find(hour, absent));
}

static void test_many(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    for (guint i = 0; i < 1800; i++)
        g_free(add_segment(scratch, (gint64) (i * 7 % 1800) * 2 * SEGMENT_SECOND, "2.0", SEGMENT_FULL, i, 1));
    g_autoptr(SegmentHour) hour = read_hour(scratch);
    g_assert_cmpuint(hour->n_entries, ==, 1800);
    g_assert_cmpuint(hour->memory, <, 1800 * 150);
    for (guint i = 0; i < hour->n_entries; i++)
        g_assert_cmpint(hour->entries[i].offset, ==, i * 2 * SEGMENT_SECOND);
}

// ---- tombstones

static void test_tombstones(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_free(add_segment(scratch, AT, "2.0", SEGMENT_FULL, 1, 9)); // by name
    add_tombstone(scratch, AT, "2.0", SEGMENT_FULL, 1);
    g_autofree char *second = add_segment(scratch, AT, "2.0", SEGMENT_PARTIAL, 2, 1); // the next best steps in
    g_free(add_segment(scratch, 2 * AT, "5.0", SEGMENT_SUSPECT, 1, 9)); // by hash, under another name
    g_free(add_segment(scratch, 3 * AT, "2.0", SEGMENT_FULL, 3, 9)); // by hash, from elsewhere
    add_tombstone(scratch, 50 * SEGMENT_SECOND, "1.0", SEGMENT_PARTIAL, 3);
    add_tombstone(scratch, 4 * AT, "2.0", SEGMENT_FULL, 4); // of nothing that is here
    add_tombstone(scratch, 5 * AT, "2.0", SEGMENT_TEMP, 0);
    g_autofree char *other = add_segment(scratch, 5 * AT, "2.0", SEGMENT_FULL, 5, 1);

    g_autoptr(SegmentHour) hour = read_hour(scratch);
    g_assert_cmpuint(hour->n_entries, ==, 2);
    g_assert_cmpstr(segment_hour_name(hour, &hour->entries[0]), ==, second);
    g_assert_cmpstr(segment_hour_name(hour, &hour->entries[1]), ==, other);
    g_assert_cmpuint(hour->n_barred, ==, 3);
    g_assert_cmpuint(hour->n_skipped, ==, 0);
    g_assert_cmpuint(hour->tombstones->len, ==, 4);
}

static gboolean is_seed(const guint8 hash[SEGMENT_HASH_SIZE], gpointer data)
{
    guint8 wanted[SEGMENT_HASH_SIZE];
    g_autofree char *text = scratch_hash(*(guint *) data);
    g_assert_true(segment_hash_parse(text, wanted));
    return memcmp(hash, wanted, SEGMENT_HASH_SIZE) == 0;
}

static void test_barred_elsewhere(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    guint seed = 2;
    g_free(add_segment(scratch, AT, "2.0", SEGMENT_FULL, 2, 9));
    g_autofree char *rest = add_segment(scratch, AT, "2.0", SEGMENT_FULL, 1, 1);
    g_free(add_segment(scratch, 2 * AT, "2.0", SEGMENT_FULL, 2, 9));
    g_autoptr(SegmentHour) hour = read_hour_with(scratch, is_seed, &seed);
    g_assert_cmpuint(hour->n_entries, ==, 1);
    g_assert_cmpstr(segment_hour_name(hour, hour->entries), ==, rest);
    g_assert_cmpuint(hour->n_barred, ==, 2);
    g_assert_null(hour->tombstones);
}

// ---- what is no segment

static void test_junk(void)
{
    static const char *const skipped[] = {
        "desktop.ini", "Thumbs.db", "junk.ts", "61:00.000000-2.0-full-AAAA.ts", "\xe3\x81\x82.ts", "\xff\xfe", "a\nb",
    };
    static const char *const hidden[] = {".DS_Store", "._x", ".ts", ".tombstone", ".nfs000000"};
    g_autoptr(Scratch) scratch = scratch_new();
    g_autofree char *name = add_segment(scratch, AT, "2.0", SEGMENT_FULL, 1, 1);
    guint n = 0;
    for (; n < G_N_ELEMENTS(skipped); n++)
        add(scratch, skipped[n], 1);
    for (guint i = 0; i < G_N_ELEMENTS(hidden); i++)
        add(scratch, hidden[i], 1);
    static const char *const durations[] = {"1e308", "nan", "inf", "-inf", "99999999999999999999", "1e", ""};
    g_autofree char *hash = scratch_hash(2);
    for (guint i = 0; i < G_N_ELEMENTS(durations); i++, n++) {
        g_autofree char *bad = g_strdup_printf("01:01.0-%s-full-%s.ts", durations[i], hash);
        add(scratch, bad, 1);
    }
    g_autofree char *longest = g_strnfill(255, 'x');
    add(scratch, longest, 1);
    n++;
    g_free(add_segment(scratch, AT, "2.0", SEGMENT_TEMP, 0, 1));

    g_autoptr(SegmentHour) hour = read_hour(scratch);
    g_assert_cmpuint(hour->n_entries, ==, 1);
    g_assert_cmpstr(segment_hour_name(hour, hour->entries), ==, name);
    g_assert_cmpuint(hour->n_skipped, ==, n);
    g_assert_nonnull(hour->skipped);
    g_assert_cmpuint(hour->n_temp, ==, 1);
    g_assert_cmpuint(hour->n_worse, ==, 0);
}

// A directory, FIFO, dangling link, or link to a directory that is named like a segment would be the best of its start.
static void test_no_files(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    for (guint i = 0; i < 5; i++)
        g_free(add_segment(scratch, i * AT, "2.0", SEGMENT_FULL, 1, 1));
    scratch_file(scratch, "target", 77);
    g_autofree char *name = NULL;
    for (guint i = 0; i < 5; i++) {
        name = (g_free(name), scratch_name(i * AT, "3.0", SEGMENT_FULL, 2));
        g_autofree char *relative = g_build_filename(HOUR, name, NULL), *path = scratch_path(scratch, relative);
        if (i == 0)
            scratch_mkdir(scratch, relative);
        else if (i == 1)
            g_assert_cmpint(mkfifo(path, 0644), ==, 0);
        else
            g_assert_cmpint(symlink(i == 2 ? "nowhere" : i == 3 ? ".." : "../target", path), ==, 0);
    }
    g_autoptr(SegmentHour) hour = read_hour(scratch);
    g_assert_cmpuint(hour->n_entries, ==, 5);
    g_assert_cmpuint(hour->n_skipped, ==, 4);
    for (guint i = 0; i < 4; i++)
        g_assert_cmpint(hour->entries[i].duration, ==, 2 * SEGMENT_SECOND);
    // A link to a file is as good as the file, and has its size.
    g_autoptr(GError) error = NULL;
    segment_autofd int fd = scratch_open(scratch, HOUR);
    g_assert_cmpstr(segment_hour_name(hour, &hour->entries[4]), ==, name);
    g_assert_true(segment_hour_load_sizes(hour, fd, HOUR, &error));
    g_assert_cmpint(hour->entries[4].size, ==, 77);
}

static void test_empty(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(SegmentHour) hour = read_hour(scratch);
    g_assert_cmpuint(hour->n_entries, ==, 0);
    g_assert_null(hour->skipped);
    g_assert_cmpuint(segment_hour_search(hour, 0), ==, 0);
    g_autoptr(GError) error = NULL;
    segment_autofd int fd = scratch_open(scratch, HOUR);
    g_assert_true(segment_hour_load_sizes(hour, fd, HOUR, &error));
    g_assert_null(hour->tombstones);
    segment_hour_unref(NULL);
}

static void test_unreadable(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(GError) error = NULL;
    scratch_mkdir(scratch, HOUR);
    segment_autofd int fd = scratch_open(scratch, HOUR);
    scratch_remove(scratch, HOUR);
    // A directory that was removed while it was open: gone for some file systems, empty for others.
    g_autoptr(SegmentHour) hour = segment_hour_read(fd, HOUR, START, NULL, NULL, &error);
    if (hour == NULL)
        g_assert_true(segment_error_is_errno(error, ENOENT));
    g_clear_error(&error);
    g_assert_null(segment_hour_read(-1, HOUR, START, NULL, NULL, &error));
    g_assert_true(segment_error_is_errno(error, EBADF));
    g_assert_nonnull(strstr(error->message, HOUR));
}

// ---- sizes, digest

static void test_sizes(void)
{
    static const gint64 sizes[] = {0, 1, 188, G_GINT64_CONSTANT(5000000000)};
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *last = NULL;
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_free(last);
        last = add_segment(scratch, i * AT, "2.0", SEGMENT_FULL, i, sizes[i]);
    }
    g_autoptr(SegmentHour) hour = read_hour(scratch);
    segment_autofd int fd = scratch_open(scratch, HOUR);
    g_assert_false(segment_hour_has_sizes(hour));
    g_assert_true(segment_hour_load_sizes(hour, fd, HOUR, &error));
    g_assert_true(segment_hour_has_sizes(hour));
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        g_assert_cmpint(hour->entries[i].size, ==, sizes[i]);

    // One that is gone makes the listing out of date; an error that says which.
    g_autoptr(SegmentHour) again = read_hour(scratch);
    g_autofree char *path = g_build_filename(HOUR, last, NULL);
    scratch_remove(scratch, path);
    g_assert_false(segment_hour_load_sizes(again, fd, HOUR, &error));
    g_assert_true(segment_error_is_errno(error, ENOENT));
    g_assert_nonnull(strstr(error->message, last));
    g_assert_false(segment_hour_has_sizes(again));
    // What has its sizes keeps them.
    g_clear_error(&error);
    g_assert_true(segment_hour_load_sizes(hour, fd, HOUR, &error));
}

static void test_digest(void)
{
    g_autoptr(Scratch) one = scratch_new(), two = scratch_new();
    // The same listing, written in another order, with other sizes, and with junk.
    for (guint i = 0; i < 20; i++) {
        g_free(add_segment(one, i * AT, "2.0", SEGMENT_FULL, i, 1));
        g_free(add_segment(two, (19 - i) * AT, "2.0", SEGMENT_FULL, 19 - i, 2));
    }
    add(two, "junk", 1);
    g_free(add_segment(two, AT, "1.0", SEGMENT_PARTIAL, 77, 1));
    g_autoptr(SegmentHour) a = read_hour(one), b = read_hour(two);
    g_assert_cmpuint(segment_hour_digest(a), ==, segment_hour_digest(b));
    add_tombstone(two, AT, "2.0", SEGMENT_FULL, 1);
    g_autoptr(SegmentHour) c = read_hour(two);
    g_assert_cmpuint(segment_hour_digest(a), !=, segment_hour_digest(c));
    g_autoptr(Scratch) nothing = scratch_new();
    g_autoptr(SegmentHour) d = read_hour(nothing);
    g_assert_cmpuint(segment_hour_digest(d), !=, segment_hour_digest(a));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/segment/hour/best", test_best);
    g_test_add_func("/segment/hour/ties", test_ties);
    g_test_add_func("/segment/hour/order", test_order);
    g_test_add_func("/segment/hour/many", test_many);
    g_test_add_func("/segment/hour/tombstones", test_tombstones);
    g_test_add_func("/segment/hour/barred-elsewhere", test_barred_elsewhere);
    g_test_add_func("/segment/hour/junk", test_junk);
    g_test_add_func("/segment/hour/no-files", test_no_files);
    g_test_add_func("/segment/hour/empty", test_empty);
    g_test_add_func("/segment/hour/unreadable", test_unreadable);
    g_test_add_func("/segment/hour/sizes", test_sizes);
    g_test_add_func("/segment/hour/digest", test_digest);
    return g_test_run();
}
