// SPDX-License-Identifier: MIT
// What an MP4 file says of the pictures and frames of sound that are in a segment: their sizes, stamps, and where one
// can begin; and their bytes, in the form in which MP4 has them (ISO/IEC 14496-15 5.3: NAL units behind their lengths,
// without access unit delimiters, parameter sets and filler; AAC without its ADTS headers).
#ifndef CUT_SAMPLES_H
#define CUT_SAMPLES_H

#include <glib.h>

#define CUT_SAMPLE_TRACKS 8 // of sound

typedef struct {
    gint64 pts, dts; // 90 kHz; they go on over a wrap
    guint32 size; // bytes
    gboolean is_sync; // all after it is known from it on
} CutPictureSample;

typedef struct {
    gint64 pts; // 90 kHz
    guint32 size; // bytes
} CutSoundSample;

typedef struct {
    guint16 pid;
    guint16 config; // the AudioSpecificConfig, ISO/IEC 14496-3 1.6.2.1
    guint32 rate; // samples a second
    GArray *frames; // CutSoundSample
    gint64 size; // bytes of all
} CutSampleTrack;

// Why it cannot be in an MP4 file; 0: it can.
typedef enum {
    CUT_SAMPLES_OK,
    CUT_SAMPLES_VIDEO, // pictures that are not H.264
    CUT_SAMPLES_SOUND, // sound that is not AAC of one frame at a time, or more tracks than there may be
    CUT_SAMPLES_SETS, // a parameter set changes within the segment
} CutSamplesFault;

typedef struct {
    CutSamplesFault fault;
    guint16 video_pid; // 0: no pictures
    GArray *pictures; // CutPictureSample, in the order of decoding
    gint64 picture_size; // bytes of all
    guint n_sync;
    GPtrArray *sets; // GBytes: parameter sets, each once, as they come
    guint n_tracks;
    CutSampleTrack tracks[CUT_SAMPLE_TRACKS];
} CutSamples;

CutSamples *cut_samples_new(void);
void cut_samples_free(CutSamples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CutSamples, cut_samples_free)
void cut_samples_clear(CutSamples *samples); // of all that is in them

// Bytes of all samples: first the pictures, then track by track.
gint64 cut_samples_size(const CutSamples *samples);

// A few bytes for each sample; free them. Reading them back into SAMPLES: FALSE where they are nothing of the kind.
GBytes *cut_samples_pack(const CutSamples *samples);
gboolean cut_samples_unpack(CutSamples *samples, GBytes *packed);

// Reads the SIZE bytes of a segment, or an edge, at DATA. Never fails: what makes no sense is left out.
void cut_samples_scan(CutSamples *samples, const guint8 *data, gsize size);

// Writes what SAMPLES, which were read from these SIZE bytes at DATA, are of: cut_samples_size() bytes. FALSE where
// they were not read from these.
gboolean cut_samples_write(const CutSamples *samples, const guint8 *data, gsize size, guint8 *out);

#endif
