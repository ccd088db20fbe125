// SPDX-License-Identifier: MIT
// Cuts as MP4 files of segments that are mangled: either there is an error, or all of it can be read, at its size, in
// pieces as well as at once; and its boxes are in order.
#include "cut/movie.h"

#include <glib/gstdio.h>
#include <string.h>

#include "cut/reader.h"
#include "cut/request.h"
#include "segment/error.h"
#include "segment/store.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/ts-input.h"

#define HOUR "channel/quality/2019-11-13T02"

enum { IS_ROUGH = 1, IS_QUICKTIME = 2, HAS_BEFORE = 4, HAS_AFTER = 8 };

static char *root;

static void write_segment(guint i, const char *start, const guint8 *data, gsize size)
{
    static guint32 number;
    // Another content each time: its name says so.
    guint8 hash[SEGMENT_HASH_SIZE] = {(guint8) i};
    memcpy(hash + 1, &number, sizeof number);
    number++;
    g_autofree char *text = g_base64_encode(hash, sizeof hash);
    text[43] = '\0';
    for (char *letter = text; *letter != '\0'; letter++)
        *letter = *letter == '+' ? '-' : *letter == '/' ? '_' : *letter;
    g_autofree char *name = g_strdup_printf("%s-2.0-full-%s.ts", start, text);
    g_autofree char *path = g_build_filename(root, HOUR, name, NULL);
    fuzz_assert(g_file_set_contents(path, (const char *) data, (gssize) size, NULL));
}

static void remove_segments(void)
{
    g_autofree char *path = g_build_filename(root, HOUR, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_unlink(file);
    }
}

// At the end, before what leaks is looked for.
static void remove_root(void)
{
    // A thread that is just ending has memory of GLib's that looks like a leak.
    g_usleep(G_USEC_PER_SEC / 5);
    static const char *const folders[] = {HOUR, "channel/quality", "channel", ""};
    remove_segments();
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename(root, folders[i], NULL);
        g_rmdir(folder);
    }
    g_free(root);
}

static void make_root(void)
{
    if (root != NULL)
        return;
    atexit(remove_root);
    root = g_dir_make_tmp("fuzz-movie-XXXXXX", NULL);
    fuzz_assert(root != NULL);
    g_autofree char *hour = g_build_filename(root, HOUR, NULL);
    fuzz_assert(g_mkdir_with_parents(hour, 0700) == 0);
}

static guint32 get_32(const guint8 *data)
{
    guint32 value;
    memcpy(&value, data, sizeof value);
    return GUINT32_FROM_BE(value);
}

// ftyp, moov, free, and mdat up to the end
static void check_boxes(const guint8 *data, gsize size)
{
    static const char *kinds[] = {"ftyp", "moov", "free"};
    gsize at = 0;
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        fuzz_assert(at + 8 <= size && memcmp(data + at + 4, kinds[i], 4) == 0 && get_32(data + at) >= 8);
        at += get_32(data + at);
    }
    fuzz_assert(at + 16 <= size && memcmp(data + at, "\0\0\0\1mdat", 8) == 0);
    fuzz_assert(at + ((guint64) get_32(data + at + 8) << 32 | get_32(data + at + 12)) == size);
}

static void read_all(CutEngine *engine, CutPlan *plan)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CutReader) reader = cut_reader_new(engine, plan);
    fuzz_assert(plan->size > 0 && plan->size < 1 << 28);
    gsize size = (gsize) plan->size;
    g_autofree guint8 *data = g_malloc(size), *again = g_malloc(size);
    gssize n = cut_reader_read(reader, data, size, 0, NULL, &error);
    if (n < 0) {
        fuzz_assert(error != NULL && (error->domain == CUT_ERROR || error->domain == SEGMENT_ERRNO));
        return;
    }
    fuzz_assert(n == (gssize) size);
    check_boxes(data, size);
    for (gsize at = 0, length; at < size; at += length) {
        length = MIN(4099, size - at);
        fuzz_assert(cut_reader_read(reader, again + at, length, (gint64) at, NULL, &error) == (gssize) length);
    }
    fuzz_assert(memcmp(data, again, size) == 0);
    fuzz_assert(cut_reader_read(reader, again, 1, plan->size, NULL, &error) == 0);
}

static void cut(const TsInput *input)
{
    g_autoptr(GError) error = NULL;
    SegmentStoreOptions options = {.no_watch = TRUE};
    g_autoptr(SegmentStore) store = segment_store_open(root, &options, &error);
    SegmentStream *stream = segment_store_stream(store, "channel/quality", NULL, &error);
    fuzz_assert(stream != NULL);
    g_autoptr(CutEngine) engine = cut_engine_new(NULL, 0);
    const CutTextOptions movie = {.lay_out_movie = cut_movie_lay_out, .data = engine};
    g_autofree char *name = g_strdup_printf(
        "20191113T0200%s-20191113T0200%s%s.%s", (input->options[0] & HAS_BEFORE) != 0 ? "00.3" : "02",
        (input->options[0] & HAS_AFTER) != 0 ? "05.1" : "04", (input->options[0] & IS_ROUGH) != 0 ? ".rough" : "",
        (input->options[0] & IS_QUICKTIME) != 0 ? "mov" : "mp4");
    CutRequest *request = cut_request_parse(name, &error);
    fuzz_assert(request != NULL);
    g_autoptr(CutPlan) plan = cut_plan_new(stream, request, &movie, NULL, &error);
    if (plan != NULL)
        read_all(engine, plan);
    else
        fuzz_assert(error->domain == CUT_ERROR || error->domain == SEGMENT_ERRNO);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_auto(TsInput) input = {0};
    if (!ts_input_read(data, size, &input))
        return 0;
    make_root();
    gsize third = input.size / CUT_TS_PACKET * input.options[1] / 256 * CUT_TS_PACKET;
    write_segment(0, "00:00", input.data, third);
    write_segment(1, "00:02", input.data, input.size);
    write_segment(2, "00:04", input.data + third, input.size - third);
    cut(&input);
    remove_segments();
    return 0;
}
