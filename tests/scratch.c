// SPDX-License-Identifier: MIT
#include "tests/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Scratch *scratch_new(void)
{
    g_autoptr(GError) error = NULL;
    Scratch *scratch = g_new0(Scratch, 1);
    scratch->path = g_dir_make_tmp("segfs-test-XXXXXX", &error);
    g_assert_no_error(error);
    return scratch;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) st, (void) type, (void) ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    g_assert_cmpint(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}

void scratch_free(Scratch *scratch)
{
    if (scratch == NULL)
        return;
    remove_tree(scratch->path);
    g_free(scratch->path);
    g_free(scratch);
}

char *scratch_path(const Scratch *scratch, const char *path)
{
    return g_build_filename(scratch->path, path, NULL);
}

void scratch_mkdir(const Scratch *scratch, const char *path)
{
    g_autofree char *full = scratch_path(scratch, path);
    g_assert_cmpint(g_mkdir_with_parents(full, 0755), ==, 0);
}

void scratch_file(const Scratch *scratch, const char *path, gint64 size)
{
    g_autofree char *full = scratch_path(scratch, path), *directory = g_path_get_dirname(full);
    int fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 && errno == ENOENT) {
        g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
        fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    }
    g_assert_cmpint(fd, >=, 0);
    if (size > 0)
        g_assert_cmpint(ftruncate(fd, size), ==, 0);
    close(fd);
}

void scratch_remove(const Scratch *scratch, const char *path)
{
    g_autofree char *full = scratch_path(scratch, path);
    remove_tree(full);
}

void scratch_rename(const Scratch *scratch, const char *from, const char *to)
{
    g_autofree char *old = scratch_path(scratch, from), *new = scratch_path(scratch, to);
    g_assert_cmpint(g_rename(old, new), ==, 0);
}

void scratch_set_mtime(const Scratch *scratch, const char *path, gint64 time)
{
    g_autofree char *full = scratch_path(scratch, path);
    struct timespec t = {.tv_sec = time / SEGMENT_SECOND, .tv_nsec = time % SEGMENT_SECOND * 1000};
    g_assert_cmpint(utimensat(AT_FDCWD, full, (struct timespec[]){t, t}, 0), ==, 0);
}

int scratch_open(const Scratch *scratch, const char *path)
{
    g_autofree char *full = scratch_path(scratch, path);
    int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    return fd;
}

char *scratch_hash(guint seed)
{
    guint8 digest[SEGMENT_HASH_SIZE];
    gsize size = sizeof digest;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *) &seed, sizeof seed);
    g_checksum_get_digest(checksum, digest, &size);
    char *text = g_base64_encode(digest, size);
    for (char *p = text; *p != '\0'; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    text[SEGMENT_HASH_TEXT_LENGTH] = '\0';
    return text;
}

static char *name_with(gint64 offset, const char *duration, SegmentType type, guint seed, const char *suffix)
{
    g_autofree char *hash = scratch_hash(seed);
    int seconds = (int) (offset / SEGMENT_SECOND);
    return g_strdup_printf("%02d:%02d.%06d-%s-%s-%s.%s", seconds / 60, seconds % 60, (int) (offset % SEGMENT_SECOND),
                           duration, segment_type_to_string(type),
                           type == SEGMENT_TEMP ? "1f42a30c-eda7-45d3-9654-d83bef866f9a" : hash, suffix);
}

char *scratch_name(gint64 offset, const char *duration, SegmentType type, guint seed)
{
    return name_with(offset, duration, type, seed, "ts");
}

char *scratch_tombstone(gint64 offset, const char *duration, SegmentType type, guint seed)
{
    return name_with(offset, duration, type, seed, "tombstone");
}

static const char *expected_warning;
static guint n_warnings; // atomic

static void handle_warning(const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
    (void) unused;
    if (strstr(message, expected_warning) == NULL)
        g_error("%s: not expected (%d): %s", domain, (int) level, message);
    g_atomic_int_inc(&n_warnings);
}

// A fatal handler of g_test would do, if it did not print "Bail out!" before it asks.
void scratch_expect_warnings(const char *part)
{
    expected_warning = part;
    g_atomic_int_set(&n_warnings, 0);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    g_log_set_handler(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, handle_warning, NULL);
}

guint scratch_count_warnings(void)
{
    return g_atomic_int_and(&n_warnings, 0);
}

gint64 scratch_time(const char *text)
{
    gint64 time = 0;
    g_assert_true(segment_time_parse_all(text, &time));
    return time;
}
