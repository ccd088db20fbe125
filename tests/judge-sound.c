// SPDX-License-Identifier: MIT
// The sound of a cut. Its frames are known by their hash: each has to be of the source, of its range, and in time with
// the pictures. The sound that is heard has a gap in each second: it has to be in time with the picture of that second,
// too.
#include "tests/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SYNC (12 * 90) // ticks
#define EDGE 90 // a millisecond more than a frame may stand out of its range
#define SILENCE 0.0126f // -38 dB
#define GAP (40 * 90)
#define LEAST_GAP 0.025 // seconds
#define MARGIN (60 * 90) // from a join to where a gap is looked for
#define PRIMING 1920 // ticks: without video the clock begins with what an encoder makes before the first sound

typedef struct {
    JudgeCut *cut;
    guint track, n;
    const JudgeSound *sounds; // of this track, N of them
    GHashTable *by_hash; // first 64 bits: the last sound with it; the others are found by NEXT
    guint *next; // the sound before it with the same hash; G_MAXUINT
    guint8 *is_played; // in the run that is being played
} Listener;

static gint64 length_of(const JudgeSound *sound)
{
    return sound->samples * JUDGE_SECOND / sound->rate;
}

static gboolean is_contiguous(const JudgeSound *a, const JudgeSound *b)
{
    return ABS(b->flow - a->flow - length_of(a)) <= JUDGE_TOLERANCE;
}

// ---- frames by their hash

static void index_sounds(Listener *listener)
{
    for (guint i = 0; i < listener->n; i++) {
        gpointer before;
        gboolean known = g_hash_table_lookup_extended(listener->by_hash, &listener->sounds[i].hash[0], NULL, &before);
        listener->next[i] = known ? GPOINTER_TO_UINT(before) : G_MAXUINT;
        g_hash_table_insert(listener->by_hash, (gpointer) &listener->sounds[i].hash[0], GUINT_TO_POINTER(i));
    }
}

// Whether SOUND, at PTS in the cut, belongs there in a run; *SYNC: how far from its place.
static gboolean fits(const Listener *listener, const JudgeRun *run, const JudgeSound *sound, gint64 pts, gint64 *sync)
{
    gint64 length = length_of(sound), at = judge_distance(pts, run->start);
    if (at < -length - EDGE || at > MAX(judge_distance(run->end, run->start), run->high - run->flow) + EDGE)
        return FALSE;
    *sync = at - (sound->flow - run->flow);
    gint64 middle = sound->flow + length / 2;
    return middle >= run->low - length / 2 - EDGE && middle <= run->high + length / 2 + EDGE;
}

// The source's sound that ADTS is, and the run that it belongs to; FALSE where there is none. Of several the one that
// is best in time.
static gboolean find_sound(const Listener *listener, const JudgeAdts *adts, guint *sound, guint *run, gint64 *sync)
{
    gpointer found;
    gint64 least = G_MAXINT64;
    if (!g_hash_table_lookup_extended(listener->by_hash, &adts->hash[0], NULL, &found)) {
        if (!listener->cut->is_broken)
            judge_fault(listener->cut->report, "foreign", "track %u: the sound at %.4f s is none of the source",
                        listener->track, (double) adts->pts / JUDGE_SECOND);
        return FALSE;
    }
    guint last = GPOINTER_TO_UINT(found);
    for (guint i = last; i != G_MAXUINT; i = listener->next[i]) {
        for (guint r = 0; r < listener->cut->runs->len; r++) {
            gint64 off;
            if (listener->sounds[i].hash[1] == adts->hash[1] &&
                fits(listener, &g_array_index(listener->cut->runs, JudgeRun, r), &listener->sounds[i], adts->pts,
                     &off) &&
                ABS(off) < least) {
                least = ABS(off);
                *sound = i;
                *run = r;
                *sync = off;
            }
        }
    }
    if (least == G_MAXINT64 && !listener->sounds[last].is_faulty)
        judge_fault(listener->cut->report, "foreign", "track %u: the sound at %.4f s is of %.4f s, out of its range",
                    listener->track, (double) adts->pts / JUDGE_SECOND,
                    (double) listener->sounds[last].flow / JUDGE_SECOND);
    return least != G_MAXINT64;
}

// Each sound of the source that is wholly within a run has to be heard there.
static void check_played(Listener *listener, const JudgeRun *run)
{
    gint64 until = run->flow + judge_distance(run->end, run->start);
    for (guint i = 0; i < listener->n; i++) {
        const JudgeSound *sound = &listener->sounds[i];
        gint64 length = length_of(sound);
        if (sound->flow - run->flow >= length + EDGE && sound->flow + 2 * length + EDGE <= until &&
            !listener->is_played[i] && !sound->is_faulty)
            judge_fault(listener->cut->report, "silent", "track %u: the sound of %.4f s is missing", listener->track,
                        (double) sound->flow / JUDGE_SECOND);
    }
    memset(listener->is_played, 0, listener->n);
}

static void check_step(const Listener *listener, const JudgeAdts *a, const JudgeAdts *b, guint i, guint j,
                       gboolean is_same_run)
{
    const JudgeSound *x = &listener->sounds[i], *y = &listener->sounds[j];
    // Of a broken segment some may be lost, and nobody knows when the others were.
    if (x->is_faulty || y->is_faulty)
        return;
    gint64 step = judge_distance(b->pts, a->pts), wanted = length_of(x);
    gboolean is_gap = (i + 1 < listener->n && !is_contiguous(x, x + 1)) || (j > 0 && !is_contiguous(y - 1, y));
    if (is_same_run && j != i + 1)
        judge_fault(listener->cut->report, "order", "track %u: after the sound of %.4f s that of %.4f s",
                    listener->track, (double) x->flow / JUDGE_SECOND, (double) y->flow / JUDGE_SECOND);
    if (is_same_run && j == i + 1)
        wanted = y->flow - x->flow;
    else if (is_gap || (!is_same_run && listener->cut->mode == JUDGE_FAST))
        return;
    if (ABS(step - wanted) > JUDGE_TOLERANCE)
        judge_fault(listener->cut->report, "gap", "track %u: after %.4f s a step of %.2f ms instead of %.2f",
                    listener->track, (double) a->pts / JUDGE_SECOND, (double) step / 90, (double) wanted / 90);
}

static void check_adts(Listener *listener, const GArray *frames)
{
    JudgeCut *cut = listener->cut;
    const JudgeAdts *before = NULL;
    guint sound = 0, run = 0;
    for (guint i = 0; i < frames->len; i++) {
        const JudgeAdts *adts = &g_array_index(frames, JudgeAdts, i);
        guint last_sound = sound, last_run = run;
        gint64 sync;
        cut->n_sounds++;
        if (!find_sound(listener, adts, &sound, &run, &sync)) {
            before = NULL;
            continue;
        }
        if (listener->sounds[sound].is_faulty)
            sync = 0;
        if (ABS(sync) > ABS(cut->worst_sync))
            cut->worst_sync = sync;
        if (ABS(sync) > MAX_SYNC || (cut->mode == JUDGE_FAST && ABS(sync) > JUDGE_TOLERANCE))
            judge_fault(cut->report, "sync", "track %u: the sound of %.4f s is %.2f ms off", listener->track,
                        (double) listener->sounds[sound].flow / JUDGE_SECOND, (double) sync / 90);
        if (before != NULL && run < last_run)
            judge_fault(cut->report, "order", "track %u: a sound of run %u after one of run %u", listener->track, run,
                        last_run);
        if (before != NULL)
            check_step(listener, before, adts, last_sound, sound, run == last_run);
        for (; last_run < run; last_run++)
            check_played(listener, &g_array_index(cut->runs, JudgeRun, last_run));
        listener->is_played[sound] = 1;
        before = adts;
    }
    for (; run < cut->runs->len; run++)
        check_played(listener, &g_array_index(cut->runs, JudgeRun, run));
}

// ---- what is heard

// The sample that is heard at PTS.
static gboolean find_sample(const JudgeTrack *track, gint64 pts, guint *sample)
{
    for (guint i = 0; i < track->chunks->len; i++) {
        const JudgePcm *chunk = &g_array_index(track->chunks, JudgePcm, i);
        gint64 offset = judge_distance(pts, chunk->pts) * track->rate;
        if (offset >= 0 && offset < chunk->samples * JUDGE_SECOND) {
            *sample = chunk->start + (guint) (offset / JUDGE_SECOND);
            return TRUE;
        }
    }
    return FALSE;
}

// The longest silence from FROM to TO; returns its length, and where it ends.
static guint find_silence(const float *samples, guint from, guint to, guint *end)
{
    guint longest = 0, length = 0;
    for (guint i = from; i < to; i++) {
        length = fabsf(samples[i]) < SILENCE ? length + 1 : 0;
        if (length > longest) {
            longest = length;
            *end = i + 1;
        }
    }
    return longest;
}

static double measure_pitch(const float *samples, guint n, guint rate)
{
    guint crossings = 0;
    for (guint i = 1; i < n; i++)
        crossings += (samples[i - 1] < 0) != (samples[i] < 0);
    return (double) crossings * rate / (2.0 * n);
}

// The gap of SECOND, at PTS in the cut; what is heard after it until END says which second it is.
static void check_mark(JudgeCut *cut, guint t, const JudgeTrack *track, gint64 second, gint64 pts, gint64 end)
{
    const float *samples = (const float *) (gpointer) track->samples->data;
    guint from, to, onset = 0, base = cut->source->header->base[t];
    if (!find_sample(track, pts - 30 * 90, &from) || !find_sample(track, pts + GAP + 30 * 90, &to)) {
        judge_fault(cut->report, "mark", "track %u: second %" G_GINT64_FORMAT ": nothing is heard there", t, second);
        return;
    }
    guint length = find_silence(samples, from, to, &onset);
    if (length < LEAST_GAP * track->rate) {
        judge_fault(cut->report, "mark", "track %u: second %" G_GINT64_FORMAT " has no gap", t, second);
        return;
    }
    double off = ((double) onset - from) / track->rate - 0.070;
    if (fabs(off) > 0.012)
        judge_fault(cut->report, "mark", "track %u: the gap of second %" G_GINT64_FORMAT " is %.1f ms off", t, second,
                    off * 1000);
    cut->n_marks++;
    guint first = onset + track->rate / 50, last;
    if (!find_sample(track, MIN(end - MARGIN, pts + JUDGE_SECOND / 2), &last) || last < first + track->rate / 10)
        return;
    double pitch = measure_pitch(samples + first, last - first, track->rate),
           wanted = base + 50.0 * (double) (second % 20);
    if (fabs(pitch - wanted) > 20)
        judge_fault(cut->report, "mark", "track %u: second %" G_GINT64_FORMAT " sounds of %.0f Hz instead of %.0f", t,
                    second, pitch, wanted);
}

// Whether the source's sound has no hole around FLOW, and nothing is wrong with it.
static gboolean is_heard(const Listener *listener, gint64 flow)
{
    const gint64 around = 100 * 90;
    gint64 heard = 0;
    for (guint i = 0; i < listener->n; i++) {
        if (listener->sounds[i].is_faulty)
            continue;
        gint64 from = MAX(listener->sounds[i].flow, flow - around);
        gint64 to = MIN(listener->sounds[i].flow + length_of(&listener->sounds[i]), flow + around);
        heard += MAX(to - from, 0);
    }
    return heard > 2 * around - JUDGE_TOLERANCE * 4;
}

static void check_marks(const Listener *listener, const JudgeTrack *track)
{
    JudgeCut *cut = listener->cut;
    gint64 late = cut->source->header->has_video ? 0 : PRIMING;
    for (guint r = 0; r < cut->runs->len; r++) {
        const JudgeRun *run = &g_array_index(cut->runs, JudgeRun, r);
        gint64 until = run->flow + judge_distance(run->end, run->start);
        gint64 second = (run->flow + MARGIN + JUDGE_SECOND - 1) / JUDGE_SECOND;
        for (; second * JUDGE_SECOND + late + GAP + MARGIN <= until; second++) {
            gint64 flow = second * JUDGE_SECOND + late;
            if (is_heard(listener, flow))
                check_mark(cut, listener->track, track, second, run->start + flow - run->flow, run->end);
        }
    }
}

// ---- without pictures

// The first range begins with the first sound, and the next where the one before it ends.
static void place_ranges(JudgeCut *cut, const GArray *frames, const JudgeSound *sounds, guint n)
{
    gint64 start = 0, least = JUDGE_SECOND / 10;
    for (guint i = 0; i < cut->ranges->len && frames->len > 0; i++) {
        const JudgeRange *range = &g_array_index(cut->ranges, JudgeRange, i);
        JudgeRun run = {.range = i, .low = range->start / 100, .high = range->end / 100, .flow = range->start / 100};
        const JudgeAdts *adts = &g_array_index(frames, JudgeAdts, 0);
        for (guint s = 0; i == 0 && s < n; s++) {
            gint64 late = sounds[s].flow - run.flow;
            if (memcmp(sounds[s].hash, adts->hash, sizeof adts->hash) == 0 && ABS(late) < least) {
                least = ABS(late);
                start = adts->pts - late;
            }
        }
        run.start = start;
        run.end = start += run.high - run.low;
        g_array_append_val(cut->runs, run);
    }
}

static void judge_track(JudgeCut *cut, guint t, const JudgePid *pid, const JudgeTrack *track)
{
    const JudgeHeader *header = cut->source->header;
    g_autoptr(GArray) frames = judge_pid_adts(pid, cut->is_broken ? NULL : cut->report);
    g_autoptr(GHashTable) by_hash = g_hash_table_new(g_int64_hash, g_int64_equal);
    Listener listener = {.cut = cut, .track = t, .sounds = cut->source->sounds, .by_hash = by_hash};
    while (listener.sounds < cut->source->sounds + header->n_sounds && listener.sounds->track < t)
        listener.sounds++;
    while (listener.sounds + listener.n < cut->source->sounds + header->n_sounds &&
           listener.sounds[listener.n].track == t)
        listener.n++;
    listener.next = g_new(guint, listener.n);
    listener.is_played = g_new0(guint8, listener.n);
    index_sounds(&listener);
    if (!header->has_video && t == 0)
        place_ranges(cut, frames, listener.sounds, listener.n);
    check_adts(&listener, frames);
    check_marks(&listener, track);
    g_free(listener.next);
    g_free(listener.is_played);
}

void judge_sounds(JudgeCut *cut, const JudgeTs *ts)
{
    guint t = 0;
    for (guint i = 0; i < ts->pids->len; i++) {
        const JudgePid *pid = g_ptr_array_index(ts->pids, i);
        if (!judge_pid_is_audio(pid))
            continue;
        if (t >= cut->tracks->len || t >= cut->source->header->n_tracks)
            judge_fault(cut->report, "track", "track %u is not there, or one too many", t);
        else
            judge_track(cut, t, pid, g_ptr_array_index(cut->tracks, t));
        t++;
    }
    if (t < cut->source->header->n_tracks)
        judge_fault(cut->report, "track", "%u tracks instead of %u", t, cut->source->header->n_tracks);
}
