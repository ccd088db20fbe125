// SPDX-License-Identifier: MIT
// Runs a harness over files: those of tests/fuzz/corpus/NAME for the program fuzz-NAME, or those in the directories
// that are named on the command line. Each is cut short, too, at every length.
#include "tests/fuzz/harness.h"

#include <string.h>

#define MAX_CUTS 512

static guint n_files;

static void replay_file(const char *path)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;
    g_file_get_contents(path, &data, &size, &error);
    g_assert_no_error(error);
    for (gsize n = 0; n <= MIN(size, MAX_CUTS); n++)
        LLVMFuzzerTestOneInput((const guint8 *) data, n);
    LLVMFuzzerTestOneInput((const guint8 *) data, size);
    n_files++;
}

static void replay(gconstpointer path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(path, 0, &error);
    const char *name;
    g_assert_no_error(error);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        replay_file(file);
    }
    g_assert_cmpuint(n_files, >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *program = g_path_get_basename(argv[0]);
    const char *name = strstr(program, "fuzz-");
    g_autofree char *corpus = g_test_build_filename(G_TEST_DIST, "fuzz", "corpus", name != NULL ? name : program, NULL);
    const char *const own[] = {corpus, NULL};
    for (const char *const *path = argc > 1 ? (const char *const *) argv + 1 : own; *path != NULL; path++) {
        g_autofree char *base = g_path_get_basename(*path), *test = g_strconcat("/fuzz/corpus/", base, NULL);
        g_test_add_data_func(test, *path, replay);
    }
    return g_test_run();
}
