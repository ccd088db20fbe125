// SPDX-License-Identifier: MIT
// The layout: what all samples take, and at most the tables that tell of them. Of an edge it is not known yet which
// samples it will have; it cannot have more than there are in the segments that it is made of.
#include "cut/movie.h"

#include <openssl/evp.h>
#include <string.h>

#include "cut/mp4.h"
#include "cut/movie-private.h"
#include "cut/nal.h"
#include "cut/request.h"
#include "cut/run.h"
#include "cut/sample-cache.h"
#include "cut/sources.h"
#include "cut/ts.h"
#include "segment/name.h"

#define MAX_SEGMENTS 50000 // 28 hours of two seconds each: a head of 80 MB
#define ENTRY (CUT_MP4_FIXED / 8) // bytes of a sample entry, without its parameter sets
#define EDGE_SETS 512 // bytes of those of an edge
#define CHAPTER 64 // bytes

// What is to be told of.
typedef struct {
    CutEngine *engine;
    CutPlan *plan;
    CutMovie *movie;
    const SegmentWait *wait;
    CutSamples *samples; // of the segment at hand
    GArray *sorted;
    gint64 n_pictures, n_syncs, n_frames, n_steps, n_edges;
    gint64 sets_size; // bytes of all different parameter sets
    guint n_entries; // times that one of them takes another's place
    GHashTable *sets; // cut_nal_set_key() → GBytes, of the sample entry at hand
} Layout;

static gboolean refuse(GError **error, const char *path, const char *what)
{
    g_set_error(error, CUT_ERROR, CUT_ERROR_UNSUPPORTED, "%s: %s", path, what);
    return FALSE;
}

// ---- what fits into one file

static gboolean check_sound(Layout *layout, const CutSampleTrack *track, const char *path, GError **error)
{
    CutMovie *movie = layout->movie;
    for (guint i = 0; i < movie->n_sounds; i++) {
        const CutMovieSound *own = &movie->sounds[i];
        if (own->pid != track->pid)
            continue;
        return (own->config == track->config && own->rate == track->rate) ||
               refuse(error, path, "its sound's rate or channels are not those of the segments before it");
    }
    if (movie->n_sounds == CUT_SAMPLE_TRACKS)
        return refuse(error, path, "there are too many tracks of sound");
    movie->sounds[movie->n_sounds++] = (CutMovieSound){track->pid, track->config, track->rate};
    return TRUE;
}

static gboolean check_fault(const CutSamples *samples, const char *path, GError **error)
{
    switch (samples->fault) {
    case CUT_SAMPLES_VIDEO:
        return refuse(error, path, "only H.264 can be in an mp4");
    case CUT_SAMPLES_SOUND:
        return refuse(error, path, "only sound in AAC can be in an mp4");
    case CUT_SAMPLES_SETS:
        return refuse(error, path, "its parameter sets change, or are too large, which an mp4 cannot hold");
    case CUT_SAMPLES_OK:
        break;
    }
    return TRUE;
}

static void add_sets(Layout *layout)
{
    const GPtrArray *sets = layout->samples->sets;
    gboolean is_new = FALSE;
    for (guint i = 0; i < sets->len; i++) {
        gsize size;
        const guint8 *data = g_bytes_get_data(g_ptr_array_index(sets, i), &size);
        gpointer key = GUINT_TO_POINTER(cut_nal_set_key(data, size));
        GBytes *known = g_hash_table_lookup(layout->sets, key);
        if (known != NULL && g_bytes_equal(known, g_ptr_array_index(sets, i)))
            continue;
        is_new = is_new || known != NULL;
        layout->sets_size += (gint64) size + 2;
        g_hash_table_insert(layout->sets, key, g_bytes_ref(g_ptr_array_index(sets, i)));
    }
    layout->n_entries += is_new ? 1 : 0;
}

// The rate is that of the first segment, where all others fit to it.
static void check_rate(Layout *layout)
{
    CutMovie *movie = layout->movie;
    guint n_steps = 0;
    if (layout->samples->pictures->len == 0)
        return;
    cut_rate_sort(layout->samples, layout->sorted);
    if (!movie->has_video && !cut_rate_find(layout->samples, layout->sorted, &movie->rate))
        movie->rate.num = 0;
    movie->has_video = TRUE;
    if (movie->rate.num != 0 && !cut_rate_fits(&movie->rate, layout->sorted, &n_steps))
        movie->rate.num = 0;
    layout->n_steps += n_steps;
    movie->is_regular = movie->is_regular && n_steps == 0;
}

static gboolean add_covered(Layout *layout, const CutRun *run, guint ref, GError **error)
{
    const CutSamples *samples = layout->samples;
    g_autofree char *path = cut_segment_path(layout->plan->stream, run->range, ref);
    if (!check_fault(samples, path, error))
        return FALSE;
    for (guint i = 0; i < samples->n_tracks; i++) {
        if (!check_sound(layout, &samples->tracks[i], path, error))
            return FALSE;
    }
    add_sets(layout);
    check_rate(layout);
    return TRUE;
}

// ---- counting

static void count(Layout *layout, const CutSamples *samples, gboolean is_edge)
{
    layout->n_pictures += samples->pictures->len;
    layout->n_syncs += is_edge ? samples->pictures->len : samples->n_sync;
    for (guint i = 0; i < samples->n_tracks; i++) {
        const GArray *frames = samples->tracks[i].frames;
        layout->n_frames += frames->len;
        // Gaps, of half a frame or more.
        for (guint k = 1; k < frames->len; k++) {
            const CutSoundSample *frame = &g_array_index(frames, CutSoundSample, k);
            gint64 off = (frame[0].pts - frame[-1].pts) * samples->tracks[i].rate / CUT_STAMP_HZ - 1024;
            layout->n_steps += ABS(off) >= 512 ? 1 : 0;
        }
    }
}

static gboolean unpack(Layout *layout, GBytes *packed, GError **error)
{
    if (cut_samples_unpack(layout->samples, packed))
        return TRUE;
    g_set_error_literal(error, CUT_ERROR, CUT_ERROR_CODEC, "samples that are none"); // that we packed ourselves
    return FALSE;
}

// A segment beside a run, out of which edges may take some.
static gboolean count_neighbour(Layout *layout, const SegmentRange *range, GError **error)
{
    g_autoptr(GBytes) packed = NULL;
    if (range == NULL)
        return TRUE;
    if (!cut_sample_cache_get(cut_engine_samples(layout->engine), layout->plan->stream, range, 0, 1, &packed,
                              layout->wait, error) ||
        !unpack(layout, packed, error))
        return FALSE;
    count(layout, layout->samples, TRUE);
    return TRUE;
}

// The segment REF is within, or right beside, an edge of RUN.
static gboolean is_near_edge(const CutRun *run, guint ref)
{
    guint i = ref - run->first_ref;
    return i < run->n_head || (run->n_tail > 0 && i + run->n_tail + 1 >= run->n_refs);
}

static gboolean add_run(Layout *layout, const CutRun *run, GBytes **packed, gint64 *at, GError **error)
{
    CutMovie *movie = layout->movie;
    for (guint i = 0; i < cut_run_n_parts(run); i++) {
        CutPart part;
        gint64 slot = 0;
        cut_plan_part(layout->plan, run->first_part + i, &part);
        for (guint ref = part.first_ref; ref < part.first_ref + part.n_refs; ref++) {
            if (!unpack(layout, packed[ref - run->first_ref], error) || !add_covered(layout, run, ref, error))
                return FALSE;
            count(layout, layout->samples, is_near_edge(run, ref));
            // The tail may take some of the one before it, which is counted as itself, too.
            if (!part.is_made && is_near_edge(run, ref))
                count(layout, layout->samples, TRUE);
            slot += cut_samples_size(layout->samples);
        }
        movie->offsets[part.number] = *at;
        *at += part.is_made ? part.size : slot;
        layout->n_edges += part.is_made ? 1 : 0;
    }
    return count_neighbour(layout, run->before, error) && count_neighbour(layout, run->after, error);
}

static gboolean add_all(Layout *layout, gint64 *end, GError **error)
{
    CutPlan *plan = layout->plan;
    for (guint r = 0; r < plan->runs->len; r++) {
        const CutRun *run = &g_array_index(plan->runs, CutRun, r);
        g_autofree GBytes **packed = g_new0(GBytes *, run->n_refs);
        if (!cut_sample_cache_get(cut_engine_samples(layout->engine), plan->stream, run->range, run->first_ref,
                                  run->n_refs, packed, layout->wait, error))
            return FALSE;
        gboolean ok = add_run(layout, run, packed, end, error);
        for (guint i = 0; i < run->n_refs; i++)
            g_bytes_unref(packed[i]);
        if (!ok)
            return FALSE;
    }
    layout->movie->offsets[plan->n_parts] = *end;
    return TRUE;
}

// ---- the head

// At most; see cut_mp4_head() for what there is of each.
static gint64 head_size(const Layout *layout)
{
    const CutMovie *movie = layout->movie;
    const CutPlan *plan = layout->plan;
    gint64 n_tracks = 2 + movie->n_sounds, n_runs = plan->runs->len;
    gint64 n_chunks = n_tracks * plan->n_parts + n_runs;
    gint64 n_entries = 1 + layout->n_entries + 2 * layout->n_edges;
    // Sizes and offsets; where the rate is not constant, durations.
    gint64 tables =
        layout->n_pictures * (4 + 8 + (movie->rate.num == 0 ? 8 : 0)) + layout->n_syncs * 4 + layout->n_frames * 4;
    // Durations change where a frame is left out, and from part to part; of sound whose clock is another, now and then.
    tables += 16 * (layout->n_steps + 2 * n_chunks) + layout->n_frames;
    tables += n_chunks * (12 + 8) + n_runs * (8 + CUT_MOVIE_TIMECODE);
    tables += n_entries * (ENTRY + EDGE_SETS + layout->sets_size) + CHAPTER * (gint64) plan->request->n_spans;
    return CUT_MP4_FIXED + CUT_MP4_FIXED_TRACK * n_tracks + tables + CUT_MP4_FREE_HEAD + CUT_MP4_DATA_HEAD;
}

static void find_key(CutMovie *movie, const CutPlan *plan)
{
    guint8 hash[CUT_HASH_SIZE];
    const guint32 numbers[] = {plan->request->format};
    const char *stream = segment_stream_path(plan->stream);
    cut_plan_hash(plan, hash);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, hash, sizeof hash);
    EVP_DigestUpdate(context, numbers, sizeof numbers);
    EVP_DigestUpdate(context, stream, strlen(stream));
    for (guint i = 0; i < plan->request->n_spans; i++)
        EVP_DigestUpdate(context, &plan->request->spans[i], sizeof plan->request->spans[i]);
    EVP_DigestFinal_ex(context, movie->key, NULL);
    EVP_MD_CTX_free(context);
}

static int compare_pids(gconstpointer a, gconstpointer b)
{
    return (int) ((const CutMovieSound *) a)->pid - (int) ((const CutMovieSound *) b)->pid;
}

static gboolean lay_out(Layout *layout, GError **error)
{
    CutMovie *movie = layout->movie;
    CutPlan *plan = layout->plan;
    gint64 end = 0;
    const char *stream = segment_stream_path(plan->stream);
    if (plan->n_segments > MAX_SEGMENTS)
        return refuse(error, stream, "too many segments for one mp4");
    if (!add_all(layout, &end, error))
        return FALSE;
    if (!movie->has_video && movie->n_sounds == 0)
        return refuse(error, stream, "there is nothing in the segments that can be in an mp4");
    if (movie->has_video && g_hash_table_size(layout->sets) == 0)
        return refuse(error, stream, "there are no parameter sets in the segments");
    // As tables of programs have them, as a rule, whichever comes first in the segments.
    qsort(movie->sounds, movie->n_sounds, sizeof *movie->sounds, compare_pids);
    movie->head = head_size(layout);
    gint64 begin = movie->head + CUT_MOVIE_TIMECODE * (gint64) plan->runs->len;
    for (guint i = 0; i <= plan->n_parts; i++)
        movie->offsets[i] += begin;
    plan->size = movie->offsets[plan->n_parts];
    find_key(movie, plan);
    return TRUE;
}

gboolean cut_movie_lay_out(CutPlan *plan, const SegmentWait *wait, gpointer engine, GError **error)
{
    Layout layout = {.engine = engine, .plan = plan, .wait = wait};
    layout.movie = plan->movie = g_new0(CutMovie, 1);
    layout.movie->is_regular = TRUE;
    layout.movie->offsets = g_new0(gint64, plan->n_parts + 1);
    layout.samples = cut_samples_new();
    layout.sorted = g_array_new(FALSE, FALSE, sizeof(gint64));
    layout.sets = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_bytes_unref);
    gboolean ok = lay_out(&layout, error);
    cut_samples_free(layout.samples);
    g_array_unref(layout.sorted);
    g_hash_table_unref(layout.sets);
    return ok;
}

void cut_movie_free(CutMovie *movie)
{
    if (movie == NULL)
        return;
    g_free(movie->offsets);
    g_free(movie);
}

char *cut_movie_describe(const CutMovie *movie)
{
    const CutRate *rate = &movie->rate;
    if (!movie->has_video)
        return g_strdup("sound alone");
    if (rate->num == 0)
        return g_strdup("the rate is not constant: pictures keep their time stamps");
    g_autofree char *text =
        rate->den == 1 ? g_strdup_printf("%u", rate->num) : g_strdup_printf("%u/%u", rate->num, rate->den);
    return g_strdup_printf("%s pictures a second%s", text, movie->is_regular ? "" : ", of which some are missing");
}
