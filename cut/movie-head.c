// SPDX-License-Identifier: MIT
// The head of a movie: the samples of all parts, one behind the other, and when each is shown.
//
// Pictures are decoded at a steady rate: the I-th of them when the I-th one is shown, less what they are reordered by.
// Where their stamps fit to a constant rate they are put onto its grid; each part begins with the frame that is next,
// as long as that is less than a frame from where it should be. Sound is laid out frame behind frame; only a gap of
// most of a frame makes one.
#include <string.h>

#include "cut/blobs.h"
#include "cut/make.h"
#include "cut/movie-private.h"
#include "cut/mp4.h"
#include "cut/nal.h"
#include "cut/request.h"
#include "cut/run.h"
#include "cut/sample-cache.h"
#include "cut/sps.h"
#include "cut/timeline.h"
#include "segment/time.h"

#define MAX_TITLE 100 // characters of the stream's path
#define FRAME 1024 // samples in a frame of AAC
#define MAX_OFF (FRAME * 3 / 4) // samples by which sound may be off; a join shifts it by half a frame at most
#define LABEL_RATE 25 // timecodes a second of a stream whose rate is not constant
#define LABEL_UNIT 512 // units of one of these
#define FINE 10000 // units a second that a timescale has at least
#define DAY (24 * SEGMENT_HOUR_LENGTH)

// From stamps of 33 bits to ticks (90 kHz) since the movie's beginning.
typedef struct {
    gboolean is_set;
    gint64 stamp, ticks;
} Clock;

typedef struct {
    CutMp4Track *track;
    Clock clock;
    gint64 expected; // where the next frame should begin, in samples
    gint64 start; // where the first one began
} Sound;

typedef struct {
    CutEngine *engine;
    CutPlan *plan;
    const CutMovie *movie;
    const CutTimeline *timeline;
    CutMp4 *mp4;
    CutSamples *samples; // of the part at hand
    gint64 offset; // of its next chunk

    CutMp4Track *video;
    guint32 unit; // of a frame, in the video's timescale; 1 where the rate is not constant
    Clock clock;
    GArray *sorted;
    GArray *times; // of each of SORTED, in units
    gint64 n_times, last_time; // units
    gint64 lead; // units by which pictures are decoded before that they would be shown too late
    GPtrArray *sets; // of the sample entry at hand, each of another number

    Sound sounds[CUT_SAMPLE_TRACKS];
    CutMp4Track *timecode;
    GArray *timecodes; // guint32, big-endian
    gint64 run_time; // where the run at hand began, units
} Builder;

static gint64 read_clock(Clock *clock, gint64 stamp)
{
    if (clock->is_set)
        clock->ticks += cut_stamp_difference(stamp & (CUT_STAMP_WRAP - 1), clock->stamp);
    clock->is_set = TRUE;
    clock->stamp = stamp & (CUT_STAMP_WRAP - 1);
    return clock->ticks;
}

// What is added to the stamps of PID in part NUMBER.
static gint64 delta_of(const Builder *builder, guint number, guint pid)
{
    CutPatch patch;
    cut_timeline_patch(builder->timeline, number, &patch);
    guint slot = patch.slots[pid];
    return slot != CUT_PATCH_NO_SLOT ? patch.stamps->stamps[slot] : 0;
}

static gboolean fail(GError **error, const char *what)
{
    g_set_error(error, CUT_ERROR, CUT_ERROR_CODEC, "the head of a movie: %s", what);
    return FALSE;
}

// ---- sample entries

static GBytes *find_set(const Builder *builder, guint key)
{
    for (guint i = 0; i < builder->sets->len; i++) {
        gsize size;
        const guint8 *data = g_bytes_get_data(g_ptr_array_index(builder->sets, i), &size);
        if (cut_nal_set_key(data, size) == key)
            return g_ptr_array_index(builder->sets, i);
    }
    return NULL;
}

static gboolean end_entry(Builder *builder, GError **error)
{
    CutMp4Picture picture = {.sets = builder->sets};
    CutSps sps;
    gsize size;
    guint i = 0;
    // The stream's own is in front, as a rule: edges begin with it.
    for (; i < builder->sets->len; i++) {
        const guint8 *data = g_bytes_get_data(g_ptr_array_index(builder->sets, i), &size);
        if (cut_sps_parse(data, size, &sps))
            break;
    }
    if (i == builder->sets->len)
        return fail(error, "there are no parameter sets");
    gpointer first = g_ptr_array_index(builder->sets, 0);
    g_ptr_array_index(builder->sets, 0) = g_ptr_array_index(builder->sets, i);
    g_ptr_array_index(builder->sets, i) = first;
    picture.width = sps.width;
    picture.height = sps.height;
    picture.sar_width = (guint16) sps.sar_width;
    picture.sar_height = (guint16) sps.sar_height;
    picture.primaries = (guint16) sps.primaries;
    picture.transfer = (guint16) sps.transfer;
    picture.matrix = (guint16) sps.matrix;
    picture.is_full_range = sps.is_full_range;
    picture.chroma_format = (guint8) sps.chroma_format;
    picture.luma_depth = (guint8) sps.bit_depth;
    picture.chroma_depth = (guint8) sps.chroma_depth;
    if (builder->video->entries->len == 0) {
        builder->video->width = (guint32) ((guint64) sps.width * sps.sar_width / sps.sar_height);
        builder->video->height = sps.height;
    }
    g_ptr_array_add(builder->video->entries, cut_mp4_video_entry(&picture, builder->mp4->is_quicktime));
    g_ptr_array_set_size(builder->sets, 0);
    return TRUE;
}

// All parameter sets of one number have to be the same in a sample entry.
static gboolean add_sets(Builder *builder, GError **error)
{
    const GPtrArray *own = builder->samples->sets;
    for (guint i = 0; i < own->len; i++) {
        gsize size;
        const guint8 *data = g_bytes_get_data(g_ptr_array_index(own, i), &size);
        GBytes *known = find_set(builder, cut_nal_set_key(data, size));
        if (known == NULL || g_bytes_equal(known, g_ptr_array_index(own, i)))
            continue;
        if (!end_entry(builder, error))
            return FALSE;
        break;
    }
    for (guint i = 0; i < own->len; i++) {
        gsize size;
        const guint8 *data = g_bytes_get_data(g_ptr_array_index(own, i), &size);
        if (find_set(builder, cut_nal_set_key(data, size)) == NULL)
            g_ptr_array_add(builder->sets, g_bytes_ref(g_ptr_array_index(own, i)));
    }
    return TRUE;
}

// ---- pictures

static void add_time(Builder *builder, gint64 time)
{
    if (builder->n_times > 0)
        cut_mp4_add_run(builder->video->durations, 1, (gint32) (time - builder->last_time));
    builder->n_times++;
    builder->last_time = time;
}

// When each of the part's pictures, in the order in which they are shown, is shown.
static void find_times(Builder *builder, gint64 ticks)
{
    const CutRate *rate = &builder->movie->rate;
    gint64 first = g_array_index(builder->sorted, gint64, 0), base = ticks, before = builder->last_time;
    if (rate->num != 0) {
        gint64 expected = builder->n_times > 0 ? builder->last_time / builder->unit + 1 : 0;
        gint64 off = ticks - expected * CUT_STAMP_HZ * rate->den / rate->num;
        gboolean is_near = ABS(off) * rate->num < (gint64) CUT_STAMP_HZ * rate->den;
        base = builder->n_times == 0 || is_near ? expected : cut_rate_number(rate, ticks);
    }
    gint64 number = -1;
    g_array_set_size(builder->times, builder->sorted->len);
    for (guint i = 0; i < builder->sorted->len; i++) {
        gint64 own = g_array_index(builder->sorted, gint64, i) - first;
        number = rate->num != 0 ? cut_rate_next(rate, own, number + 1) : 0;
        gint64 time = rate->num != 0 ? (base + number) * builder->unit : base + own;
        // Never two at once.
        if (builder->n_times > 0)
            time = MAX(time, before + builder->unit);
        add_time(builder, time);
        before = time;
        g_array_index(builder->times, gint64, i) = time;
    }
}

// When the picture of PTS is shown; it is about the I-th one.
static gint64 time_of(const Builder *builder, gint64 pts, guint i)
{
    const gint64 *sorted = (const gint64 *) (const void *) builder->sorted->data;
    while (i > 0 && sorted[i] > pts)
        i--;
    while (i + 1 < builder->sorted->len && sorted[i] < pts)
        i++;
    return g_array_index(builder->times, gint64, i);
}

static gboolean add_pictures(Builder *builder, const CutPart *part, gboolean begins_run, GError **error)
{
    const GArray *pictures = builder->samples->pictures;
    CutMp4Track *video = builder->video;
    if (pictures->len == 0)
        return TRUE;
    if (!add_sets(builder, error))
        return FALSE;
    cut_rate_sort(builder->samples, builder->sorted);
    gint64 first = g_array_index(builder->sorted, gint64, 0);
    find_times(builder,
               read_clock(&builder->clock, first + delta_of(builder, part->number, builder->samples->video_pid)));
    if (begins_run)
        builder->run_time = g_array_index(builder->times, gint64, 0);
    guint n_before = video->sizes->len;
    g_array_set_size(video->sizes, n_before + pictures->len);
    for (guint i = 0; i < pictures->len; i++) {
        const CutPictureSample *picture = &g_array_index(pictures, CutPictureSample, i);
        gint64 offset = time_of(builder, picture->pts, i) - g_array_index(builder->times, gint64, i);
        // A box has 32 bits for it, and those of all others are added later.
        if (ABS(offset) > G_MAXINT32 / 4)
            return fail(error, "a picture is shown hours from where it is decoded");
        cut_mp4_add_run(video->offsets, 1, (gint32) offset);
        builder->lead = MAX(builder->lead, -offset);
        guint number = n_before + i + 1;
        g_array_index(video->sizes, guint32, n_before + i) = picture->size;
        if (picture->is_sync)
            g_array_append_val(video->syncs, number);
    }
    CutMp4Chunk chunk = {builder->offset, pictures->len, video->entries->len};
    g_array_append_val(video->chunks, chunk);
    builder->offset += builder->samples->picture_size;
    return TRUE;
}

static void add_edit(const Builder *builder, CutMp4Track *track, gint64 duration, gint64 media_time)
{
    CutMp4Edit edit = {(gint64) ((__int128) duration * builder->mp4->timescale / track->timescale), media_time};
    g_array_append_val(track->edits, edit);
}

static gboolean end_video(Builder *builder, GError **error)
{
    CutMp4Track *video = builder->video;
    if (builder->n_times == 0)
        return fail(error, "there are no pictures");
    // The last one is shown as long as the one before it, or as usual.
    gint32 last = (gint32) builder->unit;
    if (builder->movie->rate.num == 0)
        last = video->durations->len > 0 ? g_array_index(video->durations, CutMp4Run, video->durations->len - 1).value
                                         : CUT_STAMP_HZ / 25;
    cut_mp4_add_run(video->durations, 1, last);
    video->duration = builder->last_time + last;
    if (video->offsets->len == 1 && builder->lead == 0)
        g_array_set_size(video->offsets, 0);
    for (guint i = 0; i < video->offsets->len; i++)
        g_array_index(video->offsets, CutMp4Run, i).value += (gint32) builder->lead;
    if (builder->lead > 0)
        add_edit(builder, video, video->duration, builder->lead);
    return end_entry(builder, error);
}

// ---- sound

// A frame that begins TICKS after the movie does.
static void add_frame(Sound *sound, gint64 ticks)
{
    CutMp4Track *track = sound->track;
    GArray *durations = track->durations;
    gint64 at = ticks * track->timescale / CUT_STAMP_HZ;
    if (durations->len == 0)
        sound->start = sound->expected = at;
    gint64 off = at - sound->expected;
    if (ABS(off) > MAX_OFF) {
        // The frame before it is as much longer, or shorter.
        off = MAX(off, 1 - FRAME);
        CutMp4Run *last = &g_array_index(durations, CutMp4Run, durations->len - 1);
        gint32 longer = (gint32) MIN(last->value + off, G_MAXINT32);
        sound->expected += off;
        if (--last->count == 0)
            g_array_set_size(durations, durations->len - 1);
        cut_mp4_add_run(durations, 1, longer);
    }
    cut_mp4_add_run(durations, 1, FRAME);
    sound->expected += FRAME;
}

static void add_sound(Builder *builder, const CutPart *part, const CutSampleTrack *own)
{
    Sound *sound = NULL;
    for (guint i = 0; i < builder->movie->n_sounds; i++)
        sound = builder->movie->sounds[i].pid == own->pid ? &builder->sounds[i] : sound;
    // Of an edge that has more than the segments that it stands for nobody knows.
    if (sound == NULL || own->frames->len == 0) {
        builder->offset += own->size;
        return;
    }
    if (!sound->clock.is_set && builder->clock.is_set)
        sound->clock = builder->clock;
    gint64 delta = delta_of(builder, part->number, own->pid);
    gint64 first = g_array_index(own->frames, CutSoundSample, 0).pts, begin = read_clock(&sound->clock, first + delta);
    // Without pictures the first track is what the others begin with.
    if (!builder->clock.is_set)
        builder->clock = sound->clock;
    GArray *sizes = sound->track->sizes;
    guint n_before = sizes->len;
    g_array_set_size(sizes, n_before + own->frames->len);
    for (guint i = 0; i < own->frames->len; i++) {
        const CutSoundSample *frame = &g_array_index(own->frames, CutSoundSample, i);
        add_frame(sound, begin + frame->pts - first);
        g_array_index(sizes, guint32, n_before + i) = frame->size;
    }
    CutMp4Chunk chunk = {builder->offset, own->frames->len, 0};
    g_array_append_val(sound->track->chunks, chunk);
    builder->offset += own->size;
}

static void end_sound(Builder *builder, Sound *sound)
{
    CutMp4Track *track = sound->track;
    if (track->sizes->len == 0)
        return;
    track->duration = sound->expected - sound->start;
    if (sound->start > 0) {
        add_edit(builder, track, sound->start, -1);
        add_edit(builder, track, track->duration, 0);
    } else if (sound->start < 0) {
        add_edit(builder, track, track->duration + sound->start, -sound->start);
    }
}

// ---- timecode

// Frames a second by which its labels count.
static guint label_rate(const CutMovie *movie)
{
    return movie->rate.num != 0 ? CLAMP((movie->rate.num + movie->rate.den / 2) / movie->rate.den, 1, 255) : LABEL_RATE;
}

// Labels leave out some numbers so that they stay with the clock (SMPTE 12M).
static gboolean drops(const CutMovie *movie)
{
    guint labels = label_rate(movie);
    return movie->rate.den == 1001 && (labels == 30 || labels == 60);
}

// The number of the frame that is shown at TIME, since midnight.
static guint32 timecode_at(const CutMovie *movie, gint64 time)
{
    gint64 usec = (time % DAY + DAY) % DAY;
    gint64 num = drops(movie) ? movie->rate.num : label_rate(movie), den = drops(movie) ? movie->rate.den : 1;
    // The first one that is shown at or after it: a time is no frame's to the microsecond.
    return (guint32) ((usec * num + den * SEGMENT_SECOND * 99 / 100) / (den * SEGMENT_SECOND));
}

static gint64 start_of(const CutRun *run)
{
    SegmentHour *hour;
    const SegmentEntry *entry = cut_run_entry(run, run->first_ref, &hour);
    return run->n_head > 0 ? run->start : segment_entry_start(hour, entry);
}

// Of the run that ends with what was added last; the next one begins at END.
static void add_timecode(Builder *builder, const CutRun *run, gint64 end)
{
    guint32 number = GUINT32_TO_BE(timecode_at(builder->movie, start_of(run))), size = CUT_MOVIE_TIMECODE;
    gint64 offset = builder->movie->head + CUT_MOVIE_TIMECODE * (gint64) builder->timecodes->len;
    CutMp4Chunk chunk = {offset, 1, 0};
    g_array_append_val(builder->timecodes, number);
    CutMp4Track *track = builder->timecode;
    if (track == NULL || end <= builder->run_time)
        return;
    gint64 begins = builder->run_time * track->timescale / builder->video->timescale;
    gint64 duration = end * track->timescale / builder->video->timescale - begins;
    cut_mp4_add_run(track->durations, 1, (gint32) duration);
    g_array_append_val(track->sizes, size);
    g_array_append_val(track->chunks, chunk);
    track->duration += duration;
}

static void add_chapter(Builder *builder, const CutRun *run)
{
    char text[SEGMENT_TIME_TEXT_SIZE];
    gint64 ticks = builder->video != NULL
                       ? (gint64) ((__int128) builder->run_time * builder->mp4->timescale / builder->video->timescale)
                       : builder->clock.ticks;
    if (builder->plan->request->n_spans > 1)
        cut_mp4_add_chapter(builder->mp4, ticks, segment_time_format(start_of(run), text));
}

// ---- parts

// Asks for all edges at once: they are made at the same time.
static GPtrArray *get_edges(CutEngine *engine, CutPlan *plan, const CutTimeline *timeline, const SegmentWait *wait,
                            GError **error)
{
    CutBlobs *blobs = cut_engine_blobs(engine);
    g_autoptr(GPtrArray) wishes = g_ptr_array_new();
    g_autoptr(GPtrArray) edges = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    gboolean ok = TRUE;
    for (guint pass = 0; pass < 2; pass++) {
        if (pass == 0 && !segment_wait_may_block(wait))
            continue;
        for (guint i = 0; i < plan->n_parts && ok; i++) {
            CutPart part;
            CutBlobRequest request;
            cut_plan_part(plan, i, &part);
            if (!part.is_made)
                continue;
            cut_make_request(plan, timeline, i, &request);
            if (pass == 0) {
                g_ptr_array_add(wishes, cut_blobs_wish(blobs, &request));
            } else {
                GBytes *bytes = cut_blobs_get(blobs, &request, wait, error);
                ok = bytes != NULL;
                if (ok)
                    g_ptr_array_add(edges, bytes);
            }
            cut_make_request_clear(&request);
        }
    }
    for (guint i = 0; i < wishes->len; i++)
        cut_blobs_unwish(blobs, g_ptr_array_index(wishes, i));
    return ok ? g_steal_pointer(&edges) : NULL;
}

static gboolean add_part(Builder *builder, const CutPart *part, gboolean begins_run, GError **error)
{
    const CutMovie *movie = builder->movie;
    gint64 begin = movie->offsets[part->number], end = movie->offsets[part->number + 1];
    builder->offset = begin;
    if (cut_samples_size(builder->samples) > end - begin)
        return fail(error, "an edge has not enough room");
    if (builder->video != NULL && !add_pictures(builder, part, begins_run, error))
        return FALSE;
    for (guint i = 0; i < builder->samples->n_tracks; i++)
        add_sound(builder, part, &builder->samples->tracks[i]);
    return TRUE;
}

static gboolean add_run(Builder *builder, const CutRun *run, GPtrArray *edges, guint *next_edge, GBytes **packed,
                        GError **error)
{
    for (guint i = 0; i < cut_run_n_parts(run); i++) {
        CutPart part;
        cut_plan_part(builder->plan, run->first_part + i, &part);
        if (part.is_made) {
            gsize size;
            const guint8 *data = g_bytes_get_data(g_ptr_array_index(edges, (*next_edge)++), &size);
            cut_samples_scan(builder->samples, data, size);
        } else if (!cut_samples_unpack(builder->samples, packed[part.first_ref - run->first_ref])) {
            return fail(error, "samples that are none");
        }
        if (!add_part(builder, &part, i == 0, error))
            return FALSE;
        if (i == 0)
            add_chapter(builder, run);
    }
    return TRUE;
}

static gboolean add_runs(Builder *builder, GPtrArray *edges, const SegmentWait *wait, GError **error)
{
    CutPlan *plan = builder->plan;
    guint next_edge = 0;
    for (guint r = 0; r < plan->runs->len; r++) {
        const CutRun *run = &g_array_index(plan->runs, CutRun, r);
        g_autofree GBytes **packed = g_new0(GBytes *, run->n_refs);
        gint64 before = builder->run_time;
        if (!cut_sample_cache_get(cut_engine_samples(builder->engine), plan->stream, run->range, run->first_ref,
                                  run->n_refs, packed, wait, error))
            return FALSE;
        gboolean ok = add_run(builder, run, edges, &next_edge, packed, error);
        for (guint i = 0; i < run->n_refs; i++)
            g_bytes_unref(packed[i]);
        if (!ok)
            return FALSE;
        if (r > 0) {
            gint64 begin = builder->run_time;
            builder->run_time = before;
            add_timecode(builder, run - 1, begin);
            builder->run_time = begin;
        }
    }
    return TRUE;
}

// ---- all of it

static void begin_tracks(Builder *builder)
{
    const CutMovie *movie = builder->movie;
    guint32 timescale = CUT_STAMP_HZ;
    builder->unit = 1;
    if (movie->rate.num != 0) {
        guint32 factor = 1;
        while (movie->rate.num * factor < FINE)
            factor *= 2;
        timescale = movie->rate.num * factor;
        builder->unit = movie->rate.den * factor;
    }
    if (movie->has_video) {
        builder->video = cut_mp4_add_track(builder->mp4, CUT_MP4_VIDEO, timescale);
        builder->sets = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    }
    for (guint i = 0; i < movie->n_sounds; i++) {
        const CutMovieSound *own = &movie->sounds[i];
        builder->sounds[i].track = cut_mp4_add_track(builder->mp4, CUT_MP4_SOUND, own->rate);
        g_ptr_array_add(builder->sounds[i].track->entries,
                        cut_mp4_sound_entry(own->config, own->rate, builder->mp4->is_quicktime));
    }
    if (movie->has_video) {
        guint fps = label_rate(movie);
        guint32 unit = movie->rate.num != 0 ? builder->unit : LABEL_UNIT;
        builder->timecode =
            cut_mp4_add_track(builder->mp4, CUT_MP4_TIMECODE, movie->rate.num != 0 ? timescale : fps * LABEL_UNIT);
        g_ptr_array_add(builder->timecode->entries,
                        cut_mp4_timecode_entry(builder->timecode->timescale, unit, fps, drops(movie)));
    }
}

static char *make_title(const CutPlan *plan)
{
    char start[SEGMENT_TIME_TEXT_SIZE], end[SEGMENT_TIME_TEXT_SIZE];
    const CutRequest *request = plan->request;
    g_autofree char *path = g_utf8_make_valid(segment_stream_path(plan->stream), -1);
    g_autofree char *name = g_utf8_substring(path, 0, MIN(g_utf8_strlen(path, -1), MAX_TITLE));
    return g_strdup_printf("%s %s to %s%s", name, segment_time_format(request->spans[0].start, start),
                           segment_time_format(request->spans[request->n_spans - 1].end, end),
                           request->n_spans > 1 ? ", several ranges" : "");
}

// Behind moov free space up to the head of mdat; then the timecodes.
static GBytes *finish(Builder *builder, GError **error)
{
    const CutMovie *movie = builder->movie;
    const CutPlan *plan = builder->plan;
    const CutRun *last = &g_array_index(plan->runs, CutRun, plan->runs->len - 1);
    if (builder->video != NULL && !end_video(builder, error))
        return NULL;
    add_timecode(builder, last, builder->video != NULL ? builder->video->duration : 0);
    for (guint i = 0; i < movie->n_sounds; i++)
        end_sound(builder, &builder->sounds[i]);
    g_autoptr(GByteArray) bytes = cut_mp4_head(builder->mp4, (guint) movie->offsets[0]);
    gint64 space = movie->head - CUT_MP4_DATA_HEAD - (gint64) bytes->len;
    if (space < CUT_MP4_FREE_HEAD || space > G_MAXINT32) {
        fail(error, "it has not enough room");
        return NULL;
    }
    guint at = bytes->len;
    g_byte_array_set_size(bytes, (guint) movie->offsets[0]);
    memset(bytes->data + at, 0, bytes->len - at);
    cut_mp4_write_free(bytes->data + at, (guint32) space);
    cut_mp4_write_data(bytes->data + movie->head - CUT_MP4_DATA_HEAD,
                       (guint64) (plan->size - movie->head + CUT_MP4_DATA_HEAD));
    memcpy(bytes->data + movie->head, builder->timecodes->data, builder->timecodes->len * CUT_MOVIE_TIMECODE);
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

GBytes *cut_movie_make_head(CutEngine *engine, CutPlan *plan, const SegmentWait *wait, GError **error)
{
    const CutTimeline *timeline = cut_timeline_get(engine, plan, wait, error);
    g_autoptr(GPtrArray) edges = timeline != NULL ? get_edges(engine, plan, timeline, wait, error) : NULL;
    if (edges == NULL)
        return NULL;
    g_autoptr(CutMp4) mp4 = cut_mp4_new(plan->request->format == CUT_FORMAT_MOV, CUT_MOVIE_TIMESCALE);
    Builder builder = {.engine = engine, .plan = plan, .movie = plan->movie, .timeline = timeline, .mp4 = mp4};
    builder.samples = cut_samples_new();
    builder.sorted = g_array_new(FALSE, FALSE, sizeof(gint64));
    builder.times = g_array_new(FALSE, FALSE, sizeof(gint64));
    builder.timecodes = g_array_new(FALSE, FALSE, sizeof(guint32));
    mp4->created = start_of(&g_array_index(plan->runs, CutRun, 0));
    mp4->title = make_title(plan);
    begin_tracks(&builder);
    GBytes *head = add_runs(&builder, edges, wait, error) ? finish(&builder, error) : NULL;
    cut_samples_free(builder.samples);
    g_array_unref(builder.sorted);
    g_array_unref(builder.times);
    g_array_unref(builder.timecodes);
    g_clear_pointer(&builder.sets, g_ptr_array_unref);
    return head;
}
