// SPDX-License-Identifier: MIT
// The tree of boxes: the movie, its tracks, their tables.
#include "cut/mp4.h"

#include <string.h>

#include "cut/box.h"
#include "segment/time.h"

// Seconds from 1904 to 1970
#define EPOCH 2082844800
#define MAX_CHAPTERS 255 // "chpl" counts them in one byte

// ---- values

CutMp4 *cut_mp4_new(gboolean is_quicktime, guint32 timescale)
{
    CutMp4 *mp4 = g_new0(CutMp4, 1);
    mp4->is_quicktime = is_quicktime;
    mp4->timescale = timescale;
    mp4->tracks = g_ptr_array_new();
    mp4->chapters = g_array_new(FALSE, FALSE, sizeof(CutMp4Chapter));
    return mp4;
}

static void track_free(CutMp4Track *track)
{
    g_ptr_array_unref(track->entries);
    g_array_unref(track->durations);
    g_array_unref(track->offsets);
    g_array_unref(track->sizes);
    g_clear_pointer(&track->syncs, g_array_unref);
    g_array_unref(track->chunks);
    g_array_unref(track->edits);
    g_free(track);
}

void cut_mp4_free(CutMp4 *mp4)
{
    if (mp4 == NULL)
        return;
    for (guint i = 0; i < mp4->tracks->len; i++)
        track_free(g_ptr_array_index(mp4->tracks, i));
    g_ptr_array_unref(mp4->tracks);
    for (guint i = 0; i < mp4->chapters->len; i++)
        g_free(g_array_index(mp4->chapters, CutMp4Chapter, i).title);
    g_array_unref(mp4->chapters);
    g_free(mp4->title);
    g_free(mp4);
}

CutMp4Track *cut_mp4_add_track(CutMp4 *mp4, CutMp4Kind kind, guint32 timescale)
{
    CutMp4Track *track = g_new0(CutMp4Track, 1);
    track->kind = kind;
    track->timescale = timescale;
    track->entries = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
    track->durations = g_array_new(FALSE, FALSE, sizeof(CutMp4Run));
    track->offsets = g_array_new(FALSE, FALSE, sizeof(CutMp4Run));
    track->sizes = g_array_new(FALSE, FALSE, sizeof(guint32));
    track->syncs = kind == CUT_MP4_VIDEO ? g_array_new(FALSE, FALSE, sizeof(guint32)) : NULL;
    track->chunks = g_array_new(FALSE, FALSE, sizeof(CutMp4Chunk));
    track->edits = g_array_new(FALSE, FALSE, sizeof(CutMp4Edit));
    g_ptr_array_add(mp4->tracks, track);
    return track;
}

void cut_mp4_add_chapter(CutMp4 *mp4, gint64 time, const char *title)
{
    CutMp4Chapter chapter = {.time = time, .title = g_strdup(title)};
    g_array_append_val(mp4->chapters, chapter);
}

void cut_mp4_add_run(GArray *runs, guint32 n, gint32 value)
{
    CutMp4Run *last = runs->len > 0 ? &g_array_index(runs, CutMp4Run, runs->len - 1) : NULL;
    if (last != NULL && last->value == value) {
        last->count += n;
        return;
    }
    CutMp4Run run = {.count = n, .value = value};
    g_array_append_val(runs, run);
}

// ---- boxes of their own

void cut_mp4_write_free(guint8 *out, guint32 size)
{
    guint32 bytes = GUINT32_TO_BE(size);
    memcpy(out, &bytes, sizeof bytes);
    memcpy(out + 4, "free", 4);
}

void cut_mp4_write_data(guint8 *out, guint64 size)
{
    guint64 bytes = GUINT64_TO_BE(size);
    memcpy(out, "\0\0\0\1mdat", 8); // its size comes behind its type
    memcpy(out + 8, &bytes, sizeof bytes);
}

// ---- tables

static void put_runs(GByteArray *out, const char *type, const GArray *runs)
{
    guint at = cut_box_begin_full(out, type, 0, 0);
    cut_box_put_32(out, runs->len);
    guint old = out->len;
    g_byte_array_set_size(out, old + runs->len * 2 * (guint) sizeof(guint32));
    for (guint i = 0; i < runs->len; i++) {
        const CutMp4Run *run = &g_array_index(runs, CutMp4Run, i);
        const guint32 values[] = {GUINT32_TO_BE(run->count), GUINT32_TO_BE((guint32) run->value)};
        memcpy(out->data + old + i * sizeof values, values, sizeof values);
    }
    cut_box_end(out, at);
}

static void put_numbers(GByteArray *out, const GArray *numbers)
{
    guint old = out->len;
    g_byte_array_set_size(out, old + numbers->len * (guint) sizeof(guint32));
    for (guint i = 0; i < numbers->len; i++) {
        guint32 value = GUINT32_TO_BE(g_array_index(numbers, guint32, i));
        memcpy(out->data + old + i * sizeof value, &value, sizeof value);
    }
}

static void put_chunks(GByteArray *out, const GArray *chunks)
{
    guint at = cut_box_begin_full(out, "stsc", 0, 0), n = 0, count = out->len;
    gboolean is_long = FALSE;
    cut_box_put_32(out, 0);
    for (guint i = 0; i < chunks->len; i++) {
        const CutMp4Chunk *chunk = &g_array_index(chunks, CutMp4Chunk, i);
        is_long = is_long || chunk->offset > G_MAXUINT32;
        if (i > 0 && chunk[-1].n_samples == chunk->n_samples && chunk[-1].entry == chunk->entry)
            continue;
        cut_box_put_32(out, i + 1);
        cut_box_put_32(out, chunk->n_samples);
        cut_box_put_32(out, chunk->entry + 1);
        n++;
    }
    guint32 bytes = GUINT32_TO_BE(n);
    memcpy(out->data + count, &bytes, sizeof bytes);
    cut_box_end(out, at);
    at = cut_box_begin_full(out, is_long ? "co64" : "stco", 0, 0);
    cut_box_put_32(out, chunks->len);
    for (guint i = 0; i < chunks->len; i++) {
        gint64 offset = g_array_index(chunks, CutMp4Chunk, i).offset;
        if (is_long)
            cut_box_put_64(out, (guint64) offset);
        else
            cut_box_put_32(out, (guint32) offset);
    }
    cut_box_end(out, at);
}

static void put_samples(GByteArray *out, const CutMp4Track *track)
{
    guint table = cut_box_begin(out, "stbl");
    guint at = cut_box_begin_full(out, "stsd", 0, 0);
    cut_box_put_32(out, track->entries->len);
    for (guint i = 0; i < track->entries->len; i++)
        cut_box_put_bytes(out, g_ptr_array_index(track->entries, i));
    cut_box_end(out, at);
    put_runs(out, "stts", track->durations);
    if (track->syncs != NULL && track->syncs->len < track->sizes->len) {
        at = cut_box_begin_full(out, "stss", 0, 0);
        cut_box_put_32(out, track->syncs->len);
        put_numbers(out, track->syncs);
        cut_box_end(out, at);
    }
    if (track->offsets->len > 0)
        put_runs(out, "ctts", track->offsets);
    at = cut_box_begin_full(out, "stsz", 0, 0);
    cut_box_put_32(out, 0); // they differ
    cut_box_put_32(out, track->sizes->len);
    put_numbers(out, track->sizes);
    cut_box_end(out, at);
    put_chunks(out, track->chunks);
    cut_box_end(out, table);
}

// ---- tracks

static const char *handler_of(CutMp4Kind kind)
{
    return kind == CUT_MP4_VIDEO ? "vide" : kind == CUT_MP4_SOUND ? "soun" : "tmcd";
}

static void put_handler(GByteArray *out, const char *component, const char *type, const char *name, gboolean is_pascal)
{
    guint at = cut_box_begin_full(out, "hdlr", 0, 0);
    if (component != NULL)
        cut_box_put_text(out, component);
    else
        cut_box_put_zeros(out, 4);
    cut_box_put_text(out, type);
    cut_box_put_zeros(out, 12);
    // QuickTime's strings begin with their length, those of ISO end with a zero.
    if (is_pascal)
        cut_box_put_8(out, (guint) strlen(name));
    cut_box_put_text(out, name);
    if (!is_pascal)
        cut_box_put_8(out, 0);
    cut_box_end(out, at);
}

// QuickTime's base media information, with how a timecode is to be drawn.
static void put_gmhd(GByteArray *out)
{
    guint box = cut_box_begin(out, "gmhd");
    guint at = cut_box_begin_full(out, "gmin", 0, 0);
    cut_box_put_16(out, 0x40); // graphics mode: dither copy
    cut_box_put_16(out, 0x8000);
    cut_box_put_16(out, 0x8000);
    cut_box_put_16(out, 0x8000);
    cut_box_put_32(out, 0);
    cut_box_end(out, at);
    guint timecode = cut_box_begin(out, "tmcd");
    at = cut_box_begin_full(out, "tcmi", 0, 0);
    cut_box_put_16(out, 0); // font
    cut_box_put_16(out, 0); // face
    cut_box_put_16(out, 12); // size
    cut_box_put_16(out, 0);
    cut_box_put_zeros(out, 6); // colour
    cut_box_put_16(out, 0xFFFF); // background
    cut_box_put_16(out, 0xFFFF);
    cut_box_put_16(out, 0xFFFF);
    cut_box_put_8(out, 7);
    cut_box_put_text(out, "Courier");
    cut_box_end(out, at);
    cut_box_end(out, timecode);
    cut_box_end(out, box);
}

static void put_media_header(GByteArray *out, const CutMp4 *mp4, const CutMp4Track *track)
{
    guint at;
    switch (track->kind) {
    case CUT_MP4_VIDEO:
        at = cut_box_begin_full(out, "vmhd", 0, 1);
        cut_box_put_zeros(out, 8);
        cut_box_end(out, at);
        break;
    case CUT_MP4_SOUND:
        at = cut_box_begin_full(out, "smhd", 0, 0);
        cut_box_put_zeros(out, 4);
        cut_box_end(out, at);
        break;
    case CUT_MP4_TIMECODE:
        if (mp4->is_quicktime) {
            put_gmhd(out);
        } else {
            at = cut_box_begin_full(out, "nmhd", 0, 0);
            cut_box_end(out, at);
        }
        break;
    }
    if (mp4->is_quicktime)
        put_handler(out, "dhlr", "alis", "Data", TRUE);
    guint info = cut_box_begin(out, "dinf");
    at = cut_box_begin_full(out, "dref", 0, 0);
    cut_box_put_32(out, 1);
    guint reference = cut_box_begin_full(out, "url ", 0, 1); // in this file
    cut_box_end(out, reference);
    cut_box_end(out, at);
    cut_box_end(out, info);
}

static guint64 seconds_since_1904(gint64 time)
{
    return (guint64) (time / SEGMENT_SECOND + EPOCH);
}

// Creation and modification time, a number between those and the duration, and the duration. 64-bit where needed.
static void put_times(GByteArray *out, guint at, const CutMp4 *mp4, guint32 number, gint64 duration, gboolean is_track)
{
    guint64 time = seconds_since_1904(mp4->created);
    gboolean is_long = time > G_MAXUINT32 || duration > G_MAXUINT32;
    out->data[at + 8] = is_long ? 1 : 0;
    if (is_long) {
        cut_box_put_64(out, time);
        cut_box_put_64(out, time);
    } else {
        cut_box_put_32(out, (guint32) time);
        cut_box_put_32(out, (guint32) time);
    }
    cut_box_put_32(out, number);
    if (is_track)
        cut_box_put_32(out, 0);
    if (is_long)
        cut_box_put_64(out, (guint64) duration);
    else
        cut_box_put_32(out, (guint32) duration);
}

static void put_matrix(GByteArray *out)
{
    static const guint32 identity[] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};
    for (guint i = 0; i < G_N_ELEMENTS(identity); i++)
        cut_box_put_32(out, identity[i]);
}

// In the movie's timescale: of its edits, or of its samples.
static gint64 shown_duration(const CutMp4 *mp4, const CutMp4Track *track)
{
    gint64 duration = 0;
    for (guint i = 0; i < track->edits->len; i++)
        duration += g_array_index(track->edits, CutMp4Edit, i).duration;
    return track->edits->len > 0 ? duration : (gint64) ((__int128) track->duration * mp4->timescale / track->timescale);
}

static void put_track_header(GByteArray *out, const CutMp4 *mp4, const CutMp4Track *track, guint number,
                             gboolean is_first)
{
    guint32 flags = is_first ? 3 : 2; // enabled, in the movie
    guint at = cut_box_begin_full(out, "tkhd", 0, flags);
    put_times(out, at, mp4, number, shown_duration(mp4, track), TRUE);
    cut_box_put_zeros(out, 8);
    cut_box_put_16(out, 0); // layer
    cut_box_put_16(out, track->kind == CUT_MP4_SOUND ? 1 : 0); // alternate group: one of these is played
    cut_box_put_16(out, track->kind == CUT_MP4_SOUND ? 0x0100 : 0); // volume
    cut_box_put_16(out, 0);
    put_matrix(out);
    cut_box_put_32(out, track->width << 16);
    cut_box_put_32(out, track->height << 16);
    cut_box_end(out, at);
}

static void put_edits(GByteArray *out, const CutMp4Track *track)
{
    if (track->edits->len == 0)
        return;
    gboolean is_long = FALSE;
    for (guint i = 0; i < track->edits->len; i++) {
        const CutMp4Edit *edit = &g_array_index(track->edits, CutMp4Edit, i);
        is_long = is_long || edit->duration > G_MAXUINT32 || edit->media_time > G_MAXINT32;
    }
    guint box = cut_box_begin(out, "edts");
    guint at = cut_box_begin_full(out, "elst", is_long ? 1 : 0, 0);
    cut_box_put_32(out, track->edits->len);
    for (guint i = 0; i < track->edits->len; i++) {
        const CutMp4Edit *edit = &g_array_index(track->edits, CutMp4Edit, i);
        if (is_long) {
            cut_box_put_64(out, (guint64) edit->duration);
            cut_box_put_64(out, (guint64) edit->media_time);
        } else {
            cut_box_put_32(out, (guint32) edit->duration);
            cut_box_put_32(out, (guint32) edit->media_time);
        }
        cut_box_put_32(out, 1 << 16); // at normal speed
    }
    cut_box_end(out, at);
    cut_box_end(out, box);
}

// The pictures' timecode is in the track NUMBER.
static void put_reference(GByteArray *out, const char *type, guint number)
{
    guint box = cut_box_begin(out, "tref");
    guint at = cut_box_begin(out, type);
    cut_box_put_32(out, number);
    cut_box_end(out, at);
    cut_box_end(out, box);
}

static void put_track(GByteArray *out, const CutMp4 *mp4, guint i)
{
    const CutMp4Track *track = g_ptr_array_index(mp4->tracks, i);
    gboolean is_first = TRUE;
    for (guint k = 0; k < i; k++)
        is_first = is_first && ((const CutMp4Track *) g_ptr_array_index(mp4->tracks, k))->kind != track->kind;
    guint box = cut_box_begin(out, "trak");
    put_track_header(out, mp4, track, i + 1, is_first);
    put_edits(out, track);
    for (guint k = 0; k < mp4->tracks->len && track->kind == CUT_MP4_VIDEO; k++) {
        if (((const CutMp4Track *) g_ptr_array_index(mp4->tracks, k))->kind == CUT_MP4_TIMECODE)
            put_reference(out, "tmcd", k + 1);
    }
    guint media = cut_box_begin(out, "mdia");
    guint at = cut_box_begin_full(out, "mdhd", 0, 0);
    put_times(out, at, mp4, track->timescale, track->duration, FALSE);
    cut_box_put_16(out, 0x55C4); // language: "und"
    cut_box_put_16(out, 0);
    cut_box_end(out, at);
    put_handler(out, mp4->is_quicktime ? "mhlr" : NULL, handler_of(track->kind),
                track->kind == CUT_MP4_VIDEO   ? "Video"
                : track->kind == CUT_MP4_SOUND ? "Sound"
                                               : "Timecode",
                mp4->is_quicktime);
    guint info = cut_box_begin(out, "minf");
    put_media_header(out, mp4, track);
    put_samples(out, track);
    cut_box_end(out, info);
    cut_box_end(out, media);
    cut_box_end(out, box);
}

// ---- the movie

static void put_brands(GByteArray *out, const CutMp4 *mp4)
{
    guint at = cut_box_begin(out, "ftyp");
    cut_box_put_text(out, mp4->is_quicktime ? "qt  " : "isom");
    cut_box_put_32(out, 0x200);
    cut_box_put_text(out, mp4->is_quicktime ? "qt  " : "isomiso2avc1mp41");
    cut_box_end(out, at);
}

static void put_movie_header(GByteArray *out, const CutMp4 *mp4)
{
    gint64 duration = 0;
    for (guint i = 0; i < mp4->tracks->len; i++)
        duration = MAX(duration, shown_duration(mp4, g_ptr_array_index(mp4->tracks, i)));
    guint at = cut_box_begin_full(out, "mvhd", 0, 0);
    put_times(out, at, mp4, mp4->timescale, duration, FALSE);
    cut_box_put_32(out, 1 << 16); // rate
    cut_box_put_16(out, 1 << 8); // volume
    cut_box_put_zeros(out, 10);
    put_matrix(out);
    cut_box_put_zeros(out, 24);
    cut_box_put_32(out, mp4->tracks->len + 1); // next track
    cut_box_end(out, at);
}

// As iTunes has it (Apple's metadata), and QuickTime.
static void put_title(GByteArray *out, const CutMp4 *mp4)
{
    guint at;
    if (mp4->is_quicktime) {
        at = cut_box_begin(out, "\251nam");
        cut_box_put_16(out, (guint) strlen(mp4->title));
        cut_box_put_16(out, 0x55C4); // "und"
        cut_box_put_text(out, mp4->title);
        cut_box_end(out, at);
        return;
    }
    guint meta = cut_box_begin_full(out, "meta", 0, 0);
    put_handler(out, NULL, "mdir", "", FALSE);
    guint list = cut_box_begin(out, "ilst");
    guint name = cut_box_begin(out, "\251nam");
    at = cut_box_begin(out, "data");
    cut_box_put_32(out, 1); // UTF-8
    cut_box_put_32(out, 0);
    cut_box_put_text(out, mp4->title);
    cut_box_end(out, at);
    cut_box_end(out, name);
    cut_box_end(out, list);
    cut_box_end(out, meta);
}

// Nero's chapters, in units of 100 ns, which ffmpeg, VLC and mpv read.
static void put_chapters(GByteArray *out, const CutMp4 *mp4)
{
    guint n = MIN(mp4->chapters->len, MAX_CHAPTERS);
    if (n == 0)
        return;
    guint at = cut_box_begin_full(out, "chpl", 1, 0);
    cut_box_put_32(out, 0);
    cut_box_put_8(out, n);
    for (guint i = 0; i < n; i++) {
        const CutMp4Chapter *chapter = &g_array_index(mp4->chapters, CutMp4Chapter, i);
        cut_box_put_64(out, (guint64) ((__int128) chapter->time * 10000000 / mp4->timescale));
        cut_box_put_8(out, (guint) strlen(chapter->title));
        cut_box_put_text(out, chapter->title);
    }
    cut_box_end(out, at);
}

GByteArray *cut_mp4_head(const CutMp4 *mp4, guint size)
{
    GByteArray *out = g_byte_array_sized_new(size);
    put_brands(out, mp4);
    guint movie = cut_box_begin(out, "moov");
    put_movie_header(out, mp4);
    for (guint i = 0; i < mp4->tracks->len; i++)
        put_track(out, mp4, i);
    guint user = cut_box_begin(out, "udta");
    put_title(out, mp4);
    put_chapters(out, mp4);
    cut_box_end(out, user);
    cut_box_end(out, movie);
    return out;
}
