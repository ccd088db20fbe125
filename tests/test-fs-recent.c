// SPDX-License-Identifier: MIT
// The table of cuts that were used, in memory and on disk.
#include "fs/recent.h"

#include <glib/gstdio.h>
#include <string.h>

#include "tests/scratch.h"

static void test_table(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    FsRecent *recent = fs_recent_new(scratch->path);
    fs_recent_add(recent, 0x1234, "a/b/range/x.ts");
    fs_recent_add(recent, 0x1234, "a/b/range/x.ts");
    fs_recent_add(recent, 0x5678, "a/b/range/x.ts"); // the same name with another plan
    fs_recent_add(recent, 0x9abc, "a/c/range/with space.ts");
    for (int round = 0; round < 2; round++) {
        g_autofree char *found = fs_recent_find(recent, 0x9abc);
        g_assert_cmpstr(found, ==, "a/c/range/with space.ts");
        g_assert_null(fs_recent_find(recent, 1));
        g_autoptr(GPtrArray) names = fs_recent_list(recent, "a/b/range");
        g_assert_cmpuint(names->len, ==, 1);
        g_assert_cmpstr(g_ptr_array_index(names, 0), ==, "x.ts");
        // The second round is another process's.
        fs_recent_free(recent);
        recent = fs_recent_new(scratch->path);
    }
    fs_recent_free(recent);
}

static void test_bound(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autofree char *file = scratch_path(scratch, "cuts");
    FsRecent *recent = fs_recent_new(scratch->path);
    for (guint i = 1; i <= 20000; i++) {
        g_autofree char *path = g_strdup_printf("a/b/range/%u.ts", i);
        fs_recent_add(recent, i, path);
    }
    g_assert_null(fs_recent_find(recent, 1));
    fs_recent_free(recent);

    g_autofree char *text = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(file, &text, &length, NULL));
    g_assert_cmpuint(length, <, 400000);
    recent = fs_recent_new(scratch->path);
    g_autofree char *found = fs_recent_find(recent, 20000);
    g_assert_cmpstr(found, ==, "a/b/range/20000.ts");
    fs_recent_free(recent);
}

// Whatever is in the file, it is read as far as it makes sense.
static void test_damage(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autofree char *file = scratch_path(scratch, "cuts");
    const char text[] = "garbage\n\n0000000000001234 a/range/x.ts\nxyz a\n0000000000005678\n00000000000056";
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    FsRecent *recent = fs_recent_new(scratch->path);
    g_autofree char *found = fs_recent_find(recent, 0x1234);
    g_assert_cmpstr(found, ==, "a/range/x.ts");
    g_assert_null(fs_recent_find(recent, 0x5678));
    fs_recent_free(recent);
}

static void test_memory(void)
{
    FsRecent *recent = fs_recent_new(NULL);
    fs_recent_add(recent, 7, "a/range/x.ts");
    g_autofree char *found = fs_recent_find(recent, 7);
    g_assert_cmpstr(found, ==, "a/range/x.ts");
    fs_recent_free(recent);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recent/table", test_table);
    g_test_add_func("/recent/bound", test_bound);
    g_test_add_func("/recent/damage", test_damage);
    g_test_add_func("/recent/memory", test_memory);
    return g_test_run();
}
