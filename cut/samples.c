// SPDX-License-Identifier: MIT
// Samples as values. Packed, they are numbers of as few bytes as they need (LEB128), most of them differences to what
// is expected.
#include "cut/samples.h"

#include <string.h>

#define FORMAT 1
#define MAX_SAMPLES (1 << 20) // in a segment
#define MAX_SETS 64
#define MAX_STAMP (G_GINT64_CONSTANT(1) << 44) // 90 kHz: more than any is away from its segment's first one

CutSamples *cut_samples_new(void)
{
    CutSamples *samples = g_new0(CutSamples, 1);
    samples->pictures = g_array_new(FALSE, FALSE, sizeof(CutPictureSample));
    samples->sets = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    for (guint i = 0; i < CUT_SAMPLE_TRACKS; i++)
        samples->tracks[i].frames = g_array_new(FALSE, FALSE, sizeof(CutSoundSample));
    return samples;
}

void cut_samples_free(CutSamples *samples)
{
    if (samples == NULL)
        return;
    g_array_unref(samples->pictures);
    g_ptr_array_unref(samples->sets);
    for (guint i = 0; i < CUT_SAMPLE_TRACKS; i++)
        g_array_unref(samples->tracks[i].frames);
    g_free(samples);
}

void cut_samples_clear(CutSamples *samples)
{
    samples->fault = CUT_SAMPLES_OK;
    samples->video_pid = 0;
    samples->picture_size = 0;
    samples->n_sync = 0;
    samples->n_tracks = 0;
    g_array_set_size(samples->pictures, 0);
    g_ptr_array_set_size(samples->sets, 0);
    for (guint i = 0; i < CUT_SAMPLE_TRACKS; i++) {
        CutSampleTrack *track = &samples->tracks[i];
        *track = (CutSampleTrack){.frames = track->frames};
        g_array_set_size(track->frames, 0);
    }
}

gint64 cut_samples_size(const CutSamples *samples)
{
    gint64 size = samples->picture_size;
    for (guint i = 0; i < samples->n_tracks; i++)
        size += samples->tracks[i].size;
    return size;
}

// ---- packing

static void put(GByteArray *bytes, guint64 value)
{
    guint8 buffer[10];
    guint n = 0;
    do {
        buffer[n] = (guint8) ((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
        n++;
    } while (value > 0);
    g_byte_array_append(bytes, buffer, n);
}

// Small numbers of either sign are few bytes: 0, -1, 1, -2 …
static void put_signed(GByteArray *bytes, gint64 value)
{
    put(bytes, (guint64) value << 1 ^ (value < 0 ? G_MAXUINT64 : 0));
}

static void pack_pictures(const CutSamples *samples, GByteArray *bytes)
{
    gint64 dts = 0, step = 0;
    put(bytes, samples->pictures->len);
    for (guint i = 0; i < samples->pictures->len; i++) {
        const CutPictureSample *picture = &g_array_index(samples->pictures, CutPictureSample, i);
        put(bytes, (guint64) picture->size << 1 | (picture->is_sync ? 1 : 0));
        put_signed(bytes, picture->pts - picture->dts);
        put_signed(bytes, picture->dts - dts - step);
        step = i > 0 ? picture->dts - dts : 0;
        dts = picture->dts;
    }
}

static void pack_track(const CutSampleTrack *track, GByteArray *bytes)
{
    gint64 pts = 0, step = 0;
    put(bytes, track->pid);
    put(bytes, track->config);
    put(bytes, track->rate);
    put(bytes, track->frames->len);
    for (guint i = 0; i < track->frames->len; i++) {
        const CutSoundSample *frame = &g_array_index(track->frames, CutSoundSample, i);
        put(bytes, frame->size);
        put_signed(bytes, frame->pts - pts - step);
        step = i > 0 ? frame->pts - pts : 0;
        pts = frame->pts;
    }
}

GBytes *cut_samples_pack(const CutSamples *samples)
{
    GByteArray *bytes = g_byte_array_new();
    put(bytes, FORMAT);
    put(bytes, samples->fault);
    put(bytes, samples->video_pid);
    pack_pictures(samples, bytes);
    put(bytes, samples->sets->len);
    for (guint i = 0; i < samples->sets->len; i++) {
        gsize size;
        const guint8 *data = g_bytes_get_data(g_ptr_array_index(samples->sets, i), &size);
        put(bytes, size);
        g_byte_array_append(bytes, data, (guint) size);
    }
    put(bytes, samples->n_tracks);
    for (guint i = 0; i < samples->n_tracks; i++)
        pack_track(&samples->tracks[i], bytes);
    return g_byte_array_free_to_bytes(bytes);
}

// ---- unpacking

typedef struct {
    const guint8 *data, *end;
    gboolean failed;
} Input;

static guint64 get(Input *input, guint64 max)
{
    guint64 value = 0;
    for (guint shift = 0; shift < 64 && input->data < input->end; shift += 7) {
        guint8 byte = *input->data++;
        value |= (guint64) (byte & 0x7F) << shift;
        if ((byte & 0x80) == 0 && value <= max)
            return value;
        if ((byte & 0x80) == 0)
            break;
    }
    input->failed = TRUE;
    return 0;
}

// How many samples follow, of which each has a byte or more.
static guint get_count(Input *input)
{
    guint64 n = get(input, MAX_SAMPLES);
    input->failed = input->failed || n > (guint64) (input->end - input->data);
    return input->failed ? 0 : (guint) n;
}

static gint64 get_signed(Input *input)
{
    guint64 value = get(input, 4 * MAX_STAMP);
    return (gint64) (value >> 1 ^ ((value & 1) != 0 ? G_MAXUINT64 : 0));
}

static gint64 get_stamp(Input *input, gint64 expected)
{
    gint64 stamp = expected + get_signed(input);
    input->failed = input->failed || ABS(stamp) > MAX_STAMP;
    return input->failed ? 0 : stamp;
}

static void unpack_pictures(CutSamples *samples, Input *input)
{
    guint n = get_count(input);
    gint64 dts = 0, step = 0;
    g_array_set_size(samples->pictures, n);
    for (guint i = 0; i < n && !input->failed; i++) {
        guint64 head = get(input, (guint64) G_MAXUINT32 << 1 | 1);
        gint64 lead = get_stamp(input, 0), next = get_stamp(input, dts + step);
        CutPictureSample *picture = &g_array_index(samples->pictures, CutPictureSample, i);
        *picture = (CutPictureSample){
            .pts = next + lead, .dts = next, .size = (guint32) (head >> 1), .is_sync = (head & 1) != 0};
        step = i > 0 ? next - dts : 0;
        dts = next;
        samples->picture_size += picture->size;
        samples->n_sync += picture->is_sync ? 1 : 0;
    }
}

static void unpack_sets(CutSamples *samples, Input *input)
{
    guint n = (guint) get(input, MAX_SETS);
    for (guint i = 0; i < n && !input->failed; i++) {
        gsize size = (gsize) get(input, (guint64) (input->end - input->data));
        if (size > (gsize) (input->end - input->data)) {
            input->failed = TRUE;
            return;
        }
        g_ptr_array_add(samples->sets, g_bytes_new(input->data, size));
        input->data += size;
    }
}

static void unpack_track(CutSampleTrack *track, Input *input)
{
    track->pid = (guint16) get(input, G_MAXUINT16);
    track->config = (guint16) get(input, G_MAXUINT16);
    track->rate = (guint32) get(input, G_MAXUINT32);
    guint n = get_count(input);
    gint64 pts = 0, step = 0;
    g_array_set_size(track->frames, n);
    for (guint i = 0; i < n && !input->failed; i++) {
        CutSoundSample *frame = &g_array_index(track->frames, CutSoundSample, i);
        frame->size = (guint32) get(input, G_MAXUINT16);
        frame->pts = get_stamp(input, pts + step);
        step = i > 0 ? frame->pts - pts : 0;
        pts = frame->pts;
        track->size += frame->size;
    }
}

gboolean cut_samples_unpack(CutSamples *samples, GBytes *packed)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(packed, &size);
    cut_samples_clear(samples);
    if (size == 0)
        return FALSE;
    Input input = {.data = data, .end = data + size};
    if (get(&input, FORMAT) != FORMAT)
        return FALSE;
    samples->fault = (CutSamplesFault) get(&input, CUT_SAMPLES_SETS);
    samples->video_pid = (guint16) get(&input, G_MAXUINT16);
    unpack_pictures(samples, &input);
    unpack_sets(samples, &input);
    guint n = (guint) get(&input, CUT_SAMPLE_TRACKS);
    for (samples->n_tracks = 0; samples->n_tracks < n && !input.failed; samples->n_tracks++) {
        unpack_track(&samples->tracks[samples->n_tracks], &input);
        input.failed = input.failed || samples->tracks[samples->n_tracks].rate == 0;
    }
    return !input.failed && input.data == input.end;
}
