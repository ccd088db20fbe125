// SPDX-License-Identifier: MIT
// segfsctl cut: a cut into a file, straight from the store. Until it is whole it has another name.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cut/movie.h"
#include "cut/reader.h"
#include "fs/ctl.h"
#include "fs/place.h"
#include "segment/fd.h"

#define BUFFER (1024 * 1024)

typedef struct {
    const char *output;
    CutMode mode;
    gboolean holes, quiet;
    GArray *spans; // CutSpan
} Options;

static int cancelled; // atomic; set by a signal

static void interrupt(int signal)
{
    g_atomic_int_set(&cancelled, 1);
}

// ---- arguments

static gboolean parse_mode(const char *word, CutMode *mode)
{
    for (int i = CUT_MODE_SMART; i <= CUT_MODE_FULL; i++) {
        if (strcmp(cut_mode_to_string((CutMode) i), word) == 0) {
            *mode = (CutMode) i;
            return TRUE;
        }
    }
    return FALSE;
}

// 0, or the exit status.
static int parse_options(int argc, char **argv, Options *options)
{
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"mode", required_argument, NULL, 'm'},
                                          {"holes", no_argument, NULL, 'h'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {NULL, 0, NULL, 0}};
    int letter;
    opterr = 0;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "o:q", known, NULL)) != -1) {
        if (letter == 'o')
            options->output = optarg;
        else if (letter == 'h')
            options->holes = TRUE;
        else if (letter == 'q')
            options->quiet = TRUE;
        else if (letter != 'm')
            return fs_ctl_complain_usage("cut: an option that there is not, or one without its value");
        else if (!parse_mode(optarg, &options->mode))
            return fs_ctl_complain_usage("cut: --mode is smart, fast, full or rough");
    }
    if (argc - optind < 2 || options->output == NULL)
        return fs_ctl_complain_usage("cut needs STREAM, at least one RANGE, and -o FILE");
    for (int i = optind + 1; i < argc; i++) {
        g_autoptr(GError) error = NULL;
        CutSpan span;
        if (!cut_span_parse(argv[i], &span, &error))
            return fs_ctl_complain_usage(error->message);
        g_array_append_val(options->spans, span);
    }
    return 0;
}

// ---- copying

static void show_progress(gint64 done, gint64 size)
{
    g_autofree char *of = g_strdup_printf("%" G_GINT64_FORMAT " MB", size / 1000000);
    fs_ctl_show_progress(done, size, of);
}

static gboolean copy(CutReader *reader, gint64 size, int fd, const char *path, gboolean progress, GError **error)
{
    SegmentWait wait = {.may_block = TRUE, .cancelled = &cancelled};
    g_autofree guint8 *buffer = g_malloc(BUFFER);
    for (gint64 done = 0; done < size;) {
        gssize n =
            segment_wait_is_over(&wait, error) ? -1 : cut_reader_read(reader, buffer, BUFFER, done, &wait, error);
        if (n < 0) {
            fs_ctl_end_progress();
            return FALSE;
        }
        if (!segment_fd_write(fd, buffer, (gsize) n))
            return segment_error_set_errno(error, errno, "cannot write", path);
        done += n;
        if (progress)
            show_progress(done, size);
    }
    return TRUE;
}

static gboolean write_file(CutReader *reader, gint64 size, const Options *options, GError **error)
{
    gboolean progress = !options->quiet && fs_ctl_may_show_progress();
    if (strcmp(options->output, "-") == 0)
        return copy(reader, size, STDOUT_FILENO, "standard output", progress, error);
    g_autofree char *temp = g_strdup_printf("%s.%d.part", options->output, getpid());
    segment_autofd int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return segment_error_set_errno(error, errno, "cannot create", temp);
    gboolean ok = copy(reader, size, fd, temp, progress, error);
    if (ok && rename(temp, options->output) < 0)
        ok = segment_error_set_errno(error, errno, "cannot rename to", options->output);
    if (!ok)
        unlink(temp);
    return ok;
}

// By the end of its name.
static CutFormat find_format(const char *output)
{
    const char *dot = strrchr(output, '.');
    return dot != NULL && g_ascii_strcasecmp(dot, ".mp4") == 0   ? CUT_FORMAT_MP4
           : dot != NULL && g_ascii_strcasecmp(dot, ".mov") == 0 ? CUT_FORMAT_MOV
                                                                 : CUT_FORMAT_TS;
}

static gboolean cut(SegmentStream *stream, const Options *options, GError **error)
{
    g_autoptr(CutEngine) engine = cut_engine_new(NULL, 0);
    const CutTextOptions movie = {.lay_out_movie = cut_movie_lay_out, .data = engine};
    CutRequest *request = cut_request_new((const CutSpan *) (const void *) options->spans->data, options->spans->len,
                                          find_format(options->output));
    request->mode = options->mode;
    request->accept_holes = options->holes;
    g_autoptr(CutPlan) plan = cut_plan_new(stream, request, &movie, NULL, error);
    if (plan == NULL)
        return FALSE;
    g_autoptr(CutReader) reader = cut_reader_new(engine, plan);
    return write_file(reader, plan->size, options, error);
}

int fs_ctl_cut(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SegmentStore) store = NULL;
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(CutSpan));
    Options options = {.spans = spans};
    const struct sigaction action = {.sa_handler = interrupt};

    // getopt(3) begins behind the command's name.
    int status = parse_options(argc + 1, argv - 1, &options);
    if (status != 0)
        return status;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    const char *path = argv[optind - 1];
    SegmentStream *stream = fs_place_open_stream(path, &store, &error);
    if (stream == NULL || !cut(stream, &options, &error))
        return fs_ctl_complain(path, error->message);
    return EXIT_SUCCESS;
}
