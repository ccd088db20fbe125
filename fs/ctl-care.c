// SPDX-License-Identifier: MIT
// segfsctl scrub, repair and prune: the care of a store, mounted or not.
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ctl.h"
#include "fs/place.h"
#include "segment/prune.h"
#include "segment/quarantine.h"
#include "segment/repair.h"
#include "segment/scrub.h"
#include "segment/time.h"

#define MEGABYTE (1000 * 1000)
#define DEFAULT_RATE 50 // MB a second
#define DEFAULT_MIN_AGE (60 * SEGMENT_SECOND)

typedef struct {
    gboolean dry_run, quiet, restart;
    gint64 rate; // bytes a second
    gint64 older_than; // microseconds; 0 where it was not given
    const char *path;
} Options;

static int cancelled; // atomic; set by a signal
static const SegmentWait wait_for_signal = {.may_block = TRUE, .cancelled = &cancelled};

static void interrupt(int signal)
{
    g_atomic_int_set(&cancelled, 1);
}

// ---- arguments

// A whole number, with UNITS' letter behind it that says what it counts; 0 where it is none, or none that makes sense.
static gint64 parse_number(const char *text, const char *units, const gint64 *sizes)
{
    char *end;
    if (!g_ascii_isdigit(text[0]))
        return 0;
    guint64 number = g_ascii_strtoull(text, &end, 10);
    const char *unit = *end != '\0' && end[1] == '\0' ? strchr(units, *end) : NULL;
    gint64 size = unit != NULL ? sizes[unit - units] : 0;
    return size > 0 && number <= (guint64) (G_MAXINT64 / size) ? (gint64) number * size : 0;
}

static gint64 parse_age(const char *text)
{
    static const gint64 sizes[] = {SEGMENT_SECOND, SEGMENT_HOUR_LENGTH / 60, SEGMENT_HOUR_LENGTH,
                                   24 * SEGMENT_HOUR_LENGTH};
    return parse_number(text, "smhd", sizes);
}

static gint64 parse_rate(const char *text)
{
    guint64 rate;
    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &rate, NULL) ? (gint64) rate * MEGABYTE : -1;
}

// Those in LETTERS are allowed. 0, or the exit status.
static int parse_options(int argc, char **argv, const char *letters, Options *options)
{
    static const struct option known[] = {
        {"dry-run", no_argument, NULL, 'n'}, {"older-than", required_argument, NULL, 'a'},
        {"quiet", no_argument, NULL, 'q'},   {"rate", required_argument, NULL, 'r'},
        {"restart", no_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
    int letter;
    opterr = 0;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "nq", known, NULL)) != -1) {
        if (letter == '?' || strchr(letters, letter) == NULL)
            return fs_ctl_complain_usage("an option that the command does not have, or one without its value");
        options->dry_run = options->dry_run || letter == 'n';
        options->quiet = options->quiet || letter == 'q';
        options->restart = options->restart || letter == 's';
        if (letter == 'r' && (options->rate = parse_rate(optarg)) < 0)
            return fs_ctl_complain_usage("--rate is a whole number of MB a second; 0: as fast as it goes");
        if (letter == 'a' && (options->older_than = parse_age(optarg)) == 0)
            return fs_ctl_complain_usage("--older-than is a number with its unit: 90s, 30m, 36h or 14d");
    }
    if (argc - optind != 1)
        return fs_ctl_complain_usage("one STORE is needed");
    options->path = argv[optind];
    return 0;
}

// The store at PATH, or the one that is mounted there. NULL, and said why, where there is none.
static SegmentStore *open_store(const Options *options)
{
    const struct sigaction action = {.sa_handler = interrupt};
    const SegmentStoreOptions store_options = {.no_watch = TRUE};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = fs_place_in_store(options->path, &error);
    SegmentStore *store = path != NULL ? segment_store_open(path, &store_options, &error) : NULL;
    if (store == NULL)
        fs_ctl_complain(options->path, error->message);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return store;
}

static int finish(const Options *options, gboolean ok, const GError *error)
{
    fs_ctl_end_progress();
    return ok ? EXIT_SUCCESS : fs_ctl_complain(options->path, error->message);
}

// ---- scrub

typedef struct {
    gboolean bar;
    SegmentScrubProgress last;
} Scrubbing;

static void show_scrub(const SegmentScrubProgress *progress, gpointer data)
{
    Scrubbing *scrubbing = data;
    if (progress->complaint != NULL) {
        fs_ctl_end_progress();
        printf("%s: %s\n", progress->path, progress->complaint);
        fflush(stdout);
    }
    if (scrubbing->bar) {
        g_autofree char *of =
            g_strdup_printf("%u hours, %" G_GUINT64_FORMAT " MB read", progress->n_hours, progress->n_bytes / MEGABYTE);
        fs_ctl_show_progress(progress->n_hours_done, progress->n_hours, of);
    }
    scrubbing->last = *progress;
}

int fs_ctl_scrub(int argc, char **argv)
{
    Options options = {.rate = (gint64) DEFAULT_RATE * MEGABYTE};
    int status = parse_options(argc + 1, argv - 1, "nqrs", &options);
    g_autoptr(SegmentStore) store = status == 0 ? open_store(&options) : NULL;
    if (store == NULL)
        return status != 0 ? status : EXIT_FAILURE;

    g_autoptr(GError) error = NULL;
    Scrubbing scrubbing = {.bar = !options.quiet && fs_ctl_may_show_progress()};
    SegmentScrubOptions scrub = {.rate = options.rate, .restart = options.restart, .dry_run = options.dry_run};
    gboolean ok = segment_scrub(segment_store_fd(store), &scrub, show_scrub, &scrubbing, &wait_for_signal, &error);
    status = finish(&options, ok, error);
    const SegmentScrubProgress *last = &scrubbing.last;
    if (!options.quiet)
        printf("%" G_GUINT64_FORMAT " segments, %" G_GUINT64_FORMAT " MB: %u bad%s\n", last->n_files,
               last->n_bytes / MEGABYTE, last->n_bad,
               last->n_bad == 0  ? ""
               : options.dry_run ? ", left where they are"
                                 : ", in " SEGMENT_QUARANTINE "/");
    return last->n_bad + last->n_odd > 0 ? EXIT_FAILURE : status;
}

// ---- repair

typedef struct {
    gboolean quiet;
    guint64 n_files, n_bytes;
} Counted;

static void show_repair(const char *file, const char *done, gpointer data)
{
    Counted *counted = data;
    counted->n_files++;
    if (!counted->quiet)
        printf("%s: %s\n", file, done);
}

int fs_ctl_repair(int argc, char **argv)
{
    Options options = {0};
    int status = parse_options(argc + 1, argv - 1, "nqa", &options);
    g_autoptr(SegmentStore) store = status == 0 ? open_store(&options) : NULL;
    if (store == NULL)
        return status != 0 ? status : EXIT_FAILURE;

    g_autoptr(GError) error = NULL;
    Counted counted = {.quiet = options.quiet};
    SegmentRepairOptions repair = {
        .min_age = options.older_than > 0 ? options.older_than : DEFAULT_MIN_AGE,
        .dry_run = options.dry_run,
    };
    return finish(&options, segment_repair(store, &repair, show_repair, &counted, &wait_for_signal, &error), error);
}

// ---- prune

static void show_prune(const char *file, gint64 size, gpointer data)
{
    Counted *counted = data;
    counted->n_files++;
    counted->n_bytes += (guint64) size;
    if (!counted->quiet)
        puts(file);
}

int fs_ctl_prune(int argc, char **argv)
{
    Options options = {0};
    int status = parse_options(argc + 1, argv - 1, "nqa", &options);
    if (status == 0 && options.older_than < SEGMENT_HOUR_LENGTH)
        status = fs_ctl_complain_usage("prune needs --older-than, an hour (1h) at least");
    g_autoptr(SegmentStore) store = status == 0 ? open_store(&options) : NULL;
    if (store == NULL)
        return status != 0 ? status : EXIT_FAILURE;

    g_autoptr(GError) error = NULL;
    Counted counted = {.quiet = options.quiet || !options.dry_run};
    gboolean ok = segment_prune(segment_store_fd(store), g_get_real_time() - options.older_than, options.dry_run,
                                show_prune, &counted, &wait_for_signal, &error);
    if (!options.quiet)
        printf("%" G_GUINT64_FORMAT " segments, %" G_GUINT64_FORMAT " MB%s\n", counted.n_files,
               counted.n_bytes / MEGABYTE, options.dry_run ? " would be deleted" : " deleted");
    return finish(&options, ok, error);
}
