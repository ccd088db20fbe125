// SPDX-License-Identifier: MIT
// Each thread takes a few segments that follow each other, decodes their sound, and keeps peaks alone. What it has
// found is put together at the end, so that it does not matter which thread took what. So that its first frame is as if
// it had decoded all that comes before, it begins with the end of the segment before.
#include "cut/waveform.h"

#include <string.h>

#include "cut/peaks.h"
#include "cut/picture.h"
#include "cut/sound.h"
#include "cut/sources.h"
#include "segment/fd.h"
#include "segment/lock.h"

#define WIDTH 1024
#define HEIGHT 64
#define MAX_PIXELS (8 * 1024 * 1024)
#define MAX_THREADS 8
#define CHUNK 8 // segments that a thread takes at a time
// As far from white as from black (a contrast of 4.5 and 4.7 to 1, WCAG 2.1), on a ground that is transparent
#define COLOUR 0x2A7AC8U
#define OPAQUE 0xFF000000U

// Segments that follow each other: first of all those of a run, and then the one behind it.
typedef struct {
    const CutRun *run;
    const CutSpan *span;
    gint64 offset; // microseconds: where the span begins in the picture
    guint first, n;
} Chunk;

typedef struct {
    const CutPlan *plan;
    const SegmentWait *wait;
    GArray *chunks; // Chunk
    int next; // atomic: the first that nobody has taken
    int failed; // atomic
    GMutex lock;
    GError *error; // the first one; guarded by lock
} Job;

typedef struct {
    Job *job;
    GThread *thread; // NULL: the caller's
    CutPeaks *peaks;
    CutSoundReader *reader;
    gboolean has_stream, has_sound; // there is some
    const Chunk *chunk; // at hand
    gint64 origin; // microseconds: where the segment at hand begins in the picture
} Worker;

gboolean cut_waveform_is_possible(const CutRequest *request)
{
    return (guint64) request->width * request->height <= MAX_PIXELS;
}

// ---- chunks

static guint n_items(const CutRun *run)
{
    return run->n_refs + (run->after != NULL ? 1 : 0);
}

static gint64 find_chunks(const CutPlan *plan, GArray *chunks)
{
    gint64 length = 0;
    for (guint s = 0; s < plan->request->n_spans; s++) {
        const CutSpan *span = &plan->request->spans[s];
        for (guint r = 0; r < plan->runs->len; r++) {
            const CutRun *run = &g_array_index(plan->runs, CutRun, r);
            if (run->range != g_ptr_array_index(plan->ranges, s))
                continue;
            for (guint i = 0; i < n_items(run); i += CHUNK) {
                Chunk chunk = {
                    .run = run, .span = span, .offset = length, .first = i, .n = MIN(CHUNK, n_items(run) - i)};
                g_array_append_val(chunks, chunk);
            }
        }
        length += span->end - span->start;
    }
    return length;
}

// ---- threads

static void take_sound(const float *const *channels, guint n_channels, guint n, guint rate, gint64 position,
                       gpointer data)
{
    Worker *worker = data;
    const Chunk *chunk = worker->chunk;
    gint64 begin = chunk->offset, end = begin + (chunk->span->end - chunk->span->start);
    for (guint i = 0; i < n_channels; i++)
        cut_peaks_add(worker->peaks, channels[i], n, rate, worker->origin + position, begin, end);
}

static gboolean read_item(Worker *worker, guint i, gboolean only_tail, GError **error)
{
    const Chunk *chunk = worker->chunk;
    const SegmentRange *range = i < chunk->run->n_refs ? chunk->run->range : chunk->run->after;
    guint ref = i < chunk->run->n_refs ? chunk->run->first_ref + i : 0;
    const SegmentEntry *entry = segment_range_entry(range, ref);
    gint64 start = segment_entry_start(segment_range_hour(range, ref), entry);
    CutSoundResult result;
    g_autofree char *path = cut_segment_path(worker->job->plan->stream, range, ref);
    segment_autofd int fd = cut_open_segment(worker->job->plan->stream, range, ref, error);
    if (fd < 0)
        return FALSE;
    CutSoundSource source = {
        .fd = fd,
        .size = entry->size,
        .path = path,
        .begin = chunk->span->start - start,
        .end = chunk->span->end - start,
        .only_tail = only_tail,
    };
    worker->origin = chunk->offset + start - chunk->span->start;
    if (!cut_sound_read(worker->reader, &source, worker->job->wait, &result, error))
        return FALSE;
    worker->has_stream = worker->has_stream || result != CUT_SOUND_NO_STREAM;
    worker->has_sound = worker->has_sound || result == CUT_SOUND_SOME;
    return TRUE;
}

static gboolean read_chunk(Worker *worker, const Chunk *chunk, GError **error)
{
    worker->chunk = chunk;
    cut_sound_reader_restart(worker->reader);
    if (chunk->first > 0 && !read_item(worker, chunk->first - 1, TRUE, error))
        return FALSE;
    for (guint i = chunk->first; i < chunk->first + chunk->n; i++) {
        if (!read_item(worker, i, FALSE, error))
            return FALSE;
    }
    return TRUE;
}

static gpointer work(gpointer data)
{
    Worker *worker = data;
    Job *job = worker->job;
    g_autoptr(GError) error = NULL;
    worker->reader = cut_sound_reader_new(take_sound, worker);
    while (error == NULL && g_atomic_int_get(&job->failed) == 0) {
        guint i = (guint) g_atomic_int_add(&job->next, 1);
        if (i >= job->chunks->len)
            break;
        read_chunk(worker, &g_array_index(job->chunks, Chunk, i), &error);
    }
    cut_sound_reader_free(worker->reader);
    if (error != NULL) {
        SEGMENT_LOCK_SCOPE(&job->lock);
        g_atomic_int_set(&job->failed, 1);
        if (job->error == NULL)
            job->error = g_steal_pointer(&error);
    }
    return NULL;
}

// Adds to PEAKS what all of them find.
static void run(Job *job, CutPeaks *peaks, gboolean *has_stream, gboolean *has_sound)
{
    Worker workers[MAX_THREADS] = {{0}};
    guint n = MIN(MIN(g_get_num_processors(), MAX_THREADS), job->chunks->len);
    for (guint i = n; i-- > 0;) {
        workers[i] = (Worker){.job = job, .peaks = cut_peaks_new(peaks->n_columns, peaks->length)};
        if (i > 0)
            workers[i].thread = g_thread_new("waveform", work, &workers[i]);
        else
            work(&workers[i]);
    }
    for (guint i = 0; i < n; i++) {
        if (workers[i].thread != NULL)
            g_thread_join(workers[i].thread);
        cut_peaks_merge(peaks, workers[i].peaks);
        cut_peaks_free(workers[i].peaks);
        *has_stream = *has_stream || workers[i].has_stream;
        *has_sound = *has_sound || workers[i].has_sound;
    }
}

// ---- the picture

static AVFrame *draw(const CutPeaks *peaks, guint height, GError **error)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_PAL8;
    frame->width = (int) peaks->n_columns;
    frame->height = (int) height;
    int result = av_frame_get_buffer(frame, 0);
    if (result < 0) {
        av_frame_free(&frame);
        cut_codec_fail(error, result, "a picture");
        return NULL;
    }
    guint32 *palette = (guint32 *) (void *) frame->data[1];
    memset(palette, 0, AVPALETTE_SIZE);
    palette[0] = COLOUR;
    palette[1] = OPAQUE | COLOUR;
    for (guint y = 0; y < height; y++)
        memset(frame->data[0] + (gssize) y * frame->linesize[0], 0, peaks->n_columns);
    for (guint x = 0; x < peaks->n_columns; x++) {
        guint top, bottom;
        if (!cut_peaks_rows(peaks, x, height, &top, &bottom))
            continue;
        for (guint y = top; y <= bottom; y++)
            frame->data[0][(gssize) y * frame->linesize[0] + x] = 1;
    }
    return frame;
}

static gboolean find_peaks(CutPlan *plan, CutPeaks *peaks, GArray *chunks, const SegmentWait *wait, GError **error)
{
    Job job = {.plan = plan, .wait = wait, .chunks = chunks};
    gboolean has_stream = FALSE, has_sound = FALSE;
    g_mutex_init(&job.lock);
    run(&job, peaks, &has_stream, &has_sound);
    g_mutex_clear(&job.lock);
    if (job.error != NULL) {
        g_propagate_error(error, job.error);
        return FALSE;
    }
    const char *stream = segment_stream_path(plan->stream);
    if (!has_stream)
        g_set_error(error, CUT_ERROR, CUT_ERROR_CODEC, "%s: no transport streams", stream);
    else if (!has_sound)
        g_set_error(error, CUT_ERROR, CUT_ERROR_HOLES, "%s: there is no sound", stream);
    return has_sound;
}

GBytes *cut_waveform_render(CutPlan *plan, const SegmentWait *wait, GError **error)
{
    const CutRequest *request = plan->request;
    g_autoptr(GArray) chunks = g_array_new(FALSE, FALSE, sizeof(Chunk));
    for (guint r = 0; r < plan->runs->len; r++)
        g_clear_pointer(&g_array_index(plan->runs, CutRun, r).before, segment_range_free);
    gint64 length = find_chunks(plan, chunks);
    g_autoptr(CutPeaks) peaks = cut_peaks_new(request->width != 0 ? request->width : WIDTH, length);
    if (!find_peaks(plan, peaks, chunks, wait, error))
        return NULL;
    g_autoptr(CutAvFrame) frame = draw(peaks, request->height != 0 ? request->height : HEIGHT, error);
    return frame != NULL ? cut_picture_to_png(frame, error) : NULL;
}
