// SPDX-License-Identifier: MIT
// The head of an MP4 or QuickTime file: ftyp and moov (ISO/IEC 14496-12; 14496-14 and 14496-15 for what tracks hold;
// QuickTime File Format for timecode and titles).
#ifndef CUT_MP4_H
#define CUT_MP4_H

#include <glib.h>

typedef enum { CUT_MP4_VIDEO, CUT_MP4_SOUND, CUT_MP4_TIMECODE } CutMp4Kind;

typedef struct {
    guint32 count;
    gint32 value;
} CutMp4Run; // of samples that are alike

typedef struct {
    gint64 offset; // in the file
    guint32 n_samples;
    guint32 entry; // index of the sample entry
} CutMp4Chunk;

typedef struct {
    gint64 duration; // in the movie's timescale
    gint64 media_time; // in the track's; -1: nothing is shown
} CutMp4Edit;

typedef struct {
    CutMp4Kind kind;
    guint32 timescale; // units a second
    gint64 duration; // of its samples, in these
    GPtrArray *entries; // GBytes: sample entries, as they are in stsd
    GArray *durations; // CutMp4Run
    GArray *offsets; // CutMp4Run: from decoding to showing; none: they are all 0
    GArray *sizes; // guint32, bytes
    GArray *syncs; // guint32: numbers of samples, from 1; NULL: all are
    GArray *chunks; // CutMp4Chunk
    GArray *edits; // CutMp4Edit; none: the track is shown as it is
    guint32 width, height; // pixels, as they are shown
} CutMp4Track;

typedef struct {
    gint64 time; // from the beginning, in the movie's timescale
    char *title;
} CutMp4Chapter;

typedef struct {
    gboolean is_quicktime;
    guint32 timescale;
    gint64 created; // microseconds since 1970
    char *title;
    GPtrArray *tracks; // CutMp4Track
    GArray *chapters; // CutMp4Chapter
} CutMp4;

CutMp4 *cut_mp4_new(gboolean is_quicktime, guint32 timescale);
void cut_mp4_free(CutMp4 *mp4);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutMp4, cut_mp4_free)

CutMp4Track *cut_mp4_add_track(CutMp4 *mp4, CutMp4Kind kind, guint32 timescale);
void cut_mp4_add_chapter(CutMp4 *mp4, gint64 time, const char *title); // copies the title

// N more samples of VALUE; lengthens the last run where it can.
void cut_mp4_add_run(GArray *runs, guint32 n, gint32 value);

typedef struct {
    guint32 width, height; // of the coded picture, cropped
    guint16 sar_width, sar_height; // of a pixel
    guint16 primaries, transfer, matrix; // ISO/IEC 23091-2; 2: not said
    gboolean is_full_range;
    guint8 chroma_format, luma_depth, chroma_depth; // ITU-T H.264 7.4.2.1.1; depths in bits
    const GPtrArray *sets; // GBytes: SPS and PPS, the first SPS in front
} CutMp4Picture;

// Sample entries: "avc1", "mp4a" (of a two-byte AudioSpecificConfig), "tmcd". Free them.
GBytes *cut_mp4_video_entry(const CutMp4Picture *picture, gboolean is_quicktime);
GBytes *cut_mp4_sound_entry(guint16 config, guint32 rate, gboolean is_quicktime);
GBytes *cut_mp4_timecode_entry(guint32 timescale, guint32 duration, guint fps, gboolean drops);

// Both boxes. 64-bit offsets are used where a chunk needs them. It will have about SIZE bytes.
GByteArray *cut_mp4_head(const CutMp4 *mp4, guint size);

// What a box of SIZE bytes of free space begins with, 8 bytes; and the head of an mdat box, 16.
#define CUT_MP4_FREE_HEAD 8
#define CUT_MP4_DATA_HEAD 16
void cut_mp4_write_free(guint8 *out, guint32 size);
void cut_mp4_write_data(guint8 *out, guint64 size);

// The most bytes that the boxes can have beside those of samples, chunks and sample entries.
#define CUT_MP4_FIXED 4096
#define CUT_MP4_FIXED_TRACK 1024

#endif
