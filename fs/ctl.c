// SPDX-License-Identifier: MIT
// segfsctl(8): what operators do to a store. Each command is a function; the table at the end is its --help.
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut/request.h"
#include "fs/ctl.h"
#include "fs/place.h"
#include "segment/fd.h"
#include "segment/store.h"
#include "segment/time.h"
#include "segment/tombstone.h"

int fs_ctl_complain(const char *path, const char *reason)
{
    fprintf(stderr, "segfsctl: %s: %s\n", path, reason);
    return EXIT_FAILURE;
}

int fs_ctl_complain_usage(const char *reason)
{
    fprintf(stderr, "segfsctl: %s\nTry 'segfsctl --help'.\n", reason);
    return EXIT_USAGE;
}

// ---- tombstones

// The name, in the store's spelling, of the tombstone of what PATH names; PATH's directory has to be an hour's.
static char *tombstone_name(const char *path, GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *directory = g_path_get_dirname(absolute);
    g_autofree char *hour_name = g_path_get_basename(directory);
    g_autofree char *base = g_path_get_basename(absolute);
    gint64 hour;
    g_autofree char *native = segment_hour_name_parse(hour_name, &hour) ? segment_name_from_portable(base, hour) : NULL;
    if (native == NULL) {
        g_set_error(error, SEGMENT_ERROR, SEGMENT_ERROR_BAD_NAME, "not the path of a segment, HOUR/NAME.ts");
        return NULL;
    }
    return g_str_has_suffix(native, ".ts") ? segment_name_to_tombstone(native) : g_steal_pointer(&native);
}

// In a mount the daemon does it, so that it takes effect there at once; in a store we do.
static gboolean bury(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = tombstone_name(path, error);
    if (name == NULL)
        return FALSE;
    segment_autofd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return segment_error_set_errno(error, errno, "cannot open", directory);
    if (!fs_place_is_mounted(directory))
        return segment_tombstone_create(fd, directory, name, getuid(), getgid(), 0644, error);
    segment_autofd int file = openat(fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return file >= 0 || segment_error_set_errno(error, errno, "cannot create", name);
}

static gboolean unbury(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = tombstone_name(path, error);
    if (name == NULL)
        return FALSE;
    g_autofree char *store = fs_place_in_store(directory, error);
    if (store == NULL)
        return FALSE;
    segment_autofd int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return segment_error_set_errno(error, errno, "cannot open", store);
    if (!segment_tombstone_remove(fd, store, name, error))
        return FALSE;
    fs_ctl_name_holders(store, name);
    return TRUE;
}

static int each_path(int argc, char **argv, gboolean (*func)(const char *path, GError **error))
{
    int status = EXIT_SUCCESS;
    if (argc < 1)
        return fs_ctl_complain_usage("a PATH is needed");
    for (int i = 0; i < argc; i++) {
        g_autoptr(GError) error = NULL;
        if (!func(argv[i], &error))
            status = fs_ctl_complain(argv[i], error->message);
    }
    return status;
}

static int run_tombstone(int argc, char **argv)
{
    return each_path(argc, argv, bury);
}

static int run_untombstone(int argc, char **argv)
{
    int status = each_path(argc, argv, unbury);
    if (status == EXIT_SUCCESS)
        fputs("segfsctl: a peer that has the tombstone will bring it back: remove it there, too\n", stderr);
    return status;
}

// ---- best

static gboolean parse_span(const char *start, const char *end, CutSpan *span, GError **error)
{
    g_autofree char *text = g_strdup_printf("%s%s%s", start, *end == '+' ? "" : "-", end);
    return cut_span_parse(text, span, error);
}

static SegmentRange *find_range(const char *path, const CutSpan *span, SegmentStore **store, GError **error)
{
    SegmentStream *stream = fs_place_open_stream(path, store, error);
    return stream != NULL ? segment_stream_range(stream, span->start, span->end, TRUE, FALSE, NULL, error) : NULL;
}

static void print_hole(const SegmentHole *hole)
{
    char a[SEGMENT_TIME_TEXT_SIZE], b[SEGMENT_TIME_TEXT_SIZE];
    printf("hole %s %s\n", segment_time_format(hole->start, a), segment_time_format(hole->end, b));
}

static void print_range(const SegmentRange *range)
{
    guint hole = 0;
    for (guint i = 0; i < range->refs->len; i++) {
        char name[SEGMENT_HOUR_TEXT_SIZE];
        const SegmentHour *hour = segment_range_hour(range, i);
        if (g_array_index(range->refs, SegmentRef, i).after_hole)
            print_hole(&g_array_index(range->holes, SegmentHole, hole++));
        printf("%s/%s\n", segment_hour_name_format(hour->start, name),
               segment_hour_name(hour, segment_range_entry(range, i)));
    }
    for (; hole < range->holes->len; hole++)
        print_hole(&g_array_index(range->holes, SegmentHole, hole));
}

static int run_best(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SegmentStore) store = NULL;
    gboolean no_holes = argc > 0 && strcmp(argv[0], "--no-holes") == 0;
    CutSpan span;

    argc -= no_holes;
    argv += no_holes;
    if (argc != 3)
        return fs_ctl_complain_usage("best needs STREAM, START and END");
    if (!parse_span(argv[1], argv[2], &span, &error))
        return fs_ctl_complain_usage(error->message);
    g_autoptr(SegmentRange) range = find_range(argv[0], &span, &store, &error);
    if (range == NULL)
        return fs_ctl_complain(argv[0], error->message);
    print_range(range);
    if (no_holes && range->holes->len > 0)
        return fs_ctl_complain(argv[0], "the range has holes");
    return EXIT_SUCCESS;
}

// ---- status

static gboolean print_status(const char *mountpoint, GError **error)
{
    g_autofree char *path = g_build_filename(mountpoint, ".segfs", "status.json", NULL);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, error))
        return FALSE;
    fputs(text, stdout);
    return TRUE;
}

static int run_status(int argc, char **argv)
{
    if (argc > 0)
        return each_path(argc, argv, print_status);
    g_autoptr(GPtrArray) mounts = fs_place_mounts();
    if (mounts->len == 0)
        return fs_ctl_complain("status", "nothing is mounted");
    return each_path((int) mounts->len, (char **) mounts->pdata, print_status);
}

// ---- all of them

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments, *help;
} commands[] = {
    {"tombstone", run_tombstone, "PATH...", "hide segments, for good, on every node"},
    {"untombstone", run_untombstone, "PATH...", "undo that, on the machine that has the store"},
    {"cut", fs_ctl_cut, "[OPTION...] STREAM RANGE... -o FILE", "write a cut into a file, without a mount"},
    {"best", run_best, "[--no-holes] STREAM START END|+DURATION", "print the segments of a range, and its holes"},
    {"scrub", fs_ctl_scrub, "[OPTION...] STORE", "read all segments again; those that are bad go into quarantine"},
    {"repair", fs_ctl_repair, "[OPTION...] STORE", "put in order what writers that died left"},
    {"prune", fs_ctl_prune, "[OPTION...] --older-than=AGE STORE", "delete old segments, but no tombstones"},
    {"purge", fs_ctl_purge, "[OPTION...] STORE", "delete what tombstones hide, where every peer has them"},
    {"peers", fs_ctl_peers, "[MOUNTPOINT...] | accept NAME [MOUNTPOINT...]",
     "print what is known of peers, or take the tombstones that one is held for"},
    {"sync", fs_ctl_sync, "[OPTION...] STORE", "take from peers what is missing, once, without a mount"},
    {"status", run_status, "[MOUNTPOINT...]", "print what mounts are doing, as JSON"},
};

static void print_help(void)
{
    puts("Usage: segfsctl COMMAND [ARGUMENT...]\n\nLooks after a store of segments.\n\nCommands:");
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        printf("  %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    puts("\nOptions:\n  -h, --help                 this text\n  -V, --version              the version\n"
         "      --no-holes             of best: a hole is a failure\n"
         "  -o, --output=FILE          of cut: where it goes\n"
         "      --mode=MODE            of cut: smart (default), fast, full or rough\n"
         "      --holes                of cut: go on after a hole\n"
         "      --rate=MB              of scrub: read so much a second at most (50)\n"
         "      --restart              of scrub: begin anew, not where it was ended\n"
         "      --older-than=AGE       of prune and repair: 90s, 30m, 36h or 14d\n"
         "      --force                of purge: also where a peer lacks a tombstone\n"
         "      --peer=NAME=URL        of sync and purge: a peer; so are all other settings of segfs(8)\n"
         "  -n, --dry-run              of scrub, repair, prune, purge and sync: change nothing\n"
         "  -q, --quiet                show no progress, and no more than what is wrong\n\nMore in segfsctl(8).");
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    if (argc < 2)
        return fs_ctl_complain_usage("a COMMAND is needed");
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
        print_help();
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
        puts("segfsctl " PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    }
    g_autofree char *reason = g_strdup_printf("unknown command '%s'", argv[1]);
    return fs_ctl_complain_usage(reason);
}
