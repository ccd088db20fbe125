// SPDX-License-Identifier: MIT
// A thousand mounts in one process: nothing is left of them, neither memory (AddressSanitizer's leak check), nor
// descriptors, nor threads.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/server.h"
#include "tests/scratch.h"

#define ROUNDS 1000

static guint count_entries(const char *path)
{
    guint n = 0;
    DIR *dir = opendir(path);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

// What users do: looked at from another thread, since this one serves.
typedef struct {
    FsServer *server;
    const FsServerOptions *options;
    gboolean ok;
} User;

static gpointer use(gpointer data)
{
    User *user = data;
    g_autofree char *hour = g_build_filename(user->options->mountpoint, "channel", "quality", "2019-11-13T02", NULL);
    g_autofree char *cut =
        g_build_filename(user->options->mountpoint, "channel", "quality", "range", "20191113T0200+10s.rough.ts", NULL);
    struct stat st;
    char byte;
    user->ok = fs_server_wait_ready(user->server, user->options, NULL) && count_entries(hour) == 7 &&
               stat(cut, &st) == 0 && st.st_size == 5000;
    int fd = open(cut, O_RDONLY | O_CLOEXEC);
    user->ok = user->ok && fd >= 0 && read(fd, &byte, 1) == 1;
    // Left open in every third round: the file system goes away under it.
    if (g_str_has_suffix(user->options->words, "3"))
        umount2(user->options->mountpoint, MNT_DETACH);
    close(fd);
    umount2(user->options->mountpoint, MNT_DETACH);
    return NULL;
}

static void run_round(const Scratch *scratch, const char *mountpoint, int round)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions store_options = {0};
    FsTreeOptions tree_options = {.mountpoint = (char *) mountpoint};
    g_autofree char *words = g_strdup_printf("fsname=round%d", round % 4);
    FsServerOptions options = {.mountpoint = mountpoint, .words = words};

    SegmentStore *store = segment_store_open(scratch->path, &store_options, &error);
    g_assert_no_error(error);
    FsServer *server = fs_server_new(fs_tree_new(store, &tree_options, NULL), &options, &error);
    g_assert_no_error(error);
    User user = {.server = server, .options = &options};
    GThread *thread = g_thread_new("user", use, &user);
    gboolean ok = fs_server_run(server, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    g_thread_join(thread);
    fs_server_free(server);
    g_assert_true(user.ok);
}

static void run_rounds(void)
{
    g_autoptr(Scratch) scratch = scratch_new();
    g_autoptr(Scratch) mountpoint = scratch_new();
    for (int i = 0; i < 5; i++) {
        g_autofree char *name = scratch_name(i * 2 * SEGMENT_SECOND, "2.0", SEGMENT_FULL, (guint) i);
        g_autofree char *path = g_build_filename("channel/quality/2019-11-13T02", name, NULL);
        scratch_file(scratch, path, 1000);
    }
    guint descriptors = 0, threads = 0;
    for (int round = 0; round < ROUNDS; round++) {
        run_round(scratch, mountpoint->path, round);
        // GLib and libfuse keep some for the next.
        if (round == 20) {
            descriptors = count_entries("/proc/self/fd");
            threads = count_entries("/proc/self/task");
        }
    }
    // A leak would be hundreds; one more or less is a thread of a library that is just ending.
    g_assert_cmpuint(count_entries("/proc/self/fd"), <=, descriptors + 8);
    g_assert_cmpuint(count_entries("/proc/self/task"), <=, threads + 8);
}

// In a process of its own, for what libraries write to stderr. The end of a mount is nothing to complain of; a thread
// that did was cancelled in the middle of it, with the lock of stderr, in one of some ten thousand rounds.
static void test_rounds(void)
{
    if (getuid() != 0 || access("/dev/fuse", R_OK | W_OK) < 0) {
        // Whoever builds without root still runs the rest; scripts/check, which is root, does not skip it.
        g_test_skip("needs root and /dev/fuse");
        return;
    }
    g_test_trap_subprocess("/mount/rounds/subprocess", 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr_unmatched("*reading device*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    g_test_add_func("/mount/rounds", test_rounds);
    g_test_add_func("/mount/rounds/subprocess", run_rounds);
    return g_test_run();
}
